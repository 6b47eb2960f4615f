"""What a template of one environment cannot change: the boundary, evaluated as IAM does."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

import botocore.session
import pytest

from infra import naming
from infra.environments import ENVIRONMENTS
from tests.infra.support import Template, listed

ACCOUNT = "111111111111"
ZONE = "arn:aws:route53:::hostedzone/${ZoneA5DE4B68}"
LARGEST = 6144
"""Characters of a managed policy (AWS IAM User Guide, IAM and AWS STS quotas)."""


class Ask(NamedTuple):
    action: str
    resource: str
    context: Mapping[str, str] = {}


def asks(environment: str) -> tuple[list[Ask], list[Ask]]:
    """What roles of an environment are refused, and what they must be able to do."""
    other = "production" if environment == "staging" else "staging"
    own, theirs = ENVIRONMENTS[environment], ENVIRONMENTS[other]

    def arn(service: str, rest: str) -> str:
        return f"arn:aws:{service}:us-west-2:{ACCOUNT}:{rest}"

    def iam(kind: str, name: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"

    bound = {"iam:PermissionsBoundary": iam("policy", naming.boundary(environment))}
    records = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    lower, their = own.stack_name.lower(), theirs.stack_name.lower()
    refused = [
        Ask("cloudformation:CreateChangeSet", arn("cloudformation", f"stack/{theirs.stack_name}/1")),
        Ask("cloudformation:ExecuteChangeSet", arn("cloudformation", f"stack/{naming.SHARED_STACK}/1")),
        Ask("cloudformation:DeleteStack", arn("cloudformation", "stack/CDKToolkit/1")),
        Ask("ecs:UpdateService", arn("ecs", f"service/doc-platform-{other}/api")),
        Ask("ecs:RegisterTaskDefinition", arn("ecs", f"task-definition/doc-platform-{other}-api:*")),
        Ask("ecs:DeleteCluster", arn("ecs", f"cluster/doc-platform-{other}")),
        Ask("lambda:UpdateFunctionCode", arn("lambda", f"function:doc-platform-{other}-github-sync")),
        Ask("secretsmanager:GetSecretValue", arn("secretsmanager", f"secret:{other}/doc-platform/db-credentials-x1")),
        Ask("logs:DeleteLogGroup", arn("logs", f"log-group:/ecs/{other}/api")),
        Ask("logs:DeleteLogGroup", arn("logs", f"log-group:/doc-platform/{other}/errors")),
        Ask("logs:DeleteLogGroup", arn("logs", f"log-group:/lambda/{other}/github-sync")),
        Ask("logs:DeleteLogGroup", arn("logs", f"log-group:aws-waf-logs-doc-platform-{other}")),
        Ask("cloudwatch:DeleteAlarms", arn("cloudwatch", f"alarm:{other}-api-5xx")),
        Ask("rds:DeleteDBInstance", arn("rds", f"db:{their}-datamaininstance-x")),
        Ask("rds:RestoreDBInstanceFromDBSnapshot", arn("rds", f"snapshot:rds:{their}-datamain-2026-11-26")),
        Ask("elasticache:DeleteReplicationGroup", arn("elasticache", f"replicationgroup:{their}-cache")),
        Ask("s3:DeleteObject", f"arn:aws:s3:::{their}-datacontent-x/file"),
        Ask("s3:PutObject", f"arn:aws:s3:::cdk-{naming.qualifier(other)}-assets-{ACCOUNT}-us-west-2/x.json"),
        Ask("s3:PutObject", f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-us-west-2/x.json"),
        Ask("sns:SetTopicAttributes", arn("sns", f"{theirs.stack_name}-ObservabilityAlarms-x")),
        Ask("sqs:DeleteQueue", arn("sqs", f"{theirs.stack_name}-SyncDeadLetters-x")),
        Ask(
            "ec2:DeleteSecurityGroup",
            arn("ec2", "security-group/sg-1"),
            {"aws:ResourceTag/aws:cloudformation:stack-name": theirs.stack_name},
        ),
        Ask("ecr:PutImage", arn("ecr", "repository/doc-platform/api")),
        Ask("ecr:BatchDeleteImage", arn("ecr", "repository/doc-platform/api")),
        *(
            Ask(f"acm:{action}", "${Certificate4E7ABB08}")
            for action in ("DeleteCertificate", "RevokeCertificate", "UpdateCertificateOptions")
        ),
        *(
            Ask(f"route53:{action}", ZONE)
            for action in (
                *("AssociateVPCWithHostedZone", "DeleteHostedZone", "DisableHostedZoneDNSSEC"),
                "UpdateHostedZoneComment",
            )
        ),
        Ask("route53:ChangeResourceRecordSets", ZONE, {records: theirs.full_domain}),
        Ask("route53:ChangeResourceRecordSets", ZONE, {records: f"mail.{own.domain}"}),
        Ask("iam:UpdateAssumeRolePolicy", iam("role", "Administrator")),
        Ask("iam:PutRolePolicy", iam("role", naming.deploy_role(other)), bound),
        Ask("iam:PutRolePolicy", iam("role", naming.deploy_role(environment)), bound),
        Ask("iam:UpdateAssumeRolePolicy", iam("role", naming.deploy_role(environment))),
        Ask("iam:PassRole", iam("role", naming.deploy_role(environment))),
        Ask("iam:DeletePolicyVersion", iam("policy", naming.boundary(environment))),
        Ask("iam:CreatePolicyVersion", iam("policy", naming.boundary(environment))),
        Ask("iam:DeleteOpenIDConnectProvider", iam("oidc-provider", naming.OIDC_HOST)),
        Ask("iam:CreateUser", iam("user", "somebody"), bound),
        Ask("iam:CreateAccessKey", iam("user", "somebody")),
        Ask("iam:AttachRolePolicy", iam("role", f"cdk-{naming.qualifier(environment)}-cfn-exec-role-x"), bound),
        Ask("iam:PassRole", iam("role", f"cdk-{naming.qualifier(other)}-cfn-exec-role-x")),
        Ask("iam:PassRole", iam("role", "Administrator")),
        Ask("sts:AssumeRole", iam("role", f"cdk-{naming.qualifier(other)}-deploy-role-x")),
        Ask("sts:AssumeRole", iam("role", "cdk-hnb659fds-deploy-role-x")),
        Ask("iam:CreateRole", iam("role", f"doc-platform-{environment}-new")),
        Ask("iam:CreateRole", iam("role", f"{own.stack_name}-new"), {"iam:PermissionsBoundary": iam("policy", "none")}),
        Ask("iam:PutRolePolicy", iam("role", f"doc-platform-{environment}-api-task")),
        Ask("iam:DeleteRolePermissionsBoundary", iam("role", f"doc-platform-{environment}-api-task"), bound),
    ]
    allowed = [
        Ask("cloudformation:CreateChangeSet", arn("cloudformation", f"stack/{own.stack_name}/1")),
        Ask("cloudformation:ExecuteChangeSet", arn("cloudformation", f"stack/{own.stack_name}/1")),
        Ask("cloudformation:DescribeStacks", arn("cloudformation", f"stack/{naming.SHARED_STACK}/1")),
        Ask("ecs:CreateService", arn("ecs", f"service/doc-platform-{environment}/api")),
        Ask("lambda:PublishVersion", arn("lambda", f"function:doc-platform-{environment}-github-sync")),
        Ask("secretsmanager:GetSecretValue", arn("secretsmanager", f"secret:{environment}/doc-platform/invite-keys-x")),
        Ask("logs:PutLogEvents", arn("logs", f"log-group:/ecs/{environment}/api:log-stream:x")),
        Ask("rds:CreateDBInstance", arn("rds", f"db:{lower}-datamain-x")),
        Ask("s3:PutObject", f"arn:aws:s3:::{lower}-datacontent-x/file"),
        Ask("s3:PutObject", f"arn:aws:s3:::cdk-{naming.qualifier(environment)}-assets-{ACCOUNT}-us-west-2/x.json"),
        Ask(
            "ec2:DeleteSecurityGroup",
            arn("ec2", "security-group/sg-1"),
            {"aws:ResourceTag/aws:cloudformation:stack-name": own.stack_name},
        ),
        Ask("ecr:BatchGetImage", arn("ecr", "repository/doc-platform/api")),
        Ask("ecr:GetAuthorizationToken", "*"),
        Ask("acm:DescribeCertificate", "${Certificate4E7ABB08}"),
        Ask("acm:DeleteCertificate", arn("acm", "certificate/1")),
        Ask("route53:DeleteHostedZone", "arn:aws:route53:::hostedzone/Z0INTERNAL"),
        Ask("ecr:CreateRepository", arn("ecr", "repository/another")),
        Ask("route53:ChangeResourceRecordSets", ZONE, {records: own.full_domain}),
        Ask("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z0INTERNAL", {records: "api.internal"}),
        Ask("iam:CreateRole", iam("role", f"doc-platform-{environment}-api-task"), bound),
        Ask("iam:PutRolePolicy", iam("role", f"{own.stack_name}-SyncRole-x"), bound),
        Ask("iam:DeleteRole", iam("role", f"{own.stack_name}-SyncRole-x")),
        Ask("iam:PassRole", iam("role", f"doc-platform-{environment}-api-task")),
        Ask("iam:PassRole", iam("role", f"cdk-{naming.qualifier(environment)}-cfn-exec-role-x")),
        Ask("iam:CreateServiceLinkedRole", iam("role", "aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")),
        Ask("iam:GetRole", iam("role", "Administrator")),
        Ask("ses:SendEmail", f"arn:aws:ses:us-west-2:{ACCOUNT}:identity/specboard.io"),
    ]
    return refused, allowed


def boundary(shared: Template, environment: str) -> list[Mapping[str, Any]]:
    policy = shared.only("AWS::IAM::ManagedPolicy", ManagedPolicyName=naming.boundary(environment))
    found: list[Mapping[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def allows(shared: Template, statements: Sequence[Mapping[str, Any]], ask: Ask) -> bool:
    effects = {each["Effect"] for each in statements if _applies(shared, each, ask)}
    return effects == {"Allow"}


def _applies(shared: Template, statement: Mapping[str, Any], ask: Ask) -> bool:
    def among(patterns: object, value: str) -> bool:
        return any(fnmatchcase(value, shared.text(pattern)) for pattern in listed(patterns))

    on = (
        among(statement["Resource"], ask.resource)
        if "Resource" in statement
        else not among(statement["NotResource"], ask.resource)
    )
    return on and among(statement["Action"], ask.action) and _holds(statement.get("Condition", {}), ask.context)


def _holds(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    for operator, pairs in conditions.items():
        for key, wanted in pairs.items():
            same = context.get(key) in listed(wanted)
            match operator:
                case "StringEquals":
                    holds = same
                case "StringNotEquals":
                    # Also of a key that is not there (AWS IAM User Guide, negated matching).
                    holds = not same
                case "ForAnyValue:StringNotEquals":
                    holds = key in context and not same
                case _:
                    raise AssertionError(f"condition operator {operator} is not known here")
            if not holds:
                return False
    return True


@pytest.mark.parametrize("environment", list(ENVIRONMENTS))
def test_roles_of_an_environment_change_it_and_nothing_else(
    templates: Mapping[str, Template], environment: str
) -> None:
    shared = templates[naming.SHARED_STACK]
    statements = boundary(shared, environment)
    refused, allowed = asks(environment)
    assert [ask for ask in refused if allows(shared, statements, ask)] == []
    assert [ask for ask in allowed if not allows(shared, statements, ask)] == []


@cache
def writing(service: str, member: str) -> Sequence[str]:
    """The operations of a service that change what a member of their input names, by the SDK's own model."""
    model = botocore.session.get_session().get_service_model(service)
    return [
        name
        for name in model.operation_names
        if member in (shape.members if (shape := model.operation_model(name).input_shape) else {})
        and not name.startswith(("Batch", "Describe", "Detect", "Estimate", "Generate", "Get", "List", "Start"))
    ]


@pytest.mark.parametrize("environment", list(ENVIRONMENTS))
def test_no_operation_that_changes_something_was_forgotten(templates: Mapping[str, Template], environment: str) -> None:
    shared = templates[naming.SHARED_STACK]
    statements = boundary(shared, environment)
    stack, image = f"stack/{naming.SHARED_STACK}/1", "repository/doc-platform/api"
    every = [
        *(Ask(f"cloudformation:{name}", f"arn:aws:cloudformation:us-west-2:{ACCOUNT}:{stack}")
          for name in writing("cloudformation", "StackName") if name not in {"ActivateType"}),
        *(Ask(f"ecr:{name}", f"arn:aws:ecr:us-west-2:{ACCOUNT}:{image}") for name in writing("ecr", "repositoryName")),
        *(Ask(f"iam:{name}", f"arn:aws:iam::{ACCOUNT}:{kind}/somebody")
          for kind, member in (("role", "RoleName"), ("user", "UserName"), ("group", "GroupName"),
                               ("policy", "PolicyArn"), ("instance-profile", "InstanceProfileName"),
                               ("oidc-provider", "OpenIDConnectProviderArn"), ("saml-provider", "SAMLProviderArn"))
          for name in writing("iam", member)
          if name not in {"ResyncMFADevice"}),
    ]  # fmt: skip
    assert len(every) > 80
    assert [ask for ask in every if allows(shared, statements, ask)] == []


@pytest.mark.parametrize("environment", list(ENVIRONMENTS))
def test_each_statement_is_needed(templates: Mapping[str, Template], environment: str) -> None:
    shared = templates[naming.SHARED_STACK]
    statements = boundary(shared, environment)
    refused, _ = asks(environment)
    for removed in statements:
        rest = [each for each in statements if each is not removed]
        let_through = [ask for ask in refused if allows(shared, rest, ask)]
        assert let_through or removed["Effect"] == "Allow", removed["Sid"]


@pytest.mark.parametrize("environment", list(ENVIRONMENTS))
def test_a_boundary_fits_its_quota(templates: Mapping[str, Template], environment: str) -> None:
    text = str(boundary(templates[naming.SHARED_STACK], environment))
    assert len(text) < LARGEST


@pytest.mark.parametrize("environment", list(ENVIRONMENTS))
def test_every_role_of_an_environments_stack_carries_its_boundary(
    templates: Mapping[str, Template], environment: str
) -> None:
    stack = templates[ENVIRONMENTS[environment].stack_name]
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{naming.boundary(environment)}"
    for role in stack.of_type("AWS::IAM::Role"):
        assert role.properties.get("PermissionsBoundary") == arn, role.path


def test_each_environment_is_deployed_through_a_bootstrap_of_its_own(templates: Mapping[str, Template]) -> None:
    versions = {name: stack.body["Parameters"]["BootstrapVersion"]["Default"] for name, stack in templates.items()}
    assert versions == {
        naming.SHARED_STACK: "/cdk-bootstrap/hnb659fds/version",
        naming.STAGING_STACK: "/cdk-bootstrap/dpstaging/version",
        naming.PRODUCTION_STACK: "/cdk-bootstrap/dpprod/version",
    }
