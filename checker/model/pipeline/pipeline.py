"""What a repository does to its environments: the jobs of its workflows, what their scripts do, its migrations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from msgspec import Struct, field

from checker.model.judgements import Judgeable
from checker.model.migrations.folders import MigrationCode, MigrationFolder
from checker.model.migrations.images import ImageStart
from checker.model.pipeline.app_context import AppContext
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Trace
from checker.model.pipeline.workflows import Workflows
from checker.model.sources import Problem
from checker.model.verdicts import Location, Subject, SubjectKind, Surface


class Unfollowed(Judgeable, Struct, frozen=True):
    """What a job does with something to act with, and nobody read: see :class:`~checker.model.pipeline.scripts.Gap`."""

    job: EffectiveJob
    problem: Problem
    logged_in: bool
    step: EffectiveStep | None = None

    @property
    def surface(self) -> Surface:
        return Surface.WORKFLOW if self.problem.spot.file.startswith(".github/") else Surface.SCRIPT

    @property
    def environment_name(self) -> str:
        return self.job.environment_name

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.SCRIPT_LINE, f"{self.job.name}: {self.problem.spot.file}: not followed")

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - a line is exact enough
        return Location(self.problem.spot.file, self.problem.spot.line, path or None)


class StartedContainer(Struct, frozen=True):
    """What a container does that starts a script of the repository, as a job of one step that no workflow has. ``call``
    starts the task that has it do so, where its image does not by itself; ``whole``: all of it was followed."""

    job: EffectiveJob
    trace: Trace
    image: ImageStart
    call: AwsCall | None
    whole: bool


class Pipeline(Judgeable, Struct, frozen=True, eq=False):
    """All that is known of one repository's pipeline. ``traces`` has the jobs and their alternatives.

    ``jobs`` are the jobs that have steps, as they run (:mod:`checker.model.pipeline.jobs`); ``traces`` what their
    scripts do, and ``unfollowed`` what of that nobody read although the job had something to act with. ``migrations``
    are the folders of SQL migrations (:mod:`checker.model.migrations.folders`), ``migration_code`` what runs and tests
    them. ``problems`` are what could not be read of the rest: those of a folder of migrations are its own, for they
    hide nothing of what jobs do. ``apps`` are the CDK apps whose code is in the repository, by the folders that the
    CDK's command runs in. It is a place: the repository as a whole, for what stands nowhere in particular.
    """

    surface: ClassVar[Surface] = Surface.WORKFLOW
    environment_name: ClassVar[str] = ""
    workflows: Workflows
    jobs: tuple[EffectiveJob, ...]
    traces: Mapping[EffectiveJob, Trace]
    migrations: tuple[MigrationFolder, ...] = ()
    migration_code: MigrationCode = field(default_factory=MigrationCode)
    problems: tuple[Problem, ...] = field(default=())
    left_out: tuple[str, ...] = ()  # environments whose jobs are not among `jobs`: nobody asks, or no stack is at hand
    in_part: frozenset[str] = frozenset()  # the workflows that start such jobs: what they lack may be in those
    unfollowed: tuple[Unfollowed, ...] = ()
    elsewhere: tuple[EffectiveJob, ...] = ()  # jobs that call a workflow which is not in this repository
    not_run: tuple[str, ...] = ()  # scripts that call AWS, and that no job runs as far as jobs could be followed
    apps: Mapping[str, AppContext] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()  # of the repository, among those that steps put files into (``path``)
    containers: tuple[StartedContainer, ...] = ()
    of_containers: tuple[Problem, ...] = ()  # what is not known of them; it hides nothing of what jobs do
    exclusions: Mapping[str, str] = field(default_factory=dict)  # of checker.toml that left files out -> their reasons

    @property
    def all_left_out(self) -> bool:
        """Whether ``checker.toml`` leaves nothing of it to judge."""
        code = self.migration_code
        left = self.workflows.files or self.migrations or code.runners or code.shaping or self.problems
        return bool(self.exclusions) and not left

    def trace(self, job: EffectiveJob) -> Trace:
        """What a job's scripts do, or a container's. No job is taken for one that does nothing where it is neither."""
        found = self.traces.get(job)
        if found is None:
            found = next((each.trace for each in self.containers if each.job is job), None)
        if found is None:
            raise KeyError(job.name)
        return found

    def ways(self) -> Iterator[EffectiveJob]:
        """Every job, those with alternatives once for each of them."""
        for job in self.jobs:
            yield from job.ways

    def aws_calls(self) -> Iterator[AwsCall]:
        """Every AWS call of every job, job by job in the order in which they run."""
        for job in self.jobs:
            yield from self.trace(job).aws

    def cdk_commands(self) -> Iterator[CdkCommand]:
        """Every run of the CDK's command, likewise."""
        for job in self.jobs:
            yield from self.trace(job).cdk

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.SETTING, "the repository's pipeline")

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - a file is all there is
        """The workflow that changes something, else the first one, else a file of the migrations or one not read."""
        acting = [job for job in self.jobs if self.traces[job].aws or self.traces[job].cdk]
        for job in (*acting, *self.jobs):
            return Location(job.entry.spot.file, job.entry.spot.line, path or None)
        for file in self.workflows.files:
            return Location(file, 1, path or None)
        for folder in self.migrations:
            for migration in folder.migrations:
                return Location(migration.file, 1, path or None)
        for problem in self.problems:
            return Location(problem.spot.file, problem.spot.line, path or None)
        return Location(".github/workflows", None, path or None)
