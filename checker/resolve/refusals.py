"""What a service says where it refuses a call, as the AWS CLI and boto3 hand it on.

A program may look for any of these words in an error. Sources: IAM User Guide, "Troubleshoot access denied error
messages"; botocore, ``ClientError.MSG_TEMPLATE``; "Common Errors" in the services' API References; Amazon EC2 API
Reference, "Error codes"; Amazon SNS API Reference, "Common Errors"; Amazon S3 User Guide, "Troubleshoot access denied
(403 Forbidden) errors" (an answer to ``HEAD`` has no body: its status is all that is told).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from checker.data.aws_calls import operation_of, prefix_of, service_of
from checker.data.aws_options import GLOBAL_VALUES

# Services whose API is one of queries or of XML, and SQS, which keeps the codes from when its API was.
_ACCESS_DENIED: Final = frozenset(
    {"autoscaling", "cloudformation", "cloudfront", "cloudsearch", "cloudwatch", "docdb", "elasticache",
     "elasticbeanstalk", "elb", "elbv2", "iam", "neptune", "rds", "redshift", "route53", "s3", "s3api", "s3control",
     "ses", "sqs", "sts"}
)  # fmt: skip
_CODES: Final = {
    **dict.fromkeys(_ACCESS_DENIED, "AccessDenied"),
    "ec2": "UnauthorizedOperation",
    "sns": "AuthorizationError",
}
# Those of AWS JSON 1.0 and 1.1: what is wrong with a request is always a 400 there.
_JSON: Final = frozenset(
    {"acm", "application-autoscaling", "athena", "cloudtrail", "codebuild", "codedeploy", "codepipeline", "config",
     "cognito-idp", "dynamodb", "ecr", "ecs", "events", "firehose", "glue", "kinesis", "kms", "logs", "organizations",
     "route53domains", "secretsmanager", "servicediscovery", "ssm", "stepfunctions", "wafv2"}
)  # fmt: skip
_OF_S3: Final = frozenset({"s3", "s3api"})


class Refusal(Struct, frozen=True):
    """``code`` and ``message`` are the answer's, ``status`` that of HTTP; ``text`` is the whole error's."""

    code: str
    status: int
    message: str
    text: str


def refusal(service: str, operation: str) -> Refusal:
    """That of an operation's call: ``ecs``, ``UpdateService``."""
    code, message = _CODES.get(service, "AccessDeniedException"), _message(service, operation)
    if service in _OF_S3 and operation.startswith("Head"):
        code, message = "403", "Forbidden"
    told = f"An error occurred ({code}) when calling the {operation} operation: {message}"
    return Refusal(code, 400 if service in _JSON else 403, message, told)


def _message(service: str, operation: str) -> str:
    prefix = prefix_of(service)
    action = f"{prefix}:{operation}"
    message = (
        f"User: arn:aws:sts::111122223333:assumed-role/deploy/session is not authorized to perform: {action}"
        f" on resource: arn:aws:{prefix}:us-east-1:111122223333:*"
        f" because no identity-based policy allows the {action} action"
    )
    # S3 says the one or the other, by whose bucket it is; EC2 says both.
    before = {"ec2": "You are not authorized to perform this operation. "}
    return f"{'Access Denied: ' if service in _OF_S3 else before.get(service, '')}{message}"


def refused(words: Sequence[str]) -> Refusal:
    """That of a command of the AWS CLI, by its words."""
    named: list[str] = []
    given = iter(words[1:])
    for word in given:
        option = word.removeprefix("--").partition("=")[0]
        if not word.startswith("-"):
            named.append(word)
        elif option in GLOBAL_VALUES and "=" not in word:
            next(given, None)
        if len(named) == len(("service", "operation")):
            break
    service, operation = (*named, "", "")[:2]
    known = service_of(service) or service
    return refusal(known, operation_of(known, operation))
