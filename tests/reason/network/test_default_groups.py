"""Whose group it is that nobody who calls is in, where nested stacks are told of groups."""

from __future__ import annotations

import pytest

from checker.collect.documents import parse_yaml
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack, nesting
from checker.model.worlds import World
from checker.reason.names.physical import literal_names
from checker.reason.network.default_groups import only_answers
from checker.resolve.templates.project import build_project

PARENT = """
Resources:
  Group: {Type: AWS::EC2::SecurityGroup}
  Child: {Type: AWS::CloudFormation::Stack, Properties: {Parameters: {Groups: !Join [",", [!Ref Group, sg-1]]}}}
"""
DATABASE = "Data: {Type: AWS::RDS::DBInstance, Properties: {VPCSecurityGroups: !Ref Groups}}"
SERVICE = "Api: {Type: AWS::EC2::Instance, Properties: {SecurityGroupIds: !Ref Groups}}"


@pytest.mark.parametrize(
    ("inside", "answers"),
    [(f"{{{DATABASE}}}", "Data"), (f"{{{DATABASE}, {SERVICE}}}", None), (f"{{{SERVICE}}}", None), (None, None)],
    ids=["a database", "a database and an instance", "an instance", "a template that is not there"],
)
def test_who_is_in_a_group_that_a_nested_stack_takes(inside: str | None, answers: str | None) -> None:
    parent = parse_yaml(PARENT, "parent.yaml")
    stack = Stack("parent", "parent", "default", parent.data, parent)
    if inside is not None:
        child = parse_yaml(f"Parameters: {{Groups: {{Type: CommaDelimitedList}}}}\nResources: {inside}\n", "child.yaml")
        stack = nesting(stack, {"Child": Stack("parent/Child", "child", "default", child.data, child)})
    project = build_project([stack], {"default": EnvironmentKind.OTHER}, World(), find_names=literal_names)
    (group,) = project.resources("AWS::EC2::SecurityGroup")
    found = only_answers(group, project)
    assert (found.logical_id if found is not None else None) == answers
