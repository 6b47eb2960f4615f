"""Arrays that grow under a condition, texts that are split, lists that are read: each command that comes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import load, trace_of

CASES = load(Path(__file__).with_name("several.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, case["run"], case.get("files", {}))
    said = [[command.text(), command.certain] for command in trace.commands if command.program == "aws"]
    assert sorted(said) == sorted(case["commands"])
    assert [each.message for each in trace.problems if "no AWS service" not in each.message] == case.get("problems", [])
