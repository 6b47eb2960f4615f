"""What programs take from their command lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.model.possible import shown
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline

CASES = load(Path(__file__).with_name("command_lines.yaml"))
WORKFLOW = """\
on: push
jobs:
  job:
    runs-on: ubuntu-latest
    strategy: {{matrix: {{env: [a, b]}}}}
    env: {{GIVEN: from-job}}
    steps:
      - run: {run}
"""
PROJECT = "[project]\nname = 'x'\nversion = '1'\n[project.scripts]\nship = 'ship:main'\nmissing = 'ship:nowhere'\n"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    files = {".github/workflows/ci.yml": WORKFLOW.format(run=case["run"]), "ship.py": case["code"]}
    made = pipeline(tmp_path, {**files, "pyproject.toml": PROJECT})
    traces, _ = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    found = traces[made.jobs[0]]
    calls = [(call.operation, call) for call in found.aws]
    assert [operation for operation, _ in calls] == [operation for operation, _ in case.get("calls", [])]
    for (_, call), (_, wanted) in zip(calls, case.get("calls", []), strict=True):
        assert {name: shown(call.text(name)) for name in wanted} == wanted
    assert [problem.message for problem in found.problems] == case.get("problems", [])
