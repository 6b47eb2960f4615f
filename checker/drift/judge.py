"""Every resource of an environment in one of the states: code, CloudFormation and account side by side.

Coverage is complete by construction: each resource that the code declares gives one entry, each that only the deployed
template has gives one, and each live resource that nothing manages gives one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from checker.data.type_facts import facts_of
from checker.drift.absent import STACK, nested, without_live
from checker.drift.account import Account, words_of
from checker.drift.decisions import Decisions, recordable
from checker.drift.deploying import STATEFUL, CodeChange, code_changes, is_kept, next_deploy, policy_changes
from checker.drift.expected import Declared, deployed_side, expected_side
from checker.drift.meaning.compare import compare_properties, unreadable_parts
from checker.drift.meaning.differences import Around, Difference, Kind
from checker.drift.meaning.scalars import is_arn, names_of
from checker.drift.releases import Releases
from checker.drift.siblings import Sibling, Siblings
from checker.drift.states import properties_of, without_values
from checker.drift.unmanaged import unmanaged
from checker.drift.witness import witnessed
from checker.model.live.drift import (
    IN_ACCOUNT,
    IN_CODE,
    NextDeploy,
    PropertyDrift,
    PropertyState,
    ResourceDrift,
    ResourceState,
)
from checker.model.live.drift_decisions import Decision
from checker.model.live.snapshot import NOT_YET, LiveResource, Snapshot, is_failure
from checker.model.resources import Raw, Stack
from checker.model.secrets.values import is_secret_name
from checker.model.values import Attribute, Hole, Reference, Resolved, ResourceKey, Text

# What leaves nothing in the account that a read could show.
_LEAVES_NOTHING: Final = frozenset(
    {
        "AWS::CDK::Metadata",
        "AWS::CloudFormation::WaitCondition",
        "AWS::CloudFormation::WaitConditionHandle",
        # It writes the address of a database into a secret's value.
        "AWS::SecretsManager::SecretTargetAttachment",
    }
)


class Record(Struct, frozen=True):
    """A value that the account shows and the code does not say, as it may be written down to be watched."""

    environment: str
    stack: str
    logical_id: str
    path: str
    value: Raw


class Drift(Struct, frozen=True):
    """What comparing found: every resource, the gravest first, and what could be recorded."""

    resources: tuple[ResourceDrift, ...]
    records: tuple[Record, ...]


def drift_of(
    stacks: Sequence[Stack],
    snapshot: Snapshot,
    decisions: Decisions = Decisions(),  # noqa: B008 - frozen
    environment: str = "",
    unsure: Mapping[str, str] = MappingProxyType({}),
) -> Drift:
    """Every resource that is expected, deployed or live, the gravest first. ``stacks`` are the root stacks.

    ``environment`` is where what no stack manages is counted; ``unsure``: id of a root stack -> why it is not known
    which stack of the account it is.
    """
    account = Account(snapshot)
    comparison = _Comparison(stacks, account, decisions, unsure)
    entries = list(comparison.entries())
    entries.extend(unmanaged(account, comparison.matched, environment))
    return Drift(tuple(sorted(entries, key=_gravity)), tuple(comparison.records))


def _gravity(entry: ResourceDrift) -> tuple[int, str, str, str, str]:
    order = list(ResourceState).index(entry.state)
    rank = 0 if entry.loses_data else 1 if entry.fails else 2 + order
    return rank, entry.environment, entry.stack or "", entry.logical_id or "", entry.physical_id or ""


def _told(snapshot: Snapshot) -> Raw:
    """What a snapshot tells of resources that it does not hold: facts whose name begins with ``sibling``."""
    return [value for name, value in snapshot.facts.items() if name.lower().startswith("sibling")]


def _referred(value: Resolved) -> Iterator[Reference]:
    """What open parts of a value stand for."""
    if isinstance(value, Text):
        yield from (hole for hole in value.holes if isinstance(hole, Reference))
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _referred(each)


def _root(stack: Stack) -> Stack:
    return stack if stack.parent is None else _root(stack.parent)


class _Comparison:
    def __init__(
        self, stacks: Sequence[Stack], account: Account, decisions: Decisions, unsure: Mapping[str, str]
    ) -> None:
        self._account = account
        self._unsure_stacks = unsure
        self._decisions = decisions
        self._expected = expected_side(stacks, account)
        deployed = deployed_side(stacks, account)
        self._deployed = {(each.resource.stack.id, each.logical_id): each for each in deployed}
        # Stacks whose deployed template is known.
        self._templates = {each.resource.stack.id for each in deployed}
        self._releases = Releases(self._expected, account)
        declared = [
            Sibling(each.properties, words_of(each.live, each.physical_id)) for each in (*self._expected, *deployed)
        ]
        # What other stacks made explains as much.
        elsewhere = [
            Sibling(dict(each.properties), words_of(each, each.physical_id))
            for each in account.snapshot.resources
            if each.stack is not None or each.logical_id is not None
        ]
        self._siblings = Siblings([*declared, *elsewhere], account.snapshot.account, _told(account.snapshot))
        self.matched = {id(each.live) for each in (*self._expected, *deployed) if each.live is not None}
        self._targets = {each.resource.key: each for each in self._expected}
        self._words: dict[ResourceKey, frozenset[str]] = {
            each.resource.key: words_of(each.live, each.physical_id) for each in self._expected
        }
        told = account.snapshot.facts.get("stackTags")
        self._tags_told: Mapping[str, str] = told if isinstance(told, dict) else {}
        self.records: list[Record] = []

    def entries(self) -> Iterator[ResourceDrift]:
        for each in self._expected:
            yield self._entry(each, self._deployed.pop((each.resource.stack.id, each.logical_id), None))
        for each in self._deployed.values():
            yield self._removed(each)

    # -- one declared resource ---------------------------------------------------------------------------

    def _entry(self, declared: Declared, deployed: Declared | None) -> ResourceDrift:
        about = self._about(declared)
        why = self._not_comparable(declared)
        if why:
            return self._settled(declared, ResourceState.NOT_CHECKED, about, why)
        if deployed is not None and deployed.type != declared.type:
            why = f"it was of type {deployed.type}"
            return self._settled(declared, ResourceState.PENDING, about, why, NextDeploy.REPLACE)
        if declared.type in _LEAVES_NOTHING and declared.live is None:
            return self._settled(declared, ResourceState.IN_SYNC, about, "it leaves nothing that a read could show")
        if declared.type == STACK or declared.live is None or "" in declared.live.unread:
            of_stack = declared.type == STACK
            found = nested(self._account, declared) if of_stack else without_live(self._account, declared, deployed)
            return self._settled(declared, found.state, about, found.why, found.deploy)
        if declared.why_not:
            return self._settled(declared, ResourceState.NOT_CHECKED, about, declared.why_not)
        return self._compared(declared, deployed, about)

    def _not_comparable(self, declared: Declared) -> str:
        """Why it is not known what a stack's resources should be, or which they are."""
        root = _root(declared.resource.stack)
        if root.id in self._unsure_stacks:
            return self._unsure_stacks[root.id]
        if declared.stack is None and self._account.leaves_out(root.name):
            return f"stack {root.name} was not asked for when the account was read"
        return self._account.between_templates(declared.resource.stack)

    def _compared(self, declared: Declared, deployed: Declared | None, about: list[Decision]) -> ResourceDrift:
        facts = facts_of(declared.type)
        around = self._around(declared)
        live = declared.live
        assert live is not None
        shown = self._releases.at_rest(declared, live.properties)
        found = compare_properties(self._releases.at_rest(declared, declared.properties), shown, facts, around)
        found.extend(self._releases.task_definition(declared))
        changes: list[CodeChange] | None = None
        before: list[Difference] = []
        if deployed is not None:
            changes = code_changes(declared.properties, deployed.properties)
            if changes:
                before = compare_properties(self._releases.at_rest(declared, deployed.properties), shown, facts, around)
        self._note(declared, found, changes)
        properties = properties_of(found, changes, before, self._decisions, about)
        if declared.type == "AWS::SSM::Parameter" and is_secret_name(str(live.properties.get("Name", ""))):
            properties = tuple(without_values(each) if each.path == "Value" else each for each in properties)
        deploy, why = self._next(declared, deployed)
        parts = unreadable_parts(declared.properties, facts)
        notes = [why, f"no read returns {', '.join(parts)}" if parts else ""]
        states = {each.state for each in properties if not each.accepted}
        kept = list(policy_changes(declared.resource.raw, deployed.resource.raw)) if deployed is not None else []
        if kept:
            notes.append("; ".join(kept))
            deploy = NextDeploy.UPDATE if deploy is NextDeploy.NONE else deploy
        if deployed is None and self._knows_that_it_is_new(declared):
            deploy = NextDeploy.CREATE
            notes.append("it is there, and not of this stack: creating it may fail")
        if states & IN_ACCOUNT:
            state = ResourceState.CHANGED
            if deploy is NextDeploy.UPDATE and PropertyState.CHANGED_IN_ACCOUNT in states:
                notes.append("updating it may set back what was changed in the account")
            if deploy is NextDeploy.REPLACE:
                notes.append("its replacement starts from the code: what was changed in the account is lost")
        elif states & IN_CODE or deploy is not NextDeploy.NONE:
            state = ResourceState.PENDING
        else:
            state = ResourceState.IN_SYNC
        if state is ResourceState.IN_SYNC:
            unsure = list(self._unsure(declared, properties))
            notes.extend(unsure)
            state = ResourceState.NOT_CHECKED if unsure else state
        said = witnessed(self._account.snapshot, declared.resource.stack.name, declared.logical_id, state)
        why = "; ".join(filter(None, [*notes, said]))
        return self._settled(declared, state, about, why, deploy, properties)

    def _knows_that_it_is_new(self, declared: Declared) -> bool:
        if declared.stack is None:
            return self._account.knows_stacks
        return declared.resource.stack.id in self._templates

    def _unsure(self, declared: Declared, properties: Iterable[PropertyDrift]) -> Iterator[str]:
        """What might differ, had it been read: parts of the resource, and others that its code refers to."""
        assert declared.live is not None
        for path, why in declared.live.unread.items():
            if is_failure(why):
                yield f"{path or 'it'} could not be read: {why}"
        for each in properties:
            name = each.path.partition(".")[0]
            if each.state is PropertyState.NOT_RESOLVED and name in declared.properties:
                for part in _referred(declared.properties[name]):
                    why = self._unread_part(part)
                    if why:
                        yield f"what {each.path} refers to could not be read: {why}"

    def _unread_part(self, part: Reference) -> str:
        """Why the resource of a reference, or the attribute that is asked for, is not known; empty where it is."""
        target = self._targets.get(part.target)
        unread = self._account.unreadable(target.type if target is not None else "", None)
        if unread is not None:
            return unread[0]
        if target is None or target.live is None or not isinstance(part, Attribute):
            return ""
        failed = {path: why for path, why in target.live.unread.items() if is_failure(why) or why == NOT_YET}
        return next((why for path, why in failed.items() if f"{part.name}.".startswith(f"{path}.")), "")

    def _note(self, declared: Declared, found: list[Difference], changes: list[CodeChange] | None) -> None:
        """Keep what the account shows beyond or against the code, for whoever wants to record it."""
        stack = declared.resource.stack
        for each in found:
            if each.kind in {Kind.UNDECLARED, Kind.ADDED} or (each.kind is Kind.CHANGED and not changes):
                value = recordable(each.live, each.path)
                self.records.append(Record(stack.environment, stack.name, declared.logical_id, each.path, value))

    def _next(self, declared: Declared, deployed: Declared | None) -> tuple[NextDeploy, str]:
        if deployed is None:
            return NextDeploy.NONE, ""
        changes = code_changes(declared.properties, deployed.properties)
        return next_deploy(changes, facts_of(declared.type))

    def _around(self, declared: Declared) -> Around:
        own = words_of(declared.live, declared.physical_id)
        return Around(
            own=own,
            account=self._account.snapshot.account,
            explained=self._siblings.explaining(own),
            alias=self._account.alias,
            unread=self._unread(declared.live) if declared.live else {},
            stack_tags=declared.stack.tags if declared.stack else self._tags_told,
            pipeline=self._releases.owned(declared),
            named=self._named,
        )

    def _unread(self, live: LiveResource) -> Mapping[str, str]:
        """What of a resource was not read: a reader that says what it asked for does not ask for everything."""
        if "asked" not in self._account.snapshot.facts:
            return live.unread
        facts = facts_of(live.type)
        found = dict.fromkeys(facts.not_asked - live.properties.keys(), "checker does not ask for it")
        if facts.tags and facts.tags not in live.properties:
            found[facts.tags] = "there are none, or they were not asked for"
        return {**found, **live.unread}

    def _named(self, hole: Hole, value: str) -> bool:
        """Whether a value names a resource: by one of its words, or as an address that begins with one."""
        own = self._words.get(hole.target) if isinstance(hole, Reference) else None
        if not own:
            return False
        if any(is_arn(word) and value in names_of(word) for word in own):
            return True  # also a short one: the number of a version
        lowered = {word.lower() for word in own}
        # Addresses begin with the name, or with a word before it: dualstack., internal-, master., and a number after.
        labels = [label.removeprefix("internal-") for label in value.lower().split(".")[:2]]
        said = {value.lower(), *labels, *(label.rpartition("-")[0] for label in labels)} - {""}
        return bool((said | {each.lower() for each in (names_of(value) if is_arn(value) else ())}) & lowered)

    # -- one that only the deployed template has ---------------------------------------------------------

    def _removed(self, deployed: Declared) -> ResourceDrift:
        about = self._about(deployed)
        between = self._account.between_templates(deployed.resource.stack)
        if between:
            return self._settled(deployed, ResourceState.NOT_CHECKED, about, between)
        if is_kept(deployed.resource.raw, "DeletionPolicy"):
            why = f"the code no longer has it; DeletionPolicy {deployed.resource.raw['DeletionPolicy']} keeps its data"
            return self._settled(deployed, ResourceState.PENDING, about, why, NextDeploy.DELETE, kept=True)
        why = "the code no longer has it"
        return self._settled(deployed, ResourceState.PENDING, about, why, NextDeploy.DELETE)

    # -- common ------------------------------------------------------------------------------------------

    def _about(self, declared: Declared) -> list[Decision]:
        stack = declared.resource.stack
        names = [declared.logical_id, f"{stack.name}/{declared.logical_id}", declared.physical_id]
        return self._decisions.of(stack.environment, names)

    def _settled(
        self,
        declared: Declared,
        state: ResourceState,
        about: list[Decision],
        why: str = "",
        deploy: NextDeploy = NextDeploy.NONE,
        properties: tuple[PropertyDrift, ...] = (),
        *,
        kept: bool = False,
    ) -> ResourceDrift:
        if deploy is NextDeploy.REPLACE and declared.type in STATEFUL:
            raw = declared.resource.raw
            kept_old = is_kept(raw, "UpdateReplacePolicy")
            old = f"UpdateReplacePolicy {raw['UpdateReplacePolicy']} keeps the old one's data, and " if kept_old else ""
            why = "; ".join(filter(None, [why, f"{old}the new one starts without them"]))
        accepted = self._decisions.accepts(about, deploy) if deploy is not NextDeploy.NONE else None
        ignored = self._decisions.ignores(about, "") if state is ResourceState.MISSING else False
        return ResourceDrift(
            environment=declared.resource.stack.environment,
            stack=declared.resource.stack.name,
            type=declared.type,
            logical_id=declared.logical_id,
            physical_id=declared.physical_id,
            state=state,
            why=why,
            next_deploy=deploy,
            properties=properties,
            stateful=declared.type in STATEFUL and not kept,
            accepted=(accepted.reason if accepted else "") or ("ignored" if ignored else ""),
        )
