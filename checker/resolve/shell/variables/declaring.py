"""What ``declare``, ``local``, ``export`` and their kin make of a variable.

Source: Bash Reference Manual, "Bash Builtin Commands" (``declare``, ``local``), "Arrays".
"""

from __future__ import annotations

from collections.abc import Callable

from checker.model.pipeline.shell import Assignment, Declare
from checker.resolve.shell.lists.keyed import declared
from checker.resolve.shell.state import State, Stored
from checker.resolve.shell.variables.scopes import is_of_function


def declare(assignment: Assignment, statement: Declare, state: State, assigned: Callable[[], Stored]) -> None:
    """Declare one variable. ``assigned`` works out what it is given, with what the shell holds then."""
    value = _given(assignment, statement, state, assigned)
    if statement.refers:
        state.refer(assignment.name, value)
    elif value is not None:
        state.set(assignment.name, value)


def _given(assignment: Assignment, statement: Declare, state: State, assigned: Callable[[], Stored]) -> Stored | None:
    """The value that a variable is given, or what one of a function begins with."""
    name = assignment.name
    given = assignment.value is not None or assignment.items is not None
    keyed = declared(statement, name, state.variables.get(name))
    # What an array of names is given is read as such, anything else while the name is not yet the function's own.
    value = assigned() if given and keyed is None else None
    fresh = is_of_function(statement) and state.declare(name)
    if keyed is None:
        return value if given else _begun(statement) if fresh else None
    state.set(name, declared(statement, name, state.variables.get(name)) or keyed)
    return assigned() if given else None


def _begun(statement: Declare) -> Stored:
    """What a function's own variable holds that it gives nothing to."""
    return () if any(flag.startswith("-") and "a" in flag for flag in statement.flags) else ""
