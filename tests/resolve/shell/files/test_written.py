"""Scripts that a job writes by itself and then runs: followed where their text is known, on record where not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline
from tests.resolve.trace.test_gaps import LOGIN, written

CASES = load(Path(__file__).parent / "written.yaml")
ROLL = "aws ecs update-service --cluster main --service web"


@pytest.mark.parametrize("case", CASES, ids=[f"{case['right']}: {case['name']}" for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    steps = [{"run": run.replace("ROLL", ROLL)} for run in case["runs"]]
    job = {"permissions": {"id-token": "write"}, "steps": [LOGIN, *steps]}
    files = {name: text.replace("ROLL", ROLL) for name, text in case.get("files", {}).items()}
    made = pipeline(tmp_path, {".github/workflows/ci.yml": written(job), **files})
    traces, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    calls = [call for trace in traces.values() for call in trace.aws if call.service == "ecs"]
    rolled = [str(call.arguments.get("service")) for call in calls]
    messages = [each.problem.message for each in unfollowed]
    if case["right"] == "followed":
        assert (rolled, messages) == (case.get("services", ["web"]), [])
    elif case["right"] == "unread":
        assert rolled == []
        assert messages != []
    else:
        assert (rolled, messages) == ([], [])
