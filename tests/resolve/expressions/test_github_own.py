"""The values of expressions, beside what GitHub's own library makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from checker.resolve.expressions.evaluation import evaluate
from tests.pipelines import load
from tests.resolve.expressions.github_own import CONTEXTS, difference, told_by_github

EXPRESSIONS: Final = [str(each) for each in load(Path(__file__).with_name("github_own.yaml"))]


def test_values_are_those_of_githubs_own_library() -> None:
    told = told_by_github(EXPRESSIONS)
    assert len(told) == len(EXPRESSIONS) > 80
    assert [found for each, said in zip(EXPRESSIONS, told, strict=True) if (found := difference(each, said))] == []


def test_a_difference_is_found() -> None:
    assert difference("inputs.count", {"value": 4, "text": "4"})
    assert difference("inputs.count", {"fault": "it cannot be read"})
    assert difference("nothing()", {"value": 4, "text": "4"})
    assert difference("true", {"value": 1, "text": "1"})


def test_numbers_are_written_as_the_runner_writes_them() -> None:
    """``Double.ToString("G15")``: seen of .NET alone."""
    texts = {
        each: evaluate(f"format('{{0}}', {each})", CONTEXTS) for each in ("1e15", "1e-7", "12345678901234567", "0.1")
    }
    assert texts == {"1e15": "1E+15", "1e-7": "1E-07", "12345678901234567": "1.23456789012346E+16", "0.1": "0.1"}
