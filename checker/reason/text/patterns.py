"""Strings with wildcards and open parts, compared as the sets of strings that they stand for.

IAM policies, trust policies and lifecycle rules all speak in globs: ``*`` is any run of characters, also across ``:``
and ``/``, and ``?`` is exactly one (AWS IAM User Guide, "IAM JSON policy elements: Resource", "Condition operators").
A template adds holes: parts that are fixed at deployment and not known before. Everything here takes time proportional
to the product of the two lengths at worst, whatever the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either
from checker.model.overlap import MAX_WORK, Pattern, Symbol, Wild, overlap
from checker.model.values import Generated, Hole, PolicyVariable, Text, pieces, text

# How much of a pattern the reason of an open answer quotes, in symbols.
_MOST_SHOWN: Final = 120
# ``${aws:username}``: filled in at the time of the call; ``${*}``, ``${?}`` and ``${$}`` stand for the character.
_VARIABLE: Final = lazy_re.compile(r"\$\{([^}]*)\}")


@lru_cache(maxsize=16_384)
def glob(value: str | Text) -> Pattern:
    """A value in which ``*`` and ``?`` are wildcards, as in ``Resource`` and under ``StringLike``."""
    return tuple(_symbols(value, wild=True))


@lru_cache(maxsize=16_384)
def exact(value: str | Text) -> Pattern:
    """A value that is taken as it stands, as under ``StringEquals``: ``*`` is a star."""
    return tuple(_symbols(value, wild=False))


def _symbols(value: str | Text, *, wild: bool) -> Iterator[Symbol]:
    for part in pieces(value):
        if isinstance(part, Hole):
            yield part
            continue
        end = 0
        for match in _VARIABLE.finditer(part) if "${" in part else ():
            yield from _characters(part[end : match.start()], wild=wild)
            end = match.end()
            name = match.group(1)
            if name in {"*", "?", "$"}:
                yield name
            else:
                yield PolicyVariable(match.group(0))
        yield from _characters(part[end:], wild=wild)


def _characters(literal: str, *, wild: bool) -> Iterator[Symbol]:
    if not wild or ("*" not in literal and "?" not in literal):
        yield from literal
        return
    for character in literal:
        yield Wild.ANY if character == "*" else Wild.ONE if character == "?" else character


@lru_cache(maxsize=16_384)
def folded(pattern: Pattern) -> Pattern:
    """The pattern for comparisons that ignore case."""
    return tuple(symbol.lower() if isinstance(symbol, str) else symbol for symbol in pattern)


def shown(pattern: Pattern) -> str:
    """As a person writes it."""
    return "".join(
        symbol if isinstance(symbol, str) else symbol.value if isinstance(symbol, Wild) else symbol.shown
        for symbol in pattern
    )


def _short(pattern: Pattern) -> str:
    written = shown(pattern[:_MOST_SHOWN])
    return written if len(pattern) <= _MOST_SHOWN else f"{written}..."


def has_wild(pattern: Pattern) -> bool:
    return any(isinstance(symbol, Wild) for symbol in pattern)


def has_hole(pattern: Pattern) -> bool:
    return any(isinstance(symbol, Hole) for symbol in pattern)


def example(pattern: Pattern, filler: str = "x") -> str | Text:
    """One string that the pattern matches."""
    return text(
        [(filler if symbol is Wild.ANY else filler[0]) if isinstance(symbol, Wild) else symbol for symbol in pattern]
    )


def covers(pattern: Pattern, target: Pattern) -> bool:
    """Whether ``pattern`` matches every string of ``target``, whatever the holes turn out to be.

    Runs of wildcards with a ``*`` are gaps of a minimal length, so ``?*`` and ``*?`` are the same. What stands between
    gaps begins and ends with something definite and so cannot straddle a ``*`` of the target, which may be of any
    length: it must lie between two of them, and taking each as far left as it fits loses nothing.
    """
    if len(pattern) * len(target) > MAX_WORK:
        return False
    segments, gaps = _segments(pattern)
    first, last = segments[0], segments[-1]
    if not gaps:
        return len(first) == len(target) and _fits(first, target, 0)
    if len(first) + len(last) > len(target):
        return False
    if not _fits(first, target, 0) or not _fits(last, target, len(target) - len(last)):
        return False
    # How many characters there are before each position, at least: a hole or a `*` may be empty.
    at_least = [0, *accumulate(0 if symbol is Wild.ANY or isinstance(symbol, Hole) else 1 for symbol in target)]
    position, end = len(first), len(target) - len(last)
    for gap, segment in zip(gaps, segments[1:-1], strict=False):
        start = position
        while start + len(segment) <= end and (
            at_least[start] - at_least[position] < gap or not _fits(segment, target, start)
        ):
            start += 1
        if start + len(segment) > end:
            return False
        position = start + len(segment)
    return at_least[end] - at_least[position] >= gaps[-1]


@lru_cache(maxsize=4096)
def _segments(pattern: Pattern) -> tuple[list[Pattern], list[int]]:
    """What stands between the unbounded gaps, and each gap's minimal length; one segment more than gaps."""
    segments: list[Pattern] = []
    gaps: list[int] = []
    current: list[Symbol] = []
    index = 0
    while index < len(pattern):
        if not isinstance(pattern[index], Wild):
            current.append(pattern[index])
            index += 1
            continue
        end = index
        while end < len(pattern) and isinstance(pattern[end], Wild):
            end += 1
        run = pattern[index:end]
        if Wild.ANY in run:
            segments.append(tuple(current))
            current = []
            gaps.append(run.count(Wild.ONE))
        else:
            current.extend(run)
        index = end
    return [*segments, tuple(current)], gaps


def _fits(segment: Pattern, target: Pattern, start: int) -> bool:
    for offset, symbol in enumerate(segment):
        there = target[start + offset]
        if symbol is Wild.ONE:
            if there is Wild.ANY or isinstance(there, Hole):
                return False
        elif symbol != there:
            return False
    return True


@lru_cache(maxsize=16_384)
def match(pattern: Pattern, target: Pattern) -> Answer:
    """Whether ``pattern`` matches ``target``: open where it depends on holes, or holds for a part of it only."""
    for one, other in zip(pattern, target, strict=False):  # most differ at their beginnings
        if type(one) is not str or type(other) is not str:
            break
        if one != other:
            return NO
    counted = _counted(target)
    if covers(pattern, target) or (counted is not target and covers(pattern, counted)):
        return YES
    if not overlap(pattern, target) or (counted is not target and not overlap(pattern, counted)):
        return NO
    if has_hole(pattern) or has_hole(target):
        return Open(f"whether {_short(pattern)} is {_short(target)}")
    if has_wild(target):
        if set(target) == {Wild.ANY}:
            return Open(f"only {_short(pattern)} is meant, and what is asked for may be anything")
        return Open(f"{_short(pattern)} is only a part of {_short(target)}")
    # Too long to compare is not the same as different.
    return Open("two texts are too long to be compared") if len(pattern) * len(target) > MAX_WORK else NO


def _counted(target: Pattern) -> Pattern:
    """The target with as many open characters as a part has that a service makes up, where their number is known."""
    if not any(isinstance(symbol, Generated) and symbol.length for symbol in target):
        return target
    found: list[Symbol] = []
    for symbol in target:
        found.extend([Wild.ONE] * symbol.length if isinstance(symbol, Generated) and symbol.length else [symbol])
    return tuple(found)


def match_any(patterns: Iterable[Pattern | None], target: Pattern) -> Answer:
    """Whether one of ``patterns`` matches; ``None`` is one that is not known."""
    return either(UNREAD if pattern is None else match(pattern, target) for pattern in patterns)


# Whether a pattern matches that a policy does not tell before deployment.
UNREAD: Final = Open("what one of its values will be")
