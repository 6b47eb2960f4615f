"""Fifty emulated accounts on a local Dask cluster, one worker killed in the middle: nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import distributed
import pytest

from checker.audit import audit_many
from checker.collect.account import Needs, read_many
from checker.collect.config.targets_file import Audited, load_targets
from checker.errors import ConfigError
from checker.lab import server
from checker.model.settings import Settings
from checker.run.request import Request

# All that these accounts hold: clients of twenty more services would only take time.
REPOSITORIES = Needs(only=frozenset({"AWS::ECR::Repository"}))
ACCOUNTS = [f"{number:012d}" for number in range(200000000001, 200000000051)]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    lab = server.start(tmp_path_factory.mktemp("accounts"), account=ACCOUNTS[0], region="us-west-2", port=0)
    try:
        for account in ACCOUNTS:
            ecr = boto3.client(
                "ecr",
                region_name="us-west-2",
                endpoint_url=lab.endpoint,
                aws_access_key_id=account,
                aws_secret_access_key="x",
            )
            ecr.create_repository(repositoryName=f"production-{account[-2:]}")
        yield lab.endpoint
    finally:
        server.stop(lab)


@pytest.fixture
def targets(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Audited, ...]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNTS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    lines = ["targets:"]
    for account in ACCOUNTS:
        lines += [
            f'  - account: "{account}"',
            "    regions: [us-west-2]",
            f"    role-arn: arn:aws:iam::{account}:role/audit",
            f"    endpoint-url: {endpoint}",
        ]
    # One whose credentials are another account's.
    lines += ['  - account: "299999999999"', "    regions: [us-west-2]", f"    endpoint-url: {endpoint}"]
    file = tmp_path / "targets.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_targets(file)


def test_a_worker_that_is_killed_loses_nothing(targets: tuple[Audited, ...], tmp_path: Path) -> None:
    dask: Any = distributed  # it has no types
    cluster = dask.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None, processes=True)
    with cluster, dask.Client(cluster) as client, client.get_executor(retries=3, pure=False) as pool:
        reads = []
        for read in read_many([each.target for each in targets], pool, REPOSITORIES):
            reads.append(read)
            if len(reads) == 5:
                process = next(iter(client.run(os.getpid).values()))
                os.kill(process, signal.SIGKILL)
    run = audit_many(Request(project=tmp_path, settings=Settings()), zip(targets, reads, strict=True))
    assert {each.split("@")[1].split("/")[0] for each in run.environments} == set(ACCOUNTS)
    assert [each.what for each in run.coverage.unread if each.what.startswith("account ")] == [
        "account 299999999999/us-west-2"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("targets: []\n", "no targets"),
        ("targets:\n  - account: 111111111111\n", "account is 111111111111"),
        ('targets:\n  - account: "111111111111"\n    region: [x]\n', "no key 'region'"),
        ('targets:\n  - account: "111111111111"\n  - account: "111111111111"\n', "stands twice"),
        ('targets:\n  - account: "111111111111"\n    regions: [us-west]\n', "'us-west' is no AWS region"),
        ('targets:\n  - account: "111111111111"\n    role-arn: audit\n', "'audit' is no role's ARN"),
        (
            'targets:\n  - account: "111111111111"\n    role-arn: arn:aws:iam::222222222222:role/audit\n',
            "is of account 222222222222",
        ),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_targets(file)
    assert said in caught.value.message
    assert "targets.yaml:" in caught.value.message
