"""The names that a script's calls are made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.pipeline.scripts import AwsCall
from checker.reason.names.written import named_by
from tests.pipelines import trace_of

ARN = "arn:aws:ecs:us-west-2:111122223333"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("aws ecs update-service --cluster shop --service web", ["shop", "web"]),
        (f"aws ecs update-service --cluster {ARN}:cluster/shop --service {ARN}:service/shop/web", ["shop", "web"]),
        (f"aws ecs describe-services --cluster shop --services web {ARN}:service/shop/api", ["shop", "web", "api"]),
        ("aws cloudformation describe-stacks --stack-name Shop", ["Shop"]),
        ('aws ecs update-service --cluster "$CLUSTER" --service web', ["web"]),  # the cluster comes from outside
        ("aws ecs list-clusters", []),
    ],
)
def test_names(line: str, expected: list[str], tmp_path: Path) -> None:
    calls = [each for each in trace_of(tmp_path, line).actions if isinstance(each, AwsCall)]
    assert [named.name for call in calls for named in named_by(call)] == expected
