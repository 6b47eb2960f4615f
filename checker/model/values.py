"""What a property's value can be, as far as it can be known before a deployment.

A rule that asks for a value gets one of three answers, and the type checker makes it look at each:

``Known(v)``
    ``v`` is plain JSON data: ``None``, ``bool``, ``int``, ``float``, ``str``, ``list``, ``dict``. Inside it, a string
    that is only partly known is a :class:`Text`, and a leaf that could not be resolved is an :class:`Unknown`.
``ABSENT``
    The template does not set the property (or sets it to ``AWS::NoValue``): the service's default applies.
``Unknown(why)``
    It is set, and what it will be cannot be told from here. Never to be read as a pass.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from checker.model.sources import Spot


class ResourceKey(NamedTuple):
    """Names one resource of one stack. ``stack`` is the stack's id in the project (see ``Stack.id``)."""

    stack: str
    logical_id: str


class Hole:
    """An open part of a string: one class for each reason why it is open, and none of it is made by itself.

    Two equal holes hold the same value at deployment (or in the run), so two equal :class:`Text` are the same string.
    ``shown``, which all of them have, is how a hole is written in messages: ``${Bucket.Arn}``.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def shown(self) -> str: ...


# -- of templates ------------------------------------------------------------------------------------


class Pseudo(Hole, Struct, frozen=True):
    """A pseudo parameter (``AWS::AccountId``) where the assembly is environment-agnostic.

    Account and region are taken to be the same for all; ``stack`` is the id of the stack where a stack's name or id,
    which no other has, is meant.
    """

    name: str
    stack: str = ""

    @property
    def shown(self) -> str:
        return f"${{{self.name}}}"


class Parameter(Hole, Struct, frozen=True):
    """A parameter with no default and no configured value, of the stack with this id."""

    name: str
    stack: str

    @property
    def shown(self) -> str:
        return f"${{{self.name}}}"


class Import(Hole, Struct, frozen=True):
    """A value that a stack exports which is not at hand."""

    shown: str


class Expression(Hole, Struct, frozen=True):
    """A call of an intrinsic function that cannot be evaluated here, ``written`` as JSON in the stack with this id."""

    shown: str
    stack: str
    written: str


class Reference(Hole, Struct, frozen=True):
    """What is decided by a resource, which ``target`` names: an :class:`Attribute` or a part of one."""

    target: ResourceKey


class Attribute(Reference, frozen=True):
    """What ``Fn::GetAtt`` answers for an attribute of a resource; ``Ref`` where ``name`` is empty."""

    name: str
    shown: str


def attribute_of(target: ResourceKey, name: str = "") -> Attribute:
    """An attribute as templates write it; what ``Ref`` answers where no name is given."""
    return Attribute(target, name, f"${{{target.logical_id}.{name}}}" if name else f"${{{target.logical_id}}}")


class ArnField(Reference, frozen=True):
    """One field of the ARN that an attribute is: the third is the service, the sixth the resource (counted from 0)."""

    attribute: str
    field: int
    shown: str


class UnreadName(Hole, Struct, frozen=True):
    """A resource's physical name, or the ``path`` before it, where its template does not tell it."""

    resource: ResourceKey
    of_path: bool
    shown: str


# How many characters Secrets Manager puts behind a secret's name in its ARN, after a hyphen: AWS Secrets Manager User
# Guide, "IAM policy examples", which compare them with ``??????``.
SECRET_SUFFIX: Final = 6


class Generated(Hole, Struct, frozen=True):
    """What a service makes up to complete a name. ``resource`` is whose name, where it is one resource's alone.

    ``length`` is how many characters it has, 0 where that is not known.
    """

    shown: str
    resource: ResourceKey | None = None
    length: int = 0


class OfNamed(Hole, Struct, frozen=True):
    """An attribute of a resource whose name is fixed: equal for equal names in one account.

    ``is_open``: the name itself is decided outside of the templates, so that two of them may be the same.
    """

    shown: str
    account: str
    is_open: bool


# -- of policies -------------------------------------------------------------------------------------


class PolicyVariable(Hole, Struct, frozen=True):
    """A part of a policy that is filled in at the time of the call: ``${aws:username}``."""

    shown: str


class Unstated(Hole, Struct, frozen=True):
    """What is not said anywhere and may be anything: the id of a repository's owner, the key of an object."""

    shown: str


# -- of workflows and scripts ------------------------------------------------------------------------


class RunValue(Hole, Struct, frozen=True):
    """A value that a run knows: ``${{ secrets.ROLE }}``, ``$(git rev-parse HEAD)``.

    ``where`` tells apart equal names of different places (``steps.x`` of two jobs), and ``number`` the runs of one
    command, which may print something else each time.
    """

    shown: str
    where: str = ""
    number: int = 0


class CallPlace(NamedTuple):
    """An AWS call of a script or a program: what it asks, as it is written there, and where it stands. ``via`` are the
    calls on the way there, of a program those in it: a function that calls whatever it is given has one line for it."""

    service: str
    operation: str
    file: str
    line: int
    via: tuple[Spot, ...] = ()


class Answered(Hole, Struct, frozen=True):
    """A value out of what an AWS call answered. ``number`` as for a :class:`RunValue`."""

    shown: str
    call: CallPlace
    number: int = 0


class Text(Struct, frozen=True):
    """A string with at least one hole: literal pieces and holes in order. Build it with :func:`text`."""

    parts: tuple[str | Hole, ...]

    def __str__(self) -> str:
        return "".join(part if isinstance(part, str) else part.shown for part in self.parts)

    @property
    def holes(self) -> tuple[Hole, ...]:
        return tuple(part for part in self.parts if isinstance(part, Hole))

    @property
    def only_hole(self) -> Hole | None:
        """The hole, where the whole string is exactly one hole: a plain reference."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Hole):
            return self.parts[0]
        return None


class Unknown(Struct, frozen=True):
    """A value that is set but cannot be told; ``why`` completes the sentence "cannot be decided: ..."."""

    why: str

    def __str__(self) -> str:
        return f"<unknown: {self.why}>"


class Absent(Struct, frozen=True):
    """Not set. Use the one instance, :data:`ABSENT`."""

    def __str__(self) -> str:
        return "not set"


ABSENT: Final = Absent()

# Resolved JSON data. Lists and dicts are plain, so rules walk them as they would walk parsed JSON.
Resolved: TypeAlias = "bool | int | float | str | Text | Unknown | list[Resolved] | dict[str, Resolved] | None"


class Known(Struct, frozen=True):
    """A value that is set and (at least at its top) known."""

    value: Resolved


Value: TypeAlias = "Known | Absent | Unknown"


def split(value: str | Text, sign: str) -> list[list[str | Hole]]:
    """The pieces between the signs that are written out, as ``str.split``: at least one list, of at least one piece
    where the value is not empty."""
    found: list[list[str | Hole]] = [[]]
    for part in pieces(value):
        if not isinstance(part, str):
            found[-1].append(part)
            continue
        first, *rest = part.split(sign)
        found[-1].append(first)
        found.extend([each] for each in rest)
    return found


def text(parts: list[str | Hole]) -> str | Text:
    """Join pieces, merging neighbouring literals. Without a hole the answer is a plain string."""
    merged: list[str | Hole] = []
    for part in parts:
        if isinstance(part, str):
            if not part:
                continue
            if merged and isinstance(merged[-1], str):
                merged[-1] += part
                continue
        merged.append(part)
    # Neighbouring literals are merged: two pieces or more hold a hole.
    if len(merged) > 1 or (merged and isinstance(merged[0], Hole)):
        return Text(tuple(merged))
    return str(merged[0]) if merged else ""


def pieces(value: str | Text) -> tuple[str | Hole, ...]:
    """The pieces of a string, whichever form it has; the inverse of :func:`text`."""
    return value.parts if isinstance(value, Text) else (value,)


def first_unknown(value: Resolved) -> Unknown | None:
    """The first leaf anywhere in ``value`` that could not be resolved, or ``None``."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            found = first_unknown(item)
            if found is not None:
                return found
    return None


def as_bool(value: Resolved) -> bool | None:
    """CloudFormation's reading of a boolean: ``true`` and ``"true"`` are the same. ``None`` where it is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return None


def as_number(value: Resolved) -> float | None:
    """CloudFormation's reading of a number: ``14`` and ``"14"`` are the same. ``None`` where it is none, or more than
    any service counts to."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


# More digits are no line, index, status or count that anything has; Python refuses to read thousands of them.
_MOST_DIGITS: Final = 18


def as_count(value: object) -> int | None:
    """The whole number that a text writes in digits; ``None`` for any other text, and for digits of other scripts."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
        return int(value)
    return None


def as_list(value: Resolved) -> list[Resolved]:
    """A list, or a single value where JSON policies allow one for a list. ``None`` is the empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def plain_text(value: object) -> object:
    """Scalars as CloudFormation compares them: booleans and numbers are strings. Anything else as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def worth(value: object) -> str:
    """A scalar as text, a whole number by what it is worth: ``5432.0``, ``"5432.0"`` and ``5432`` are one port."""
    text = str(plain_text(value))
    whole, dot, rest = text.partition(".")
    return whole if dot and rest and not rest.strip("0") and whole.removeprefix("-").isdecimal() else text
