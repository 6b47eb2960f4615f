"""``checker drift`` as a Run: the project's assemblies against a snapshot, and what to say of it to a pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from checker.collect import repository
from checker.collect.config.data_files import is_there
from checker.collect.config.drift_file import load_decisions
from checker.collect.config.excusing_files import DRIFT_FILE
from checker.drift.at_rest import UNDER_REVIEW, not_at_rest
from checker.drift.decisions import Decisions, is_about, is_of
from checker.drift.deployed_as import deployed_as
from checker.drift.judge import Drift, Record, drift_of
from checker.errors import ExitCode
from checker.model.environments import EnvironmentKind
from checker.model.live.drift import PropertyState, ResourceDrift, ResourceState
from checker.model.live.drift_decisions import Decision, NotSet
from checker.model.live.snapshot import Snapshot
from checker.model.resources import Stack
from checker.model.verdicts import Coverage, ProjectSummary, Run, Unread
from checker.resolve.templates.project import with_nested
from checker.run.account import unread_properties
from checker.run.coverage import digests, unread_of_stacks
from checker.run.request import Request
from checker.run.stacks import AtHand, at_hand
from checker.together import together

if TYPE_CHECKING:
    from checker.collect.account import Read
    from checker.collect.config.targets_file import Audited

# What a snapshot may lack without anything of the comparison being left out.
_FACTS: Final = "facts/"
_NOT_COMPARED: Final = frozenset({ResourceState.NOT_CHECKED, ResourceState.MISSING})


def drift(request: Request, read: Callable[[Sequence[Stack]], Snapshot]) -> tuple[Run, tuple[Record, ...]]:
    """Compare, and give the Run with all resources, in sync or not, and the values that could be recorded.

    ``read`` gives the account that these root stacks are in.
    """
    here = at_hand(request)
    if not here.stacks:
        raise here.nothing(request.project)
    return _compared(request, here, here.stacks, read(here.stacks))


def drift_many(request: Request, reads: Iterable[tuple[Audited, Read]]) -> tuple[Run, tuple[Record, ...]]:
    """Compare the project's stacks with several accounts and regions: each with those that are meant for it.

    An account that could not be read is unread, by name, and so is a stack that none of them is meant for; the others
    are compared all the same.
    """
    here = at_hand(request)
    if not here.stacks:
        raise here.nothing(request.project)
    runs: list[tuple[str, Run]] = []
    records: list[Record] = []
    unread: list[Unread] = []
    met: set[str] = set()
    for audited, read in reads:
        stacks = [stack for stack in here.stacks if _is_meant(stack, audited, here.kinds)]
        met.update(stack.id for stack in stacks)
        if read.reading is None:
            unread.append(read.unread(audited.place))
        elif stacks:
            run, found = _compared(request, here, stacks, read.reading.snapshot)
            runs.append((audited.place, run))
            records.extend(found)
        else:
            unread.append(Unread(f"account {audited.place}", "none of these stacks is meant for it"))
    unread += [
        Unread(f"stack {each.name}", "no target is its account and region")
        for each in here.stacks
        if each.id not in met
    ]
    return _counted(together("drift", runs, unread, request)), tuple(records)


def _counted(run: Run) -> Run:
    """A run over several accounts with how many resources are in which state: a report may leave some of them out."""
    surfaces = dict(run.coverage.surfaces)
    surfaces["account"] = f"{surfaces['account']}: {len(run.drift)} resources; {_in_states(run.drift)}"
    return replace(run, coverage=replace(run.coverage, surfaces=surfaces))


def _is_meant(stack: Stack, audited: Audited, kinds: Mapping[str, EnvironmentKind]) -> bool:
    """Whether a stack is deployed to a target. One that names no account or region may be in any."""
    target = audited.target
    if target.stacks is not None and stack.name not in target.stacks:
        return False
    shared = kinds.get(stack.environment) is EnvironmentKind.SHARED
    if audited.environments and stack.environment not in audited.environments and not shared:
        return False
    return stack.account in {"", target.account} and (not target.region or stack.region in {"", target.region})


def _compared(
    request: Request, here: AtHand, stacks: Sequence[Stack], snapshot: Snapshot
) -> tuple[Run, tuple[Record, ...]]:
    named = deployed_as(stacks, _bare(here), snapshot, request.settings.stacks)
    stacks = named.stacks
    unsure = {**named.unsure, **_of_one_name(stacks, snapshot)}
    environments = {stack.environment for stack in stacks}
    kinds = {name: kind for name, kind in here.kinds.items() if name in environments}
    decisions = _decisions(request)
    own = [name for name, kind in kinds.items() if kind is not EnvironmentKind.SHARED] or list(kinds)
    decided = Decisions(decisions, request.today)
    found = drift_of(stacks, snapshot, decided, own[0] if len(own) == 1 else "", unsure)
    coverage = Coverage(
        surfaces=_surfaces(stacks, snapshot, found.resources),
        unread=(
            *here.unread,
            *unread_of_stacks(stacks),
            *(each for each in snapshot.unread if not each.what.startswith(_FACTS)),
            *unread_properties(snapshot, failed=True),
            *_templates_unread(stacks, snapshot),
            *_not_there(stacks, snapshot),
            *(Unread(f"stack {each.name}", unsure[each.id]) for each in stacks if each.id in unsure),
            *not_at_rest(stacks, snapshot),
        ),
        notes=(
            *here.notes,
            *named.notes,
            *_elsewhere(stacks, snapshot),
            *_absent([each for each in stacks if each.id not in unsure], snapshot),
            *_in_part(snapshot),
            *_notes(found.resources),
            *_stale(decisions, request),
            *_idle(decisions, stacks, found),
        ),
    )
    summary = ProjectSummary(
        repository=request.settings.repository or repository.slug(request.project),
        commit=repository.commit(request.project),
        assemblies=digests(here.assemblies, stacks),
    )
    run = Run("drift", summary, tuple(kinds), (), coverage, {}, drift=found.resources)
    return run, found.records


def exit_code(run: Run, *, fail_on_pending: bool = False, unknown_fails: bool = True) -> ExitCode:
    """1 where the account changed, something is gone or data would be lost; 3 where something could not be checked."""
    if any(each.fails for each in run.drift):
        return ExitCode.FAILED
    if fail_on_pending and any(each.state is ResourceState.PENDING and not each.accepted for each in run.drift):
        return ExitCode.FAILED
    if unknown_fails and (run.coverage.unread or any(each.undecided for each in run.drift)):
        return ExitCode.INCOMPLETE
    return ExitCode.CLEAN


def without_in_sync(run: Run) -> Run:
    """The run without the resources that are simply in sync."""
    told = [each for each in run.drift if each.state is not ResourceState.IN_SYNC or each.properties or _differs(each)]
    return replace(run, drift=tuple(told))


def _differs(entry: ResourceDrift) -> bool:
    return "CloudFormation's own detection" in entry.why


def _decisions(request: Request) -> Sequence[Decision]:
    there = is_there(request.project, DRIFT_FILE)
    return load_decisions(request.project / DRIFT_FILE, DRIFT_FILE) if there else ()


def _stale(decisions: Iterable[Decision], request: Request) -> Iterable[str]:
    for each in decisions:
        if not each.reviewed:
            yield f"{each.place}: not reviewed, so it excuses nothing: it lacks an owner, a reason or an end"
        elif not each.holds(request.today):
            yield f"{each.place}: past its end, so it excuses nothing any longer"


def _idle(decisions: Iterable[Decision], stacks: Sequence[Stack], found: Drift) -> Iterable[str]:
    """Entries that excuse nothing: what they are about is not here, or does not differ (any longer)."""
    environments = {stack.environment for stack in stacks}
    recordable = {(each.environment, f"{each.stack}/{each.logical_id}", each.path) for each in found.records}
    for entry in decisions:
        if not any(is_of(entry, each) for each in environments):
            continue  # another environment's, which is not compared
        about = [each for each in found.resources if is_about(entry, each.environment, _names(each))]
        if not about:
            yield f"{entry.place}: there is no resource {entry.resource}: correct or delete the entry"
        elif isinstance(entry.value, NotSet) or any(each.state in _NOT_COMPARED for each in about):
            continue
        elif not any(
            (each.environment, f"{each.stack}/{each.logical_id}", entry.path) in recordable
            or any(part.path.partition("[")[0] == entry.path.partition("[")[0] for part in each.properties)
            for each in about
        ):
            yield f"{entry.place}: nothing differs at {entry.path} of {entry.resource}: correct or delete the entry"


def _names(each: ResourceDrift) -> list[str | None]:
    return [each.logical_id, f"{each.stack}/{each.logical_id}", each.physical_id]


def _surfaces(stacks: Sequence[Stack], snapshot: Snapshot, entries: Sequence[ResourceDrift]) -> dict[str, str]:
    every = list(with_nested(stacks))
    taken = f", read {snapshot.taken_at}" if snapshot.taken_at else ""
    account = f"account {snapshot.account or 'unknown'} in {snapshot.region or 'an unknown region'}{taken}"
    declared = sum(1 for each in entries if each.logical_id is not None)
    read = f"{len(snapshot.stacks)} stacks, {len(snapshot.resources)} resources"
    return {
        "template": f"{len(every)} templates, {declared} resources",
        "account": f"{account}: {read}; {_in_states(entries)}",
    }


def _in_states(entries: Sequence[ResourceDrift]) -> str:
    states = Counter(each.state for each in entries)
    said = (f"{states[state]} {state.value.replace('_', ' ')}" for state in ResourceState if states[state])
    return ", ".join(said) or "empty"


def _elsewhere(stacks: Sequence[Stack], snapshot: Snapshot) -> Iterable[str]:
    """Stacks that are meant for another account or region than the one that was read."""
    for stack in stacks:
        for word, meant, read in _meant_elsewhere(stack, snapshot):
            yield f"stack {stack.name} is meant for {word} {meant}, and {word} {read} was read"


def _meant_elsewhere(stack: Stack, snapshot: Snapshot) -> Iterable[tuple[str, str, str]]:
    for word, meant, read in (("account", stack.account, snapshot.account), ("region", stack.region, snapshot.region)):
        if meant and read and meant != read:
            yield word, meant, read


def _absent(stacks: Sequence[Stack], snapshot: Snapshot) -> Iterable[str]:
    """Stacks of which the account has nothing: a first deployment creates them, and so it does after a deletion."""
    there = {stack.name for stack in snapshot.stacks}
    if there and "asked_stacks" not in snapshot.facts:
        for stack in stacks:
            if stack.name not in there and not any(_meant_elsewhere(stack, snapshot)):
                yield f"stack {stack.name} is not in the account: it was never deployed there, or somebody deleted it"


def _of_one_name(stacks: Sequence[Stack], snapshot: Snapshot) -> dict[str, str]:
    """Stacks that are called as another one which is meant for the place that was read: there, that one is deployed."""
    here = {stack.name for stack in stacks if not any(_meant_elsewhere(stack, snapshot))}
    found: dict[str, str] = {}
    for stack in stacks:
        places = [f"{word} {meant}" for word, meant, _ in _meant_elsewhere(stack, snapshot)]
        if places and stack.name in here:
            found[stack.id] = f"it is meant for {', '.join(places)}, which was not read; another one of its name was"
    return found


def _not_there(stacks: Sequence[Stack], snapshot: Snapshot) -> Iterable[Unread]:
    """Stacks that may well be deployed, in the place that they are meant for: another one was read."""
    there = {stack.name for stack in snapshot.stacks}
    if not there and "asked" not in snapshot.facts:
        return  # written by hand, without stacks
    for stack in stacks:
        places = [f"{word} {meant}" for word, meant, _ in _meant_elsewhere(stack, snapshot)]
        if places and stack.name not in there:
            yield Unread(f"stack {stack.name}", f"it is not in what was read; it is meant for {', '.join(places)}")


def _bare(here: AtHand) -> set[str]:
    """The stacks that are called by their template's file, which says nothing of what they are deployed as."""
    files = [assembly for assembly in here.assemblies if assembly.path.is_file()]
    return {stack.id for each in files for stack in each.stacks if stack.name == each.path.name.partition(".")[0]}


def _in_part(snapshot: Snapshot) -> Iterable[str]:
    asked = snapshot.facts.get("asked_stacks")
    if isinstance(asked, list):
        yield f"only these stacks were read, so what is of no stack is not told: {', '.join(map(str, asked))}"


def _notes(entries: Sequence[ResourceDrift]) -> Iterable[str]:
    counts = Counter(each.state for entry in entries for each in entry.properties)
    if counts[PropertyState.NOT_RETURNED]:
        yield f"declared properties of a kind that no read returns: {counts[PropertyState.NOT_RETURNED]}"
    if counts[PropertyState.NOT_RESOLVED]:
        yield f"declared properties that could not be resolved: {counts[PropertyState.NOT_RESOLVED]}"


def _templates_unread(stacks: Sequence[Stack], snapshot: Snapshot) -> Iterable[Unread]:
    """Stacks whose deployed template is not in the snapshot: what the code changed cannot be told apart there."""
    names = {stack.name for stack in stacks}
    for each in snapshot.stacks:
        if each.template is None and each.name in names and each.status != UNDER_REVIEW:
            yield Unread(f"the deployed template of {each.name}", "not in the snapshot", "cloudformation:GetTemplate")
