"""Whatever stands on the two sides: nothing crashes, and what is the same is never drift."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.data.type_facts import facts_of
from checker.drift.deploying import code_changes
from checker.drift.meaning.compare import compare_properties
from checker.drift.meaning.differences import Kind
from checker.model.values import Parameter, Text, Unknown

TYPES = (
    "AWS::EC2::SecurityGroup",
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::S3::Bucket",
    "AWS::WAFv2::WebACL",
    "No::Such::Type",
)
WORDS = (
    "Statement",
    "Effect",
    "Allow",
    "Key",
    "Value",
    "Name",
    "Tags",
    "Policies",
    "Actions",
    "TargetGroupArn",
    "Rules",
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(
        ("", "{}", "[1]", '{"Statement": []}', "arn:aws:iam::1:role/a", "a.b.", "::/0", "1.2", "*", "****")
    )
)
KEYS = st.sampled_from(WORDS) | st.text(max_size=4)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
PROPERTIES = st.dictionaries(
    st.sampled_from((*WORDS, "Environment", "SecurityGroupIngress", "DefaultActions")), JSON, max_size=4
)


@given(st.sampled_from(TYPES), PROPERTIES, PROPERTIES)
def test_nothing_crashes(kind: str, expected: dict[str, Any], live: dict[str, Any]) -> None:
    for each in compare_properties(expected, live, facts_of(kind)):
        assert each.path


@given(st.sampled_from(TYPES), PROPERTIES)
def test_what_is_the_same_is_no_drift(kind: str, properties: dict[str, Any]) -> None:
    found = compare_properties(properties, copy.deepcopy(properties), facts_of(kind))
    assert [each for each in found if each.kind in {Kind.CHANGED, Kind.ADDED}] == []
    assert code_changes(properties, copy.deepcopy(properties)) == []


@given(st.sampled_from(TYPES), PROPERTIES, st.integers())
def test_the_order_of_items_and_keys_says_nothing(kind: str, properties: dict[str, Any], seed: int) -> None:
    found = compare_properties(properties, _shuffled(properties, random.Random(seed)), facts_of(kind))
    assert [each for each in found if each.kind in {Kind.CHANGED, Kind.ADDED}] == []


def _shuffled(value: Any, by: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(key, _shuffled(each, by)) for key, each in value.items()]
        by.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return by.sample([_shuffled(each, by) for each in value], len(value))
    return value


@pytest.mark.parametrize("unknown", [Unknown("why"), Text((Parameter("P", "one"),)), "{{resolve:ssm:x}}"])
@given(st.sampled_from(TYPES), st.sampled_from(("Tags", "Policies", "Actions", "Name", "Rules")), JSON)
def test_what_is_not_known_is_never_drift(unknown: Any, kind: str, name: str, live: Any) -> None:
    found = compare_properties({name: unknown}, {name: live}, facts_of(kind))
    assert [each for each in found if each.kind is Kind.CHANGED] == []
