"""The AWS account: clients made when first needed, and errors as errors.

A refused or failed call is never read as an answer. "Access denied" and "not there" differ by error code; only codes
that a command names count as "not there", everything else ends it with `CallError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.release.errors import CallError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_ecr.client import ECRClient
    from mypy_boto3_ecs.client import ECSClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

# Throttling and 5xx are tried again with back-off before they count as a failure.
_CONFIG: Final = Config(retries={"mode": "standard", "max_attempts": 6}, connect_timeout=10, read_timeout=60)


class Account:
    """Clients for the credentials at hand (boto3's usual chain), in the region of the environments."""

    def __init__(self, region: str, session: boto3.Session | None = None) -> None:
        self._region = region
        self._session = session or boto3.Session()

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        return self._session.client("cloudformation", region_name=self._region, config=_CONFIG)

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        return self._session.client("cloudwatch", region_name=self._region, config=_CONFIG)

    @cached_property
    def ecr(self) -> ECRClient:
        return self._session.client("ecr", region_name=self._region, config=_CONFIG)

    @cached_property
    def ecs(self) -> ECSClient:
        return self._session.client("ecs", region_name=self._region, config=_CONFIG)

    @cached_property
    def lambda_(self) -> LambdaClient:
        return self._session.client("lambda", region_name=self._region, config=_CONFIG)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return self._session.client("logs", region_name=self._region, config=_CONFIG)

    @cached_property
    def s3(self) -> Any:
        return self._session.client("s3", region_name=self._region, config=_CONFIG)

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        return self._session.client("secretsmanager", region_name=self._region, config=_CONFIG)


def code_of(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def message_of(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Message", "")


@contextmanager
def calls_reported() -> Iterator[None]:
    """Turns what boto raises into `CallError`, with the operation, the code and the whole message."""
    try:
        yield
    except ClientError as error:
        raise CallError(
            f"AWS refused {error.operation_name}: {code_of(error)}: {message_of(error)}",
            fix="If the role lacks this permission, add it to infra/constructs/access.py and deploy the shared stack. "
            "Otherwise run the same command again: each is safe to repeat.",
        ) from error
    except BotoCoreError as error:
        raise CallError(
            f"AWS was not reached: {error}", fix="Check credentials, region and network, then run the command again."
        ) from error
