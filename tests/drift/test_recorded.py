"""What real resources read as: no drift where there is none, all of it where there is, and every change seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.data.type_facts import covers, facts_of
from checker.drift.meaning.policies import as_policy, is_policy
from checker.drift.meaning.scalars import is_neutral
from checker.model.live.drift import IN_ACCOUNT, ResourceDrift
from tests.drift import recorded
from tests.drift.support import compare

FILES = recorded.files()
# Where the recorder and this comparison differ, by logical id, and who is right.
DIFFERENT: Mapping[str, str] = {}
# Changed values that are not told, by resource type and path, each with the reason.
NOT_TOLD = Path(__file__).parent / "not_told.yaml"


@pytest.fixture(autouse=True)
def _beside_the_checkout() -> None:
    if not FILES:
        pytest.skip(f"no recorded models: {recorded.WHERE} is not there")


def entry_of(folder: Path, kind: str, model: recorded.Model) -> ResourceDrift:
    found = compare(folder, recorded.template_of(kind, model), recorded.snapshot_of(kind, model, "Shop"))
    (entry,) = [each for each in found.resources if each.logical_id == model["logical_id"]]
    return entry


def told(entry: ResourceDrift) -> dict[str, set[str]]:
    said: dict[str, set[str]] = {}
    for each in entry.properties:
        said.setdefault(recorded.STATES.get(each.state.value, each.state.value), set()).add(each.path)
    return said


@pytest.mark.parametrize("file", FILES or ["none of the recorded models"])
def test_drift_is_what_the_recorder_saw(file: str, tmp_path: Path) -> None:
    kind = recorded.type_of(file)
    for model in recorded.models(file):
        if model["logical_id"] in DIFFERENT:
            continue
        expected = {state: set(paths) for state, paths in model["drift"].items()}
        assert (model["logical_id"], expected) == (model["logical_id"], told(entry_of(tmp_path, kind, model)))


def not_told(kind: str) -> set[str]:
    """The paths of a type where a change is not told, as reviewed."""
    entries = yaml.safe_load(NOT_TOLD.read_text(encoding="utf-8"))
    return {path for each in entries for path in each["of"].get(kind, ())}


@pytest.mark.parametrize("file", FILES or ["none of the recorded models"])
def test_every_changed_value_is_seen(file: str, tmp_path: Path) -> None:
    """One value changed: exactly that property is reported, but for the paths that the reviewed list gives."""
    kind = recorded.type_of(file)
    missed: set[str] = set()
    for model in recorded.models(file):
        before = in_account(entry_of(tmp_path, kind, model))
        for mutation in recorded.mutations(kind, model):
            after = in_account(entry_of(tmp_path, kind, mutation.model))
            new = {path for path, value in after.items() if before.get(path) != value}
            # What differed before may differ otherwise, or no longer, when it is changed.
            gone = before.keys() - after.keys()
            if not new | gone or any(not is_of(path, mutation) for path in new | gone):
                missed.add(mutation.pattern)
    assert missed == not_told(kind)


# Declared, and what the service takes where a read shows nothing, or what a release owns, or what no read shows.
DEFAULTS = {
    "AWS::EC2::EIP": {"Domain"},
    "AWS::EC2::VPC": {"EnableDnsSupport", "InstanceTenancy"},
    "AWS::ECS::Service": {"DeploymentController", "TaskDefinition"},
    "AWS::ElastiCache::CacheCluster": {"AZMode"},
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {"Scheme", "Type"},
    "AWS::ElasticLoadBalancingV2::TargetGroup": {"HealthCheckIntervalSeconds", "TargetType"},
    "AWS::Events::Rule": {"State"},
    "AWS::IAM::ManagedPolicy": {"Path"},
    "AWS::Lambda::Function": {"Code", "RuntimeManagementConfig"},
    "AWS::S3::Bucket": {"BucketEncryption"},
    "AWS::SNS::Subscription": {"FilterPolicyScope"},
    "AWS::SQS::Queue": {"MessageRetentionPeriod"},
}


@pytest.mark.parametrize("file", FILES or ["none of the recorded models"])
def test_every_property_that_is_gone_is_seen(file: str, tmp_path: Path) -> None:
    """One declared property taken out of the read: it is told, but for what is there without being said."""
    kind = recorded.type_of(file)
    facts, missed = facts_of(kind), set()
    for model in recorded.models(file):
        before = {path.partition(".")[0].partition("[")[0] for path in in_account(entry_of(tmp_path, kind, model))}
        for name, value in model["declared"].items():
            hidden = covers(facts.write_only, name) or covers(facts.read_only, name) or value == "__unresolved__"
            if name not in model["live"] or name in before or hidden or is_neutral(value):
                continue
            live = {key: each for key, each in model["live"].items() if key != name}
            after = in_account(entry_of(tmp_path, kind, {**model, "live": live}))
            if name not in {path.partition(".")[0].partition("[")[0] for path in after}:
                missed.add(name)
    assert missed == DEFAULTS.get(kind, set())


def test_what_is_not_told_has_a_reason() -> None:
    entries = yaml.safe_load(NOT_TOLD.read_text(encoding="utf-8"))
    types = [recorded.type_of(file) for file in FILES]
    assert [each for each in entries if not each["why"].strip()] == []
    assert [kind for each in entries for kind in each["of"] if kind not in types] == []


def in_account(entry: ResourceDrift) -> dict[str, Any]:
    return {each.path: (each.expected, each.live, each.note) for each in entry.properties if each.state in IN_ACCOUNT}


def is_of(path: str, mutation: recorded.Mutation) -> bool:
    """Whether a path is that of the changed value: its own, or that of the policy or undeclared part it belongs to."""
    named = path.partition("[")[0]
    if named == mutation.path:
        return True
    whole = tuple(named.split("."))
    if mutation.steps[: len(whole)] != whole:
        return False
    declared = recorded.at(mutation.model["declared"], whole)
    return declared is None or is_policy(as_policy(declared))
