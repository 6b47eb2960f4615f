"""What well-known AWS managed policies allow: only as much as decisions about deploying need.

Source: AWS Managed Policy Reference Guide. ``allows`` is certain; ``may`` are further actions that the policy could
allow on some resource. A policy that is not listed may allow anything. AWS managed policies allow and do not deny,
except for those named so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct


class ManagedPolicy(Struct, frozen=True):
    """``allows``: statements as in a document, all of effect Allow. ``may``: action patterns beyond them."""

    allows: tuple[Mapping[str, Any], ...] = ()
    may: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        return {"Statement": [{"Effect": "Allow", **statement} for statement in self.allows]}


def _all_of(*actions: str) -> Mapping[str, Any]:
    return {"Action": list(actions), "Resource": "*"}


_PASS_TO_TASKS: Final = {
    "Action": "iam:PassRole",
    "Resource": "*",
    "Condition": {"StringLike": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
}
_READS: Final = ("*:Describe*", "*:Get*", "*:List*", "*:BatchGet*", "*:Search*", "*:Lookup*", "*:Query", "*:Scan")
_PULLS: Final = (
    "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer",
    "ecr:GetRepositoryPolicy", "ecr:DescribeRepositories", "ecr:ListImages", "ecr:DescribeImages", "ecr:BatchGetImage",
    "ecr:GetLifecyclePolicy", "ecr:GetLifecyclePolicyPreview", "ecr:ListTagsForResource",
    "ecr:DescribeImageScanFindings",
)  # fmt: skip
_PUSHES: Final = ("ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage")
_READS_IMAGES: Final = ("ecr:BatchGet*", "ecr:Describe*", "ecr:Get*", "ecr:List*")

_KNOWN: Final[Mapping[str, ManagedPolicy]] = {
    "AdministratorAccess": ManagedPolicy((_all_of("*"),)),
    "PowerUserAccess": ManagedPolicy(
        ({"NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},),
        ("iam:Create*", "iam:Delete*", "iam:List*", "organizations:Describe*", "account:Get*", "account:List*"),
    ),
    "IAMFullAccess": ManagedPolicy((_all_of("iam:*"),), ("organizations:*",)),
    "IAMReadOnlyAccess": ManagedPolicy((), ("iam:Get*", "iam:List*", "iam:Generate*", "iam:Simulate*")),
    "ReadOnlyAccess": ManagedPolicy((_all_of("cloudformation:Describe*", "ecs:Describe*", "ecs:List*"),), _READS),
    "ViewOnlyAccess": ManagedPolicy((_all_of("cloudformation:DescribeStacks"),), _READS),
    "SecurityAudit": ManagedPolicy((_all_of("cloudformation:DescribeStack*"),), _READS),
    "AWSCloudFormationFullAccess": ManagedPolicy((_all_of("cloudformation:*"),)),
    "AWSCloudFormationReadOnlyAccess": ManagedPolicy(
        (_all_of("cloudformation:Describe*"),), ("cloudformation:*", "*:Describe*")
    ),
    "AmazonECS_FullAccess": ManagedPolicy(
        (
            _all_of("ecs:*", "cloudformation:CreateStack", "cloudformation:DeleteStack"),
            _all_of("cloudformation:DescribeStack*", "cloudformation:UpdateStack"),
            _PASS_TO_TASKS,
            {
                "Action": "iam:PassRole",
                "Resource": ["arn:aws:iam::*:role/ecsInstanceRole*", "arn:aws:iam::*:role/ecsAutoscaleRole*"],
            },
        ),
        _READS,
    ),
    "AmazonEC2ContainerRegistryFullAccess": ManagedPolicy((_all_of("ecr:*"),), ("cloudtrail:LookupEvents", "iam:C*")),
    # "does not allow repository deletion or policy changes": whole documents, which may come to let more be read.
    "AmazonEC2ContainerRegistryPowerUser": ManagedPolicy((_all_of(*_PULLS, *_PUSHES),), _READS_IMAGES),
    "AmazonEC2ContainerRegistryReadOnly": ManagedPolicy((_all_of(*_PULLS),), _READS_IMAGES),
    "CloudWatchReadOnlyAccess": ManagedPolicy((_all_of("cloudwatch:Describe*"),), _READS),
    "CloudWatchLogsFullAccess": ManagedPolicy((_all_of("logs:*"),), ("cloudwatch:*",)),
    "AmazonS3FullAccess": ManagedPolicy((_all_of("s3:*", "s3-object-lambda:*"),)),
    "AmazonS3ReadOnlyAccess": ManagedPolicy((_all_of("s3:Get*", "s3:List*"),), ("s3*:*",)),
    "AWSLambdaBasicExecutionRole": ManagedPolicy((_all_of("logs:CreateLogGroup", "logs:PutLogEvents"),), ("logs:*",)),
    "AWSLambdaVPCAccessExecutionRole": ManagedPolicy(
        (_all_of("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"),),
        ("ec2:*", "logs:*"),
    ),
    "AWSLambdaSQSQueueExecutionRole": ManagedPolicy(
        (_all_of("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),), ("sqs:*", "logs:*")
    ),
    "AWSLambdaKinesisExecutionRole": ManagedPolicy(
        (_all_of("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"),), ("kinesis:*", "logs:*")
    ),
    "AWSLambdaDynamoDBExecutionRole": ManagedPolicy((), ("dynamodb:*", "logs:*")),
    "AWSXRayDaemonWriteAccess": ManagedPolicy((), ("xray:*",)),
    "AmazonECSTaskExecutionRolePolicy": ManagedPolicy((_all_of("ecr:GetAuthorizationToken"),), ("ecr:*", "logs:*")),
}
_ANYTHING: Final = ManagedPolicy((), ("*",))


def managed_policy(arn: str) -> ManagedPolicy | None:
    """What the AWS managed policy of this ARN allows; ``None`` where the ARN is not of an AWS managed policy."""
    head, _, name = arn.rpartition("/")
    if ":iam::aws:policy" not in head:
        return None
    return _KNOWN.get(name, _ANYTHING)


def may_deny(arn: str) -> bool:
    """``AWSDenyAll`` and the quarantine policies are the ones that deny."""
    return "deny" in arn.lower() or "quarantine" in arn.lower()
