"""Programs that builds and tests of other languages start in a job with a role are on record; ordinary ones are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline
from tests.resolve.trace.test_gaps import LOGIN, written

CASES = load(Path(__file__).with_name("builds.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    job = {"permissions": {"id-token": "write"}, "steps": [LOGIN, *({"run": run} for run in case["runs"])]}
    made = pipeline(tmp_path, {".github/workflows/ci.yml": written(job), **case.get("files", {})})
    _, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    first = written(job).split("\n").index("    steps:") + 2
    assert sorted({each.problem.spot.line - first for each in unfollowed}) == case["gaps"], [
        each.problem.message for each in unfollowed
    ]


def test_a_build_before_the_credentials_concerns_nobody(tmp_path: Path) -> None:
    job = {"permissions": {"id-token": "write"}, "steps": [{"run": "cargo build"}, LOGIN, {"run": "aws s3 ls"}]}
    files = {".github/workflows/ci.yml": written(job), "build.rs": 'fn main() { Command::new("./ship.sh"); }\n'}
    _, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(pipeline(tmp_path, files).jobs)
    assert unfollowed == ()
