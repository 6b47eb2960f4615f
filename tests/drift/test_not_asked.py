"""What the describers ask for nowhere is known, so that no read that lacks it is taken for a change."""

from __future__ import annotations

import re
from pathlib import Path

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
