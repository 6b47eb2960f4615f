"""GitHub's expressions: a table of values, and what no text may do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.possible import OneOf, shown
from checker.model.values import Text, Unknown
from checker.resolve.expressions.evaluation import evaluate, interpolate
from checker.resolve.expressions.syntax import split
from checker.resolve.expressions.values import Data, Open, Partial, scalar
from tests.pipelines import load

CONTEXTS: dict[str, Data] = {
    "github": Partial({"event_name": OneOf(("push", "release")), "ref": "refs/heads/main"}, Open("github")),
    "inputs": {"env": "production", "flag": True},
    "secrets": Open("secrets"),
    "matrix": {"region": OneOf(("eu", "us"))},
}


@pytest.mark.parametrize(("source", "expected"), load(Path(__file__).with_name("expressions.yaml")))
def test_value(source: str, expected: Any) -> None:
    value = scalar(evaluate(source, CONTEXTS))
    if expected == "unknown":
        assert isinstance(value, Unknown)
    elif isinstance(expected, dict) and "open" in expected:
        assert isinstance(value, Text)
        assert str(value) == expected["open"]
    elif isinstance(expected, dict):
        assert isinstance(value, OneOf)
        assert {shown(option) for option in value.options} == {shown(option) for option in expected["one of"]}
    else:
        assert value == expected
        assert type(value) is type(expected)


def test_interpolation_keeps_types_only_of_a_lone_expression() -> None:
    assert interpolate("${{ inputs.flag }}", CONTEXTS) is True
    assert interpolate("is ${{ inputs.flag }}", CONTEXTS) == "is true"
    assert interpolate("a ${{ '}}' }} b", CONTEXTS) == "a }} b"
    assert interpolate("${{ open", CONTEXTS) == "${{ open"
    assert str(interpolate("role/${{ secrets.R }}/x", CONTEXTS)) == "role/${{ secrets.R }}/x"


@given(st.text(max_size=200))
def test_no_text_breaks_the_evaluator(source: str) -> None:
    scalar(evaluate(source, CONTEXTS))
    interpolate(source, CONTEXTS)


@given(st.text(max_size=200))
def test_splitting_loses_nothing(template: str) -> None:
    assert "".join(f"${{{{{part}}}}}" if is_code else part for part, is_code in split(template)) == template


TOKENS = st.sampled_from(
    [
        "(",
        ")",
        "[",
        "]",
        ".",
        ",",
        "!",
        "&&",
        "||",
        "==",
        "<",
        "'a'",
        "1",
        "github",
        "inputs.env",
        "format",
        "fromJSON",
        "*",
    ]
)


@given(st.lists(TOKENS, max_size=30))
def test_no_order_of_tokens_breaks_the_evaluator(tokens: list[str]) -> None:
    scalar(evaluate(" ".join(tokens), CONTEXTS))


@given(st.recursive(st.none() | st.booleans() | st.integers(-100, 100) | st.text(max_size=5), st.lists))
def test_json_there_and_back(value: Any) -> None:
    written = json.dumps(value).replace("'", "''")
    back = evaluate(f"toJSON(fromJSON('{written}'))", CONTEXTS)
    assert isinstance(back, str)
    assert json.loads(back) == value


def test_nesting_is_bounded() -> None:
    assert isinstance(evaluate("(" * 5000 + "1" + ")" * 5000, CONTEXTS), Unknown)
    assert isinstance(evaluate("!" * 5000 + "1", CONTEXTS), Unknown)
    assert isinstance(evaluate("1" * 50_000, CONTEXTS), Unknown)
