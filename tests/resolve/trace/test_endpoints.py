"""What goes to an emulator or to another vendor's storage is no call of AWS; what may go to AWS is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.model.pipeline.scripts import AwsCall, Command
from tests.pipelines import load, pipeline, workflow

CASES = load(Path(__file__).with_name("endpoints.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    text = workflow("", steps=[{"run": case["run"]}], env=case.get("env", {}))
    made = pipeline(tmp_path, {".github/workflows/ci.yml": text, **case.get("files", {})})
    (job,) = made.jobs
    actions = [each for each in made.trace(job).actions if not isinstance(each, Command)]
    assert [each.operation if isinstance(each, AwsCall) else each.name for each in actions] == case["calls"]
