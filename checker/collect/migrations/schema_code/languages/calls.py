"""What a migration written as code calls, in one form for all languages: a call, its values, the code handed to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

from checker.collect.migrations.revisions.columns import Unread

# A literal, a tuple of values, a mapping of names to values, a Call, a Body, or UNREAD.
Value: TypeAlias = Any


class _Unknown:
    """A value that does not stand in the file."""

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD: Final = _Unknown()


class Call(Struct, frozen=True):
    """A call. ``of`` is what it is called on, itself a call or a value; ``bare``: a name alone, which nothing calls.

    A name that is empty stands for code that is no call and may do anything; ``raise`` for giving up.
    """

    name: str
    line: int
    args: tuple[Value, ...] = ()
    named: Mapping[str, Value] = field(default_factory=dict)
    of: Value = None
    bare: bool = False

    @property
    def body(self) -> Body | None:
        """The code that is handed to it."""
        return next((each for each in reversed(self.args) if isinstance(each, Body)), None)

    def chain(self) -> tuple[Call, ...]:
        """The calls that it is the last of, first one first."""
        found = [self]
        while isinstance(found[-1].of, Call):
            found.append(found[-1].of)
        return tuple(reversed(found))

    def value(self, at: int) -> Value:
        """An argument by its position, none where it is not given. Raises :class:`Unread`."""
        found = self.args[at] if at < len(self.args) else None
        if found is UNREAD:
            raise Unread
        return found

    def text(self, at: int) -> str:
        """An argument that is a text. Raises :class:`Unread`."""
        found = self.value(at)
        if not isinstance(found, str):
            raise Unread
        return found

    def texts(self, at: int) -> tuple[str, ...]:
        """An argument that is a text or a list of them. Raises :class:`Unread`."""
        return as_texts(self.value(at))

    def option(self, name: str) -> Value:
        """A named argument, none where it is not given. Raises :class:`Unread`."""
        found = self.named.get(name)
        if found is UNREAD:
            raise Unread
        return found


class Body(Struct, frozen=True):
    """Code handed to a call, or a function: the names of its parameters and what it calls."""

    parameters: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()


class Code(Struct, frozen=True):
    """What a file declares: its functions by name, what its class calls while it is made, and values by name."""

    functions: Mapping[str, Body]
    marks: tuple[Call, ...] = ()
    names: Mapping[str, Value] = field(default_factory=dict)
    loose: tuple[int, ...] = ()  # lines of what acts when the file is loaded

    def gives_up(self, name: str) -> bool:
        """Whether a function does nothing but refuse."""
        found = self.functions.get(name)
        return found is not None and any(each.name == "raise" for each in found.calls)


def as_texts(value: Value) -> tuple[str, ...]:
    """A text or a list of them. Raises :class:`Unread`."""
    found = value if isinstance(value, tuple) else (value,)
    if not found or any(not isinstance(each, str) for each in found):
        raise Unread
    return found


MOST_TURNS: Final = 200  # of a loop over values that stand in the file


def flattened(calls: tuple[Call, ...]) -> Iterator[Call]:
    """The same calls where some were handed over as a list (``Promise.all``) or follow on others (``then``)."""
    for each in calls:
        last = each.of if isinstance(each.of, Call) else None
        listed = each.args[0] if each.args and isinstance(each.args[0], tuple) else ()
        if each.name in {"all", "allSettled"} and last is not None and last.name == "Promise" and listed:
            yield from flattened(tuple(one if isinstance(one, Call) else Call("", each.line) for one in listed))
        elif each.name == "then" and last is not None and each.body is not None:
            yield from flattened((last, *each.body.calls))
        else:
            yield each
