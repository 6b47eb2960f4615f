"""What a job that holds something to act with runs, and nobody reads, is on record: once, where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import pipeline

CASES = yaml.safe_load((Path(__file__).parent / "gaps.yaml").read_text(encoding="utf-8"))
LOGIN = {
    "uses": "aws-actions/configure-aws-credentials@v4",
    "with": {"role-to-assume": "arn:aws:iam::111122223333:role/r", "aws-region": "us-west-2"},
}


def written(job: dict[str, Any]) -> str:
    """A workflow of one job, one line for each step."""
    flow = [yaml.safe_dump(step, default_flow_style=True, width=10_000).strip() for step in job["steps"]]
    head = ["on: push", "jobs:", "  job:", "    runs-on: ubuntu-latest"]
    head.append(f"    permissions: {yaml.safe_dump(job['permissions'], default_flow_style=True).strip()}")
    if "container" in job:
        head.append(
            f"    container: {yaml.safe_dump(job['container'], default_flow_style=True, width=10_000).splitlines()[0]}"
        )
    if "services" in job:
        services = yaml.safe_dump(job["services"], default_flow_style=True, width=10_000).splitlines()[0]
        head.append(f"    services: {services}")
    return "\n".join([*head, "    steps:", *(f"      - {step}" for step in flow)]) + "\n"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    job = case.get("job") or {"permissions": {"id-token": "write"}, "steps": [LOGIN, *case["steps"]]}
    files = {**case.get("files", {}), **{name: text.encode("latin-1") for name, text in case.get("binary", {}).items()}}
    made = pipeline(tmp_path, {".github/workflows/ci.yml": written(job), **files})
    _, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    lines_before = written(job).split("\n").index("    steps:") + (1 if "job" in case else 2)
    spots = [each.problem.spot for each in unfollowed]
    said = [spot.line - lines_before if spot.file.endswith("ci.yml") else spot.file for spot in spots]
    assert said == case["gaps"]
