"""Emptying the buckets of a stack that is about to be deleted: CloudFormation deletes no bucket that holds anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from infra.release.errors import FailedError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient


def of_stack(cloudformation: CloudFormationClient, stack: str) -> Sequence[str]:
    """The buckets that a stack made and still has."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return [
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::S3::Bucket"
        and resource["ResourceStatus"] != "DELETE_COMPLETE"
        and "PhysicalResourceId" in resource
    ]


def empty(s3: Any, bucket: str, say: Callable[[str], None]) -> None:
    """Delete every version and every delete marker: without them a versioned bucket is empty, and not before."""
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            continue
        answer = s3.delete_objects(
            Bucket=bucket,
            Delete={"Objects": [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found], "Quiet": True},
        )
        problems = answer.get("Errors", [])
        if problems:
            first = problems[0]
            raise FailedError(
                f"{len(problems)} objects of {bucket} stay; the first: {first.get('Key')}: {first.get('Message')}",
                fix="See why S3 refused, then run this again.",
            )
        deleted += len(found)
    say(f"{bucket}: {deleted} versions deleted")
