"""The stand-ins of rehearsals, gone through once for all programs: classes and structures, which nothing changes."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from checker.model.pipeline.python import PythonModule
from checker.model.pipeline.scripts import Reached
from checker.model.sources import Problem, Spot
from checker.resolve.python.code import STATEMENTS
from checker.resolve.python.expressions import EXPRESSIONS
from checker.resolve.python.machine import Machine
from checker.resolve.python.modules import load
from checker.resolve.python.rehearsal import libraries, standins
from checker.resolve.python.values import Class, Instance, Value

SAID: Final = "An error occurred (AccessDeniedException)"


class _NoFiles:
    """The library of stand-ins: they import nothing."""

    def python(self, path: str) -> PythonModule | None:  # noqa: ARG002
        return None

    def fault(self, path: str) -> Problem | None:  # noqa: ARG002
        return None

    def entry_point(self, name: str) -> str | None:  # noqa: ARG002
        return None

    def python_below(self, tail: str) -> tuple[str, ...]:  # noqa: ARG002
        return ()


@lru_cache(maxsize=1)
def written_answers() -> PythonModule:
    """The stand-ins, gone through once for all programs: classes and structures, which nothing changes."""
    found = standins.module()
    load(Machine(_NoFiles(), Reached(Spot(found.file)), EXPRESSIONS, STATEMENTS), found)
    return found


@lru_cache(maxsize=1)
def lent_libraries() -> PythonModule:
    """The stand-ins for Python's libraries, gone through once for all programs."""
    found = libraries.module()
    load(Machine(_NoFiles(), Reached(Spot(found.file)), EXPRESSIONS, STATEMENTS), found)
    return found


def piped(found: Value, said: str = "") -> Value:
    """An object of the stand-in of this name; any other value as it is, with what was ``said`` in it."""
    if isinstance(found, tuple):
        return tuple(piped(each, said) for each in found)
    if found == SAID:
        return said
    cls = lent_libraries().names.get(found) if isinstance(found, str) else None
    return Instance(cls) if isinstance(cls, Class) else found


# What starts a program and gives what that prints.
_PRINTS: Final = frozenset({"check_output", "getoutput"})


def printed_by(kind: str, text: Value) -> Value:
    """What a function that starts a program gives, where that works and prints a text; ``None`` where nobody knows."""
    done = lent_libraries().names.get("Done")
    if kind == "run" and isinstance(done, Class):
        return Instance(done, {"stdout": text})
    return text if kind in _PRINTS else None
