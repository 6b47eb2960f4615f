"""Where a call is made that says no region: in that of its environment's stacks, where there is one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from checker.collect.documents import parse_yaml
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack
from checker.model.values import Pseudo, text
from checker.model.worlds import World
from checker.reason.calls.authority import Authority
from checker.reason.calls.needs import Need
from checker.reason.iam.evaluation import Access
from checker.reason.names.physical import literal_names
from checker.reason.oidc.assumed_roles import Assumed
from checker.resolve.templates.project import build_project
from tests.projects import resource

_ROLE = """
    Resources:
      Deploy:
        Type: AWS::IAM::Role
        Properties:
          Policies:
            - PolicyDocument: {Statement: [{Effect: Allow, Action: "sqs:*", Resource: "arn:aws:sqs:us-west-2:*:*"}]}
"""
_OTHER = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
_QUEUE = text(["arn:aws:sqs:", Pseudo("AWS::Region"), ":", Pseudo("AWS::AccountId"), ":orders"])


@pytest.mark.parametrize(
    ("regions", "said", "expected"),
    [
        ({"base": "us-west-2", "edge": "us-west-2"}, "", Access.ALLOWED),
        ({"base": "us-west-2", "edge": "us-east-1"}, "", Access.UNKNOWN),
        ({"base": "us-west-2", "edge": "us-east-1"}, "us-west-2", Access.ALLOWED),
        ({"base": "us-west-2", "edge": "us-east-1"}, "us-east-1", Access.DENIED),
        ({"base": "us-east-1", "edge": "us-east-1"}, "", Access.DENIED),
    ],
)
def test_a_call_without_a_region(regions: Mapping[str, str], said: str, expected: Access) -> None:
    templates = {"base": _ROLE, "edge": _OTHER}
    documents = {name: parse_yaml(template, f"{name}.yaml") for name, template in templates.items()}
    stacks = [
        Stack(name, name, "production", document.data, document, region=regions[name])
        for name, document in documents.items()
    ]
    kinds = {"production": EnvironmentKind.PRODUCTION}
    project = build_project(stacks, kinds, World(), find_names=literal_names)
    authority = Authority(project, Assumed((resource(project, "Deploy"),)), "production", said)
    assert authority.rule(Need("sqs:SendMessage", (_QUEUE,))).answer is expected
