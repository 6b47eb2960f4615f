"""Reads a repository's pipeline: where its collectors and the reasoning about them meet."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from checker.collect.migrations import read_migrations
from checker.collect.scripts import ScriptLibrary, find_scripts
from checker.collect.workflows import read_workflows
from checker.model.pipelines import Pipeline
from checker.model.settings import Settings
from checker.model.sources import Problem
from checker.reason.jobs import effective_jobs
from checker.reason.trace import Tracer


def read_pipeline(root: Path, settings: Settings, environments: Collection[str] = ()) -> Pipeline:
    """The pipeline of the repository at ``root``. ``environments`` are the names of the project's environments.

    Raises nothing for what it reads: what cannot be read is among the pipeline's problems.
    """
    workflows = read_workflows(root)
    effective = effective_jobs(workflows, settings, environments)
    library = ScriptLibrary(root)
    tracer = Tracer(library)

    def scripts() -> tuple[tuple[str, ...], tuple[Problem, ...]]:
        problems: list[Problem] = []
        return find_scripts(root, settings, problems), tuple(problems)

    return Pipeline(
        workflows=workflows,
        jobs=effective.jobs,
        job_problems=effective.problems,
        trace=tracer.job,
        trace_script=tracer.script,
        find_scripts=scripts,
        read_migrations=lambda: read_migrations(root, settings),
        script_problems=lambda: library.problems,
    )
