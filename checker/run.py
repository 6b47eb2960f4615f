"""From sources to a Run: the one way through, as the command line and the CDK plug-in both take it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checker import waivers
from checker.collect import repository
from checker.collect.config.register import load_register
from checker.collect.config.settings_file import FILE_NAME as SETTINGS_FILE
from checker.collect.config.settings_file import missing_folders, project_settings
from checker.collect.own_rules import own_ids, usable
from checker.collect.templates.assembly import Assembly, read_assembly
from checker.collect.templates.own import Own, read_own, unread_of
from checker.errors import ExitCode, InputError, UsageError
from checker.judge import judge
from checker.model.environment_words import UNNAMED
from checker.model.environments import EnvironmentKind, Project
from checker.model.matching import pairs
from checker.model.resources import Stack
from checker.model.rules import Rule
from checker.model.settings import Settings
from checker.model.shown.facts import Facts
from checker.model.values import ResourceKey
from checker.model.verdicts import (
    Coverage,
    Finding,
    Outcome,
    ProjectSummary,
    Run,
    Severity,
    Surface,
    Unread,
    Verdict,
)
from checker.model.worlds import Budget
from checker.policies.rules import load, page_of
from checker.reason.facts import drawn_of
from checker.reason.names.physical import literal_names
from checker.resolve.templates.alternatives import worlds
from checker.resolve.templates.conditional import never_made
from checker.resolve.templates.discovery import assign
from checker.resolve.templates.placing import check_names, copied, place_stack
from checker.resolve.templates.project import build_project, with_nested

if TYPE_CHECKING:
    from checker.model.live.repository_settings import RepositorySettings
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.sources import Problem

# What a gate can see without an account: the rest is for `audit`.
GATE_SURFACES: Final = frozenset({Surface.TEMPLATE, Surface.WORKFLOW, Surface.SCRIPT, Surface.MIGRATION})
# Code that may deploy or migrate. A folder without any has no pipeline.
_CODE: Final = (".bash", ".cjs", ".go", ".js", ".mjs", ".prisma", ".py", ".rb", ".sh", ".sql", ".ts", ".ini", ".plan")
# Where a project keeps its waivers; the first that is there counts.
WAIVER_FILES: Final = ("policies/waivers.yaml", "checker-waivers.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to judge. ``assemblies`` are (environment or empty, path) pairs; none means the project's own."""

    project: Path
    settings: Settings
    assemblies: Sequence[tuple[str, Path]] = ()
    environments: Sequence[str] = ()
    waivers: Sequence[waivers.Waiver] = ()
    own_rules_allowed: bool = False
    today: date = field(default_factory=date.today)
    say: Callable[[str], None] = lambda _: None
    with_facts: bool = False  # whether a report will show more than verdicts: see checker.model.shown.facts


def gate(request: Request, *, with_pipeline: bool = True) -> Run:
    """Judge what is about to be merged or deployed, offline: templates, and the pipeline of the project around them."""
    here = at_hand(request)
    assemblies, stacks, kinds = here.assemblies, here.stacks, here.kinds
    register = load_register()
    pipeline = pipeline_of(request.project, request.settings, tuple(kinds)) if with_pipeline else None
    if not stacks and pipeline is None:
        raise here.nothing(request.project)
    own = usable(request.project, request.settings, register.findings, allowed=request.own_rules_allowed)
    every = (*load(with_pipeline=pipeline is not None), *own.rules)
    rules = [rule for rule in every if rule.surfaces & GATE_SURFACES]
    findings = {**register.findings, **own.findings}
    facts: list[Facts] = []
    made: set[ResourceKey] = set()
    verdicts = judge_stacks(
        stacks,
        kinds,
        rules,
        findings,
        settings=request.settings,
        pipeline=pipeline,
        made=made,
        heard=(lambda project: facts.append(drawn_of(project, pipeline))) if request.with_facts else None,
    )
    verdicts, statuses = waivers.apply(verdicts, request.waivers, request.today)
    judged = {verdict.finding for verdict in verdicts}
    unread = _once_each((*here.unread, *unread_of_stacks(stacks), *_unread_of(pipeline)))
    coverage = Coverage(
        judged=tuple(finding for finding in findings if finding in judged),
        not_judged=tuple(finding for finding in findings if finding not in judged),
        surfaces=_surfaces(stacks, pipeline),
        # No exclusion settles that the project's own rules were not run.
        unread=(*(each for each in unread if not excluded(each.what, request.settings)), *own.unread),
        notes=(
            *own.notes,
            *here.notes,
            *_left_out(pipeline),
            *never_made(stacks, made),
            *(
                f"not read, and left out by checker.toml: {each.what} ({why})"
                for each in unread
                if (why := excluded(each.what, request.settings))
            ),
        ),
    )
    summary = ProjectSummary(
        repository=request.settings.repository or repository.slug(request.project),
        commit=repository.commit(request.project),
        assemblies=digests(assemblies, stacks),
    )
    run = Run("gate", summary, tuple(kinds), tuple(verdicts), coverage, findings, tuple(statuses))
    return with_facts(run, facts[0] if facts else Facts(), request.project) if request.with_facts else run


def with_facts(run: Run, facts: Facts, root: Path) -> Run:
    """The run with what reports show beside its verdicts, the lines that they point at among it."""
    from checker.collect.config.controls import load_frameworks
    from checker.collect.excerpts import read_excerpts

    open_ = sorted((v for v in run.verdicts if v.outcome in _WITH_LINES), key=lambda v: v.outcome.gravity)
    places = [place for verdict in open_ for place in (verdict.location, *verdict.related)]
    pages = {each: page for each in dict.fromkeys(v.finding for v in open_) if (page := page_of(each))}
    facts = replace(facts, excerpts=read_excerpts(root, places), frameworks=load_frameworks(), pages=pages)
    return replace(run, facts=facts)


_WITH_LINES: Final = frozenset({Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN, Outcome.WAIVED})


def judge_stacks(
    stacks: Sequence[Stack],
    kinds: Mapping[str, EnvironmentKind],
    rules: Iterable[Rule],
    findings: Mapping[str, Finding],
    *,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    pipeline: Pipeline | None = None,
    repository_settings: RepositorySettings | None = None,
    heard: Callable[[Project], None] | None = None,
    made: set[ResourceKey] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> list[Verdict]:
    """Judge stacks in every world that they leave open; one world's project at a time is in memory.

    ``heard`` is given the first of them when the rules are done with it; ``made`` takes in what is there in any world.
    """
    budget, every_world, seconds = Budget(), worlds(stacks), settings.rule_seconds

    def until(deadline: float) -> None:
        budget.expired = lambda: clock() > deadline

    def built() -> Iterator[Project]:
        for number, world in enumerate(every_world):
            project = build_project(stacks, kinds, world, settings, budget, find_names=literal_names)
            yield project
            if made is not None:
                made.update(resource.key for resource in project.known_resources())
            if number == 0 and heard is not None:
                until(clock() + seconds)
                heard(project)

    return judge(
        every_world,
        built(),
        rules,
        findings,
        budget,
        seconds=seconds,
        pipeline=pipeline,
        repository=repository_settings,
        clock=clock,
    )


@dataclass(frozen=True, slots=True)
class AtHand:
    """The stacks to judge, with the assemblies they came from, what their environments are, and what was noted."""

    assemblies: list[Assembly]
    stacks: list[Stack]
    kinds: dict[str, EnvironmentKind]
    notes: tuple[str, ...]
    unread: tuple[Unread, ...]
    left_out: tuple[Path, ...] = ()

    def nothing(self, project: Path) -> InputError:
        """What to say where nothing at all can be judged."""
        seen = [f"{each.what} ({each.why})" for each in self.unread[:3]]
        seen += [f"{path.as_posix()} is left out" for path in self.left_out[:3]]
        seen = seen or ["no template, assembly, workflow, deploy script or migration"]
        hint = next((each.needs for each in self.unread if each.needs), "")
        hint = (
            f"It needs {hint}." if hint else "Run `cdk synth` first, or name an assembly or a template with --assembly."
        )
        return InputError(f"{project}: nothing to judge: {'; '.join(seen)}", hint)


def at_hand(request: Request) -> AtHand:
    """What is judged: the named assemblies, or the project's own. Raises nothing where there is none."""
    own = _read(request)
    assemblies = own.assemblies
    stacks = [stack for assembly in assemblies for stack in assembly.stacks]
    stages = {key: stage for assembly in assemblies for key, stage in assembly.stages.items()}
    if not request.assemblies:
        _once_per_environment(assemblies, request.settings)
        stacks = [stack for assembly in assemblies for stack in assembly.stacks]
    kinds, notes = assign(stacks, stages, request.settings.stacks, own.folders)
    names = check_names(request.settings, stacks, kinds, complete=not (request.assemblies or own.unread))
    for name, kind in request.settings.environment_kinds.items():
        if name in kinds:
            kinds[name] = EnvironmentKind(kind)
    stacks = _chosen(stacks, kinds, request.environments)
    kinds = {name: kind for name, kind in kinds.items() if any(stack.environment == name for stack in stacks)}
    for stack in stacks:
        place_stack(stack, request.settings)
    passed_over = [unread_of(error) for assembly in assemblies for error in assembly.problems]
    return AtHand(
        assemblies,
        stacks,
        kinds,
        (*names.notes, *own.notes, *notes, *(note for assembly in assemblies for note in assembly.notes)),
        (*names.faults, *missing_folders(request.project, request.settings), *own.unread, *passed_over),
        tuple(own.left_out),
    )


def _once_per_environment(assemblies: Iterable[Assembly], settings: Settings) -> None:
    """A stack that several environments list is one template, deployed once in each."""
    for assembly in assemblies:
        stacks: list[Stack] = []
        for stack in assembly.stacks:
            owners = [name for name, each in settings.environments.items() if stack.name in each.stacks]
            if len(owners) < 2:
                stacks.append(stack)
            else:
                stacks.extend(_in_environment(copied(stack), name) for name in owners)
        assembly.stacks = stacks
    _make_ids_unique(assemblies)


def model_of(request: Request) -> tuple[Project, Pipeline | None]:
    """What rules are asked about, for commands that show it and judge nothing: the project in its first world."""
    here = at_hand(request)
    stacks, kinds = here.stacks, here.kinds
    project = build_project(stacks, kinds, worlds(stacks)[0], request.settings, find_names=literal_names)
    return project, pipeline_of(request.project, request.settings, tuple(kinds))


def request_for(project: Path, **wanted: Any) -> Request:
    """A request with the project's own settings and waivers."""
    settings = project_settings(project)
    return Request(project=project, settings=settings, waivers=_waivers(project, settings), **wanted)


def _waivers(project: Path, settings: Settings) -> Sequence[waivers.Waiver]:
    for name in WAIVER_FILES:
        path = project / name
        if path.exists() or path.is_symlink():  # what is no file is an error, not an absence
            findings = {*load_register().findings, *own_ids(project, settings, load_register().findings)}
            return waivers.load_waivers(path, name, findings=findings, max_days=settings.max_waiver_days)
    return ()


def pipeline_of(root: Path, settings: Settings, environments: Sequence[str]) -> Pipeline | None:
    """What the repository's workflows, scripts and migrations do; ``None`` where it has none.

    Jobs of an environment that the settings know and whose stacks are not among ``environments`` are left out, by name:
    what they do cannot be held against templates that are not there.
    """
    if not _may_have_pipeline(root, settings):
        return None
    from checker.collect.migrations.migration_code import read_migration_code
    from checker.collect.migrations.migrations import read_migrations
    from checker.collect.pipeline.scripts import ScriptLibrary, find_scripts
    from checker.collect.pipeline.workflows import read_workflows
    from checker.model.pipeline.jobs import complete
    from checker.model.pipeline.pipeline import Pipeline
    from checker.resolve.trace.tracer import Tracer
    from checker.resolve.workflows.jobs import effective_jobs

    workflows = read_workflows(root)
    folders, unread = read_migrations(root, settings)
    code = read_migration_code(root)
    problems = [*workflows.all_problems, *unread, *code.problems]
    if not (workflows.files or folders or code.runners or problems or find_scripts(root, settings, problems)):
        return None
    # Where no template names an environment, the jobs' own words stand.
    known = dict.fromkeys(name for name in (*environments, *settings.stacks.values()) if name != UNNAMED)
    tracer = Tracer(ScriptLibrary(root))
    jobs = effective_jobs(workflows, settings, tuple(known), tracer.outputs)
    elsewhere = set(known) - set(environments) if environments else set[str]()
    known_jobs = [job for job in jobs.jobs if not elsewhere.issuperset(way.environment_name for way in job.ways)]
    left_out = dict.fromkeys(
        way.environment_name for job in jobs.working() for way in job.ways if way.environment_name in elsewhere
    )
    for job in known_jobs if elsewhere else ():
        complete(job, alternatives=tuple(way for way in job.alternatives if way.environment_name not in elsewhere))
    traces, unfollowed = tracer.every(known_jobs)
    return Pipeline(
        workflows,
        tuple(job for job in known_jobs if not job.calls),
        traces,
        folders,
        code,
        problems=tuple(dict.fromkeys((*problems, *jobs.problems))),
        left_out=tuple(left_out),
        unfollowed=unfollowed,
    )


def _may_have_pipeline(root: Path, settings: Settings) -> bool:
    """A glance, so that a folder with templates alone does not pay for reading workflows and scripts."""
    from checker.collect.folders import walk

    if (root / ".github").is_dir() or settings.script_folders or settings.migration_folders:
        return True
    problems: list[Problem] = []
    found = next(walk(root, lambda name: name.endswith(_CODE), 1, problems), None)
    # What the glance could not search may hold a pipeline: reading it says so, a shrug would not.
    return found is not None or bool(problems)


def _read(request: Request) -> Own:
    base = request.project
    if not request.assemblies:
        own = read_own(base, request.settings, request.say)
    else:
        own = Own()
        for environment, path in request.assemblies:
            assembly = read_assembly(path, base)
            if environment:
                assembly.stacks = [_in_environment(stack, environment) for stack in assembly.stacks]
            own.assemblies.append(assembly)
    _make_ids_unique(own.assemblies)
    return own


def _in_environment(stack: Stack, environment: str) -> Stack:
    stack.environment = environment
    return stack


def _make_ids_unique(assemblies: Iterable[Assembly]) -> None:
    """Two assemblies may hold stacks of one id (an app synthesized twice): their resources must not be mixed up."""
    seen: dict[str, int] = {}
    for assembly in assemblies:
        for stack in assembly.stacks:
            count = seen[stack.id] = seen.get(stack.id, 0) + 1
            if count > 1:
                old, new = stack.id, f"{stack.id}#{count}"
                for each in with_nested([stack]):
                    each.id = new + each.id.removeprefix(old)
                if old in assembly.stages:
                    assembly.stages[new] = assembly.stages.pop(old)


def _chosen(stacks: list[Stack], kinds: Mapping[str, EnvironmentKind], wanted: Sequence[str]) -> list[Stack]:
    """The stacks of the wanted environments, and what they share. All where none is named."""
    if not wanted:
        return stacks
    unknown = [name for name in wanted if name not in kinds]
    if unknown:
        raise UsageError(f"no environment {', '.join(unknown)} here", f"There is: {', '.join(kinds)}.")
    return [s for s in stacks if s.environment in wanted or kinds[s.environment] is EnvironmentKind.SHARED]


def excluded(what: str, settings: Settings) -> str:
    """The reason for which ``checker.toml`` leaves a file out that could not be read; empty where it does not."""
    file = what.split(":", 1)[0]
    return next((why for pattern, why in settings.exclude.items() if fnmatchcase(file, pattern)), "")


def _once_each(unread: Sequence[Unread]) -> list[Unread]:
    """Templates and pipeline are looked for in the same folders: what neither could read is named once."""
    whole = {(each.what, each.why) for each in unread}
    return [
        each for each in unread if (each.what.removesuffix(":1"), each.why) not in whole or not each.what.endswith(":1")
    ]


def unread_of_stacks(stacks: Iterable[Stack]) -> Iterable[Unread]:
    for stack in with_nested(stacks):
        for reason in stack.unread:
            what, _, why = reason.partition(": ")
            yield Unread(f"{stack.source.file}: {what}", why)


def _left_out(pipeline: Pipeline | None) -> Iterable[str]:
    for name in pipeline.left_out if pipeline else ():
        yield f"jobs of environment {name} are not judged: its stacks are not at hand"
    problems = list(pipeline.workflows.all_problems) if pipeline else []
    problems += [each for folder in pipeline.migrations for each in folder.problems] if pipeline else []
    for problem in problems:
        if not problem.unread:
            yield str(problem)


def _unread_of(pipeline: Pipeline | None) -> Iterable[Unread]:
    if pipeline is None:
        return
    of_migrations = [problem for folder in pipeline.migrations for problem in folder.all_problems]
    unfollowed = [each.problem for each in pipeline.unfollowed]
    causes = dict.fromkeys((*pipeline.problems, *of_migrations, *unfollowed))
    for problem in causes:
        if problem.unread:
            yield Unread(str(problem.spot), problem.message, problem.fix)


def _surfaces(stacks: Sequence[Stack], pipeline: Pipeline | None) -> dict[str, str]:
    every = list(with_nested(stacks))
    count = sum(len(stack.template.get("Resources", ())) for stack in every)
    found = {Surface.TEMPLATE.value: f"{len(every)} templates, {count} resources"}
    if pipeline is not None:
        found[Surface.WORKFLOW.value] = f"{len(pipeline.workflows.files)} workflows, {len(pipeline.jobs)} jobs"
        if pipeline.migrations:
            count = sum(len(folder.migrations) for folder in pipeline.migrations)
            found[Surface.MIGRATION.value] = f"{len(pipeline.migrations)} folders, {count} migrations"
    return found


def digests(assemblies: Iterable[Assembly], stacks: Sequence[Stack]) -> dict[str, str]:
    digests: dict[str, str] = {}
    for assembly in assemblies:
        for stack in assembly.stacks:
            if stack in stacks:
                digests.setdefault(stack.environment, assembly.digest)
    return digests


def new_failures(run: Run, baseline: Run | None) -> list[Verdict]:
    """The failures of a run that its baseline does not have, or has less grave; all of them without a baseline."""
    if baseline is None:
        return [verdict for verdict in run.verdicts if verdict.outcome is Outcome.FAIL]
    return [
        pair.now
        for pair in pairs(baseline, run)
        if pair.now is not None and pair.now.outcome is Outcome.FAIL and pair.newly_bad
    ]


def exit_code(
    run: Run, *, fail_on: Severity = Severity.SUGGESTION, unknown_fails: bool = True, baseline: Run | None = None
) -> ExitCode:
    """What the run says to the pipeline. ``fail_on`` is the least grave severity that fails."""
    if any(verdict.outcome is Outcome.ERROR for verdict in run.verdicts):
        return ExitCode.USAGE
    if any(each.what.startswith(f"{SETTINGS_FILE}:") for each in run.coverage.unread):
        return ExitCode.USAGE  # a setting that fits nothing: what was meant was not judged
    if any(verdict.severity.rank <= fail_on.rank for verdict in new_failures(run, baseline)):
        return ExitCode.FAILED
    if any(status.state.fails_gate for status in run.waivers):
        return ExitCode.FAILED
    undecided = [each for each in newly_undecided(run, baseline) if each.severity.rank <= fail_on.rank]
    read_before = {(_without_line(each.what), each.why) for each in baseline.coverage.unread} if baseline else set()
    unread = [each for each in run.coverage.unread if (_without_line(each.what), each.why) not in read_before]
    if unknown_fails and (undecided or unread):
        return ExitCode.INCOMPLETE
    return ExitCode.CLEAN


def _without_line(place: str) -> str:
    """A place without its line, which moves: what the baseline did not read either is not new."""
    return re.sub(r":\d+(?=$|:)", "", place)


def newly_undecided(run: Run, baseline: Run | None) -> list[Verdict]:
    """What could not be decided, and was neither undecided nor failing in the baseline."""
    if baseline is None:
        return [verdict for verdict in run.verdicts if verdict.outcome is Outcome.UNKNOWN]
    known = (Outcome.FAIL, Outcome.UNKNOWN)
    return [
        pair.now
        for pair in pairs(baseline, run)
        if pair.now is not None
        and pair.now.outcome is Outcome.UNKNOWN
        and (pair.was is None or pair.was.outcome not in known)
    ]


def only(run: Run, findings: Sequence[str]) -> Run:
    """The run narrowed to some findings, for those who work on one."""
    if not findings:
        return run
    coverage = replace(run.coverage, not_judged=tuple(each for each in run.coverage.not_judged if each in findings))
    return replace(
        run,
        verdicts=tuple(verdict for verdict in run.verdicts if verdict.finding in findings),
        waivers=tuple(status for status in run.waivers if status.finding.split("[", 1)[0] in findings),
        coverage=coverage,
    )


def with_note(run: Run, note: str) -> Run:
    """The run with one more thing said of how it came about."""
    return replace(run, coverage=replace(run.coverage, notes=(*run.coverage.notes, note)))
