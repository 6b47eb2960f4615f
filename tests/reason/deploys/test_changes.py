"""What a command line changes, and what it only prepares."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.reason.deploys.changes import What, changes_of
from tests.pipelines import trace_of


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("npx cdk deploy Shop", [What.STACK]),
        ("npx cdk deploy Shop --method prepare-change-set", []),
        ("npx cdk deploy Shop --method=prepare-change-set", []),
        ("npx cdk deploy Shop -m prepare-change-set", []),
        ("npx cdk deploy Shop -m direct", [What.STACK]),
        ("npx cdk deploy Shop --no-execute", []),
        ("npx cdk diff Shop", []),
    ],
)
def test_a_change_set_that_nobody_executes_changes_nothing(line: str, changed: list[What], tmp_path: Path) -> None:
    assert [each.what for each in changes_of(trace_of(tmp_path, line))] == changed
