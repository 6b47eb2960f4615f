"""Commands that run a task by its name come to what the task's file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import load, trace_of

CASES = load(Path(__file__).parent / "tasks.yaml")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    step = {"run": case["run"], "shell": "bash"}
    trace = trace_of(tmp_path, "", case.get("files"), steps=[step], permissions={"id-token": "write"})
    said = [
        [each.spot.file.rpartition("/")[2], each.text()]
        if each.spot.file.endswith("ci.yml")
        else [each.spot.file, each.spot.line, each.text()]
        for each in trace.commands
        if each.program in {"aws", "cdk"}
    ]
    assert said == case["calls"]
    assert any(problem.unread for problem in trace.problems) is case.get("unread", False)
