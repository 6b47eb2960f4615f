"""The lab read as an account: everything of the stacks is found, given to them, and told in CloudFormation's shapes."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from checker.collect.account import AUDIT, DRIFT, PREFLIGHT, Reader, Reading, Target
from checker.collect.account.needs import Needs
from checker.collect.snapshots import parse, render
from checker.lab.clients import KEY, Clients
from infra import naming
from tests.collect.account.support import faults

pytestmark = pytest.mark.xdist_group("lab")
PRODUCTION = (naming.PRODUCTION_STACK, naming.SHARED_STACK)
# What the lab answers no call about.
LACKS = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::ECR::RegistryScanningConfiguration",
    "AWS::ElasticLoadBalancingV2::ListenerCertificate",
}
# Types of the stacks behind which nothing stands that could be read.
NOTHING_TO_READ = {"AWS::SecretsManager::SecretTargetAttachment"}


@pytest.fixture
def reader(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    return Reader(Target(region=clients.lab.region, endpoint_url=clients.lab.endpoint, stacks=PRODUCTION))


def reading(reader: Reader, needs: Needs, stacks: tuple[str, ...] | None = PRODUCTION) -> Reading:
    return Reader(replace(reader.target, stacks=stacks), needs).read()


def test_drift_sees_every_resource_of_the_stacks(reader: Reader) -> None:
    snapshot = reading(reader, DRIFT).snapshot
    assert {each.what for each in snapshot.unread if each.what.startswith("AWS::")} <= LACKS
    found = {(each.stack, each.logical_id) for each in snapshot.resources}
    members = {(stack.name, each.logical_id): each.type for stack in snapshot.stacks for each in stack.resources}
    missing = {kind for key, kind in members.items() if key not in found}
    assert missing <= NOTHING_TO_READ
    twice = [key for key, count in Counter(each for each in found if each[1]).items() if count > 1]
    assert twice == []


def test_its_properties_are_those_of_the_registry(reader: Reader) -> None:
    snapshot = reading(reader, DRIFT).snapshot
    wrong = [fault for each in snapshot.resources for fault in faults(each)]
    # The lab keeps a web ACL as the template has it, and answers with that form's names, which no client reads.
    assert [each for each in wrong if "IPSetReferenceStatement: 'Arn'" not in each] == []


def test_an_audit_of_one_environment_takes_few_calls(reader: Reader) -> None:
    alone = reading(reader, AUDIT, (naming.PRODUCTION_STACK,))
    assert len(alone.calls) <= 61  # one for the one subscription
    shared = reading(reader, AUDIT)
    # With the shared stack come its own three calls, and two for each of its repositories.
    assert len(shared.calls) <= 76
    assert {each.what for each in shared.snapshot.unread} <= LACKS


def test_what_a_comparison_will_take_is_said_before(reader: Reader) -> None:
    found = reading(reader, DRIFT)
    stacks = found.snapshot.stacks
    kinds = Counter(each.type for stack in stacks for each in stack.resources)
    planned = Reader(reader.target, DRIFT).plan({**kinds, "stack": len(stacks)}).calls
    assert abs(planned - len(found.calls)) <= len(found.calls) // 4


def test_a_preflight_takes_fewer(reader: Reader) -> None:
    found = reading(reader, PREFLIGHT, (naming.PRODUCTION_STACK,))
    assert len(found.calls) <= 20
    assert found.snapshot.unread == ()
    assert {each.type for each in found.snapshot.resources} >= {"AWS::ECS::Service", "AWS::CloudWatch::Alarm"}


def test_running_tasks_and_images_are_facts(reader: Reader) -> None:
    facts = reading(reader, AUDIT).snapshot.facts
    assert {service["serviceName"] for service in facts["deployments"]} == set(naming.SERVICES)
    assert all(task["containers"][0]["image"] for task in facts["tasks"])
    assert all(image["digest"] for images in facts["images"].values() for image in images)
    assert set(facts["alarms"]) >= {
        each.physical_id
        for stack in reading(reader, PREFLIGHT).snapshot.stacks
        for each in stack.resources
        if each.type == "AWS::CloudWatch::Alarm"
    }


def test_a_snapshot_is_read_back_as_it_was(reader: Reader) -> None:
    snapshot = reading(reader, AUDIT).snapshot
    assert parse(render(snapshot)) == snapshot
    again = reading(reader, AUDIT).snapshot
    assert render(replace(again, taken_at="")) == render(replace(snapshot, taken_at=""))
