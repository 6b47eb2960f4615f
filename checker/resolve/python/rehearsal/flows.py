"""How control leaves a block while a program is rehearsed: as in Python, by an exception of one's own here."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import Final

from checker.model.values import Text
from checker.resolve.python.machine import Frame, Machine, value
from checker.resolve.python.syntax_facts import written
from checker.resolve.python.values import SCALARS, Class, Dict, Extern, Instance, Value

_MAX_BASES: Final = 8


class FlowError(Exception):
    """Control leaves: a return, a break, a continue. ``names`` are those of the function that it belongs to."""

    def __init__(self, names: object) -> None:
        super().__init__()
        self.names = names


class ReturnedError(FlowError):
    def __init__(self, names: object, value: Value) -> None:
        super().__init__(names)
        self.value = value


class BrokenError(FlowError):
    pass


class ContinuedError(FlowError):
    pass


class EndlessError(Exception):
    """The program waits until something stops it, in a loop before which ``began`` questions had been answered."""

    def __init__(self, began: int) -> None:
        super().__init__()
        self.began = began


class EndedError(Exception):
    """The program ends on the spot, without any handler: ``os._exit``."""

    def __init__(self, status: Value) -> None:
        super().__init__()
        self.status = status


@dataclass(eq=False)
class RaisedError(Exception):
    """An exception of the program's. ``names`` are its class's and its bases'; ``status`` what ``SystemExit`` has."""

    value: Value
    names: frozenset[str]
    status: Value = 1


def raised(machine: Machine, found: Value, frame: Frame) -> RaisedError:
    """The exception that raising a value makes."""
    if isinstance(found, Class):
        return RaisedError(Instance(found), _names(machine, found, frame))
    if isinstance(found, Instance):
        return RaisedError(found, _names(machine, found.cls, frame))
    name = found.name.partition("(")[0] if isinstance(found, Extern) else "Exception"
    return RaisedError(found, _builtin(name.rpartition(".")[2]))


def mistaken() -> RaisedError:
    """What Python raises where something is done to nothing that only a number allows (``None > 0``, ``int(None)``)."""
    return RaisedError(Extern("TypeError"), _builtin("TypeError"))


def _names(machine: Machine, cls: Class, frame: Frame, depth: int = 0) -> frozenset[str]:
    names = {cls.node.name}
    for base in cls.node.bases if depth < _MAX_BASES else ():
        found = value(machine, base, Frame(cls.module, cls.module.names, frame.reached, frame.handling))
        names |= (
            _names(machine, found, frame, depth + 1)
            if isinstance(found, Class)
            else _builtin(written(base).rpartition(".")[2])
        )
    return frozenset(names)


def _builtin(name: str) -> frozenset[str]:
    """The names of a class of another library, and of its bases as far as Python itself knows them."""
    found = getattr(builtins, name, None)
    if isinstance(found, type) and issubclass(found, BaseException):
        return frozenset(each.__name__ for each in found.__mro__)
    return frozenset({name, "Exception", "BaseException"})


_OF_REQUESTS: Final = "RequestException"


def takes(machine: Machine, kind: ast.expr | None, error: RaisedError, frame: Frame) -> bool:
    """Whether ``except kind`` takes an exception."""
    if kind is None:
        return True
    found = value(machine, kind, frame)
    each = found if isinstance(found, tuple) else (found,)
    nodes = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    for index, option in enumerate(each):
        if isinstance(option, Class):
            name = option.node.name
        else:
            node = nodes[index] if index < len(nodes) else kind
            name = option.name if isinstance(option, Extern) else written(node)
            if isinstance(option, Extern) and option.library.startswith("aiohttp.") and _OF_REQUESTS in error.names:
                return True  # its errors are called as those of botocore
        # ``OSError`` has names of its own from before; they are one class.
        known = getattr(builtins, name.rpartition(".")[2], None)
        plain = known.__name__ if isinstance(known, type) else name.rpartition(".")[2]
        if plain in error.names:
            return True
    return False


def failed_by(status: Value) -> bool | None:
    """Whether an exit status tells of a failure: of a number whoever waits gets the last eight bits (POSIX, "exit")."""
    if isinstance(status, int):
        return status % 256 != 0
    if status is None or isinstance(status, SCALARS):
        return status not in (None, 0, False)
    if isinstance(status, Text) and any(isinstance(part, str) and part for part in status.parts):
        return True  # a text is printed, and the status is 1
    return None if isinstance(status, Extern | Text) else not isinstance(status, Dict) or None
