"""For how long a script asks for what never comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import load, trace_of

CASES = load(Path(__file__).with_name("waiting.yaml"))
_JSON = "aws ecs describe-tasks --cluster c --tasks t"
_ASK = f"{_JSON} --query tasks[0].lastStatus --output text"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_said_beforehand(case: dict[str, Any], tmp_path: Path) -> None:
    run = case["run"].replace("ASK", _ASK).replace("JSON", _JSON)
    asked = next(command for command in trace_of(tmp_path, run).commands if command.program == "aws")
    assert asked.handling.waited == case["seconds"]
