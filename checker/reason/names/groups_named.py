"""Log groups that a service is told to write to, and does not make: it has to be there, with a retention.

Sources: AWS CloudFormation User Guide, each type; Amazon CloudWatch Logs User Guide, "AWS services that publish logs to
CloudWatch Logs".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checker import lazy_re
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Resolved
from checker.reason.names.implicit_groups import IMPLICIT
from checker.reason.names.log_groups import Name

# What only reads groups, grants something on them, or has nothing to log; and flow logs, of which S6 asks the same.
_OTHERS = (
    "AWS::ApplicationAutoScaling::", "AWS::CloudWatch::", "AWS::EC2::FlowLog", "AWS::EC2::Instance",
    "AWS::EC2::LaunchTemplate", "AWS::EC2::NetworkAcl", "AWS::EC2::Route", "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet", "AWS::EC2::VPC", "AWS::ECS::TaskDefinition", "AWS::IAM::", "AWS::KMS::",
    "AWS::Lambda::", "AWS::Logs::", "AWS::S3::BucketPolicy", "AWS::SSM::Document", "AWS::SSM::Parameter",
    "AWS::SNS::", "AWS::SQS::", "AWS::SecretsManager::", "AWS::Serverless::", "Custom::",
    "AWS::CloudFormation::", "AWS::Route53::RecordSet",
)  # fmt: skip
_KEY = lazy_re.compile(r"(?:cloud_?watch)?_?(?:logs?)?_?log_?group(?:_?(?:arn|name))?", re.IGNORECASE)
_ARN = lazy_re.compile(r"arn:[^:]*:logs:[^:]*:[^:]*:log-group:([^:*]+)(?::.*)?")


def groups_named(environment: Environment) -> Iterator[tuple[Resource, str, Name]]:
    """Every log group that a resource is told to write to by a name that is written out: resource, path, name."""
    asked = {kind for kind, (given, _) in IMPLICIT.items() if given}  # of these it is asked where their own groups are
    kinds = sorted(kind for kind in environment.types - asked if not kind.startswith(_OTHERS))
    for owner in environment.resources(*kinds) if kinds else ():
        whole = owner.get("")
        pending: list[tuple[Resolved, str]] = [(whole.value if isinstance(whole, Known) else None, "")]
        while pending:
            node, here = pending.pop()
            items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
            for key, value in items:
                below = f"{here}.{key}" if here else str(key)
                if isinstance(value, dict | list):
                    pending.append((value, below))
                elif isinstance(value, str) and (name := _name(str(key), value)):
                    yield owner, below, name


def _name(key: str, value: str) -> str:
    arn = _ARN.fullmatch(value) if ":log-group:" in value else None
    if arn is not None:
        return arn[1]
    return value if value and not value.startswith("arn:") and _KEY.fullmatch(key) else ""
