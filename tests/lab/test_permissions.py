"""A role with the printed policy reads an account that enforces policies; without one action, that alone is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checker.collect.account import DRIFT, Reader, Reading, Target
from checker.collect.account.permissions import policy
from checker.lab import server
from checker.lab.clients import KEY, Clients

pytestmark = pytest.mark.xdist_group("permissions")
ROOT = {"AWS": "arn:aws:iam::111111111111:root"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": ROOT, "Action": "sts:AssumeRole"}],
}
TAKEN = ("ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "s3:GetEncryptionConfiguration",
         "sqs:GetQueueAttributes", "ecs:DescribeClusters")  # fmt: skip


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """An emulated account that refuses what is not allowed, with something of a few services in it."""
    lab = server.start(tmp_path_factory.mktemp("lab"), account="111111111111", region="us-west-2", enforce=True)
    try:
        made = Clients(lab)
        made("ecs").create_cluster(clusterName="shop")
        made("ecr").create_repository(repositoryName="shop")
        made("s3").create_bucket(Bucket="shop", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        made("sqs").create_queue(QueueName="shop")
        made("sns").create_topic(Name="shop")
        yield made
    finally:
        server.stop(lab)


def read_as(strict: Clients, monkeypatch: pytest.MonkeyPatch, name: str, document: Any) -> Reading:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    role = strict("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    strict("iam").put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=json.dumps(document))
    target = Target(region="us-west-2", endpoint_url=strict.lab.endpoint, role_arn=role)
    return Reader(target, DRIFT).read()


def denied(reading: Reading) -> set[str]:
    return {each.operation.action for each in reading.calls if "denied" in each.outcome}


def test_the_policy_is_enough(strict: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = read_as(strict, monkeypatch, "whole", policy())
    assert denied(reading) == set()
    assert {each.type for each in reading.snapshot.resources} >= {"AWS::ECR::Repository", "AWS::S3::Bucket"}


@pytest.mark.parametrize("action", TAKEN)
def test_what_is_taken_from_it_is_what_is_missing(
    strict: Clients, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    document = policy()
    for statement in document["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != action]
    reading = read_as(strict, monkeypatch, action.replace(":", "-"), document)
    assert denied(reading) == {action}
    needs = {each.needs for each in reading.snapshot.unread if each.needs}
    told = [why for each in reading.snapshot.resources for why in each.unread.values() if action in why]
    assert needs <= {action}
    assert needs or told


def test_it_fits_into_one_managed_policy() -> None:
    assert len(json.dumps(policy(), separators=(",", ":"))) <= 6144


def test_nothing_is_read_without_it(strict: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    reading = read_as(strict, monkeypatch, "nothing", nothing)
    # The lab's own supplement answers whoever asks.
    assert {each.type for each in reading.snapshot.resources} <= {"AWS::ECR::RegistryScanningConfiguration"}
    outcomes = {each.outcome.partition(" (an explicit deny")[0] for each in reading.calls}
    assert outcomes <= {"ok", "access denied", "not supported here (InvalidAction)"}
