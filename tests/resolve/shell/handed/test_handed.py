"""Commands inside of what programs are given: followed where they are known, on record where not, and no noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline
from tests.resolve.trace.test_gaps import LOGIN, written

CASES = load(Path(__file__).parent / "handed.yaml")
ROLL = "aws ecs update-service --cluster main --service web"


@pytest.mark.parametrize("case", CASES, ids=[f"{case['right']}: {case['name']}" for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    is_as_said(case, tmp_path)


def is_as_said(case: dict[str, Any], tmp_path: Path) -> None:
    """Ask what becomes of a case's steps."""
    steps = case.get("steps") or [
        {"run": line, **({"env": case["env"]} if "env" in case else {})} for line in case["runs"]
    ]
    job = {"permissions": {"id-token": "write"}, "steps": [LOGIN, *steps]}
    files = {name: text.replace("ROLL", ROLL) for name, text in case.get("files", {}).items()}
    made = pipeline(tmp_path, {".github/workflows/ci.yml": written(job).replace("ROLL", ROLL), **files})
    traces, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    rolled = {
        call.reached.via[0].line if call.reached.via else call.spot.line
        for trace in traces.values()
        for call in trace.aws
    }
    missing = {each.problem.spot.line for each in unfollowed}
    lines = set(range(8, 8 + len(steps)))
    if case["right"] == "followed":
        assert lines <= rolled, [each.problem.message for each in unfollowed]
    elif case["right"] == "unread":
        assert lines <= missing
    else:
        assert not rolled
        assert [each.problem.message for each in unfollowed] == []
