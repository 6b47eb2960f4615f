"""The account of a deploy role, and the roles that it hands to CloudFormation."""

from __future__ import annotations

import pytest

from checker.model.overlap import Pattern
from checker.reason.iam.evaluation import policies_of
from checker.reason.iam.passed.own_account import in_own_account
from checker.reason.iam.passed.to_cloudformation import without_service_roles
from checker.reason.iam.passing import task_roles
from checker.reason.oidc.trust import trust_of
from checker.reason.text.patterns import shown
from tests.projects import project_of, resource

_GITHUB = "oidc-provider/token.actions.githubusercontent.com"
_STACKS = "{Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: cloudformation.amazonaws.com}}]}"


def _resources(granted: str, task: str, provider: str = "", *, cloudformation: bool = False) -> list[str]:
    who = f"{{Federated: 'arn:aws:iam::{provider}:{_GITHUB}'}}" if provider else f"{{Federated: '{_GITHUB}'}}"
    project = project_of(f"""
        Resources:
          Deploy:
            Type: AWS::IAM::Role
            Properties:
              AssumeRolePolicyDocument: {{Statement: [{{Effect: Allow, Action: 'sts:*', Principal: {who}}}]}}
              Policies:
                - PolicyName: p
                  PolicyDocument: {{Statement: [{{Effect: Allow, Action: 'iam:PassRole', Resource: [{granted}]}}]}}
          Stacks: {{Type: AWS::IAM::Role, Properties: {{RoleName: stacks, AssumeRolePolicyDocument: {_STACKS}}}}}
          Task: {{Type: AWS::ECS::TaskDefinition, Properties: {{TaskRoleArn: {task}}}}}
    """)
    role = resource(project, "Deploy")
    trust = trust_of(role, project)
    assert trust is not None
    needed = [each for environment in project.environments for each in task_roles(environment)]
    policies, roles = in_own_account(policies_of(role, project), needed, trust, role.stack)
    if cloudformation:
        policies = without_service_roles(policies, project)
    patterns: list[Pattern | None] = [each for one in policies.statements for each in one.resources or ()]
    return [*(shown(each) for each in patterns if each is not None), *(str(each.arn) for each in roles)]


_NUMBER, _PSEUDO = "'arn:aws:iam::111111111111:role/a'", "!Sub 'arn:aws:iam::${AWS::AccountId}:role/a'"
_OPEN = "arn:aws:iam::${AWS::AccountId}:role/a"


@pytest.mark.parametrize(
    ("granted", "task", "provider", "expected"),
    [
        # What a policy grants is no witness of its own account: a typing error would excuse itself.
        (_NUMBER, _PSEUDO, "", ["arn:aws:iam::111111111111:role/a", _OPEN]),
        (_PSEUDO, _NUMBER, "", [_OPEN, _OPEN]),
        (f"{_NUMBER}, {_PSEUDO}", _PSEUDO, "111111111111", [_OPEN, _OPEN, _OPEN]),
        ("'arn:aws:iam::*:role/a'", _NUMBER, "", ["arn:aws:iam::*:role/a", _OPEN]),
        ("'arn:aws:ecs:a:111111111111:service/a'", _NUMBER, "", ["arn:aws:ecs:a:111111111111:service/a", _OPEN]),
        # The provider tells which account it is, and from another nothing can be passed.
        (_NUMBER, _PSEUDO, "222222222222", [_OPEN]),
    ],
)
def test_one_spelling_of_the_account(granted: str, task: str, provider: str, expected: list[str]) -> None:
    assert _resources(granted, task, provider) == expected


@pytest.mark.parametrize(
    ("granted", "left"),
    [
        ("!GetAtt Stacks.Arn", []),
        (f"!GetAtt Stacks.Arn, {_PSEUDO}", [_OPEN]),
        ("'arn:aws:iam::111111111111:role/cdk-x-cfn-exec-role-111111111111-eu-west-1'", []),
        ("'arn:aws:iam::*:role/stacks'", ["arn:aws:iam::*:role/stacks"]),
    ],
)
def test_roles_that_cloudformation_deploys_with(granted: str, left: list[str]) -> None:
    assert _resources(granted, _PSEUDO, cloudformation=True) == [*left, _OPEN]
