"""Parameters of stacks in every form in which commands take them."""

from __future__ import annotations

import pytest

from checker.model.possible import Possible
from checker.model.values import RunValue, Text
from checker.resolve.templates.deployed.overrides import values_in

OPEN = Text((RunValue("$SHA"),))


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["A=1", "B=x=y"], {"A": "1", "B": "x=y"}),
        (["ParameterKey=A,ParameterValue=1"], {"A": "1"}),
        (["ParameterKey=A,UsePreviousValue=true"], {"A": None}),
        (["A=1 B='two words'"], {"A": "1", "B": "two words"}),
        (['[{"ParameterKey": "A", "ParameterValue": "1"}]'], {"A": "1"}),
        (['{"Parameters": {"A": "1"}}'], {"A": "1"}),
        (["file://given.json"], {"A": "1"}),
        (["file://not-there.json"], None),
        ([Text(("A=", RunValue("$SHA")))], {"A": OPEN}),
        ([OPEN], None),
    ],
)
def test_forms(words: list[Possible], right: dict[str, Possible] | None) -> None:
    assert values_in(words, "", {"given.json": '["A=1"]'}.get) == right
