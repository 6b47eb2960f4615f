"""The pipeline around the stacks: what a repository's workflows, scripts and migrations do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from checker import lazy_re
from checker.collect.exclusions import Exclusions
from checker.collect.templates.search import is_test
from checker.model.environment_words import UNNAMED
from checker.model.migrations.folders import SQL_ENDINGS
from checker.model.settings import Settings

if TYPE_CHECKING:
    from checker.collect.pipeline.earlier_runs import EarlierRuns
    from checker.collect.pipeline.scripts import ScriptLibrary
    from checker.model.pipeline.app_context import AppContext
    from checker.model.pipeline.jobs import EffectiveJob
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.pipeline.scripts import Trace
    from checker.model.sources import Problem

# What change logs of a database, or the folders that hold them, are called.
_CHANGES: Final = lazy_re.compile(r"change[-_]?(?:log|set)|liquibase", re.IGNORECASE)
# Code that may deploy or migrate. A folder without any has no pipeline.
_CODE: Final = (
    ".bash", ".cjs", ".cs", ".exs", ".go", ".ini", ".java", ".js", ".kt", ".mjs", ".php", ".plan", ".prisma", ".py",
    ".rb", ".sh", ".ts", *SQL_ENDINGS,
)  # fmt: skip


def pipeline_of(
    root: Path,
    settings: Settings,
    environments: Sequence[str],
    earlier: EarlierRuns | None = None,
    there: Sequence[str] = (),
) -> Pipeline | None:
    """What the repository's workflows, scripts and migrations do; ``None`` where it has none.

    Jobs of an environment that the settings know, or that is ``there``, and that is not among ``environments`` are left
    out, by name: nobody asks for them, or what they do cannot be held against templates that are not there.
    ``earlier``: what earlier runs have followed; who gives it saves it when the rules are done, which follow more.
    """
    if not _may_have_pipeline(root, settings):
        return None
    from checker.collect.migrations.migration_code import read_migration_code
    from checker.collect.migrations.migrations import read_migrations
    from checker.collect.migrations.sql import read_given
    from checker.collect.pipeline.scripts import ScriptLibrary, find_scripts
    from checker.collect.pipeline.workflows.reading import read_workflows
    from checker.model.pipeline.jobs import complete
    from checker.model.pipeline.pipeline import Pipeline
    from checker.reason.migrations.at_hand import drivers, given_to_clients
    from checker.resolve.trace.containers.started import started_containers
    from checker.resolve.trace.tracer import Tracer
    from checker.resolve.workflows.dispatched import started_elsewhere
    from checker.resolve.workflows.jobs import effective_jobs
    from checker.run.changed_migrations import with_changes

    exclusions = Exclusions(settings.exclude)
    workflows = read_workflows(root, exclusions)
    folders, unread = read_migrations(root, settings, exclusions)
    code = read_migration_code(root)
    problems = [*workflows.all_problems, *unread, *code.problems]
    found = workflows.files or folders or code.runners or code.shaping or problems or exclusions.used
    scripts = find_scripts(root, settings, [] if found else problems)
    if not (found or scripts):
        return None
    # Where no template names an environment, the jobs' own words stand.
    known = dict.fromkeys(name for name in (*environments, *there, *settings.stacks.values()) if name != UNNAMED)
    library = ScriptLibrary(root)
    tracer = Tracer(library, earlier=earlier.begin(library) if earlier is not None else None)
    jobs = effective_jobs(workflows, settings, tuple(known), tracer.outputs)
    elsewhere = set(known) - set(environments) if environments else set[str]()
    known_jobs = [job for job in jobs.jobs if not elsewhere.issuperset(way.environment_name for way in job.ways)]
    left_out = [
        (job.entry.file, way.environment_name)
        for job in jobs.working()
        for way in job.ways
        if way.environment_name in elsewhere
    ]
    for job in known_jobs if elsewhere else ():
        complete(job, alternatives=tuple(way for way in job.alternatives if way.environment_name not in elsewhere))
    traces, unfollowed = tracer.every(known_jobs)
    unfollowed += started_elsewhere(traces, workflows.files.values(), settings.repository)
    containers, not_known = started_containers(code.images, traces, library, library.in_image, tracer.earlier)
    pipeline = Pipeline(
        workflows,
        tuple(job for job in known_jobs if not job.calls),
        traces,
        folders,
        code,
        problems=tuple(dict.fromkeys((*problems, *jobs.problems))),
        left_out=tuple(dict.fromkeys(name for _, name in left_out)),
        in_part=frozenset(file for file, _ in left_out),
        not_run=() if left_out else tuple(_not_run(scripts, traces, library, settings)),
        exclusions=exclusions.used,
        unfollowed=unfollowed,
        elsewhere=tuple(job for job in known_jobs if job.calls and not job.called),
        apps=_apps(traces, library),
        containers=containers,
        of_containers=not_known,
        folders=frozenset(each for job in known_jobs for each in _put_into(job) if library.files_below(each)),
    )
    if driving := tuple(dict(drivers(pipeline, library.text)).items()):
        pipeline = replace(pipeline, migration_code=replace(code, drivers=driving))
    given = given_to_clients(pipeline)
    read = frozenset(each.file for folder in folders for each in folder.migrations)
    judged = read_given(given.files, given.statements, library.text, read)
    pipeline = replace(pipeline, migrations=(*folders, *judged)) if judged else pipeline
    migrations = with_changes(pipeline)
    return pipeline if migrations is pipeline.migrations else replace(pipeline, migrations=migrations)


def _put_into(job: EffectiveJob) -> Iterator[str]:
    """The folders of the workspace that a job's steps put files into."""
    for step in job.steps:
        given = step.with_.get("path", "")
        for line in given.splitlines() if isinstance(given, str) else ():
            folder = line.strip().removeprefix("./").rstrip("/")
            if folder and not folder.startswith((".", "/", "~", "!")) and "*" not in folder:
                yield folder


def _apps(traces: Mapping[EffectiveJob, Trace], library: ScriptLibrary) -> dict[str, AppContext]:
    """What the apps read that the CDK's command is given context for, by the folders that it runs in."""
    given: dict[str, set[str]] = {}
    for trace in traces.values():
        for command in trace.cdk:
            if command.context:
                given.setdefault(command.folder or "", set()).update(command.context)
    if not given:
        return {}
    from checker.collect.pipeline.app_context import read_app_context

    read = {folder: read_app_context(library, folder, keys) for folder, keys in given.items()}
    return {folder: app for folder, app in read.items() if app is not None}


# A line of a script that calls AWS, or has it changed.
_CALLS: Final = lazy_re.compile(r"(?m)^[^#\n]*(?<![\w./-])(?:aws|cdk|sam|eb|copilot)[ \t]+(?:--\S+[ \t]+)*[a-z]")


def _not_run(
    scripts: Sequence[str], traces: Mapping[EffectiveJob, Trace], library: ScriptLibrary, settings: Settings
) -> Iterator[str]:
    """The scripts that call AWS and of which no job is seen to run a line: nothing of them is judged."""
    spots = (
        spot
        for trace in traces.values()
        for action in trace.actions
        for spot in (action.reached.spot, *action.reached.via)
    )
    run = {spot.file for spot in spots}
    exclusions = Exclusions(settings.exclude)
    for path in scripts:
        inner = Path(path)
        known = path in run or is_test(inner) or exclusions.pattern_of(inner) is not None
        if not known and _CALLS.search(library.text(path) or ""):
            yield path


def _may_have_pipeline(root: Path, settings: Settings) -> bool:
    """A glance, so that a folder with templates alone does not pay for reading workflows and scripts."""
    from checker.collect.folders import walk

    if (root / ".github").is_dir() or settings.script_folders or settings.migration_folders:
        return True
    problems: list[Problem] = []

    def tells(name: str) -> bool:
        return name.lower().endswith(_CODE) or _CHANGES.search(name) is not None

    found = next(walk(root, tells, 1, problems, also=lambda folder, _: _CHANGES.search(folder) is not None), None)
    # What the glance could not search may hold a pipeline: reading it says so, a shrug would not.
    return found is not None or bool(problems)
