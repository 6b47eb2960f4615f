"""What calls of Python's own libraries give on one way through a program: stand-ins for them, and their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from checker.model.pipeline.handling import Handling
from checker.model.pipeline.python import PythonModule
from checker.resolve.python.machine import Call, Frame, Machine
from checker.resolve.python.objects import enter, instantiate, method
from checker.resolve.python.rehearsal.flows import RaisedError
from checker.resolve.python.rehearsal.libraries import ERRORS, LENT
from checker.resolve.python.rehearsal.managers import managed
from checker.resolve.python.values import Class, Dict, Extern, Function, Instance, Manager, Method, Value

_GATHERS: Final = frozenset({"asyncio.gather", "asyncio.tasks.gather"})
_RUNS: Final = frozenset({"asyncio.run", "asyncio.runners.run", "asyncio.Runner().run"})
_HANDED_ON: Final = frozenset(
    {"asyncio.create_task", "asyncio.ensure_future", "asyncio.shield", "asyncio.wait_for", "asyncio.as_completed"}
)


class _BegunError(Exception):
    """A context manager has come to its ``yield``."""


def given_by(machine: Machine, standins: PythonModule, function: Extern, given: Call) -> Value:
    """What a class or a function of Python's libraries gives, ``None`` where nobody knows."""
    name = function.name
    if name in LENT:
        return _made(machine, standins.names[LENT[name]], given.positional, given.named, given.frame)
    if (error := ERRORS.get(name.removeprefix("builtins."))) is not None:
        return _made(machine, standins.names[error.__name__], given.positional, given.named, given.frame)
    if name == "asyncio.to_thread" and given.positional:
        return later(machine, standins, given.first, given.positional[1:], given.named, given.frame)
    if (name in _RUNS or name.endswith(".run_until_complete")) and given.positional:
        return awaited(machine, given.first)
    if name.endswith(".run_in_executor") and len(given.positional) > 1:
        return later(machine, standins, given.positional[1], given.positional[2:], {}, given.frame)
    if name == "__begin__":
        return _begin(machine, given.first, given.frame)
    if name == "__leave__":
        return _leave(machine, given)
    if name in _GATHERS:
        keeps = given.named.get("return_exceptions") is True
        return tuple(
            _error(each) if keeps and _is_kept(machine, each) else awaited(machine, each) for each in given.positional
        )
    if name == "asyncio.wait" and given.positional:
        return (given.first, ())
    if name in _HANDED_ON and given.positional:
        return given.first
    if name.endswith(".create_task") and isinstance(given.first, Instance):
        # A group of tasks ends with the error of any of them.
        return awaited(machine, given.first) if "TaskGroup" in name else given.first
    return None


def _made(
    machine: Machine, found: Value, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
) -> Value:
    if isinstance(found, Class):
        return instantiate(machine, found, positional, named, frame)
    return enter(machine, found, positional, named, frame) if isinstance(found, Function) else None


def later(
    machine: Machine,
    standins: PythonModule,
    function: Value,
    positional: Sequence[Value],
    named: Mapping[str, Value],
    frame: Frame,
) -> Value:
    """What a call gives whose failure shows to whoever waits for it."""
    each = [function, tuple(positional), Dict(tuple(named.items()))]
    return _made(machine, standins.names["Future"], each, {}, frame)


def _has_failed(found: Value) -> bool:
    return _is_future(found) and isinstance(found, Instance) and found.attributes.get("failed") is True


def _is_kept(machine: Machine, found: Value) -> bool:
    """Whether a task ends with an error that is given as its result: the end of the program is none (asyncio.Task)."""
    stage, error = machine.stage, _error(found)
    known = stage.known(error) if stage is not None and error is not None else None
    return _has_failed(found) and not (isinstance(known, RaisedError) and "SystemExit" in known.names)


def _is_future(found: Value) -> bool:
    return isinstance(found, Instance) and not found.cls.module.file and found.cls.node.name == "Future"


def _error(found: Value) -> Value:
    return found.attributes.get("error") if isinstance(found, Instance) else None


def awaited(machine: Machine, found: Value) -> Value:
    """What ``await`` gives, or raises, of what was started before."""
    if not _is_future(found) or not isinstance(found, Instance):
        return found
    result = method(machine, found.cls, "result")
    frame = Frame(found.cls.module, found.cls.module.names, machine.reached, Handling())
    return enter(machine, result.of(found), (), {}, frame) if result is not None else None


def iterated(machine: Machine, found: Value, frame: Frame) -> Value:
    """What going through an object gives, one after the other; anything else as it is."""
    if isinstance(found, Method) and isinstance(found.owner, tuple) and found.name == "done":
        return found.owner[0] if found.owner else ()  # `wait(futures).done`
    if not isinstance(found, Instance) or (each := method(machine, found.cls, "__iter__")) is None:
        return found
    return enter(machine, each.of(found), (), {}, frame)


def _begin(machine: Machine, manager: Value, frame: Frame) -> Value:
    """What a context manager gives to the block."""
    if isinstance(manager, Instance):
        start = method(machine, manager.cls, "__enter__") or method(machine, manager.cls, "__aenter__")
        return enter(machine, start.of(manager), (), {}, frame) if start is not None else manager
    if not isinstance(manager, Manager):
        return manager
    entered: list[Value] = []

    def begun(found: Value) -> None:
        entered.append(found)
        raise _BegunError

    with suppress(_BegunError):
        managed(machine, manager, begun)
    return entered[0] if entered else None


def _leave(machine: Machine, given: Call) -> Value:
    """What a context manager, or a function in the place of its ``__exit__``, makes of the end of the block."""
    manager, error = (*given.positional, None, None)[:2]
    if isinstance(manager, Manager):
        stage = machine.stage
        pending = stage.known(error) if stage is not None and error is not None else None

        def ended(found: Value) -> None:  # noqa: ARG001 - given when it was begun
            if pending is not None:
                raise pending

        managed(machine, manager, ended)
        return True
    leave: Value = manager
    if isinstance(manager, Instance):
        found = method(machine, manager.cls, "__exit__") or method(machine, manager.cls, "__aexit__")
        leave = found.of(manager) if found is not None else None
    if not isinstance(leave, Function):
        return False
    return enter(machine, leave, (error, error, None), {}, given.frame)
