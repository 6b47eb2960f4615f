"""The outputs of an environment's stack: the one place where the commands learn what is called how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra import naming
from infra.environments import ENVIRONMENTS, EnvironmentConfig
from infra.release.account import code_of, message_of
from infra.release.errors import FailedError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient


@dataclass(frozen=True, slots=True)
class StackState:
    name: str
    status: str
    outputs: Mapping[str, str]

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")

    @property
    def sound(self) -> bool:
        """It stands, and the last operation on it went through or was taken back as a whole."""
        return self.status in {
            "CREATE_COMPLETE",
            "IMPORT_COMPLETE",
            "IMPORT_ROLLBACK_COMPLETE",
            "UPDATE_COMPLETE",
            "UPDATE_ROLLBACK_COMPLETE",
        }

    def __getitem__(self, name: str) -> str:
        if name not in self.outputs:
            raise UsageError(
                f"stack {self.name} has no output {name}; it has: {', '.join(sorted(self.outputs)) or 'none'}",
                fix="Deploy the stack from this commit first.",
            )
        return self.outputs[name]


def find_stack(cloudformation: CloudFormationClient, name: str) -> StackState | None:
    """The stack, or None if there is none of that name."""
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # CloudFormation has no code of its own for it (CloudFormation API Reference, DescribeStacks).
        if code_of(error) == "ValidationError" and "does not exist" in message_of(error):
            return None
        raise
    outputs = {output.get("OutputKey", ""): output.get("OutputValue", "") for output in stack.get("Outputs", [])}
    return StackState(name, stack["StackStatus"], outputs)


def read_stack(cloudformation: CloudFormationClient, name: str) -> StackState:
    stack = find_stack(cloudformation, name)
    if stack is None:
        raise FailedError(f"there is no stack {name}", fix="Bootstrap it first: docs/first-production-deploy.md.")
    return stack


def stack_name(environment: str) -> str:
    """The stack of an environment, or of what all share."""
    return naming.SHARED_STACK if environment == "shared" else config(environment).stack_name


def config(environment: str) -> EnvironmentConfig:
    if environment not in ENVIRONMENTS:
        raise UsageError(f"there is no environment {environment!r}", fix=f"Name one of: {', '.join(ENVIRONMENTS)}.")
    return ENVIRONMENTS[environment]
