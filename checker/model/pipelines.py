"""A repository's pipeline as one thing: its workflows, the jobs they become, what those do, its migrations.

Overview for who writes rules. ``pipeline.jobs`` are the effective jobs (:mod:`checker.model.jobs`);
``pipeline.trace(job)`` is what one does, in order (:mod:`checker.model.scripts`); ``pipeline.standalone`` are those
of scripts that no job reaches; ``pipeline.migrations`` are the folders of SQL (:mod:`checker.model.migrations`).
``pipeline.problems`` are what could not be read: a rule that finds nothing must look there before it says pass. Scripts
and SQL are read when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from checker.model.jobs import EffectiveJob
from checker.model.migrations import MigrationFolder
from checker.model.scripts import AwsCall, CdkCommand, Command, Trace
from checker.model.sources import Problem
from checker.model.workflows import Workflows


@dataclass(eq=False)
class Pipeline:
    """Made by :func:`checker.pipeline.read_pipeline`. The callables read; everything else is plain data."""

    workflows: Workflows
    jobs: tuple[EffectiveJob, ...]
    job_problems: tuple[Problem, ...]
    trace: Callable[[EffectiveJob], Trace]
    trace_script: Callable[[str], Trace]
    find_scripts: Callable[[], tuple[tuple[str, ...], tuple[Problem, ...]]]
    read_migrations: Callable[[], tuple[tuple[MigrationFolder, ...], tuple[Problem, ...]]]
    script_problems: Callable[[], Iterable[Problem]] = field(default=lambda: ())

    @property
    def working_jobs(self) -> Iterator[EffectiveJob]:
        """The jobs that have steps of their own."""
        return (job for job in self.jobs if not job.calls)

    @cached_property
    def traces(self) -> Mapping[EffectiveJob, Trace]:
        """What every job does."""
        return {job: self.trace(job) for job in self.working_jobs}

    @cached_property
    def standalone(self) -> Mapping[str, Trace]:
        """The traces of the repository's scripts that no job's trace reaches, by path."""
        reached: set[str] = set()
        for trace in self.traces.values():
            for action in trace.actions:
                reached.add(action.spot.file)
                reached.update(spot.file for spot in action.reached.via)
        return {path: self.trace_script(path) for path in self._scripts[0] if path not in reached}

    @cached_property
    def _scripts(self) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
        return self.find_scripts()

    @cached_property
    def _migrations(self) -> tuple[tuple[MigrationFolder, ...], tuple[Problem, ...]]:
        return self.read_migrations()

    @property
    def migrations(self) -> tuple[MigrationFolder, ...]:
        return self._migrations[0]

    @property
    def aws_calls(self) -> Iterator[AwsCall]:
        """Every AWS call of every job."""
        for trace in self.traces.values():
            yield from trace.aws

    @property
    def actions(self) -> Iterator[Command | AwsCall | CdkCommand]:
        for trace in (*self.traces.values(), *self.standalone.values()):
            yield from trace.actions

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that could not be read or followed, each once."""
        found = [*self.workflows.all_problems, *self.job_problems]
        for trace in (*self.traces.values(), *self.standalone.values()):
            found.extend(trace.problems)
        found.extend(self._scripts[1])
        found.extend(self.script_problems())
        found.extend(self._migrations[1])
        for folder in self.migrations:
            found.extend(folder.all_problems)
        return tuple(dict.fromkeys(found))
