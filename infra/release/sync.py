"""The GitHub sync function: which of its versions is called.

The stack brings code and settings into the function's unpublished version, which nobody calls. What is called is the
alias `live`, and only these commands move it: a release publishes a version of its own and points `live` at it with the
services, after the migrations. A second alias, named after the commit, remembers which version that was, for the way
back: Lambda publishes no new version of what has not changed (AWS Lambda API Reference, PublishVersion), so a version's
own description cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra import naming
from infra.release.account import code_of

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient


def live(client: LambdaClient, environment: str) -> str:
    """The version that is called."""
    answer = client.get_alias(FunctionName=naming.sync_function(environment), Name=naming.LIVE_ALIAS)
    return answer["FunctionVersion"]


def publish(client: LambdaClient, environment: str, sha: str) -> str:
    """A version of what the stack deployed, remembered as the commit's. Published once, however often it is asked."""
    function = naming.sync_function(environment)
    version = client.publish_version(FunctionName=function, Description=f"First released with {sha}")["Version"]
    try:
        client.create_alias(FunctionName=function, Name=_alias(sha), FunctionVersion=version)
    except ClientError as error:
        # The same commit was released before, perhaps with other settings of the stack.
        if code_of(error) != "ResourceConflictException":
            raise
        client.update_alias(FunctionName=function, Name=_alias(sha), FunctionVersion=version)
    return version


def version_of(client: LambdaClient, environment: str, sha: str) -> str | None:
    """The version that was released with a commit; None if none was."""
    try:
        answer = client.get_alias(FunctionName=naming.sync_function(environment), Name=_alias(sha))
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    return answer["FunctionVersion"]


def point(client: LambdaClient, environment: str, version: str, say: Callable[[str], None]) -> None:
    """Let `live` be a version. Nothing is called if it is already."""
    if live(client, environment) == version:
        say(f"github-sync: version {version} is live already")
        return
    function = naming.sync_function(environment)
    client.update_alias(FunctionName=function, Name=naming.LIVE_ALIAS, FunctionVersion=version)
    say(f"github-sync: version {version} is live")


def _alias(sha: str) -> str:
    return f"release-{sha}"
