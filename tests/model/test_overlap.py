"""Whether two open strings can be equal: by example, and against all strings that they can be."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.overlap import could_be_equal
from checker.model.values import (
    Generated,
    Hole,
    Parameter,
    Pseudo,
    ResourceKey,
    RunValue,
    Text,
    attribute_of,
    text,
)

A, B = Parameter("A", "one"), Parameter("B", "one")
ACCOUNT, REGION = Pseudo("AWS::AccountId"), Pseudo("AWS::Region")
MADE = Generated("${Queue}")


def _text(*parts: str | Hole) -> str | Text:
    return text(list(parts))


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (_text("jobs-", A), "jobs-dead", True),
        (_text("jobs-", A), "logs-dead", False),
        (_text("jobs-", A, "-dead"), "jobs-dead", False),  # the dash is there once
        (_text("jobs-", A), _text("jobs-", A, "-dead"), False),
        (_text("jobs-", A), _text("jobs-", B, "-dead"), True),
        (_text(A, "-x"), _text(B, "-y-x"), True),
        (_text(A, "-x"), _text(B, "-y"), False),
        (_text(A, "/one/", B), "a/two/b", False),
        (_text("logs-", ACCOUNT), "logs-123456789012", True),
        (_text("logs-", ACCOUNT), "logs-production", False),  # a number it is
        (_text("logs-", ACCOUNT), _text("logs-", A), True),
        (_text("queue-", MADE), "queue-a/b", False),
        (_text("x-", REGION), _text(REGION, "-x"), True),
        (_text(A), "", True),
        (_text(ACCOUNT), "", False),
        (_text(RunValue("${GITHUB_SHA}")), "", False),  # every run has one
        (_text(RunValue("${{ github.sha }}"), A), _text(A), False),
        (_text(RunValue("${TAG}")), "", True),
        (_text(attribute_of(ResourceKey("one", "Bucket"))), "", False),
        (_text(attribute_of(ResourceKey("one", "Made"), "Value")), "", True),
        ("{{resolve:ssm:name}}", "anything", True),
        (_text(A, "-x"), "{{resolve:ssm:name}}", True),
    ],
)
def test_by_example(one: str | Text, other: str | Text, answer: bool) -> None:
    assert could_be_equal(one, other) is answer
    assert could_be_equal(other, one) is answer


def test_case_is_ignored_where_it_is_told_to() -> None:
    tag = _text("Refs/Tags/", RunValue("${{ github.ref_name }}"))
    assert not could_be_equal(tag, "refs/tags/v1")
    assert could_be_equal(tag, "refs/tags/v1", fold=True)


_PARTS = st.lists(st.sampled_from(["a", "b", "ab", A, B]), max_size=4)
_VALUES = ["".join(each) for size in range(4) for each in itertools.product("ab", repeat=size)]


def _filled(parts: list[str | Hole], values: dict[Hole, str]) -> str:
    return "".join(values[part] if isinstance(part, Hole) else part for part in parts)


@given(_PARTS, _PARTS)
def test_no_is_said_of_none_that_can_be_equal(one: list[str | Hole], other: list[str | Hole]) -> None:
    holes: tuple[Hole, ...] = (A, B)
    fillings = [dict(zip(holes, each, strict=True)) for each in itertools.product(_VALUES, repeat=2)]
    if any(_filled(one, values) == _filled(other, values) for values in fillings):
        assert could_be_equal(text(one), text(other))
