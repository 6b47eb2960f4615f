"""Which item of one list is which of another, where order says nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from checker.drift.meaning.differences import Difference, Kind
from checker.model.resources import Raw
from checker.model.values import Resolved, Text, Unknown, plain_text

Between: TypeAlias = Callable[[Resolved, Raw, str], list[Difference]]

# What names an item among its like, the surest first; then whatever ends like a name.
_KEYS: Final = ("Key", "Name", "PolicyName", "Sid", "Id", "ID", "AttributeName", "IndexName", "RuleName", "Priority")
_ENDINGS: Final = ("Name", "Id", "ID", "Identifier", "Arn", "ARN", "Key", "Alias")


class Pairing(Struct, frozen=True):
    """What is left of each list when what is the same is taken out. ``unsure``: matched but for unknown parts."""

    expected: list[Resolved]
    live: list[Raw]
    unsure: list[Resolved]


def natural_key(expected: Sequence[Resolved], live: Sequence[Raw]) -> str | None:
    """The property that names the items of both lists, each by a name of its own; ``None`` where there is none."""
    every = [*expected, *live]
    if not expected or not live or not all(isinstance(each, dict) for each in every):
        return None
    first = expected[0]
    assert isinstance(first, dict)
    names: list[str] = [key for key in _KEYS if key in first]
    names += [key for key in first if key not in _KEYS and key.endswith(_ENDINGS)]
    for name in names:
        ours, theirs = _named(expected, name), _named(live, name)
        if ours is not None and theirs is not None and ours & theirs:
            return name
    return None


def _named(items: Sequence[Raw], name: str) -> set[str] | None:
    values = [each.get(name) for each in items]
    if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in values):
        return None
    found = set(map(str, values))
    return found if len(found) == len(values) else None


def pair(
    expected: Sequence[Resolved], live: Sequence[Raw], between: Callable[[Resolved, Raw], list[Difference]]
) -> Pairing:
    """Pair equal items, then items without a difference, then items that differ only where something is not known."""
    index: dict[str, list[int]] = {}
    for position, each in enumerate(live):
        index.setdefault(_canonical(each), []).append(position)
    taken: set[int] = set()
    ours: list[Resolved] = []
    for one in expected:
        spots = index.get(_canonical(one))
        if spots:
            taken.add(spots.pop())
        else:
            ours.append(one)
    theirs = [each for position, each in enumerate(live) if position not in taken]
    unsure: list[Resolved] = []
    for tolerated in (frozenset(), _UNSURE):
        left: list[Resolved] = []
        for one in ours:
            found = next((i for i, other in enumerate(theirs) if _within(between(one, other), tolerated)), None)
            if found is None:
                left.append(one)
                continue
            del theirs[found]
            if tolerated:
                unsure.append(one)
        ours = left
    return Pairing(ours, theirs, unsure)


_UNSURE: Final = frozenset({Kind.NOT_RESOLVED})


def _within(differences: list[Difference], tolerated: frozenset[Kind]) -> bool:
    """Whether nothing differs but what is tolerated. What a read leaves out, or fills in, does not set items apart."""
    quiet = {Kind.NOT_RETURNED, Kind.UNDECLARED, *tolerated}
    return all(each.kind in quiet for each in differences)


def _canonical(value: Resolved) -> str:
    """The same text for the same value, whatever the order of its items and keys."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{_canonical(value[key])}" for key in sorted(value, key=str)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted(map(_canonical, value))) + "]"
    if isinstance(value, Text | Unknown):
        return f"<{value}>"
    return repr(plain_text(value))
