"""What stands at a path, through what conditions choose."""

from __future__ import annotations

from typing import Any

import pytest

from checker.model.resources import Resource, Stack
from checker.model.values import Attribute, Known, Text
from checker.model.worlds import World
from checker.resolve.templates.scopes import Linker, StackScope

_CONDITIONS = {"Yes": {"Fn::Equals": ["a", "a"]}, "Open": {"Fn::Equals": [{"Ref": "Given"}, "a"]}}
_ABSENT = {"Ref": "AWS::NoValue"}


class _Source:
    file = "t.yaml"

    def line_of(self, path: tuple[str | int, ...]) -> int | None:
        return 1


def _resource(properties: dict[str, Any]) -> Resource:
    raw = {"Type": "AWS::X::Y", "Properties": properties}
    resources = {"It": raw, "Other": {"Type": "AWS::X::Z"}}
    template = {"Parameters": {"Given": {"Type": "String"}}, "Conditions": _CONDITIONS, "Resources": resources}
    stack = Stack("s", "s", "", template, _Source())
    return Resource(stack, "It", raw, StackScope(stack, Linker(), World()))


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"A": {"Fn::If": ["Yes", {"B": {"Fn::GetAtt": ["Other", "Arn"]}}, _ABSENT]}}, "A.B"),
        ({"A": [{"Fn::If": ["Yes", {"B": {"Fn::GetAtt": ["Other", "Arn"]}}, _ABSENT]}]}, "A.0.B"),
        ({"A": [_ABSENT, {"Fn::If": ["Yes", _ABSENT, "no"]}, {"B": {"Fn::GetAtt": ["Other", "Arn"]}}]}, "A.0.B"),
    ],
)
def test_a_reference_below_a_condition_leads_to_its_resource(properties: dict[str, Any], path: str) -> None:
    resource = _resource(properties)
    value = resource.get(path)
    assert isinstance(value, Known)
    assert isinstance(value.value, Text)
    assert isinstance(value.value.only_hole, Attribute)
    assert resource.raw_at(path) == {"Fn::GetAtt": ["Other", "Arn"]}


@pytest.mark.parametrize(
    ("properties", "path", "written"),
    [
        ({"A": {"Fn::If": ["Open", {"B": "x"}, {"B": "y"}]}}, "A.B", None),
        ({"A": {"Fn::Split": [",", {"Ref": "Given"}]}}, "A.0", {"Fn::Split": [",", {"Ref": "Given"}]}),
        ({"A": {"Fn::If": ["Yes", {"B": "x"}, _ABSENT]}}, "A", {"Fn::If": ["Yes", {"B": "x"}, _ABSENT]}),
        ({"A": ["x"]}, "A.1", None),
    ],
)
def test_what_is_written_is_what_makes_the_value(properties: dict[str, Any], path: str, written: Any) -> None:
    assert _resource(properties).raw_at(path) == written
