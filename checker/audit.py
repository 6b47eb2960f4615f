"""From a snapshot of an account to a Run: the findings that an account can show, by the same rules as the gate's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from checker import waivers
from checker.collect import repository
from checker.collect.config.register import Register, load_register
from checker.collect.github.facts import KEY, from_facts
from checker.collect.seen import seen_once
from checker.collect.templates.assembly import read_assembly
from checker.collect.templates.synthesis import existing_assembly
from checker.data.type_facts import facts_of
from checker.errors import UsageError
from checker.judge import judge
from checker.model.environments import Project
from checker.model.live.snapshot import Snapshot
from checker.model.resources import ConstructOrigin, Raw
from checker.model.rules import Rule
from checker.model.verdicts import Coverage, Outcome, ProjectSummary, Run, Surface, Unread, Verdict
from checker.model.worlds import Budget, World
from checker.policies.rules import load
from checker.reason.facts import drawn_of
from checker.reason.names.physical import literal_names
from checker.resolve.account.project import LiveAccount, StacksKnown, live_project
from checker.resolve.templates.discovery import assign, in_environment
from checker.resolve.templates.project import with_nested
from checker.run.account import of_nobody, unread_of
from checker.run.ending import withheld
from checker.run.narrowed import not_asked_for, notes_of, without
from checker.together import together

if TYPE_CHECKING:
    from checker.collect.account import Read
    from checker.collect.config.targets_file import Audited
    from checker.model.live.repository_settings import RepositorySettings
    from checker.model.pipeline.pipeline import Pipeline
    from checker.run.request import Request

_NO_SETTINGS: Final = "the repository's settings are not in this snapshot: nothing that they decide is judged"
# Names of unmanaged resources that the coverage lists; the rest is counted.
_LISTED: Final = 20


def audit(request: Request, snapshot: Snapshot) -> Run:
    """Judge an account as a snapshot has it, with the pipeline of the project around it where there is one."""
    run = _audited(request, snapshot)
    unread = (*of_nobody(snapshot, run.environments), *run.coverage.unread)
    return replace(run, coverage=replace(run.coverage, unread=unread))


@seen_once()
def _audited(request: Request, snapshot: Snapshot) -> Run:
    register = load_register()
    live, pipeline, known = _at_hand(request, snapshot)
    others = not_asked_for(live.kinds, request.environments)
    settings = settings_of(snapshot)
    rules = list(_rules(register, pipeline=pipeline is not None))
    verdicts = _judged(live.project, rules, register, request, pipeline, settings)
    if request.earlier is not None:
        request.earlier.save()
    verdicts, statuses = waivers.apply(verdicts, request.waivers, request.today)
    judged = {verdict.finding for verdict in verdicts}
    gaps = settings.unread if settings else ()
    of_no_matter = gaps if _all_decided(verdicts) else ()
    coverage = Coverage(
        judged=tuple(finding for finding in register.entries if finding in judged),
        not_judged=tuple(finding for finding in register.entries if finding not in judged),
        surfaces={Surface.ACCOUNT.value: _shown(snapshot), **_shown_settings(settings)},
        unread=(*unread_of(snapshot), *(each for each in gaps if each not in of_no_matter)),
        notes=(
            *live.notes,
            *known.notes,
            *notes_of(others, verdicts),
            *_not_read(request, snapshot.facts.get("asked_stacks")),
            *_gone(live, others),
            *_unmanaged(live, snapshot.facts.get("asked_stacks")),
            *([] if settings else [_NO_SETTINGS]),
            *(f"not read, and nothing that is judged rests on it: {each.what} ({each.why})" for each in of_no_matter),
        ),
    )
    summary = ProjectSummary(
        repository=request.settings.repository or repository.slug(request.project),
        commit=repository.commit(request.project),
        assemblies=known.digests,
    )
    environments = tuple(name for name in live.kinds if name not in others)
    shown = without(others, request.environments, verdicts)
    run = Run("audit", summary, environments, shown, coverage, register.findings, tuple(statuses))
    if not request.with_facts:
        return withheld(run)
    from checker.run.judging import with_facts

    return withheld(with_facts(run, drawn_of(live.project, pipeline), request.project))


def audit_many(request: Request, reads: Iterable[tuple[Audited, Read]]) -> Run:
    """One run over several accounts and regions. Its environments are named with the place that they are in.

    An account that could not be read is unread, by name; the others are judged all the same.
    """
    runs: list[tuple[str, Run]] = []
    lost: list[Unread] = []
    every = tuple(reads)
    for audited, read in every:
        if read.reading is None:
            lost.append(read.unread(audited.place))
            continue
        asked = replace(request, environments=audited.environments or request.environments)
        absent = _none_of(audited, read.reading.snapshot)
        if absent:
            lost.append(Unread(f"account {audited.place}", absent))
            continue
        try:
            runs.append((audited.place, _audited(asked, read.reading.snapshot)))
        except UsageError as error:
            lost.append(Unread(f"account {audited.place}", f"{error.message}. {error.hint}"))
    lost += [] if lost else _nowhere(request, every)
    if not any(run.environments for _, run in runs):
        snapshots = (read.reading.snapshot for _, read in every if read.reading is not None)
        lost += [each for snapshot in snapshots for each in of_nobody(snapshot, ())]
    return together("audit", runs, lost, request)


def _none_of(audited: Audited, snapshot: Snapshot) -> str:
    """Why nothing is judged of a target that names its stacks: none of them is there, and the rest is not meant."""
    named, missing = audited.target.stacks or (), snapshot.facts.get("missing_stacks")
    if not named or not isinstance(missing, list) or not set(named) <= set(map(str, missing)):
        return ""
    return f"none of its stacks is there: {', '.join(named)}"


def _nowhere(request: Request, reads: Sequence[tuple[Audited, Read]]) -> Iterator[Unread]:
    """Stacks of the project that are in none of the accounts, all of which were looked at."""
    snapshots = [read.reading.snapshot for _, read in reads if read.reading is not None]
    if any(audited.target.stacks for audited, _ in reads) or any("stacks" in _lost(each) for each in snapshots):
        return
    there = {stack.name for each in snapshots for stack in each.stacks}
    asked = [audited.environments or request.environments for audited, _ in reads]
    for name, environment in request.settings.stacks.items():
        if name not in there and any(not wanted or environment in wanted for wanted in asked):
            yield Unread(f"stack {name}", "it is in none of these accounts and regions")


def _lost(snapshot: Snapshot) -> set[str]:
    return {each.what for each in snapshot.unread}


def live_of(request: Request, snapshot: Snapshot) -> LiveAccount:
    """What a snapshot is taken for, with what the project says of its stacks."""
    return _at_hand(request, snapshot)[0]


class _Known(Struct, frozen=True):
    """What the project's assemblies tell of the account's stacks."""

    stacks: StacksKnown
    digests: Mapping[str, str]
    notes: tuple[str, ...]


def _at_hand(request: Request, snapshot: Snapshot) -> tuple[LiveAccount, Pipeline | None, _Known]:
    from checker.run.pipeline import pipeline_of

    known = _known(request)
    live = live_project(
        snapshot,
        known.stacks,
        request.settings,
        read_only=lambda kind: facts_of(kind).read_only,
        find_names=literal_names,
    )
    missing = [name for name in request.environments if name not in live.kinds]
    if missing:
        there = ", ".join(each.name for each in (*live.project.environments, *live.project.elsewhere)) or "none"
        raise UsageError(
            f"no stack or resource of environment {', '.join(missing)} in account {snapshot.account}",
            f"There is: {there}. Is it the right account and region? checker.toml's [stacks] may name its stacks.",
        )
    return live, pipeline_of(request.project, request.settings, tuple(live.kinds), request.earlier), known


def _known(request: Request) -> _Known:
    """The environments of stacks and the places of their constructs, from settings and the assemblies at hand.

    Where there is no assembly, verdicts stand at the account instead of a source line.
    """
    environments = dict(request.settings.stacks)
    constructs: dict[str, Mapping[str, ConstructOrigin]] = {}
    digests: dict[str, str] = {}
    notes: list[str] = []
    for environment, path in _assemblies(request):
        assembly = read_assembly(path, request.project)
        stacks = [in_environment(stack, environment) for stack in assembly.stacks] if environment else assembly.stacks
        assigned = assign(stacks, assembly.stages, request.settings.stacks)
        notes += assigned.notes
        for stack in assigned.stacks:
            environments.setdefault(stack.name, stack.environment)
            digests.setdefault(stack.environment, assembly.digest)
        constructs.update({each.name: each.constructs for each in with_nested(assembly.stacks)})
    return _Known(StacksKnown(environments=environments, constructs=constructs), digests, tuple(notes))


class Declared(Struct, frozen=True):
    """How many resources of each type the stacks at hand declare, and the region of each stack that says one."""

    counts: Mapping[str, int]
    regions: Mapping[str, str]


def declared(request: Request, stacks: Sequence[str] | None = None) -> Declared:
    """What the assemblies at hand say of an account before it is read; ``stacks``: of these root stacks alone."""
    counts: Counter[str] = Counter()
    regions: dict[str, str] = {}
    for _, path in _assemblies(request):
        roots = read_assembly(path, request.project).stacks
        # Under another name it is not known which are meant: all of them, then.
        meant = [each for each in roots if stacks is None or each.name in stacks] or roots
        for stack in with_nested(meant):
            regions[stack.name] = stack.region
            resources = stack.template.get("Resources")
            for each in resources.values() if isinstance(resources, dict) else ():
                if isinstance(each, dict) and isinstance(each.get("Type"), str):
                    counts[each["Type"]] += 1
    return Declared(counts, regions)


def _assemblies(request: Request) -> Sequence[tuple[str, Path]]:
    """The assemblies that were named, or the project's own where it is there already. None is made for this."""
    if request.assemblies:
        return request.assemblies
    own = existing_assembly(request.project, request.settings)
    return [] if own is None else [("", own)]


def _rules(register: Register, *, pipeline: bool) -> Iterator[Rule]:
    """The rules of findings that an account shows. What a pipeline does is judged where roles and stacks decide it."""
    for rule in load(with_pipeline=True):
        judged_on = register.entries[rule.id].judged_on
        if Surface.ACCOUNT not in judged_on:
            continue
        crosses = pipeline and Surface.TEMPLATE in judged_on
        rule = replace(rule, check_pipeline=rule.check_pipeline if crosses else None)  # noqa: PLW2901
        if rule.surfaces:
            yield rule


def _judged(
    project: Project,
    rules: Sequence[Rule],
    register: Register,
    request: Request,
    pipeline: Pipeline | None,
    settings: RepositorySettings | None,
) -> list[Verdict]:
    return judge(
        [World()],
        [project],
        rules,
        register.findings,
        Budget(),
        seconds=request.settings.rule_seconds,
        pipeline=pipeline,
        repository=settings,
    )


def settings_of(snapshot: Snapshot) -> RepositorySettings | None:
    """The repository's settings, where the snapshot was taken with a look at them."""
    return from_facts(snapshot.facts[KEY]) if KEY in snapshot.facts else None


def _all_decided(verdicts: Iterable[Verdict]) -> bool:
    """Whether everything that rests on the repository's settings was decided, so that what was not read is no gap.

    A workflow's own token can never read what takes a right to administer, such as a classic branch protection; where
    a ruleset protects the branch, nothing is missing.
    """
    outcomes = {each.outcome for each in verdicts if each.surface is Surface.SETTING}
    return bool(outcomes) and outcomes <= {Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE}


def _shown_settings(settings: RepositorySettings | None) -> dict[str, str]:
    if settings is None:
        return {}
    read = "read" if not settings.unread else f"{len(settings.unread)} of its settings not read"
    return {Surface.SETTING.value: f"GitHub repository {settings.repository}: {read}"}


def _shown(snapshot: Snapshot) -> str:
    at = f", as of {snapshot.taken_at}" if snapshot.taken_at else ""
    region = f" in {snapshot.region}" if snapshot.region else ""
    return f"account {snapshot.account}{region}: {len(snapshot.stacks)} stacks, {len(snapshot.resources)} resources{at}"


def _not_read(request: Request, asked: Raw) -> Iterable[str]:
    """The other environments' stacks, where only some were asked for: two of one name cannot be in one account and
    region, but whom a role reaches is told by those beside it too."""
    left = [each for each in request.settings.stacks if each not in asked] if isinstance(asked, list) else []
    if left and request.environments:
        yield f"not read, for --env leaves them out: {', '.join(left)}; whether a role reaches into them is not seen"


def _gone(live: LiveAccount, others: Sequence[str]) -> Iterable[str]:
    """What stacks have and the account has not: rules see what is there, so nothing else speaks of it."""
    account = live.project.account
    shown = [name for name in live.kinds if name not in others]
    gone = [each for each in account.gone if each.environment_name in shown] if account else []
    if gone:
        named = ", ".join(f"{each.stack.name}/{each.logical_id} ({each.type})" for each in gone[:_LISTED])
        more = f" and {len(gone) - _LISTED} more" if len(gone) > _LISTED else ""
        yield f"gone from the account, though a stack has it: {named}{more}; `checker drift` compares everything"


def _unmanaged(live: LiveAccount, asked: Raw) -> Iterable[str]:
    if not live.unmanaged:
        return
    kinds = Counter(each.type for each in live.unmanaged)
    named = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())[:_LISTED])
    more = f" and {len(kinds) - _LISTED} more types" if len(kinds) > _LISTED else ""
    if isinstance(asked, list):
        yield f"{len(live.unmanaged)} resources are of none of the stacks that were read: {named}{more}"
    else:
        yield f"{len(live.unmanaged)} resources belong to no stack and to no environment of this project: {named}{more}"
