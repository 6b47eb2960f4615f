"""The values of GitHub's expressions: known data, data that has only a name, and several at once."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import YES, Answer, Certain, yes_if
from checker.model.answers import Open as Undecided
from checker.model.possible import MAX_OPTIONS, OneOf, Possible, Scalar, as_text, one_of, open_text, same
from checker.model.values import Text, Unknown, pieces


class Open(Struct, frozen=True):
    """A value (or an object) that has a name and no known content: ``secrets.ROLE``, ``github.event``.

    ``where`` tells apart equal names of different places (``steps.x`` of two jobs).
    """

    name: str
    where: str = ""

    def below(self, key: str) -> Open:
        return Open(f"{self.name}.{key}", self.where)

    @property
    def text(self) -> Text:
        return open_text(f"${{{{ {self.name} }}}}", self.where)


class Partial(Struct, frozen=True):
    """An object of which some properties are known and every other is open: ``github``, ``env``."""

    known: Mapping[str, Data]
    rest: Open

    def get(self, key: str) -> Data:
        return property_of(self.known, key, self.rest.below(key))


class Several(Struct, frozen=True):
    """One of several objects or lists (rows of a matrix); scalars alone are a ``OneOf``."""

    options: tuple[Data, ...]


class Filtered(list["Data"]):
    """What ``.*`` gives: a property of it is that of each of its objects that has one."""


# What an expression can be: lists and objects beside the scalars.
Data: TypeAlias = "Scalar | OneOf | Unknown | Open | Partial | Several | list[Data] | Mapping[str, Data]"
EITHER: Final = OneOf((True, False))
_NUMBER: Final = lazy_re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0x[0-9a-fA-F]+|0o[0-7]+|[+-]?Infinity", re.ASCII
)


def scalar(value: Data) -> Possible:
    """``value`` where a string, number or boolean is called for; else GitHub writes ``Object`` or ``Array``."""
    if isinstance(value, str):  # by far the most
        return value
    if isinstance(value, Open):
        return value.text
    if isinstance(value, Partial | Mapping):
        return "Object"
    if isinstance(value, list):
        return "Array"
    if isinstance(value, Several):
        return one_of(scalar(option) for option in value.options)
    return value


def several(values: Iterable[Data]) -> Data:
    """One of these, of whatever kind they are."""
    listed = list(values)
    if len(listed) == 1:
        return listed[0]
    if all(not isinstance(each, Several | Partial | Mapping | list) for each in listed):
        return one_of(scalar(each) for each in listed) if listed else None
    flat: list[Data] = []
    for each in listed:
        flat.extend(each.options if isinstance(each, Several | OneOf) else (each,))
    if len(flat) > MAX_OPTIONS:
        return Unknown(f"more than {MAX_OPTIONS} different values")
    return flat[0] if len(flat) == 1 else Several(tuple(flat))


def choices(value: Data) -> tuple[Data, ...]:
    return value.options if isinstance(value, OneOf | Several) else (value,)


def lift(change: Callable[..., Data], *values: Data) -> Data:
    """``change`` over every combination of what its operands can be."""
    several_ways = False
    for value in values:
        if isinstance(value, Unknown):
            return value
        several_ways = several_ways or isinstance(value, OneOf | Several)
    if not several_ways:  # nearly always
        return change(*values)
    sides = [choices(value) for value in values]
    count = 1
    for side in sides:
        count *= len(side)
    if count > MAX_OPTIONS * 4:
        return Unknown(f"more than {MAX_OPTIONS} different values")
    return several(change(*combination) for combination in itertools.product(*sides))


# Made once: expressions are evaluated by the thousand.
_OF_THE_RUN: Final = Undecided("what a value is, which only the run knows")


# What every run has. Source: GitHub documentation, "Contexts reference", `github` context and `secrets` context.
_IN_EVERY_RUN: Final = frozenset(
    {f"github.{name}" for name in (
        "actor", "actor_id", "api_url", "event_name", "job", "ref", "ref_name", "ref_type", "repository",
        "repository_id", "repository_owner", "repository_owner_id", "run_attempt", "run_id", "run_number",
        "server_url", "sha", "token", "triggering_actor", "workflow", "workflow_ref", "workflow_sha", "workspace",
    )} | {"secrets.GITHUB_TOKEN"}
)  # fmt: skip
_SHOWN_IN_EVERY_RUN: Final = frozenset(Open(name).text.holes[0].shown for name in _IN_EVERY_RUN)


def truthy(value: Data) -> Answer:
    """Whether GitHub takes a value for true: everything but null, false, 0, NaN and the empty text."""
    if isinstance(value, Open):
        return YES if value.name in _IN_EVERY_RUN else _OF_THE_RUN
    if isinstance(value, Unknown):
        return _OF_THE_RUN
    if isinstance(value, Text):
        there = any(isinstance(piece, str) or piece.shown in _SHOWN_IN_EVERY_RUN for piece in pieces(value))
        return YES if there else _OF_THE_RUN
    if isinstance(value, Partial | Several | OneOf | Mapping | list):
        return YES
    return yes_if(value not in (None, False, 0, "") and not (isinstance(value, float) and math.isnan(value)))


# What is a text wherever it is set.
_TEXTS: Final = ("secrets.", "vars.", "env.", "github.head_ref", "github.base_ref", "inputs.", "github.event.inputs.")
_NAMES: Final = (".ref", ".sha", ".tag_name")  # of what an event is about


def is_text_or_nothing(value: Data) -> bool:
    """Whether an open value is a text or null: of those no other than the empty one is false."""
    if isinstance(value, Open):
        return value.name.startswith(_TEXTS) or ".outputs." in value.name or value.name.endswith(_NAMES)
    return isinstance(value, Text)


def boolean(answer: Answer) -> Data:
    """An answer as a value: both, where it is open."""
    return answer is YES if isinstance(answer, Certain) else EITHER


def property_of(known: Mapping[str, Data], key: str, otherwise: Data) -> Data:
    try:
        return known[key]
    except KeyError:
        folded = key.casefold()
    return next((value for name, value in known.items() if name.casefold() == folded), otherwise)


def equal(left: Data, right: Data) -> Answer:
    """Whether GitHub's ``==`` holds: texts are compared without case, unlike types as numbers; a list and an object
    are equal to themselves alone."""
    if any(isinstance(each, Partial | Mapping | list) for each in (left, right)):
        return _OF_THE_RUN if any(isinstance(each, Open) for each in (left, right)) else yes_if(left is right)
    one, other = scalar(left), scalar(right)
    if isinstance(one, Unknown | OneOf) or isinstance(other, Unknown | OneOf):
        return _OF_THE_RUN
    if isinstance(one, Text) or isinstance(other, Text) or (isinstance(one, str) and isinstance(other, str)):
        if one is None or other is None or isinstance(one, bool) or isinstance(other, bool):
            return _OF_THE_RUN
        return same(one, other, fold=True)
    if type(one) is type(other):
        return yes_if(one == other)
    first, second = as_number(one), as_number(other)
    return _OF_THE_RUN if first is None or second is None else yes_if(first == second)


def as_number(value: Data) -> float | None:
    """As GitHub turns values into numbers: null is 0, a text that is no number is NaN; ``None`` where it is open."""
    if isinstance(value, Open | Text | Unknown | Partial | Several | OneOf):
        return None
    if value is None or value == "":
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    return number_in(value) if isinstance(value, str) else math.nan


def number_in(text: str) -> float:
    """The number that a text is, NaN where it is none. Python takes more for one: ``1_0``, ``nan``."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return math.nan if text else 0.0
    return float(int(text, 0)) if text[1:2] in {"x", "o"} else float(text)


def in_order(text: str) -> str:
    """A text as GitHub sorts it: each character as the upper-case one. ``_`` and ``[`` stand behind the letters."""
    return "".join(upper if len(upper := each.upper()) == 1 else each for each in text)


def plain(value: Data) -> str | Text | None:
    """The value as text, ``None`` where it is a list or an object."""
    if isinstance(value, Open):
        return value.text
    if isinstance(value, str | Text | bool | int | float) or value is None:
        return as_text(value)
    return None
