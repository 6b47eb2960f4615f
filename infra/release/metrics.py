"""What became of a deployment, where dashboards can see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from infra import naming

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDatumTypeDef


def emit(
    cloudwatch: CloudWatchClient,
    *,
    environment: str,
    kind: str,
    result: str,
    sha: str,
    seconds: float,
    at: datetime,
    say: Callable[[str], None],
) -> None:
    """Count and duration by environment, kind (deploy or rollback) and result; and the count once more by commit."""

    def dimensions(**more: str) -> Sequence[DimensionTypeDef]:
        named = {"Environment": environment, "Kind": kind, "Result": result, **more}
        return [{"Name": name, "Value": value} for name, value in named.items()]

    data: list[MetricDatumTypeDef] = [
        {"MetricName": "Deployments", "Dimensions": dimensions(), "Timestamp": at, "Value": 1, "Unit": "Count"},
        {"MetricName": "Duration", "Dimensions": dimensions(), "Timestamp": at, "Value": seconds, "Unit": "Seconds"},
        {"MetricName": "Deployments", "Dimensions": dimensions(Sha=sha), "Timestamp": at, "Value": 1, "Unit": "Count"},
    ]
    cloudwatch.put_metric_data(Namespace=naming.METRIC_NAMESPACE, MetricData=data)
    say(f"{naming.METRIC_NAMESPACE}: {environment} {kind} {result} of {sha} in {seconds:.0f} s")
