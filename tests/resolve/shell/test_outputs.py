"""What scripts write to their step's outputs and to the job's environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.model.possible import shown
from tests.pipelines import load, trace_of

CASES = load(Path(__file__).parent / "outputs.yaml")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    step = {"run": case["run"], "shell": "bash", "id": "it"}
    trace = trace_of(tmp_path, "", steps=[step])
    assert [[each.step, each.name, shown(each.value)] for each in trace.outputs] == case["outputs"]
