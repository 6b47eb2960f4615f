"""Who may build, who may deploy and who may look: GitHub's OIDC provider and three roles.

**Trust.** A job that names an `environment` presents `repo:OWNER/REPO:environment:NAME` and nothing else; only a job
without one presents its ref (GitHub Docs, OpenID Connect reference). Images are built without an environment, so the
build role admits `main`, and can push images and nothing else. Whatever changes an environment names it: the deploy
role admits the environments, whose protection is then the barrier, and no ref. Release tags need no entry: every job of
a release names `production`. All values are literal, for those of one condition key are alternatives and the loosest
decides.

**Reach.** What the pipeline calls, on the resources that it touches. Physical names come from `infra.naming`, so this
policy covers both environments before either exists, without exports.
"""

from collections.abc import Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import naming
from infra.environments import DEFAULT_BRANCH, ENVIRONMENTS, REPOSITORY

SESSION: Final = cdk.Duration.seconds(7200)
"""The longest session that a building or deploying workflow may ask for; a request for more is refused."""

_BOOTSTRAP_QUALIFIER: Final = "hnb659fds"
_BOOTSTRAP_ROLES: Final = ("deploy", "file-publishing", "lookup")

# What the live audit reads. None of these returns a secret's value, an object's content or a message.
_AUDIT_READS: Final = (
    "acm:DescribeCertificate",
    "acm:ListCertificates",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:ListExports",
    "cloudformation:ListImports",
    "cloudformation:ListStackResources",
    "cloudformation:ListStacks",
    "cloudwatch:DescribeAlarms",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeNatGateways",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:GetLifecyclePolicy",
    "ecr:GetRegistryScanningConfiguration",
    "ecs:DescribeClusters",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:ListTasks",
    "elasticache:DescribeCacheClusters",
    "elasticache:DescribeReplicationGroups",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetOpenIDConnectProvider",
    "iam:ListOpenIDConnectProviders",
    "lambda:GetFunctionConfiguration",
    "lambda:ListFunctions",
    "logs:DescribeLogGroups",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "rds:DescribeDBSnapshots",
    "route53:GetHostedZone",
    "route53:ListHostedZones",
    "route53:ListResourceRecordSets",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:ListAllMyBuckets",
    "secretsmanager:DescribeSecret",
    "secretsmanager:ListSecrets",
    "servicediscovery:ListNamespaces",
    "servicediscovery:ListServices",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTopics",
    "sqs:GetQueueAttributes",
    "sqs:ListQueues",
    "wafv2:GetLoggingConfiguration",
    "wafv2:GetWebACL",
    "wafv2:GetWebACLForResource",
    "wafv2:ListResourcesForWebACL",
    "wafv2:ListWebACLs",
)


class Access(Construct):
    """The provider and the roles. Deployed by a person: CI must not own what it needs in order to run."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        provider = iam.OidcProviderNative(
            self, "GitHub", url=f"https://{naming.OIDC_HOST}", client_ids=["sts.amazonaws.com"]
        )
        # Deleting it would lock every pipeline out.
        provider.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        environments = [f"repo:{REPOSITORY}:environment:{name}" for name in ENVIRONMENTS]
        self.build_role = iam.Role(
            self,
            "BuildRole",
            role_name=naming.build_role(),
            description="Assumed by the workflow that builds images; pushes them and nothing else",
            assumed_by=_github(provider, [f"repo:{REPOSITORY}:ref:refs/heads/{DEFAULT_BRANCH}"]),
            max_session_duration=SESSION,
        )
        iam.Policy(self, "Build", statements=_build_statements(cdk.Stack.of(self)), roles=[self.build_role])
        self.deploy_role = iam.Role(
            self,
            "DeployRole",
            role_name=naming.deploy_role(),
            description="Assumed by the workflows that deploy",
            assumed_by=_github(provider, environments),
            max_session_duration=SESSION,
        )
        iam.Policy(self, "Deploy", statements=_deploy_statements(cdk.Stack.of(self)), roles=[self.deploy_role])
        self.audit_role = iam.Role(
            self,
            "AuditRole",
            role_name=naming.audit_role(),
            description="Assumed by the workflows that compare the account with the register; reads settings only",
            assumed_by=_github(provider, environments),
            max_session_duration=cdk.Duration.hours(1),
        )
        iam.Policy(
            self,
            "Audit",
            statements=[iam.PolicyStatement(sid="ReadSettings", actions=list(_AUDIT_READS), resources=["*"])],
            roles=[self.audit_role],
        )


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


def _deploy_statements(stack: cdk.Stack) -> list[iam.PolicyStatement]:
    return [
        *_stack_statements(stack),
        *_image_statements(stack),
        *_task_definition_statements(stack),
        *(statement for environment in ENVIRONMENTS for statement in _cluster_statements(stack, environment)),
        iam.PolicyStatement(
            sid="ReadTaskLogs",
            actions=["logs:GetLogEvents"],
            resources=[
                _arn(stack, "logs", "log-group", naming.task_log_group(environment, task) + suffix, ":")
                for environment in ENVIRONMENTS
                for task in naming.ONE_OFF[environment]
                # The group itself, and its streams.
                for suffix in ("", ":*")
            ],
        ),
        iam.PolicyStatement(
            sid="EmitDeployMetrics",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": naming.METRIC_NAMESPACE}},
        ),
        # Has no narrower form: a call for alarms by name is authorized on all of them.
        iam.PolicyStatement(sid="CheckAlarms", actions=["cloudwatch:DescribeAlarms"], resources=["*"]),
    ]


def _stack_statements(stack: cdk.Stack) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            sid="ReadStackOutputs",
            actions=["cloudformation:DescribeStacks"],
            resources=[_arn(stack, "cloudformation", "stack", f"{name}/*") for name in naming.STACKS],
        ),
        # For a roll-back that cannot wait for an update that hangs.
        iam.PolicyStatement(
            sid="CancelStackUpdates",
            actions=["cloudformation:CancelUpdateStack"],
            resources=[
                _arn(stack, "cloudformation", "stack", f"{environment.stack_name}/*")
                for environment in ENVIRONMENTS.values()
            ],
        ),
        iam.PolicyStatement(
            sid="DeployThroughBootstrapRoles",
            actions=["sts:AssumeRole"],
            resources=[
                f"arn:{stack.partition}:iam::{stack.account}:role/"
                f"cdk-{_BOOTSTRAP_QUALIFIER}-{role}-role-{stack.account}-{stack.region}"
                for role in _BOOTSTRAP_ROLES
            ],
        ),
    ]


def _image_statements(stack: cdk.Stack) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            sid="VerifyAndPromoteImages",
            # Promotion reads a manifest and puts it again under a further tag: no layer moves.
            actions=["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:PutImage"],
            resources=_repositories(stack),
        ),
    ]


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


def _task_definition_statements(stack: cdk.Stack) -> list[iam.PolicyStatement]:
    return [
        # Neither action knows resources (Service Authorization Reference, Amazon ECS).
        iam.PolicyStatement(
            sid="ReviseTaskDefinitions",
            actions=["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"],
            resources=["*"],
        ),
        iam.PolicyStatement(
            sid="PassTaskRoles",
            actions=["iam:PassRole"],
            resources=[
                f"arn:{stack.partition}:iam::{stack.account}:role/{name(environment, task)}"
                for environment in ENVIRONMENTS
                for task in naming.TASKS
                for name in (naming.task_role, naming.execution_role)
            ],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
    ]


def _cluster_statements(stack: cdk.Stack, environment: str) -> list[iam.PolicyStatement]:
    cluster = naming.cluster(environment)
    in_cluster = {"ArnEquals": {"ecs:cluster": _arn(stack, "ecs", "cluster", cluster)}}
    suffix = environment.capitalize()
    return [
        iam.PolicyStatement(
            sid=f"RollServices{suffix}",
            actions=["ecs:DescribeServices", "ecs:UpdateService"],
            resources=[_arn(stack, "ecs", "service", f"{cluster}/{service}") for service in naming.SERVICES],
        ),
        iam.PolicyStatement(
            sid=f"RunTasks{suffix}",
            actions=["ecs:RunTask"],
            resources=[
                _arn(stack, "ecs", "task-definition", f"{naming.task_family(environment, task)}:*")
                for task in naming.ONE_OFF[environment]
            ],
            conditions=in_cluster,
        ),
        iam.PolicyStatement(
            sid=f"FollowTasks{suffix}",
            actions=["ecs:DescribeTasks", "ecs:StopTask"],
            resources=[_arn(stack, "ecs", "task", f"{cluster}/*")],
        ),
        # Authorized on container instances, of which a Fargate cluster has none: the cluster is the bound.
        iam.PolicyStatement(
            sid=f"ListTasks{suffix}", actions=["ecs:ListTasks"], resources=["*"], conditions=in_cluster
        ),
    ]


def _arn(stack: cdk.Stack, service: str, resource: str, name: str, separator: str = "/") -> str:
    return f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{resource}{separator}{name}"
