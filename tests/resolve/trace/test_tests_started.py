"""The tests that a job runs are followed as the programs that they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline
from tests.resolve.trace.test_gaps import LOGIN, written

CASES = load(Path(__file__).parent / "tests_started.yaml")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    job = {"permissions": {"id-token": "write"}, "steps": [LOGIN, *(case.get("steps") or [{"run": case["run"]}])]}
    made = pipeline(tmp_path, {".github/workflows/ci.yml": written(job), **case.get("files", {})})
    traces, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    called = [f"{call.service} {call.operation}" for trace in traces.values() for call in trace.aws]
    assert called == case.get("calls", [])
    assert bool(unfollowed) == case.get("gaps", False), [each.problem.message for each in unfollowed]


def test_more_tests_than_can_be_followed_are_on_record(tmp_path: Path) -> None:
    files = {f"tests/test_{number}.py": "import boto3\ndef test_a():\n    pass\n" for number in range(41)}
    job = {"permissions": {"id-token": "write"}, "steps": [LOGIN, {"run": "pytest"}]}
    made = pipeline(tmp_path, {".github/workflows/ci.yml": written(job), **files})
    _, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    assert ["too many" in each.problem.message for each in unfollowed] == [True]
