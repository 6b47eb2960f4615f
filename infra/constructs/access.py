"""Who may build, who may deploy and who may look: GitHub's OIDC provider and four roles.

**Trust.** A job that names an `environment` presents `repo:OWNER/REPO:environment:NAME` and nothing else; only a job
without one presents its ref (GitHub Docs, OpenID Connect reference). Images are built without an environment, so the
build role admits `main`, and can push images and nothing else. Whatever changes an environment names it: each
environment has a deploy role, which admits that environment, whose protection is then the barrier, and no ref. Release
tags need no entry: every job of a release names `production`. All values are literal, for those of one condition key
are alternatives and the loosest decides.

**Reach.** What the pipeline calls, on the resources that it touches: of a deploy role, those of its own environment,
the images, and the outputs of the shared stack. Physical names come from `infra.naming`, so these policies cover both
environments before either exists, without exports. `cdk deploy` works with the roles of a CDK bootstrap: each
environment has its own, bounded by `infra.constructs.boundary`. docs/deploy-access.md says how far that goes.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import naming
from infra.environments import DEFAULT_BRANCH, ENVIRONMENTS, PRODUCTION, REPOSITORY

SESSION: Final = cdk.Duration.seconds(7200)
"""The longest session that a building or deploying workflow may ask for; a request for more is refused."""

_BOOTSTRAP_ROLES: Final = ("deploy", "file-publishing", "lookup")

# What the live audit reads: what `checker permissions` says, kept as a file by `tools/audit_policy.py`. None of these
# calls returns a secret's value, an object's content or a message.
_AUDIT_POLICY: Final = json.loads(Path(__file__).with_name("audit_policy.json").read_text(encoding="utf-8"))


class Access(Construct):
    """The provider and the roles. Deployed by a person: CI must not own what it needs in order to run."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        provider = iam.OidcProviderNative(
            self, "GitHub", url=f"https://{naming.OIDC_HOST}", client_ids=["sts.amazonaws.com"]
        )
        # Deleting it would lock every pipeline out.
        provider.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.build_role = iam.Role(
            self,
            "BuildRole",
            role_name=naming.build_role(),
            description="Assumed by the workflow that builds images; pushes them and nothing else",
            assumed_by=_github(provider, [f"repo:{REPOSITORY}:ref:refs/heads/{DEFAULT_BRANCH}"]),
            max_session_duration=SESSION,
        )
        iam.Policy(self, "Build", statements=_build_statements(cdk.Stack.of(self)), roles=[self.build_role])
        self.deploy_roles = {name: self._deploy_role(provider, name) for name in ENVIRONMENTS}
        self.audit_role = iam.Role(
            self,
            "AuditRole",
            role_name=naming.audit_role(),
            description="Assumed by the workflows that compare the account with the register; reads settings only",
            # Nobody approves a run at night, so that one names no environment; a release asks before it begins.
            assumed_by=_github(
                provider,
                [f"repo:{REPOSITORY}:ref:refs/heads/{DEFAULT_BRANCH}", *(_subject(name) for name in ENVIRONMENTS)],
            ),
            max_session_duration=SESSION,
        )
        iam.Policy(
            self,
            "Audit",
            statements=[iam.PolicyStatement.from_json(each) for each in _AUDIT_POLICY["Statement"]],
            roles=[self.audit_role],
        )

    def _deploy_role(self, provider: iam.OidcProviderNative, environment: str) -> iam.Role:
        label = environment.capitalize()
        role = iam.Role(
            self,
            f"{label}DeployRole",
            role_name=naming.deploy_role(environment),
            description=f"Assumed by the workflows that deploy {environment}",
            assumed_by=_github(provider, [_subject(environment)]),
            max_session_duration=SESSION,
        )
        statements = _deploy_statements(cdk.Stack.of(self), environment)
        iam.Policy(self, f"{label}Deploy", statements=statements, roles=[role])
        return role


def _subject(environment: str) -> str:
    return f"repo:{REPOSITORY}:environment:{environment}"


def _github(provider: iam.OidcProviderNative, subjects: Sequence[str]) -> iam.FederatedPrincipal:
    return iam.FederatedPrincipal(
        provider.oidc_provider_arn,
        {
            "StringEquals": {
                f"{naming.OIDC_HOST}:aud": "sts.amazonaws.com",
                f"{naming.OIDC_HOST}:sub": list(subjects),
            }
        },
        "sts:AssumeRoleWithWebIdentity",
    )


def _deploy_statements(stack: cdk.Stack, environment: str) -> list[iam.PolicyStatement]:
    return [
        *_stack_statements(stack, environment),
        _image_statement(stack, environment),
        *_task_definition_statements(stack, environment),
        *_cluster_statements(stack, environment),
        iam.PolicyStatement(
            sid="ReadTaskLogs",
            actions=["logs:GetLogEvents"],
            resources=[
                _arn(stack, "logs", "log-group", naming.task_log_group(environment, task) + suffix, ":")
                for task in naming.ONE_OFF[environment]
                # The group itself, and its streams.
                for suffix in ("", ":*")
            ],
        ),
        iam.PolicyStatement(
            sid="TellOfDeployments",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[_arn(stack, "logs", "log-group", f"{naming.DEPLOY_LOG_GROUP}:*", ":")],
        ),
        iam.PolicyStatement(
            sid="MoveSyncFunction",
            # A version is published of the function; what is authorized on an alias is authorized on its function.
            actions=["lambda:CreateAlias", "lambda:GetAlias", "lambda:PublishVersion", "lambda:UpdateAlias"],
            resources=[_arn(stack, "lambda", "function", naming.sync_function(environment), ":")],
        ),
        # Has no narrower form: a call for alarms by name is authorized on all of them.
        iam.PolicyStatement(sid="CheckAlarms", actions=["cloudwatch:DescribeAlarms"], resources=["*"]),
    ]


def _stack_statements(stack: cdk.Stack, environment: str) -> list[iam.PolicyStatement]:
    own = ENVIRONMENTS[environment].stack_name
    statements = [
        iam.PolicyStatement(
            sid="ReadStackOutputs",
            actions=["cloudformation:DescribeStacks"],
            resources=[_arn(stack, "cloudformation", "stack", f"{name}/*") for name in (naming.SHARED_STACK, own)],
        ),
        iam.PolicyStatement(
            sid="DeployThroughBootstrapRoles",
            actions=["sts:AssumeRole"],
            resources=[
                f"arn:{stack.partition}:iam::{stack.account}:role/"
                f"cdk-{naming.qualifier(environment)}-{role}-role-{stack.account}-{stack.region}"
                for role in _BOOTSTRAP_ROLES
            ],
        ),
    ]
    if environment == PRODUCTION.name:
        # For a roll-back that cannot wait for an update that hangs. Staging is not rolled back, it goes forward.
        statements.append(
            iam.PolicyStatement(
                sid="CancelStackUpdates",
                actions=["cloudformation:CancelUpdateStack"],
                resources=[_arn(stack, "cloudformation", "stack", f"{own}/*")],
            )
        )
    return statements


def _image_statement(stack: cdk.Stack, environment: str) -> iam.PolicyStatement:
    """Verifying looks. Promotion, which is production's, reads a manifest and puts it again under a further tag."""
    promotion = ["ecr:BatchGetImage", "ecr:PutImage"] if environment == PRODUCTION.name else []
    return iam.PolicyStatement(
        sid="VerifyAndPromoteImages" if promotion else "VerifyImages",
        actions=["ecr:DescribeImages", *promotion],
        resources=_repositories(stack),
    )


def _build_statements(stack: cdk.Stack) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(sid="LogInToRegistry", actions=["ecr:GetAuthorizationToken"], resources=["*"]),
        iam.PolicyStatement(
            sid="PushImages",
            # What a push takes (Amazon ECR User Guide, IAM permissions for pushing an image), and the look whether the
            # commit's image is there already, which an immutable tag would refuse to take again.
            actions=[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:DescribeImages",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            resources=_repositories(stack),
        ),
    ]


def _repositories(stack: cdk.Stack) -> list[str]:
    return [_arn(stack, "ecr", "repository", naming.repository(image)) for image in naming.IMAGES]


def _task_definition_statements(stack: cdk.Stack, environment: str) -> list[iam.PolicyStatement]:
    return [
        # None of them knows resources (Service Authorization Reference, Amazon ECS).
        iam.PolicyStatement(
            sid="ReviseTaskDefinitions",
            actions=["ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"],
            resources=["*"],
        ),
        iam.PolicyStatement(
            sid="PassTaskRoles",
            actions=["iam:PassRole"],
            resources=[
                f"arn:{stack.partition}:iam::{stack.account}:role/{name(environment, task)}"
                for task in naming.TASKS
                for name in (naming.task_role, naming.execution_role)
            ],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
    ]


def _cluster_statements(stack: cdk.Stack, environment: str) -> list[iam.PolicyStatement]:
    cluster = naming.cluster(environment)
    in_cluster = {"ArnEquals": {"ecs:cluster": _arn(stack, "ecs", "cluster", cluster)}}
    return [
        iam.PolicyStatement(
            sid="RollServices",
            actions=["ecs:DescribeServices", "ecs:UpdateService"],
            resources=[_arn(stack, "ecs", "service", f"{cluster}/{service}") for service in naming.SERVICES],
        ),
        iam.PolicyStatement(
            sid="RunTasks",
            actions=["ecs:RunTask"],
            resources=[
                _arn(stack, "ecs", "task-definition", f"{naming.task_family(environment, task)}:*")
                for task in naming.ONE_OFF[environment]
            ],
            conditions=in_cluster,
        ),
        iam.PolicyStatement(
            sid="FollowTasks",
            actions=["ecs:DescribeTasks", "ecs:StopTask"],
            resources=[_arn(stack, "ecs", "task", f"{cluster}/*")],
        ),
        # Authorized on container instances, of which a Fargate cluster has none: the cluster is the bound.
        iam.PolicyStatement(sid="ListTasks", actions=["ecs:ListTasks"], resources=["*"], conditions=in_cluster),
    ]


def _arn(stack: cdk.Stack, service: str, resource: str, name: str, separator: str = "/") -> str:
    return f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{resource}{separator}{name}"
