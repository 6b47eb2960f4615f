"""What the describers ask for nowhere is known, so that no read that lacks it is taken for a change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from checker.collect.account.operations import types_served
from checker.data.type_facts import covers, facts_of
from checker.model.live.drift import PropertyState
from tests.drift.support import compare

ROOM = Path(__file__).parents[2] / "checker" / "collect" / "account"
WORDS = {word for file in ROOM.rglob("*.py") for word in re.findall(r"\w+", file.read_text(encoding="utf-8"))}
# The describers name these for another property.
NAMED_ALL_THE_SAME = {"AWS::CertificateManager::Certificate": {"DomainValidationOptions"}}


@pytest.mark.parametrize("kind", sorted(types_served()))
def test_every_property_is_asked_for_or_known_not_to_be(kind: str) -> None:
    facts = facts_of(kind)
    readable = {
        name for name in facts.properties if not covers(facts.read_only, name) and not covers(facts.write_only, name)
    }
    unnamed = {name for name in readable if name not in WORDS and f"{name[0].lower()}{name[1:]}" not in WORDS}
    assert facts.not_asked == unnamed | NAMED_ALL_THE_SAME.get(kind, set())


def test_what_is_not_asked_for_is_not_gone(tmp_path: Path) -> None:
    rules = {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    template = {"Resources": {"It": {"Type": "AWS::S3::Bucket", "Properties": {"CorsConfiguration": rules}}}}
    live = {"type": "AWS::S3::Bucket", "physical_id": "b", "logical_id": "It", "properties": {"BucketName": "b"}}
    told: list[tuple[dict[str, list[str]], PropertyState]] = [
        ({}, PropertyState.CHANGED_IN_ACCOUNT),
        ({"asked": []}, PropertyState.NOT_RETURNED),
    ]
    for facts, state in told:
        (entry,) = compare(tmp_path, template, {"resources": [live], "facts": facts}).resources
        assert [(each.path, each.state) for each in entry.properties] == [("CorsConfiguration", state)]


QUEUE = {"Resources": {"It": {"Type": "AWS::SQS::Queue"}, "Meta": {"Type": "AWS::CloudFormation::Macro"}}}


def states(folder: Path, **snapshot: Any) -> dict[str | None, str]:
    found = compare(folder, QUEUE, snapshot)
    return {each.logical_id or each.physical_id: each.state.value for each in found.resources}


def listed(*kinds: tuple[str, str]) -> dict[str, Any]:
    resources = [{"logical_id": name, "type": kind, "physical_id": f"the-{name}"} for name, kind in kinds]
    return {"name": "Shop", "template": QUEUE, "resources": resources}


def test_a_type_that_was_not_asked_for_is_not_missing(tmp_path: Path) -> None:
    """An audit needs fewer types than drift does: what it did not look for is not gone from its snapshot."""
    stacks = [listed(("It", "AWS::SQS::Queue"), ("Meta", "AWS::CloudFormation::Macro"))]
    for asked, state in ((["stacks"], "not_checked"), (["AWS::SQS::Queue"], "missing"), (["other types"], "missing")):
        found = states(tmp_path, stacks=stacks, facts={"asked": asked})
        assert found == {"It": state, "Meta": "not_checked"}, asked


def test_a_stack_that_was_not_asked_for_is_not_new(tmp_path: Path) -> None:
    asked = {"asked": ["stacks", "AWS::SQS::Queue"]}
    other = [{"name": "Other", "template": {"Resources": {}}, "resources": []}]
    queue = {"type": "AWS::SQS::Queue", "physical_id": "theirs"}
    for named, state, more in (
        ({"asked_stacks": ["Other"]}, "not_checked", {}),
        ({"asked_stacks": ["Other", "Shop"]}, "pending", {}),
        ({}, "pending", {"theirs": "unmanaged"}),
    ):
        found = states(tmp_path, stacks=other, resources=[queue], facts={**asked, **named})
        assert found == {"It": state, "Meta": state, **more}, named


def test_in_an_account_without_stacks_everything_is_new(tmp_path: Path) -> None:
    asked = {"asked": ["stacks", "AWS::SQS::Queue"]}
    assert states(tmp_path, facts=asked) == {"It": "pending", "Meta": "pending"}
    lost = [{"what": "stacks", "why": "denied"}]
    assert states(tmp_path, facts=asked, unread=lost) == {"It": "not_checked", "Meta": "not_checked"}
