"""Which physical names collide, and whether a name would collide with the next environment made from the same code.

Two names collide when their kind, their text, their parents and the place where they have to be unique (region,
account, partition) are the same. Each comparison has three answers; "may be" is never read as "no".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct, field

from checker.model.answers import NO, YES, Answer, Open, every, yes_if
from checker.model.environments import EnvironmentKind, Project
from checker.model.overlap import could_be_equal, is_dynamic
from checker.model.resources import Resource
from checker.model.values import Absent, ResourceKey, Text, Unknown, Value
from checker.model.verdicts import Surface
from checker.reason.names.naming import PhysicalName, Reach, naming_of
from checker.reason.names.physical import ALIASES, is_open, is_stacks_own, physical_names, references, settled

# What names a parent: a resource of this project, a text, nothing at all, or (None) something that cannot be told.
Parent: TypeAlias = "ResourceKey | str | Text | Absent | None"


class Candidate(Struct, frozen=True, eq=False):
    """A physical name, settled and placed so that it can be compared. ``text`` is ``None`` where it is not known."""

    name: PhysicalName
    text: str | Text | None
    parents: tuple[Parent, ...]

    @property
    def resource(self) -> Resource:
        return self.name.resource

    @property
    def open(self) -> bool:
        return isinstance(self.text, Text) and any(is_open(hole) for hole in self.text.holes)

    @property
    def scope(self) -> tuple[object, ...]:
        """Where the name has to be unique: the place, and the parents in it."""
        return (*_place(self), *self.parents)

    @property
    def scope_shape(self) -> tuple[object, ...] | None:
        """How the scope is written. Two scopes of one shape are one only where they are equal; ``None``: may be any."""
        shape: list[object] = []
        for part in self.scope:
            if part is None or isinstance(part, Text) or (isinstance(part, str) and is_dynamic(part)):
                return None
            shape.append("not named" if part == "" else "by its ARN" if _is_arn(part) else type(part))
        return tuple(shape)


# Under a name that is there already these get another revision, not a refusal (Amazon ECS, RegisterTaskDefinition; AWS
# Batch, RegisterJobDefinition; AWS App Runner, CreateAutoScalingConfiguration).
_REVISED: Final = frozenset(
    {"AWS::ECS::TaskDefinition", "AWS::Batch::JobDefinition", "AWS::AppRunner::AutoScalingConfiguration"}
)


_DEFAULT: Final = "default"


class Clash(Struct):
    """What one name collides with: for sure, and possibly."""

    certain: list[Candidate] = field(default_factory=list)
    possible: list[Candidate] = field(default_factory=list)


def _may_be_named(kind: str) -> bool:
    named = naming_of(kind) is not None or kind == "AWS::Route53::RecordSetGroup" or kind in ALIASES
    return named or kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"


def candidates(project: Project, resources: Iterable[Resource] | None = None) -> list[Candidate]:
    """Every fixed physical name of the project (or of ``resources``), ready to be compared."""
    found: list[Candidate] = []
    made: list[Candidate] = []
    for resource in project.resources_of(_may_be_named) if resources is None else resources:
        if resource.type in _REVISED:
            continue
        for name in physical_names(resource):
            value = name.value
            text = settled(value, project, caseless=name.naming.caseless) if isinstance(value, str | Text) else None
            if isinstance(text, str) and name.naming.kind == "AWS::Route53::RecordSet":
                text = text.rstrip(".")
            parents = tuple(_parent(each, resource, project) for each in (*name.parents, *name.others))
            (found if resource.type.startswith("AWS::") else made).append(Candidate(name, text, parents))
    # A custom resource that is told the name of something its own environment (or the shared one) makes, makes no
    # second one.
    own = {(each.name.naming.kind, each.text, each.resource.environment_name) for each in found}
    shared = [each.name for each in project.environments if each.kind is EnvironmentKind.SHARED]
    for each in made:
        places = (each.resource.environment_name, *shared)
        if not any((each.name.naming.kind, each.text, place) in own for place in places):
            found.append(each)
    return found


def _parent(value: Value, resource: Resource, project: Project) -> Parent:
    if isinstance(value, Absent):
        return value
    if isinstance(value, Unknown):
        return None
    if isinstance(value.value, Text) and len(value.value.parts) > 1:
        return settled(value.value, project)
    if isinstance(value.value, list | dict | str | Text):
        referred = list(project.all_referred(value))
        if referred:
            own = resource.environment_name
            chosen = next((each for each in referred if each.environment_name == own), referred[0])
            return _DEFAULT if any(each.value == _DEFAULT for each in physical_names(chosen)) else chosen.key
    if isinstance(value.value, Text):
        return settled(value.value, project)
    return str(value.value) if isinstance(value.value, str | bool | int | float) else None


def clashes(names: Sequence[Candidate]) -> Mapping[Candidate, Clash]:
    """For every name that collides or may collide, with what."""
    found: dict[Candidate, Clash] = {}
    by_kind: dict[str, list[Candidate]] = {}
    for each in names:
        if each.text is not None:
            by_kind.setdefault(each.name.naming.kind, []).append(each)
    for group in by_kind.values():
        by_text: dict[str | Text, list[Candidate]] = {}
        for each in group:
            if each.text is not None:
                by_text.setdefault(each.text, []).append(each)
        for same_text in by_text.values():
            if len(same_text) > 1:
                _compare_scopes(same_text, found)
        if any(each.open or is_dynamic(each.text) for each in group):
            _compare_open(group, found)
    return found


def _compare_scopes(group: Sequence[Candidate], found: dict[Candidate, Clash]) -> None:
    """Names of one text: they collide where place and parents are the same too."""
    by_scope: dict[tuple[object, ...], list[Candidate]] = {}
    for each in group:
        by_scope.setdefault(each.scope, []).append(each)
    by_shape: dict[object, list[Candidate]] = {}
    for scoped in by_scope.values():
        by_shape.setdefault(scoped[0].scope_shape, []).append(scoped[0])
        for each in scoped:
            for other in _others(each, scoped):
                _note(found, each, other, certain=None not in each.parents)
    # Scopes that are written in different ways may still be one.
    for shape, scopes in by_shape.items():
        unlike = [each for other, firsts in by_shape.items() if other != shape or shape is None for each in firsts]
        for one in scopes:
            for other in unlike:
                if other is one:
                    continue
                answer = every((same_place(one, other), *map(_same_parent, one.parents, other.parents)))
                if answer is not NO:
                    for each in by_scope[one.scope]:
                        _note(found, each, other, certain=answer is YES)
                    break


def _others(candidate: Candidate, group: Sequence[Candidate], limit: int = 10) -> Iterator[Candidate]:
    for other in group:
        if limit <= 0:
            return
        if other.resource is not candidate.resource:
            limit -= 1
            yield other


def _note(found: dict[Candidate, Clash], one: Candidate, other: Candidate, *, certain: bool) -> None:
    sure = (
        certain
        and not _told_once_for_both(one, other)
        and one.name.naming.certain
        and other.name.naming.certain
        and other.resource.certain
    )
    if not sure and one.resource.surface is Surface.ACCOUNT is other.resource.surface:
        return  # both are there, so what is not told of them keeps them apart
    clash = found.setdefault(one, Clash())
    (clash.certain if sure else clash.possible).append(other)


def _told_once_for_both(one: Candidate, other: Candidate) -> bool:
    """Whether one template makes both names, for two environments, from a parameter that the settings give once."""
    stack, again = one.resource.stack, other.resource.stack
    if stack.environment == again.environment or stack.source.file != again.source.file:
        return False
    named = references(one.resource.raw_at(one.name.path))
    return any(name in stack.parameters and stack.parameters[name] == again.parameters.get(name) for name in named)


def _compare_open(group: Sequence[Candidate], found: dict[Candidate, Clash]) -> None:
    """Names with parts that are decided outside: each against those whose ends fit its own."""
    alike: dict[tuple[object, ...], list[Candidate]] = {}
    for each in group:
        alike.setdefault((each.text, *each.scope), []).append(each)
    firsts = [several[0] for several in alike.values()]
    heads, tails = _Ends(firsts, backwards=False), _Ends(firsts, backwards=True)
    for several in alike.values():
        one = several[0]
        if one.text is None or not (one.open or is_dynamic(one.text)):
            continue
        fitting = tails if len(tail_of(one.text)) >= len(head_of(one.text)) else heads
        for other in fitting.fitting(one):
            if other.resource is one.resource or other.text is None or other.text == one.text:
                continue
            answer = every(
                (same(one.text, other.text), same_place(one, other), *map(_same_parent, one.parents, other.parents))
            )
            if answer is not NO:
                # Said of the open name only: one parameter without a value must not put every name in doubt.
                for each in several:
                    _note(found, each, other, certain=False)
                break


class _Ends:
    """Names sorted by how they begin (or end), to find those that may be equal without comparing all with all."""

    def __init__(self, group: Sequence[Candidate], *, backwards: bool) -> None:
        self._backwards = backwards
        entries = [(self._end(each), index, each) for index, each in enumerate(group) if each.text is not None]
        self._entries = sorted(entries, key=lambda entry: entry[:2])
        self._keys = [entry[0] for entry in self._entries]

    def _end(self, candidate: Candidate) -> str:
        assert candidate.text is not None
        return tail_of(candidate.text)[::-1] if self._backwards else head_of(candidate.text)

    def fitting(self, candidate: Candidate) -> Iterator[Candidate]:
        """Those whose end begins with the candidate's, and those whose end the candidate's begins with."""
        end = self._end(candidate)
        for length in range(len(end)):
            start = bisect_left(self._keys, end[:length])
            while start < len(self._keys) and self._keys[start] == end[:length]:
                yield self._entries[start][2]
                start += 1
        start = bisect_left(self._keys, end)
        while start < len(self._keys) and self._keys[start].startswith(end):
            yield self._entries[start][2]
            start += 1


def head_of(value: str | Text) -> str:
    """The literal beginning: all of it where nothing is open."""
    first = value if isinstance(value, str) else value.parts[0]
    return first if isinstance(first, str) and not is_dynamic(first) else ""


def tail_of(value: str | Text) -> str:
    """The literal end: all of it where nothing is open."""
    last = value if isinstance(value, str) else value.parts[-1]
    return last if isinstance(last, str) and not is_dynamic(last) else ""


# Made once: names are compared by the thousand.
_MAY_BE_ONE: Final = Open("whether two names are one")
_SAME_PARENT: Final = Open("whether both are in the same cluster, zone or group")
_WHERE: Final = Open("in which account and region a stack is")


def same(one: str | Text, other: str | Text) -> Answer:
    """Whether two strings will be equal. Two different holes that no template decides may hold the same."""
    if one == other:
        return YES
    holes = [hole for each in (one, other) if isinstance(each, Text) for hole in each.holes]
    if any(is_stacks_own(hole) for hole in holes):
        return NO
    return _MAY_BE_ONE if could_be_equal(one, other) else NO


def _same_parent(one: Parent, other: Parent) -> Answer:
    if one is None or other is None:
        return _SAME_PARENT
    if one == other:
        return YES
    if isinstance(one, Absent) or isinstance(other, Absent):
        # Not named: the default bus, group, cluster or network. No template makes it under another name than "default".
        if _DEFAULT in (one, other):
            return YES
        return NO if isinstance(one, ResourceKey) or isinstance(other, ResourceKey) else _SAME_PARENT
    if isinstance(one, ResourceKey) or isinstance(other, ResourceKey):
        # Against a literal id it cannot be told whose id that is; two resources are two parents.
        return NO if isinstance(one, ResourceKey) and isinstance(other, ResourceKey) else _SAME_PARENT
    if _is_arn(one) != _is_arn(other):
        # One is said by its name, the other by its ARN, which ends in it.
        arn, name = (one, other) if _is_arn(one) else (other, one)
        said = tail_of(arn).rpartition("/")[2]
        return same(said, name) if said else _SAME_PARENT
    return same(one, other)


def _is_arn(parent: object) -> bool:
    return isinstance(parent, str | Text) and head_of(parent).startswith("arn:")


def _place(candidate: Candidate) -> tuple[str, ...]:
    stack, reach = candidate.resource.stack, candidate.name.naming.reach
    if reach is Reach.PARTITION:
        return (stack.partition,)
    return (stack.partition, stack.account, stack.region if reach is Reach.REGION else "*")


def same_place(one: Candidate, other: Candidate) -> Answer:
    """Whether both must be unique in the same place. Stacks that name no account are taken to share one."""
    return every(
        _WHERE if (a == "") != (b == "") else yes_if(a == b) for a, b in zip(_place(one), _place(other), strict=True)
    )
