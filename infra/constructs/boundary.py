"""What a template of one environment cannot change, whatever it says: a permissions boundary per environment.

`cdk deploy` works with roles that the CDK's bootstrap makes. Each environment has a set of its own
(`naming.qualifier`), all of whose roles carry this boundary, and so do the roles in the environment's stack. It allows
everything and then denies, in four parts, each of which would be of no use without the others:

1. stack operations on any stack but its own: CloudFormation goes on using the role that a stack was last deployed with
   (AWS CloudFormation API Reference, CreateChangeSet, RoleARN), so another's stack would change with another's rights;
2. whatever carries the other environment's name, or CloudFormation's tag of its stack;
3. what all environments share: images, the zone but for its own names, the certificate;
4. roles: only its own may be made, changed or passed, only with this boundary, and no role that deploys is among them.

A boundary grants nothing (AWS IAM User Guide, permissions boundaries); what is allowed is the roles' own policies'.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import naming
from infra.environments import ENVIRONMENTS, EnvironmentConfig

_STACK_OPERATIONS: Final = (
    "cloudformation:Cancel*",
    "cloudformation:Continue*",
    "cloudformation:Create*",
    "cloudformation:Delete*",
    "cloudformation:Execute*",
    "cloudformation:Rollback*",
    "cloudformation:Set*",
    "cloudformation:Signal*",
    "cloudformation:Update*",
)
# All of IAM that changes something but PassRole and CreateServiceLinkedRole, which services ask of whoever uses them
# for the first time (Service Authorization Reference, AWS IAM).
_ROLE_CHANGES: Final = (
    "iam:Add*",
    "iam:Attach*",
    "iam:CreateA*",
    "iam:CreateG*",
    "iam:CreateI*",
    "iam:CreateL*",
    "iam:CreateO*",
    "iam:CreateP*",
    "iam:CreateR*",
    "iam:CreateSAMLProvider",
    "iam:CreateServiceSpecificCredential",
    "iam:CreateU*",
    "iam:CreateV*",
    "iam:Deactivate*",
    "iam:Delete*",
    "iam:Detach*",
    "iam:Enable*",
    "iam:Put*",
    "iam:Remove*",
    "iam:Reset*",
    "iam:Set*",
    "iam:Tag*",
    "iam:Untag*",
    "iam:Update*",
    "iam:Upload*",
)
# Those that know the condition key iam:PermissionsBoundary, and give a role rights.
_RIGHTS: Final = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
_IMAGE_CHANGES: Final = (
    "ecr:BatchDelete*",
    "ecr:Complete*",
    "ecr:Create*",
    "ecr:Delete*",
    "ecr:Initiate*",
    "ecr:Put*",
    "ecr:Set*",
    "ecr:Tag*",
    "ecr:Untag*",
    "ecr:Update*",
    "ecr:Upload*",
)
_ZONE_CHANGES: Final = ("route53:Associate*", "route53:Delete*", "route53:Disable*", "route53:Update*")
_CERTIFICATE_CHANGES: Final = ("acm:Delete*", "acm:Revoke*", "acm:Update*")


class Boundary(Construct):
    """The boundary of one environment, as a managed policy whose name the bootstrap and the stacks know."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: EnvironmentConfig, zone_id: str, certificate_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self._stack, self._config = stack, config
        shared = [(_CERTIFICATE_CHANGES, certificate_arn), (_ZONE_CHANGES, self._zone(zone_id))]
        policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=naming.boundary(config.name),
            description=f"What templates of {config.name} cannot change",
            statements=[
                iam.PolicyStatement(sid="Everything", actions=["*"], resources=["*"]),
                _deny(
                    "OtherStacks", _STACK_OPERATIONS, but=[self._arn("cloudformation", f"stack/{config.stack_name}/*")]
                ),
                *(statement for other in ENVIRONMENTS.values() if other is not config for statement in self._of(other)),
                _deny("Images", _IMAGE_CHANGES, [self._arn("ecr", f"repository/{naming.PROJECT}/*")]),
                *(_deny(f"Shared{index}", actions, [arn]) for index, (actions, arn) in enumerate(shared, start=1)),
                self._names(zone_id),
                *self._roles(),
            ],
        )
        policy.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)

    def _of(self, other: EnvironmentConfig) -> Sequence[iam.PolicyStatement]:
        """What is another environment's: by the names that `infra.naming` and CloudFormation give, and by stack."""
        name, prefix = f"{naming.PROJECT}-{other.name}", other.stack_name
        lower = prefix.lower()
        named = [
            self._arn("cloudwatch", f"alarm:{naming.alarm(other.name, '*')}"),
            self._arn("ecs", f"*/{name}*"),
            self._arn("elasticache", f"*:{lower}*"),
            self._arn("lambda", f"function:{name}-*"),
            *(self._arn("logs", f"log-group:{group}*") for group in _log_groups(other.name)),
            self._arn("rds", f"*:{lower}-*"),
            self._arn("secretsmanager", f"secret:{naming.secret(other.name, '*')}"),
            self._arn("sns", f"{prefix}-*"),
            self._arn("sqs", f"{prefix}-*"),
            f"arn:{self._stack.partition}:s3:::{lower}-*",
            # The files that its deployments, and those of the shared stack, are made of.
            *(
                f"arn:{self._stack.partition}:s3:::cdk-{qualifier}-*"
                for qualifier in (naming.qualifier(other.name), cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER)
            ),
        ]
        tagged = {"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": other.stack_name}}
        return [
            _deny("OtherNames", ["*"], named),
            _deny("OtherStacksResources", ["*"], ["*"], when=tagged),
        ]

    def _names(self, zone_id: str) -> iam.PolicyStatement:
        """Of the shared zone, its own name alone."""
        key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
        others = {"ForAnyValue:StringNotEquals": {key: [self._config.full_domain]}}
        return _deny("OtherRecords", ["route53:ChangeResourceRecordSets"], [self._zone(zone_id)], when=others)

    def _roles(self) -> Sequence[iam.PolicyStatement]:
        own = [
            self._iam("role", f"{naming.PROJECT}-{self._config.name}-*"),
            self._iam("role", f"{self._config.stack_name}-*"),
        ]
        executing = self._iam("role", f"cdk-{naming.qualifier(self._config.name)}-cfn-exec-role-*")
        bounded = {
            "StringNotEquals": {"iam:PermissionsBoundary": self._iam("policy", naming.boundary(self._config.name))}
        }
        return [
            _deny("OtherRoles", _ROLE_CHANGES, but=own),
            _deny("PassOtherRoles", ["iam:PassRole", "sts:AssumeRole"], but=[*own, executing]),
            _deny("DeployRole", ["iam:*"], [self._iam("role", naming.deploy_role(self._config.name))]),
            _deny("Unbounded", _RIGHTS, ["*"], when=bounded),
            _deny("Unbind", ["iam:DeleteRolePermissionsBoundary"], ["*"]),
        ]

    def _arn(self, service: str, rest: str) -> str:
        return f"arn:{self._stack.partition}:{service}:*:{self._stack.account}:{rest}"

    def _iam(self, kind: str, name: str) -> str:
        return f"arn:{self._stack.partition}:iam::{self._stack.account}:{kind}/{name}"

    def _zone(self, zone_id: str) -> str:
        return f"arn:{self._stack.partition}:route53:::hostedzone/{zone_id}"


def _log_groups(environment: str) -> Sequence[str]:
    return (
        naming.task_log_group(environment, ""),
        naming.error_log_group(environment).removesuffix("errors"),
        naming.sync_log_group(environment).removesuffix("github-sync"),
        naming.waf_log_group(environment),
    )


def _deny(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str] | None = None,
    *,
    but: Sequence[str] | None = None,
    when: Mapping[str, Mapping[str, object]] | None = None,
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        actions=list(actions),
        resources=list(resources) if resources else None,
        not_resources=list(but) if but else None,
        conditions=when,
    )
