"""The language of cases and defects: what each step does, and what each mistake is answered with."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.patches import PatchError, apply, edited

A = {"Name": "a", "Port": 1}
B = {"Name": "b", "Port": 2}
TEMPLATE: dict[str, Any] = {"Resources": {"Web": {"Type": "T", "Properties": {"Ports": [A, B]}}}}
PROPERTIES = "Resources/Web/Properties"


def _properties(*steps: dict[str, Any], **names: str) -> Any:
    template = copy.deepcopy(TEMPLATE)
    for step in steps:
        apply(template, step, names)
    return template["Resources"]["Web"]["Properties"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"set": f"{PROPERTIES}/Ports", "to": 5}, {"Ports": 5}),
        ({"set": f"{PROPERTIES}/Ports/0", "to": 5}, {"Ports": [5, B]}),
        (
            {"set": f"{PROPERTIES}/Ports/Name=b/Port", "to": 5},
            {"Ports": [A, {**B, "Port": 5}]},
        ),
        ({"remove": f"{PROPERTIES}/Ports/Name=a"}, {"Ports": [B]}),
        (
            {"append": f"{PROPERTIES}/Ports", "value": 5},
            {"Ports": [A, B, 5]},
        ),
        (
            {"append": f"{PROPERTIES}/Ports/0/More", "value": "@id"},
            {"Ports": [{**A, "More": ["Id"]}, B]},
        ),
        ({"merge": PROPERTIES, "with": {"Ports": 1, "More": 2}}, {"Ports": 1, "More": 2}),
        ({"set": "Resources/@web/Properties/Ports", "to": {"Ref": "@id"}}, {"Ports": {"Ref": "Id"}}),
        ({"set": f"{PROPERTIES}/Ports/#", "to": "#", "times": 2}, {"Ports": ["0", "1"]}),
    ],
)
def test_step(step: dict[str, Any], expected: Any) -> None:
    assert _properties(step, web="Web", id="Id") == expected


def test_a_section_is_made() -> None:
    template = copy.deepcopy(TEMPLATE)
    apply(template, {"set": "Conditions/Live", "to": True})
    assert template == {**TEMPLATE, "Conditions": {"Live": True}}


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"set": f"{PROPERTIES}/Ports/0/Port", "to": 1}, "the step changes nothing"),
        ({"merge": f"{PROPERTIES}/Ports/0", "with": {"Port": 1}}, "the step changes nothing"),
        ({"set": "Resources/Api/Properties/Port", "to": 1}, "there is no Resources/Api"),
        ({"set": "Ressources/Api", "to": 1}, "there is no Ressources"),
        ({"set": f"{PROPERTIES}/Ports/2", "to": 1}, "no item 2 in a list of 2"),
        ({"set": f"{PROPERTIES}/Ports/Name=c/Port", "to": 1}, "no item Name=c in a list of 2"),
        ({"remove": f"{PROPERTIES}/Port"}, "there is no Port"),
        ({"append": PROPERTIES, "value": 1}, "not a list"),
        ({"merge": f"{PROPERTIES}/Ports", "with": {"a": 1}}, "not an object"),
        ({"set": f"{PROPERTIES}/Ports/0/Port/Deep", "to": 1}, "there is no Resources/Web/Properties/Ports/0/Port/Deep"),
        ({"set": PROPERTIES}, "not a step: set."),
        ({"set": PROPERTIES, "two": 1}, "not a step: set, two."),
        ({"sett": PROPERTIES, "to": 1}, "not a step: sett, to."),
    ],
)
def test_mistake(step: dict[str, Any], message: str) -> None:
    with pytest.raises(PatchError) as raised:
        _properties(step)
    assert message in str(raised.value)


def test_true_is_not_one() -> None:
    assert _properties({"set": f"{PROPERTIES}/Ports/0/Port", "to": True})["Ports"][0]["Port"] is True


def test_files() -> None:
    assert edited("a b a", {"file": "f", "replace": "a", "with": "c"}) == "c b c"
    assert edited("a\n", {"file": "f", "with": "b\n"}) == "a\nb\n"
    assert edited(None, {"file": "f", "with": "b\n"}) == "b\n"


@pytest.mark.parametrize(
    ("text", "step", "message"),
    [
        ("a", {"file": "f", "replace": "b", "with": "c"}, "f does not have: b"),
        ("a", {"file": "f", "replace": "a", "with": "a"}, "f: the step changes nothing"),
        (None, {"file": "f", "replace": "a", "with": "b"}, "f: no such file"),
        ("a", {"file": "f", "replace": "a"}, "not a step on a file: file, replace."),
        ("a", {"file": "f", "with": ""}, "f: the step changes nothing"),
    ],
)
def test_mistake_in_a_file(text: str | None, step: dict[str, str], message: str) -> None:
    with pytest.raises(PatchError) as raised:
        edited(text, step)
    assert message in str(raised.value)
