"""What became of a deployment, where dashboards can see it.

One event in a log, in CloudWatch's embedded metric format: CloudWatch makes metrics of its numbers, by environment,
kind and result, and the commit and the run stay fields that a query of the log finds. A metric for each commit would be
a new custom metric each time, and paid for as one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra import naming
from infra.release.account import code_of

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient


def emit(
    logs: CloudWatchLogsClient,
    *,
    environment: str,
    kind: str,
    result: str,
    sha: str,
    seconds: float,
    at: datetime,
    run: str,
    say: Callable[[str], None],
) -> None:
    """One event. `kind` is deploy or rollback, `result` success, failure or cancelled, `run` the workflow run's id."""
    milliseconds = int(at.timestamp() * 1000)
    event = {
        # Amazon CloudWatch User Guide, "Specification: Embedded metric format".
        "_aws": {
            "Timestamp": milliseconds,
            "CloudWatchMetrics": [
                {
                    "Namespace": naming.METRIC_NAMESPACE,
                    "Dimensions": [["Environment", "Kind", "Result"]],
                    "Metrics": [{"Name": "Deployments", "Unit": "Count"}, {"Name": "Duration", "Unit": "Seconds"}],
                }
            ],
        },
        "Environment": environment,
        "Kind": kind,
        "Result": result,
        "Deployments": 1,
        "Duration": seconds,
        "Sha": sha,
        "Run": run,
    }
    stream = f"{environment}/{kind}/{run}"
    try:
        logs.create_log_stream(logGroupName=naming.DEPLOY_LOG_GROUP, logStreamName=stream)
    except ClientError as error:
        # The run was started again.
        if code_of(error) != "ResourceAlreadyExistsException":
            raise
    logs.put_log_events(
        logGroupName=naming.DEPLOY_LOG_GROUP,
        logStreamName=stream,
        logEvents=[{"timestamp": milliseconds, "message": json.dumps(event)}],
    )
    say(f"{naming.METRIC_NAMESPACE}: {environment} {kind} {result} of {sha} in {seconds:.0f} s")
