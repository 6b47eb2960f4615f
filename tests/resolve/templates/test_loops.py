"""Loops among a template's resources."""

from __future__ import annotations

import pytest

from checker.collect.documents import parse_yaml
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack
from checker.reason.names.physical import literal_names
from checker.resolve.templates.alternatives import loops_not_followed, worlds
from checker.resolve.templates.project import build_project

_LOOPS = """
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList}}
Resources:
  Fn::ForEach::Outer:
    - Name
    - [A, B]
    - Topic${Name}: {Type: AWS::SNS::Topic}
      Fn::ForEach::Inner${Name}: [Kind, %s, {"Queue${Name}${Kind}": {Type: AWS::SQS::Queue}}]
"""


@pytest.mark.parametrize(
    ("inner", "made", "unknown"),
    [
        ("[C, D]", ["QueueAC", "QueueAD", "QueueBC", "QueueBD", "TopicA", "TopicB"], []),
        ("!Ref Names", ["TopicA", "TopicB"], ["Fn::ForEach::InnerA", "Fn::ForEach::InnerB"]),
    ],
)
def test_loops_stand_inside_loops(inner: str, made: list[str], unknown: list[str]) -> None:
    document = parse_yaml(_LOOPS % inner, "app.yaml")
    stack = Stack("app", "app", "production", document.data, document, region="us-west-2")
    project = build_project(
        [stack], {"production": EnvironmentKind.PRODUCTION}, worlds([stack])[0], find_names=literal_names
    )
    assert sorted(each.logical_id for each in project.resources()) == made
    assert [loop for _, loop in loops_not_followed([stack])] == unknown
