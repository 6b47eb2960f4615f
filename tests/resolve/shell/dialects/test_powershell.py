"""Steps for PowerShell: followed where they are commands one after the other, said not to be where they are more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.model.answers import YES
from tests.pipelines import load, trace_of

CASES = load(Path(__file__).with_name("powershell.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, "", steps=[{"run": case["run"], "shell": "pwsh"}])
    said = [[each.text(), each.handling.ends is YES] for each in trace.commands if each.program == "aws"]
    assert said == case.get("says", [])
    assert any("pwsh was not followed" in each.message for each in trace.problems) is ("says" not in case)
