"""The stand-ins of rehearsals, gone through once for all programs: classes and structures, which nothing changes."""

from __future__ import annotations

from functools import lru_cache

from checker.model.pipeline.python import PythonModule
from checker.model.pipeline.scripts import Reached
from checker.model.sources import Problem, Spot
from checker.resolve.python.code import STATEMENTS
from checker.resolve.python.expressions import EXPRESSIONS
from checker.resolve.python.machine import Machine
from checker.resolve.python.modules import load
from checker.resolve.python.rehearsal import libraries, standins


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
