"""Arrays by names and by numbers, variables that others name, and what a process prints that is read as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import load, trace_of

CASES = load(Path(__file__).with_name("keyed.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, case["run"], case.get("files", {}))
    assert [each.text() for each in trace.commands if each.program in {"echo", "aws"}] == case["says"]
    assert [each.message for each in trace.problems if "no AWS service" not in each.message] == case.get("problems", [])
