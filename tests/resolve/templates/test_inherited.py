"""What a SAM template's Globals give to its resources."""

from __future__ import annotations

from typing import Any

import pytest

from checker.collect.documents import parse_yaml
from checker.resolve.templates.inherited import inheriting

_FUNCTION = "AWS::Serverless::Function"


def _properties(shared: str, own: str, transform: str = "AWS::Serverless-2016-10-31") -> Any:
    text = f"""
Transform: [AWS::LanguageExtensions, {transform}]
Globals: {{Function: {shared}}}
Resources: {{One: {{Type: {_FUNCTION}, Properties: {own}}}}}
"""
    return inheriting(parse_yaml(text, "template.yaml").data)["One"]["Properties"]


@pytest.mark.parametrize(
    ("shared", "own", "expected"),
    [
        ("{Timeout: 3}", "{}", {"Timeout": 3}),
        ("{Timeout: 3}", "{Timeout: 9}", {"Timeout": 9}),
        ("{Layers: [a]}", "{Layers: [b]}", {"Layers": ["a", "b"]}),
        ("{Tags: {a: 1, b: 1}}", "{Tags: {b: 2}}", {"Tags": {"a": 1, "b": 2}}),
        # An intrinsic function is one value: it is not merged with what stands beside it.
        ("{Tags: {a: 1}}", "{Tags: !If [Live, {b: 2}, {}]}", {"Tags": {"Fn::If": ["Live", {"b": 2}, {}]}}),
        ("{Tags: !Ref Tags}", "{Tags: {b: 2}}", {"Tags": {"b": 2}}),
        ("{Layers: [a]}", "{Layers: !Ref Layers}", {"Layers": {"Ref": "Layers"}}),
        ("[odd]", "{Timeout: 9}", {"Timeout": 9}),
        ("{Timeout: 3}", "odd", "odd"),
    ],
)
def test_globals_stand_beside_what_a_resource_says(shared: str, own: str, expected: object) -> None:
    assert _properties(shared, own) == expected


def test_only_sam_reads_globals() -> None:
    assert _properties("{Timeout: 3}", "{}", "AWS::Include") == {}


def test_globals_reach_into_loops() -> None:
    text = f"""
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Globals: {{Function: {{Timeout: 3}}}}
Resources:
  Fn::ForEach::Outer: [Name, [A], {{"Function${{Name}}": {{Type: {_FUNCTION}}}, Topic: {{Type: AWS::SNS::Topic}}}}]
"""
    loop = inheriting(parse_yaml(text, "template.yaml").data)["Fn::ForEach::Outer"]
    assert loop[2]["Function${Name}"]["Properties"] == {"Timeout": 3}
    assert loop[2]["Topic"] == {"Type": "AWS::SNS::Topic"}
