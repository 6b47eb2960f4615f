"""A list that is one of several: an array that grows under a condition, an unquoted text that may be another one.

What such a list holds stays together: a command that is given it is each of the commands that it may be.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from checker.model.possible import Possible, one_of
from checker.model.values import Unknown

Listed: TypeAlias = "tuple[Possible, ...]"
MAX_WAYS: Final = 8


class Several(Unknown, frozen=True):
    """Where words stand: one of these lists of them. To all who ask for one value it is unknown."""

    ways: tuple[Listed, ...]


def one_of_lists(lists: Iterable[Listed], what: str) -> Listed | Unknown:
    """The one list that all are, or else several; unknown where they are too many."""
    different = tuple(dict.fromkeys(lists))
    if len(different) == 1:
        return different[0]
    why = f"{what} has different elements"
    return Several(why, different) if 0 < len(different) <= MAX_WAYS else Unknown(why)


def ways_of(words: Sequence[Possible]) -> list[list[Possible]]:
    """The lists of plain words that these may be; none where they are that already, or too many to tell apart."""
    if not any(isinstance(word, Several) for word in words):
        return []
    each = [word.ways if isinstance(word, Several) else ((word,),) for word in words]
    count = 1
    for ways in each:
        count *= len(ways)
    if count > MAX_WAYS:
        return []
    return [[word for way in combined for word in way] for combined in itertools.product(*each)]


def listed(words: Sequence[Possible], what: str) -> Listed | Unknown:
    """A list with these elements."""
    ways = ways_of(words)
    return one_of_lists(map(tuple, ways), what) if ways else tuple(words)


def alternatives(value: Possible | Listed) -> tuple[Listed, ...]:
    """The lists that a stored value may be, one of a single element where it is no list."""
    if isinstance(value, Several):
        return value.ways
    return (value,) if isinstance(value, tuple) else ((value,),)


def same_program(words: Sequence[Possible]) -> bool:
    """Whether the ways differ in what a program is told alone, not in which one it is: of AWS's, in which operation."""
    first = next((index for index, word in enumerate(words) if isinstance(word, Several)), len(words))
    return first >= (3 if words[0] == "aws" else 1)


def either_list(each: Sequence[tuple[Possible, ...] | None]) -> tuple[Possible, ...] | None:
    """The arguments that are one of these lists; ``None``, not known, where how many there are depends on that."""
    first, *rest = each
    if all(one == first for one in rest):
        return first
    if any(one is None or first is None or len(one) != len(first) for one in rest):
        return None
    return tuple(one_of(values) for values in zip(*(one or () for one in each), strict=True))
