"""Scripts that a job writes by itself and then runs: followed where their text is known, on record where not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline
from tests.resolve.trace.test_gaps import LOGIN, written

CASES = load(Path(__file__).parent / "written.yaml")
ROLL = "aws ecs update-service --cluster main --service web"


def apart(cases: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each run of a case with ``each`` is one of its own."""
    for case in cases:
        if case.get("each"):
            yield from ({**case, "name": run, "runs": [run]} for run in case["runs"])
        else:
            yield case


EACH = list(apart(CASES))


@pytest.mark.parametrize("case", EACH, ids=[f"{case['right']}: {case['name']}" for case in EACH])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    steps = case.get("steps") or [{"run": run} for run in case["runs"]]
    steps = [{**each, "run": each["run"].replace("ROLL", ROLL)} if "run" in each else each for each in steps]
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
