"""What a value of a workflow or a script can be, before the run that fixes it.

Beside plain data and :class:`~checker.model.values.Text` (a string with holes) there is one more case: a finite set.
``OneOf(("staging", "production"))`` is what a matrix, a choice input or two branches of a script leave open. A value
that has a name but no known content (``${{ secrets.ROLE }}``, ``$(git rev-parse HEAD)``) is a ``Text`` of one hole, so
that two uses of it still compare equal; ``Unknown`` is left for what could not be evaluated at all.

::

    Scalar    bool | int | float | str | Text | None
    Possible  Scalar | OneOf | Unknown
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open, alike, yes_if
from checker.model.overlap import could_be_equal
from checker.model.values import Answered, CallPlace, Hole, RunValue, Text, Unknown, pieces, text

Scalar: TypeAlias = "bool | int | float | str | Text | None"

# Sets larger than this become Unknown: nobody can act on a message that lists more.
MAX_OPTIONS: Final = 64
MAX_TEXT: Final = 200_000
_TOO_LONG: Final = "a text too long to follow"


class OneOf(Struct, frozen=True):
    """One of these and nothing else; at least two, all different. Build it with :func:`one_of`."""

    options: tuple[Scalar, ...]

    def __str__(self) -> str:
        return " | ".join(shown(option) for option in self.options)


Possible: TypeAlias = "Scalar | OneOf | Unknown"
# A value, or lists and structures of them, as a call is given them.
Nested: TypeAlias = "Possible | tuple[Nested, ...] | Mapping[str, Nested]"


def leaves(value: Nested) -> Iterator[Possible]:
    """The values in lists and structures, in order; the names of a structure are none."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def open_text(shown_as: str, where: str = "", number: int = 0, *, call: CallPlace | None = None) -> Text:
    """A value known by name only, and by the AWS ``call`` whose answer it comes from. Of equal texts all that is equal
    means the same value at run time (see :class:`~checker.model.values.RunValue`)."""
    return Text((RunValue(shown_as, where, number) if call is None else Answered(shown_as, call, number),))


def call_behind(value: object) -> CallPlace | None:
    """The AWS call that a text comes from, the first where there are several."""
    holes = value.holes if isinstance(value, Text) else ()
    return next((hole.call for hole in holes if isinstance(hole, Answered)), None)


def one_of(values: Iterable[Possible]) -> Possible:
    """The set of these values: itself where they are all the same, ``Unknown`` where one is or there are too many."""
    options: list[Scalar] = []
    for value in values:
        if isinstance(value, Unknown):
            return value
        options.extend(value.options if isinstance(value, OneOf) else (value,))
        if len(options) > MAX_OPTIONS:
            options = _different(options)
            if len(options) > MAX_OPTIONS:
                return Unknown(f"more than {MAX_OPTIONS} different values")
    if not options:
        return Unknown("no value")
    if len(options) > 1:  # telling texts apart takes long, and most of the time there is one value
        options = _different(options)
    return options[0] if len(options) == 1 else OneOf(tuple(options))


def _different(options: Iterable[Scalar]) -> list[Scalar]:
    found: dict[tuple[type, Scalar], Scalar] = {}
    for option in options:
        found.setdefault((type(option), option), option)
    return list(found.values())


def options(value: Possible) -> tuple[Scalar, ...] | None:
    """Every value it can have, ``None`` where that cannot be told."""
    if isinstance(value, Unknown):
        return None
    return value.options if isinstance(value, OneOf) else (value,)


def is_known(value: Possible) -> bool:
    """Whether each value that it can have is known, with no hole."""
    each = options(value)
    return each is not None and not any(isinstance(option, Text) for option in each)


_NO_NUMBERS: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def shown(value: object) -> str:
    """As GitHub (and a shell) turns it into text: null is empty, booleans are lower case, ``3.0`` is ``3``, a number of
    more than 15 digits is rounded (``1.2E+20``)."""
    if type(value) is str:  # by far the most
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= 10**15):
        return f"{value:.15G}" if math.isfinite(value) else _NO_NUMBERS[str(float(value))]
    return str(value)


def as_text(value: Scalar) -> str | Text:
    """``value`` as a string, holes kept."""
    return value if isinstance(value, Text) else shown(value)


def joined(parts: Iterable[Possible]) -> Possible:
    """The strings put one after another, for every combination of what each can be."""
    parts = tuple(parts)
    plain = [part for part in parts if isinstance(part, str)]
    if len(plain) == len(parts):  # by far the most
        whole = "".join(plain)
        return whole if len(whole) <= MAX_TEXT else Unknown(_TOO_LONG)
    sides: list[tuple[Scalar, ...]] = []
    combinations = 1
    for part in parts:
        each = options(part)
        if each is None:
            return part
        sides.append(each)
        combinations *= len(each)
        if combinations > MAX_OPTIONS:
            return Unknown(f"more than {MAX_OPTIONS} different values")
    if combinations == 1:
        return _side_by_side(next(itertools.product(*sides)))
    return one_of(map(_side_by_side, itertools.product(*sides)))


def marked(text: Possible, mark: Callable[[int], str]) -> tuple[str, dict[str, Possible]] | None:
    """A text with a word of ``mark`` for each value in it that is not known, and those values by their words; ``None``
    where all of it is open."""
    if isinstance(text, str):
        return text, {}
    if not isinstance(text, Text) or text.only_hole is not None:
        return None
    marks: dict[str, Possible] = {}
    written: list[str] = []
    for part in text.parts:
        if isinstance(part, str):
            written.append(part)
        else:
            written.append(mark(len(marks)))
            marks[written[-1]] = Text((part,))
    return "".join(written), marks


def _side_by_side(scalars: tuple[Scalar, ...]) -> Possible:
    merged: list[str | Hole] = []
    length = 0
    for scalar in scalars:
        for piece in pieces(as_text(scalar)):
            merged.append(piece)
            length += len(piece) if isinstance(piece, str) else len(piece.shown)  # open pieces add up as others do
    return text(merged) if length <= MAX_TEXT else Unknown(_TOO_LONG)


def mapped(value: Possible, change: Callable[[Scalar], Possible]) -> Possible:
    """``change`` applied to everything that ``value`` can be."""
    each = options(value)
    return value if each is None else one_of(change(option) for option in each)


def same(left: Scalar, right: Scalar, *, fold: bool = False) -> Answer:
    """Whether the two are equal as text at run time.

    ``fold`` ignores case, as GitHub's ``==`` does.
    """
    one, other = as_text(left), as_text(right)
    if one == other:
        return YES
    if isinstance(one, str) and isinstance(other, str):  # by far the most
        return yes_if(fold and one.casefold() == other.casefold())
    return Open(f"whether {one} is {other}") if could_be_equal(one, other, fold=fold) else NO


def truth(value: Possible) -> Answer:
    """Whether it counts as true: ``true`` and ``"true"``; everything else is false."""
    if isinstance(value, bool):  # by far the most
        return yes_if(value)
    each = options(value)
    if each is None:
        return Open(f"what {value} is")
    return alike(
        (
            Open(f"whether {option} is true") if isinstance(option, Text) else yes_if(shown(option).lower() == "true")
            for option in each
        ),
        f"whether it is true: it is one of {value}",
    )


def plain_words(words: Iterable[Possible], with_value: Container[str] = ()) -> Iterator[Possible]:
    """The words of a command line that are no options, nor the values of those ``with_value``."""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif isinstance(word, str) and word.startswith("-") and word != "-":
            skip = word in with_value
        else:
            yield word


def has_name(word: object, name: str) -> bool:
    """Whether a word is a name, by itself, as an option's value or at the end of an ARN."""
    return isinstance(word, str) and (word == name or word.endswith((f"/{name}", f"={name}")))


def with_others(value: Possible, instead: Mapping[str, str]) -> Possible:
    """A value with other words in place of some, where each stands as a word of its own: ``prod`` is none of
    ``product``."""
    if not isinstance(value, str) or not any(each in value for each in instead):
        return value
    longest_first = "|".join(re.escape(each) for each in sorted(instead, key=len, reverse=True) if each)
    return re.sub(rf"(?<![A-Za-z0-9])(?:{longest_first})(?![A-Za-z0-9])", lambda match: instead[match[0]], value)
