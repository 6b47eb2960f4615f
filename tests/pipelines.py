"""Repositories made of text, and their pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.collect.pipeline.workflows.reading import read_workflows
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.scripts import Trace
from checker.model.pipeline.workflows import Workflows
from checker.model.settings import Settings
from checker.model.sources import Problem
from checker.resolve.trace.tracer import Tracer
from checker.resolve.workflows.jobs import effective_jobs


def load(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def repository(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


@dataclass(frozen=True)
class Made:
    """A repository's workflows as they run."""

    workflows: Workflows
    jobs: tuple[EffectiveJob, ...]
    problems: tuple[Problem, ...]
    tracer: Tracer

    def trace(self, job: EffectiveJob) -> Trace:
        return self.tracer.job(job)


def pipeline(root: Path, files: Mapping[str, str | bytes], settings: Settings | None = None) -> Made:
    workflows = read_workflows(repository(root, files))
    settings = settings or Settings(repository="acme/shop")
    tracer = Tracer(ScriptLibrary(root))
    found = effective_jobs(workflows, settings, ("staging", "production"), tracer.outputs)
    return Made(workflows, found.jobs, (*workflows.all_problems, *found.problems), tracer)


def workflow(run: str, **job: Any) -> str:
    """A workflow of one job, whose one step runs ``run``."""
    if "steps" in job:
        return yaml.safe_dump({"on": "push", "jobs": {"job": {"runs-on": "ubuntu-latest", **job}}}, sort_keys=False)
    head = "on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n      - shell: bash\n        run: |\n"
    return head + "".join(f"          {line}\n" for line in run.split("\n"))


def trace_of(root: Path, run: str, files: Mapping[str, str | bytes] | None = None, **job: Any) -> Trace:
    """What one run block does, beside these files of the repository."""
    made = pipeline(root, {".github/workflows/ci.yml": workflow(run, **job), **(files or {})})
    return made.trace(made.jobs[0])
