"""Which verdict of an earlier run is the same as one of a later run: for baselines, comparisons and reports alike.

Verdicts are the same by what they are about. Lines move, generated ids change with a construct's place, and a resource
that was moved or renamed is still that resource: it is found again by what was judged of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from msgspec import Struct

from checker import lazy_re
from checker.model.verdicts import Outcome, Run, SubjectKind, Surface, Verdict

_BAD: Final = frozenset({Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN, Outcome.WAIVED})
# How alike two names must be where no resource type says that their things are of one kind.
_ALIKE: Final = 0.6
# How much of what was judged of two resources must be the same for one to be the other under a new name.
_AGREEMENT: Final = 0.5
# Beyond so many candidates of one kind nothing is guessed: what cannot be told is new.
_MOST_CANDIDATES: Final = 300
# What a text names or counts, as opposed to how it says it: numbers, addresses, ARNs, patterns, tags.
_DATUM: Final = lazy_re.compile(r"[\w*${}]*[\d*:/@._$-][\w*:/@.$%{}-]*", re.ASCII)
_PLACES: Final = lazy_re.compile(r"[\w./-]+:\d+|\b(?:lines?|steps?)\s+\d+|\b[0-9a-f]{40,64}\b", re.ASCII)
_NUMBER: Final = lazy_re.compile(r"-?\d+(?:\.\d+)?")


class _Thing(NamedTuple):
    """What a verdict is about, in one run."""

    environment: str
    surface: Surface
    stack: str
    name: str


class _About(NamedTuple):
    """What is said of a thing: the requirement, and the place in it. The thing's own name is no part of it."""

    id: str
    path: str


class Pair(Struct, frozen=True):
    """A verdict before and after; ``None`` where there was, or is, none."""

    was: Verdict | None
    now: Verdict | None

    @property
    def newly_bad(self) -> bool:
        """Whether it fails now and did not before, or fails worse than before."""
        if self.now is None or self.now.outcome not in (Outcome.FAIL, Outcome.ERROR):
            return False
        if self.was is None or self.was.outcome not in (Outcome.FAIL, Outcome.ERROR):
            return True
        return worse(self.was, self.now)


def pairs(old: Run, new: Run) -> tuple[Pair, ...]:
    """Every verdict of both runs once, those of the later run in its order, then what is gone."""
    before, after = _by_thing(old.verdicts), _by_thing(new.verdicts)
    same = {thing: thing for thing in after if thing in before}
    same.update(_renamed(before, after))
    taken: set[int] = set()
    found: list[Pair] = []
    for thing, judged in after.items():
        earlier = before.get(same[thing], {}) if thing in same else {}
        for about, verdicts in judged.items():
            for was, now in _aligned(earlier.get(about, ()), verdicts):
                if was is not None:
                    taken.add(id(was))
                if now is not None:
                    found.append(Pair(was, now))
    order = {id(verdict): position for position, verdict in enumerate(new.verdicts)}
    found.sort(key=lambda pair: order[id(pair.now)])
    return (*found, *(Pair(verdict, None) for verdict in old.verdicts if id(verdict) not in taken))


def worse(was: Verdict, now: Verdict) -> bool:
    """Whether a failure that was known is a graver one by now: its severity, or what it names or counts.

    Other words for the same are not worse, nor is less of the same. A number is worse that is further away from the
    one that is expected; where none is, any other number has to be looked at.
    """
    if now.severity.rank != was.severity.rank:
        return now.severity.rank < was.severity.rank
    before, after = _data(was), _data(now)
    if before == after:
        return False
    numbers = [[float(each) for each in data if _NUMBER.fullmatch(each)] for data in (before, after)]
    names = [{each for each in data if not _NUMBER.fullmatch(each)} for data in (before, after)]
    if names[1] - names[0]:
        return True
    if names[0] - names[1]:
        return False
    return _further(numbers[0], numbers[1], now)


def _further(before: Sequence[float], after: Sequence[float], now: Verdict) -> bool:
    if len(before) != len(after):
        return len(after) > len(before)
    differing = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    wanted = [float(each) for each in _NUMBER.findall(now.expected)]
    if len(wanted) == 1:
        return any(abs(b - wanted[0]) > abs(a - wanted[0]) for a, b in differing)
    if re.search(r"\d+ of \d+", _said(now)):
        return any(b > a for a, b in differing)
    return bool(differing)


def _said(verdict: Verdict) -> str:
    return verdict.actual or verdict.violation


def _data(verdict: Verdict) -> list[str]:
    """What its text names and counts, in order: its own names and places apart, which may change without meaning."""
    text, subject = _PLACES.sub(" ", _said(verdict)), verdict.subject
    own = [subject.construct_path, subject.physical_id, subject.name, subject.logical_id, subject.stack]
    for name in sorted({each for each in own if each}, key=len, reverse=True):
        text = text.replace(name, " ")
    return [each.strip(".:-") for each in _DATUM.findall(text) if each.strip(".:-/")]


def _by_thing(verdicts: Iterable[Verdict]) -> dict[_Thing, dict[_About, list[Verdict]]]:
    found: dict[_Thing, dict[_About, list[Verdict]]] = defaultdict(lambda: defaultdict(list))
    for verdict in verdicts:
        subject = verdict.subject
        name = subject.construct_path or subject.name
        thing = _Thing(verdict.environment, verdict.surface, subject.stack or "", name)
        path = verdict.path
        for own in (subject.logical_id, subject.name):
            path = "/".join("*" if own and part == own else part for part in path.split("/"))
        found[thing][_About(verdict.id, path)].append(verdict)
    return found


def _aligned(was: Sequence[Verdict], now: Sequence[Verdict]) -> Iterator[tuple[Verdict | None, Verdict | None]]:
    """Several verdicts about one place: equal texts first, then gravest beside gravest; the rest alone."""
    left, right = list(was), list(now)
    for verdict in now:
        equal = next((each for each in left if each.outcome is verdict.outcome and _said(each) == _said(verdict)), None)
        if equal is not None:
            left.remove(equal)
            right.remove(verdict)
            yield equal, verdict
    left.sort(key=lambda each: each.outcome.gravity)
    right.sort(key=lambda each: each.outcome.gravity)
    for position in range(max(len(left), len(right))):
        yield (
            left[position] if position < len(left) else None,
            right[position] if position < len(right) else None,
        )


_Judged = Mapping[_About, Sequence[Verdict]]


def _renamed(before: Mapping[_Thing, _Judged], after: Mapping[_Thing, _Judged]) -> dict[_Thing, _Thing]:
    """Things of the later run that the earlier one has under another name: each of them one, the likeliest first."""
    gone = _by_kind({thing: judged for thing, judged in before.items() if thing not in after})
    come = _by_kind({thing: judged for thing, judged in after.items() if thing not in before})
    found: dict[_Thing, _Thing] = {}
    for kind, arrived in come.items():
        left = gone.get(kind, [])
        if not left or len(left) * len(arrived) > _MOST_CANDIDATES**2:
            continue
        scored = [
            (score, new, old)
            for new, its in arrived
            for old, theirs in left
            if (score := _likeness(its, theirs, typed=bool(kind[-1]))) is not None
        ]
        scored.sort(key=lambda each: each[0], reverse=True)
        used: set[_Thing] = set()
        for _, new, old in scored:
            if new not in found and old not in used:
                found[new] = old
                used.add(old)
    return found


_Kind = tuple[str, Surface, SubjectKind, str]


def _by_kind(things: Mapping[_Thing, _Judged]) -> dict[_Kind, list[tuple[_Thing, _Judged]]]:
    """What could be one another: of one environment, surface, kind and type, and with something that is not well."""
    found: dict[_Kind, list[tuple[_Thing, _Judged]]] = defaultdict(list)
    for thing, judged in things.items():
        first = next(iter(judged.values()))[0]
        if any(each.outcome in _BAD for verdicts in judged.values() for each in verdicts):
            kind = (thing.environment, thing.surface, first.subject.kind, first.subject.type or "")
            found[kind].append((thing, judged))
    return found


def _likeness(now: _Judged, was: _Judged, *, typed: bool) -> tuple[bool, float, float] | None:
    """How likely two things are one, or ``None`` where they are not: what is wrong with one has to be wrong in both."""
    if not _bad_ids(now) & _bad_ids(was):
        return None
    judged = {about.id for about in now}, {about.id for about in was}
    if len(judged[0] & judged[1]) < _AGREEMENT * len(judged[0] | judged[1]):
        return None
    mine, other = _outcomes(now), _outcomes(was)
    agreement = len(mine & other) / len(mine | other)
    first, second = next(iter(now.values()))[0].subject, next(iter(was.values()))[0].subject
    same_id = first.physical_id is not None and first.physical_id == second.physical_id
    alike = SequenceMatcher(
        None, first.construct_path or first.name, second.construct_path or second.name, autojunk=False
    ).ratio()
    if not (same_id or typed or alike >= _ALIKE):
        return None
    return same_id, alike, agreement


def _bad_ids(judged: _Judged) -> set[str]:
    return {about.id for about, verdicts in judged.items() if any(each.outcome in _BAD for each in verdicts)}


def _outcomes(judged: _Judged) -> set[tuple[str, Outcome]]:
    return {(about.id, each.outcome) for about, verdicts in judged.items() for each in verdicts}
