"""Intrinsic functions, as data; and what holds for any expression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.collect.documents import parse_json, parse_yaml
from checker.model.answers import NO, YES
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack, nesting
from checker.model.values import ABSENT, Absent, Known, Resolved, ResourceKey, Text, Unknown, attribute_of
from checker.model.worlds import World
from checker.reason.names.physical import literal_names
from checker.resolve.templates.alternatives import worlds
from checker.resolve.templates.intrinsics import expand_for_each
from checker.resolve.templates.project import build_project
from checker.resolve.templates.scopes import Linker, StackScope

TEMPLATE = """
Parameters:
  Size: {Type: String, Default: small}
  Count: {Type: Number, Default: 3}
  Zones: {Type: CommaDelimitedList, Default: "a, b"}
  Open: {Type: String}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /some/name}
  Subnet: {Type: "AWS::EC2::Subnet::Id"}
Mappings:
  Sizes: {small: {cpu: 256, kind: t4g}, large: {cpu: 1024, kind: t4g}}
  Flags: {small: {given: "true"}, large: {given: "true"}}
Conditions:
  IsSmall: !Equals [!Ref Size, small]
  IsLarge: !Not [!Condition IsSmall]
  IsOpen: !Equals [!Ref Open, yes]
  Both: !And [!Condition IsSmall, !Condition IsLarge]
  Either: !Or [!Condition IsOpen, !Condition IsSmall]
  Endless: !Not [!Condition Endless]
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Made: {Type: Custom::Made}
  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: "slow, or down"}}
  Quiet: {Type: AWS::CloudWatch::Alarm, Properties: {Threshold: 1}}
  Deployer: {Type: AWS::IAM::Role}
  Below: {Type: AWS::IAM::Role, Properties: {Path: /below/it/}}
  Network: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  Net: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Sub "10.${Count}.0.0/16"}}
  Wide: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Open}}
  smallBucket: {Type: AWS::S3::Bucket}
  Asked: {Type: Custom::Subnets}
Outputs:
  Name: {Value: !Ref Bucket, Export: {Name: !Sub "exported-name"}}
"""
CASES = parse_yaml("cases:\n" + Path(__file__).with_name("intrinsics.yaml").read_text(), "intrinsics.yaml").data[
    "cases"
]


def scope(world: World = World(), template: str = TEMPLATE) -> StackScope:  # noqa: B008 - frozen
    document = parse_yaml(template, "main.yaml")
    return StackScope(Stack("main", "main", "default", document.data, document, region="us-west-2"), Linker(), world)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_expression(case: dict[str, Any]) -> None:
    found = scope().resolve(case["value"])
    if "is" in case:
        assert found == case["is"]
    elif "text" in case:
        assert isinstance(found, Text)
        assert str(found) == case["text"]
    elif "unknown" in case:
        assert isinstance(found, Unknown)
        assert case["unknown"] in found.why
    else:
        assert found is ABSENT


def test_references_keep_their_target() -> None:
    found = scope().resolve({"Fn::Sub": "arn:x:${Bucket}"})
    assert isinstance(found, Text)
    assert found.holes == (attribute_of(ResourceKey("main", "Bucket")),)


def test_worlds_of_an_open_parameter() -> None:
    document = parse_yaml(TEMPLATE, "main.yaml")
    found = worlds([Stack("main", "main", "default", document.data, document)])
    answers = [scope(world).condition("IsOpen") for world in found]
    # "Endless" refers to itself, so it stays undecided in each.
    assert answers == [YES, NO]


def test_allowed_values_are_the_worlds() -> None:
    template = TEMPLATE.replace("Open: {Type: String}", "Open: {Type: String, AllowedValues: [yes, no, maybe]}")
    document = parse_yaml(template, "main.yaml")
    found = worlds([Stack("main", "main", "default", document.data, document)])
    assert [list(world.parameters.values()) for world in found] == [["true"], ["false"], ["maybe"]]


def test_nested_stacks_get_their_parents_arguments() -> None:
    parent = parse_yaml(
        "Parameters: {Env: {Type: String, Default: prod}}\n"
        "Resources:\n"
        "  Child: {Type: AWS::CloudFormation::Stack, Properties: {Parameters: {Name: !Sub '${Env}-x'}}}\n"
        "  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: !GetAtt Child.Outputs.Made}}\n",
        "parent.yaml",
    )
    child = parse_yaml(
        "Parameters: {Name: {Type: String}}\n"
        "Resources: {Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Name}}}\n"
        "Outputs: {Made: {Value: !Sub 'made-${Name}'}}\n",
        "child.yaml",
    )
    stack = Stack("parent", "parent", "default", parent.data, parent)
    stack = nesting(stack, {"Child": Stack("parent/Child", "child", "default", child.data, child)})
    project = build_project([stack], {"default": EnvironmentKind.OTHER}, World(), find_names=literal_names)
    (bucket,), (topic,) = project.resources("AWS::S3::Bucket"), project.resources("AWS::SNS::Topic")
    assert bucket["BucketName"].must_be("prod-x", violation="", fix="").outcome == "pass"
    assert topic["TopicName"].must_be("made-prod-x", violation="", fix="").outcome == "pass"


def test_a_list_that_a_parent_joins_is_taken_apart() -> None:
    parent = parse_yaml(
        "Parameters:\n"
        "  {One: {Type: String}, Many: {Type: CommaDelimitedList}, Id: {Type: 'AWS::EC2::SecurityGroup::Id'}}\n"
        "Resources:\n"
        "  A: {Type: AWS::EC2::SecurityGroup}\n"
        "  Child: {Type: AWS::CloudFormation::Stack, Properties: {Parameters: {\n"
        "    Taken: !Join [',', [!Ref A, !Ref One, 'sg-1 ']], Left: !Sub ['${A},${M}', {M: !Join [',', !Ref Many]}],\n"
        "    Asked: !GetAtt Custom.Groups, Alone: !Ref One, Sole: !Ref Id}}}\n"
        "  Custom: {Type: Custom::Groups}\n",
        "parent.yaml",
    )
    child = parse_yaml(
        "Parameters: {Taken: {Type: 'List<AWS::EC2::SecurityGroup::Id>'}, Left: {Type: CommaDelimitedList},\n"
        "  Asked: {Type: CommaDelimitedList}, Alone: {Type: CommaDelimitedList}, Sole: {Type: CommaDelimitedList}}\n"
        "Resources:\n"
        "  B: {Type: AWS::S3::Bucket, Properties: {Taken: !Ref Taken, Left: !Ref Left, Asked: !Ref Asked,\n"
        "    Alone: !Ref Alone, Sole: !Ref Sole}}\n",
        "child.yaml",
    )
    stack = Stack("parent", "parent", "default", parent.data, parent)
    stack = nesting(stack, {"Child": Stack("parent/Child", "child", "default", child.data, child)})
    project = build_project([stack], {"default": EnvironmentKind.OTHER}, World(), find_names=literal_names)
    (bucket,) = project.resources("AWS::S3::Bucket")
    for name, wanted in (("Taken", ["${A}", "${One}", "sg-1"]), ("Sole", ["${Id}"])):
        taken = bucket.get(name)
        assert isinstance(taken, Known)
        assert isinstance(taken.value, list)
        assert [str(each) for each in taken.value] == wanted
    # Of how many items the open part is made nobody knows.
    for several in map(bucket.get, ("Left", "Asked", "Alone")):
        assert isinstance(several, Known)
        assert isinstance(several.value, Text)


def test_a_conditional_nested_stack_takes_its_resources_with_it() -> None:
    parent = parse_yaml(
        "Conditions: {Never: !Equals [a, b]}\n"
        "Resources: {Child: {Type: AWS::CloudFormation::Stack, Condition: Never, Properties: {}}}\n",
        "parent.yaml",
    )
    child = parse_yaml("Resources: {Bucket: {Type: AWS::S3::Bucket}}\n", "child.yaml")
    stack = Stack("parent", "parent", "default", parent.data, parent)
    stack = nesting(stack, {"Child": Stack("parent/Child", "child", "default", child.data, child)})
    project = build_project([stack], {"default": EnvironmentKind.OTHER}, World(), find_names=literal_names)
    assert list(project.resources("AWS::S3::Bucket")) == []


_NAMES = st.sampled_from(["Size", "Open", "Bucket", "Nothing", "AWS::Region", "AWS::NoValue", "IsOpen", "Endless"])
_FUNCTIONS = st.sampled_from(
    ["Ref", "Condition"]
    + [f"Fn::{name}" for name in ("GetAtt", "Sub", "Join", "Split", "Select", "FindInMap", "If", "Base64", "Cidr")]
    + [f"Fn::{name}" for name in ("GetAZs", "ImportValue", "Length", "ToJsonString", "Not", "And", "Or", "Equals", "X")]
    + ["Fn::GetStackOutput", "Fn::ForEach::Loop", "Fn::Transform"]
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | _NAMES
    | st.sampled_from(["", "${Size}", "a,b", "${", "10.0.0.0/8"])
)
EXPRESSIONS = st.recursive(
    _LEAVES,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(_FUNCTIONS | _NAMES, children, max_size=2),
    max_leaves=12,
)


def _plain(value: Resolved | Absent) -> bool:
    if isinstance(value, list):
        return all(_plain(each) for each in value)
    if isinstance(value, dict):
        return all(map(_plain, value.values()))
    return value is None or isinstance(value, bool | int | float | str | Text | Unknown)


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
def test_any_expression_resolves_to_data(expression: object) -> None:
    found = scope().resolve(expression)
    assert found is ABSENT or _plain(found)


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS)
def test_resolving_is_repeatable(expression: object) -> None:
    subject = scope()
    assert str(subject.resolve(expression)) == str(subject.resolve(expression))


def test_a_long_chain_of_references_ends() -> None:
    deep: object = "x"
    for _ in range(400):
        deep = {"Fn::Join": ["", ["a", deep]]}
    assert isinstance(scope().resolve(deep), Text | Unknown)


def test_a_string_that_would_explode_is_unknown() -> None:
    document = parse_json(
        '{"Resources": {}, "Parameters": {"Long": {"Type": "String", "Default": "' + "x" * 600_000 + '"}}}', "f"
    )
    subject = StackScope(Stack("m", "m", "d", document.data, document), Linker(), World())
    assert isinstance(subject.resolve({"Fn::Join": ["", [{"Ref": "Long"}, {"Ref": "Long"}]]}), Unknown)


def test_a_loop_that_makes_more_than_any_template_may_have_is_not_expanded() -> None:
    names = [f"n{index}" for index in range(3000)]
    body = {"B${X}": {"Fn::ForEach::Inner": ["Y", names, {"C${X}${Y}": {"Type": "AWS::S3::Bucket"}}]}}
    assert expand_for_each(scope(), ["X", names, body]) is None
    few = expand_for_each(scope(), ["X", names[:3], body])
    assert few is not None
    assert len(few) == 3
