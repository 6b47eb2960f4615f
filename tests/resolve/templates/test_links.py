"""What one stack finds in another: exports and stored parameters, of its own account, region and environment."""

from __future__ import annotations

from typing import Any

import pytest

from checker.collect.documents import parse_yaml
from checker.model.resources import Stack
from checker.model.values import Attribute, Text
from checker.model.worlds import World
from checker.resolve.templates.scopes import Linker, StackScope

NETWORK = """
Resources:
  Net: {Type: AWS::EC2::VPC}
  Kept: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /net/id, Value: !Ref Net}}
  Tag: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /app/tag, Value: bootstrap}}
Outputs: {Net: {Value: !Ref Net, Export: {Name: net}}}
"""
APP = """
Parameters:
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /net/id}
  Tagged: {Type: "AWS::SSM::Parameter::Value<String>", Default: /app/tag}
Resources: {}
"""
PROD = ("production", "111111111111", "eu-west-1")
ASKED: dict[str, Any] = {
    "import": {"Fn::ImportValue": "net"},
    "parameter": {"Ref": "Stored"},
    "reference": "{{resolve:ssm:/net/id}}",
    "of a version": "{{resolve:ssm:/net/id:3}}",
}


def _scopes(*networks: tuple[str, str, str]) -> StackScope:
    """The app's stack of production beside networks: their environment, account and region."""
    linker = Linker()
    for index, (environment, account, region) in enumerate((*networks, PROD)):
        text, name = (NETWORK, f"Net{index}") if index < len(networks) else (APP, "App")
        document = parse_yaml(text, name)
        scope = StackScope(
            Stack(name, name, environment, document.data, document, account=account, region=region), linker, World()
        )
    return scope


def _stack_of(found: object) -> str:
    assert isinstance(found, Text), found
    (hole,) = found.holes
    assert isinstance(hole, Attribute)
    return hole.target.stack


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize(
    "networks",
    [
        [PROD],
        [("shared", "111111111111", "eu-west-1")],
        [PROD, ("staging", "222222222222", "eu-west-1")],
        [PROD, ("staging", "111111111111", "us-east-1")],
        [PROD, ("staging", "111111111111", "eu-west-1")],
        [("production", "", ""), ("staging", "", "")],
    ],
)
def test_the_one_in_reach_is_found(asked: Any, networks: list[tuple[str, str, str]]) -> None:
    assert _stack_of(_scopes(*networks).resolve(asked)) == "Net0"


def test_of_two_in_reach_neither_is_taken() -> None:
    scope = _scopes(PROD, PROD)
    assert scope.resolve("{{resolve:ssm:/net/id}}") == "{{resolve:ssm:/net/id}}"


def test_a_plain_value_in_the_store_may_have_been_replaced() -> None:
    scope = _scopes(PROD)
    assert scope.resolve("{{resolve:ssm:/app/tag}}") == "{{resolve:ssm:/app/tag}}"
    assert str(scope.resolve({"Ref": "Tagged"})) == "${Tagged}"


@pytest.mark.parametrize(
    "other", ["{{resolve:ssm-secure:/net/id}}", "x{{resolve:ssm:/net/id}}", "{{resolve:ssm:/none}}"]
)
def test_other_references_stay_as_they_are(other: str) -> None:
    assert _scopes(PROD).resolve(other) == other
