"""Whether two strings can be equal where only parts of them are known: the one place that answers it.

``jobs-${Stage}`` and ``jobs-${Stage}-dead`` differ whatever the stage is; ``${A}-x`` and ``${B}-y-x`` may be one. The
same engine compares patterns with wildcards, as policies write them (:mod:`checker.reason.text.patterns`).
Everything here takes time proportional to the product of the two lengths at worst, whatever the input.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import Final, TypeAlias

from checker.model.values import Attribute, Generated, Hole, Pseudo, RunValue, Text, pieces


class Wild(Enum):
    """What a position of a pattern leaves free."""

    ANY = "*"
    ONE = "?"


# A literal character, a wildcard, or an open part that has one value.
Symbol: TypeAlias = "str | Wild | Hole"
Pattern: TypeAlias = "tuple[Symbol, ...]"

# Past this product of lengths two patterns are not compared: they may overlap.
MAX_WORK: Final = 1_000_000
# A part that CloudFormation reads from elsewhere at deployment.
_DYNAMIC: Final = "{{resolve:"


# What every run of a workflow has (GitHub Actions, "Variables reference"); as shells and as expressions write it.
_OF_EVERY_RUN: Final = frozenset({"github.sha", "github.run_id", "github.run_number", "github.repository"})


def is_never_empty(hole: Hole) -> bool:
    """Whether a part that is open surely holds something: what names a run, an account or a resource does."""
    if isinstance(hole, RunValue):
        return hole.shown.strip("${} ").lower().replace("github_", "github.", 1) in _OF_EVERY_RUN
    if isinstance(hole, Attribute):
        return not hole.name  # ``Ref``; what an attribute answers may be told by code
    return isinstance(hole, Pseudo) and hole.name != "AWS::NotificationARNs"


def is_dynamic(value: str | Text | None) -> bool:
    """Whether CloudFormation reads a part of it from elsewhere at deployment (a dynamic reference)."""
    return value is not None and any(_DYNAMIC in part for part in pieces(value) if isinstance(part, str))


def could_be_equal(one: str | Text, other: str | Text, *, fold: bool = False) -> bool:
    """Whether two strings can turn out to be equal; an equal hole is the same string in both. False is certain.

    ``fold`` ignores case, as GitHub's ``==`` does.
    """
    if is_dynamic(one) or is_dynamic(other):
        return True
    left, right = _without_same_start(_parts(one, fold), _parts(other, fold))
    left, right = _without_same_start(_reversed(left), _reversed(right))
    if not left or not right:
        return not any(isinstance(each, str) or is_never_empty(each) for each in (*left, *right))
    if any(isinstance(a, str) and isinstance(b, str) for a, b in ((left[0], right[0]), (left[-1], right[-1]))):
        return False
    holes = [Counter(each for each in side if isinstance(each, Hole)) for side in (left, right)]
    lengths = [sum(len(each) for each in side if isinstance(each, str)) for side in (left, right)]
    if holes[0] == holes[1] and lengths[0] != lengths[1]:
        return False
    if any(isinstance(each, Pseudo | Generated) for side in holes for each in side):
        return overlap(_symbols(left), _symbols(right))
    # What is open may be anything. With such a part in both, nothing but their ends can keep them apart: what one
    # begins with the other's open part holds.
    return bool(holes[0] and holes[1]) or (_holds(left, right) if holes[0] else _holds(right, left))


def _holds(parts: list[str | Hole], plain: list[str | Hole]) -> bool:
    """Whether the literal parts stand in a plain string in this order; the first and the last at its ends."""
    value = "".join(each for each in plain if isinstance(each, str))
    head = parts[0] if isinstance(parts[0], str) else ""
    tail = parts[-1] if isinstance(parts[-1], str) else ""
    if len(value) < len(head) + len(tail) or not value.startswith(head) or not value.endswith(tail):
        return False
    position, end = len(head), len(value) - len(tail)
    for part in parts[1:-1]:
        if isinstance(part, str):
            found = value.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
    return True


def _parts(value: str | Text, fold: bool) -> list[str | Hole]:
    return [part.casefold() if fold and isinstance(part, str) else part for part in pieces(value) if part != ""]


def _symbols(parts: list[str | Hole]) -> Pattern:
    return tuple(symbol for part in parts for symbol in (part if isinstance(part, str) else (part,)))


def _without_same_start(one: list[str | Hole], other: list[str | Hole]) -> tuple[list[str | Hole], list[str | Hole]]:
    one, other = one[::-1], other[::-1]
    while one and other:
        first, second = one[-1], other[-1]
        if isinstance(first, str) and isinstance(second, str):
            differ = next((at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
            cut = min(len(first), len(second)) if differ is None else differ
            if cut == 0:
                break
            for side, text_of in ((one, first), (other, second)):
                side.pop()
                if text_of[cut:]:
                    side.append(text_of[cut:])
            if differ is not None:
                break
        elif first == second:
            one.pop()
            other.pop()
        else:
            break
    return one[::-1], other[::-1]


def _reversed(parts: list[str | Hole]) -> list[str | Hole]:
    return [each[::-1] if isinstance(each, str) else each for each in reversed(parts)]


def _alike(one: Pattern, other: Pattern) -> int | None:
    """How many symbols at the beginning are the same one text; ``None`` where two texts differ there."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left == right and left is not Wild.ANY:  # nearly always
            count += 1
        elif isinstance(left, str) and isinstance(right, str):
            return None
        else:
            return count
    return count


def overlap(one: Pattern, other: Pattern) -> bool:
    """Whether some string could be matched by both. False is certain."""
    start = _alike(one, other)
    if start is None:
        return False
    one, other = one[start:], other[start:]
    end = _alike(one[::-1], other[::-1])
    if end is None:
        return False
    one, other = one[: len(one) - end], other[: len(other) - end]
    if not one or not other:
        return all(_loops(symbol) for symbol in one or other)
    return len(one) * len(other) > MAX_WORK or _meet(one, other)


def _meet(one: Pattern, other: Pattern) -> bool:
    """Whether the two have a string in common.

    Both are gone through side by side: bit *n* of ``row`` says that what stands of ``one`` so far can be what the first
    *n* symbols of ``other`` match. A row is one number, so that all of its positions are worked out at once.
    """
    loops = single = free = 0  # positions behind a symbol that stands for any text, for one character, for any at all
    characters: dict[str, int] = {}
    bound: list[tuple[Hole, int]] = []
    for at, there in enumerate(other):
        behind = 2 << at
        if isinstance(there, str):
            characters[there] = characters.get(there, 0) | behind
        elif there is Wild.ONE:
            single |= behind
        else:
            loops |= behind
            if isinstance(there, Hole):
                bound.append((there, behind))
            else:
                free |= behind
    within: dict[Symbol, int] = {}  # where an open part of ``one`` may go on
    row = 1 | _onward(2 & loops, loops)
    for symbol in one:
        if _loops(symbol):
            if symbol not in within:
                held = (behind for there, behind in characters.items() if _may_hold(symbol, there))
                within[symbol] = sum(held, loops | single)
            row |= _onward((row << 1) & within[symbol], within[symbol])
            continue
        same = characters.get(symbol, 0) | single if isinstance(symbol, str) else sum(characters.values(), single)
        stays = sum((behind for there, behind in bound if _may_hold(there, symbol)), free)
        row = ((row << 1) & same) | (row & stays)
        row |= _onward((row << 1) & loops, loops)
        if not row:
            return False
    return bool(row >> len(other))


def _onward(begun: int, mask: int) -> int:
    """The bits of ``begun``, all in ``mask``, with those of the mask that follow them without a gap: what is added to
    the lowest bit of a run of ones carries through the run."""
    return (mask & ~(mask + begun)) | begun


def _loops(symbol: Symbol) -> bool:
    return symbol is Wild.ANY or isinstance(symbol, Hole)


def _may_hold(loop: Symbol, symbol: Symbol) -> bool:
    """Whether an open part may contain a character. An account's number or a generated name has no ``:`` or ``/``."""
    if not isinstance(loop, Hole) or not isinstance(symbol, str):
        return True
    if isinstance(loop, Pseudo):
        if loop.name == "AWS::AccountId":
            return symbol.isdigit()
        return loop.name == "AWS::StackId" or symbol not in ":/"
    return not isinstance(loop, Generated) or symbol not in ":/"
