"""IAM's evaluation: who may do what, decided, denied or left open."""

from __future__ import annotations

import pytest

from checker.model.values import Pseudo, Resolved, Text, attribute_of, text
from checker.reason.iam.conditions import Context
from checker.reason.iam.evaluation import Access, Request, bounds_on_resources, decide, grants, policies_of
from checker.reason.iam.policies import read_document
from checker.reason.names.arns import arn_of, arn_tail, expand, name_of, stack_arn
from checker.reason.text.patterns import exact, glob
from tests.projects import project_of, resource

ACCOUNT = Pseudo("AWS::AccountId")
_ALL = "{Effect: Allow, Action: '*', Resource: '*'}"


def _answer(statements: str, action: str, arn: str = "arn:aws:s3:::b/k", **context: str | None) -> Access:
    project = project_of(f"""
        Resources:
          R:
            Type: AWS::IAM::Role
            Properties: {{Policies: [{{PolicyName: p, PolicyDocument: {{Statement: {statements}}}}}]}}
    """)
    named = {key.replace("_", ":").lower(): value for key, value in context.items()}
    known = Context(
        {key: tuple(value.split("|")) for key, value in named.items() if value is not None},
        frozenset(key for key, value in named.items() if value is None),
    )
    return decide(policies_of(resource(project, "R"), project), Request(action, exact(arn), known)).answer


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ("[{Effect: Allow, Action: s3:GetObject, Resource: '*'}]", "allowed"),
        ("{Effect: Allow, Action: s3:GetObject, Resource: '*'}", "allowed"),
        ("[{Effect: Allow, Action: 'S3:get*', Resource: 'arn:aws:s3:::b/*'}]", "allowed"),
        ("[{Effect: Allow, Action: 's3:Get?bject', Resource: 'arn:aws:s3:::?/k'}]", "allowed"),
        ("[{Effect: Allow, Action: s3:GetObject, Resource: 'arn:aws:s3:::B/k'}]", "denied"),
        ("[{Effect: Allow, Action: s3:PutObject, Resource: '*'}]", "denied"),
        ("[]", "denied"),
        ("[{Effect: Allow, NotAction: s3:Put*, Resource: '*'}]", "allowed"),
        ("[{Effect: Allow, NotAction: 's3:*', Resource: '*'}]", "denied"),
        ("[{Effect: Allow, Action: '*', NotResource: 'arn:aws:s3:::b/*'}]", "denied"),
        ("[{Effect: Allow, Action: '*', NotResource: 'arn:aws:s3:::c/*'}]", "allowed"),
        ("[{Effect: Allow, Action: '*', Resource: '*'}, {Effect: Deny, Action: s3:Get*, Resource: '*'}]", "denied"),
        ("[{Effect: Deny, Action: s3:Put*, Resource: '*'}, {Effect: Allow, Action: '*', Resource: '*'}]", "allowed"),
        ("[{Effect: Allow, Action: '*', Resource: '*', Condition: {IpAddress: {k: 10.0.0.0/8}}}]", "unknown"),
        (f"[{_ALL}, {{Effect: Deny, Action: '*', Resource: '*', Condition: {{StringEquals: {{k: y}}}}}}]", "unknown"),
        ("[{Effect: Maybe, Action: '*', Resource: '*'}]", "unknown"),
        ("[{Effect: Allow, Action: '*', Resource: !Ref Nothing}]", "unknown"),
        ("[{Effect: Allow, Action: '*', Resource: 'arn:aws:s3:::${aws:username}/k'}]", "unknown"),
    ],
)
def test_decide(statements: str, expected: str) -> None:
    assert _answer(statements, "s3:GetObject") == Access(expected)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("StringEquals: {k: [a, b]}", "b", "allowed"),
        ("StringEquals: {k: 'a*'}", "ab", "denied"),
        ("StringLike: {k: 'a*'}", "ab", "allowed"),
        ("StringNotLike: {k: 'a*'}", "ab", "denied"),
        ("StringNotEquals: {k: [a, b]}", "b", "denied"),
        ("StringNotEquals: {k: [a, b]}", "c", "allowed"),
        ("StringNotEquals: {k: a}", None, "allowed"),
        ("StringEquals: {k: a}", None, "denied"),
        ("StringEqualsIfExists: {k: a}", None, "allowed"),
        ("StringEqualsIfExists: {k: a}", "b", "denied"),
        ("StringEqualsIgnoreCase: {k: A}", "a", "allowed"),
        ("'ForAllValues:StringEquals': {k: a}", None, "allowed"),
        ("'ForAllValues:StringEquals': {k: a}", "b", "denied"),
        ("'ForAnyValue:StringEquals': {k: a}", None, "denied"),
        ("'ForAnyValue:StringEquals': {k: a}", "a", "allowed"),
        ("'ForAnyValue:StringEquals': {k: a}", "b|a", "allowed"),
        ("'ForAnyValue:StringEquals': {k: a}", "b|c", "denied"),
        ("'ForAllValues:StringEquals': {k: a}", "b|a", "denied"),
        ("'Null': {k: true}", None, "allowed"),
        ("'Null': {k: 'true'}", "a", "denied"),
        ("'Null': {k: false}", "a", "allowed"),
        ("Bool: {k: true}", "TRUE", "allowed"),
        ("Bool: {k: 'false'}", "true", "denied"),
        ("Bool: {k: 'True'}", "true", "allowed"),
        ("Bool: {k: 'False'}", "true", "denied"),
        ("'Null': {k: 'True'}", None, "allowed"),
        ("'Null': {k: 'False'}", None, "denied"),
        ("StringEquals: {k: 7}", "7", "allowed"),
        ("StringEquals: {k: 7}", "8", "denied"),
        ("ArnLike: {k: 'arn:*:x'}", "arn:aws:x", "allowed"),
        ("ArnEquals: {k: 'arn:*:x'}", "arn:aws:y", "denied"),
        ("StringEquals: {K: a}", "a", "allowed"),
        ("NumericLessThan: {k: 5}", "4", "unknown"),
        ("StringEquals: {other: a}", "a", "unknown"),
        ("StringEquals: {k: a}, StringLike: {other: a}", "b", "denied"),
        ("StringEquals: 7", "a", "unknown"),
    ],
)
def test_conditions(condition: str, value: str | None, expected: str) -> None:
    statements = f"[{{Effect: Allow, Action: '*', Resource: '*', Condition: {{{condition}}}}}]"
    assert _answer(statements, "s3:GetObject", k=value) == Access(expected)


NESTED = """
Parameters: {RoleName: {Type: String}}
Resources:
  Attached:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: p
      Roles: [!Ref RoleName]
      PolicyDocument: {Statement: [{Effect: Allow, Action: ecs:RunTask, Resource: "*"}]}
"""
PARENT = """
Resources:
  R: {Type: AWS::IAM::Role, Properties: {RoleName: deployer}}
  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: x, Parameters: {RoleName: !Ref R}}}
"""


def test_a_policy_of_a_nested_stack_counts() -> None:
    project = project_of(PARENT, nested=NESTED)
    assert len(grants(policies_of(resource(project, "R"), project), "ecs:RunTask")) == 1


def test_bounds_are_the_grants_and_the_denies_of_everything_else() -> None:
    project = project_of("""
        Resources:
          R:
            Type: AWS::IAM::Role
            Properties:
              Policies:
                - PolicyDocument:
                    Statement:
                      - {Effect: Allow, Action: iam:PassRole, Resource: "*"}
                      - {Effect: Deny, Action: "iam:*", NotResource: "arn:aws:iam::1:role/a"}
                      - {Effect: Deny, Action: iam:Get*, NotResource: "arn:aws:iam::1:role/b"}
    """)
    bounds = list(bounds_on_resources(policies_of(resource(project, "R"), project), "iam:PassRole"))
    assert bounds == [(glob("*"),), (glob("arn:aws:iam::1:role/a"),)]


NAMES = """
Parameters: {Suffix: {Type: String}}
Resources:
  Named: {Type: AWS::IAM::Role, Properties: {RoleName: !Sub "r-${Suffix}", Path: /team/}}
  Unnamed: {Type: AWS::IAM::Role}
  Repo: {Type: AWS::ECR::Repository, Properties: {RepositoryName: api}}
  Secret: {Type: AWS::SecretsManager::Secret, Properties: {Name: db}}
  Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /x}}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: t}}
  Other: {Type: AWS::Glue::Job}
"""


@pytest.mark.parametrize(
    ("logical_id", "expected"),
    [
        ("Named", "arn:aws:iam::${AWS::AccountId}:role/team/r-${Suffix}"),
        ("Unnamed", "arn:aws:iam::${AWS::AccountId}:role/app-Unnamed-${Unnamed}"),
        ("Repo", "arn:aws:ecr:us-west-2:${AWS::AccountId}:repository/api"),
        ("Secret", "arn:aws:secretsmanager:us-west-2:${AWS::AccountId}:secret:db-${Secret}"),
        ("Log", "arn:aws:logs:us-west-2:${AWS::AccountId}:log-group:/x"),
        ("Topic", "arn:aws:sns:us-west-2:${AWS::AccountId}:t"),
        ("Other", "None"),
    ],
)
def test_arns(logical_id: str, expected: str) -> None:
    project = project_of(NAMES)
    assert str(arn_of(resource(project, logical_id))) == expected


def test_references_become_the_arns_that_they_stand_for() -> None:
    project = project_of(NAMES)
    repo = resource(project, "Repo")
    reference = Text((attribute_of(repo.key, "Arn"), "/*"))
    assert str(expand(reference, project)) == "arn:aws:ecr:us-west-2:${AWS::AccountId}:repository/api/*"
    assert name_of(repo) == "api"
    assert str(stack_arn(next(project.stacks))).startswith("arn:aws:cloudformation:us-west-2:")
    assert str(arn_tail("arn:aws:logs:r:1:log-group:/x:*")) == "log-group:/x:*"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("None", "None is no JSON"),
        (text(["{", ACCOUNT]), "{${AWS::AccountId} is not known before deployment, or is no JSON"),
    ],
)
def test_a_document_that_is_no_json_is_told_from_one_that_is_not_known_yet(document: Resolved, why: str) -> None:
    project = project_of("Resources: {R: {Type: AWS::IAM::Role}}")
    read = read_document(document, resource(project, "R"), "AssumeRolePolicyDocument", project)
    assert read.unread == (f"AssumeRolePolicyDocument of R: {why}",)
