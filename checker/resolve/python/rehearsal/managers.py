"""What stands around a block or a function: a context manager that is a generator, whose ``yield`` the block stands in
the place of, and a decorator that takes what the function raises."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import lru_cache, partial
from typing import Final, TypeAlias

from checker.model.pipeline.handling import Handling
from checker.model.pipeline.python import PythonModule
from checker.resolve.python.machine import Frame, Machine, block, value
from checker.resolve.python.objects import enter, instantiate, method
from checker.resolve.python.rehearsal.flows import ReturnedError
from checker.resolve.python.rehearsal.retries import LENT
from checker.resolve.python.values import Class, Dict, Extern, Function, Instance, Manager, Value

_NOTHING_AROUND: Final = Handling()
_Node: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
# What every program has around its functions, and takes no error of theirs.
_PLAIN: Final = frozenset({"property", "staticmethod", "classmethod", "dataclass", "override", "cache", "wraps"})


def managed(machine: Machine, manager: Manager, rest: Callable[[Value], None]) -> None:
    """Run a generator under ``@contextmanager``: the block stands in the place of its ``yield``."""
    node = manager.function.node
    assert not isinstance(node, ast.Lambda)
    stage = machine.stage
    assert stage is not None
    entered: list[bool] = []

    def body(given: Value) -> None:
        entered.append(True)
        rest(given)

    with stage.yielding(manager.frame.names, body):
        try:
            block(machine, node.body, manager.frame)
        except ReturnedError as flow:
            if flow.names is not manager.frame.names:
                raise


def decorated(
    machine: Machine,
    standins: PythonModule,
    function: Function,
    positional: Sequence[Value],
    named: Mapping[str, Value],
    frame: Frame,
) -> tuple[Value] | None:
    """What a call of a function gives, as the only one of a tuple, where a decorator stands around it: one that calls
    it again, a context manager, or on a method one of the repository's own. ``None`` where none does.

    A decorator of the repository's own has taken the place of any other function where that was defined.
    """
    node = function.node
    if isinstance(node, ast.Lambda):
        return None
    for index, decorator in enumerate(node.decorator_list):
        around = _around(machine, standins, decorator, function)
        if around is None:
            continue
        inner = Function(function.module, _below(node, index), function.owner, function.closure)
        if isinstance(around, Manager):
            return (_within(machine, around, partial(enter, machine, inner, positional, named, frame)),)
        if isinstance(around, Function):
            made = enter(machine, around, (inner.of(None),), {}, frame)
            owned = (function.owner, *positional)
            return (enter(machine, made, owned, named, frame),) if isinstance(made, Function) else None
        assert isinstance(around, Instance)
        goes = method(machine, around.cls, "around")
        assert goes is not None
        each = (inner, tuple(positional), Dict(tuple(named.items())))
        return (enter(machine, goes.of(around), each, {}, frame),)
    return None


def _within(machine: Machine, manager: Manager, go: Callable[[], Value]) -> Value:
    """What a function gives that runs as the block of a context manager: nothing where that takes what it raised."""
    given: list[Value] = []
    managed(machine, manager, lambda _: given.append(go()))
    return given[0] if given else None


def _around(machine: Machine, standins: PythonModule, decorator: ast.expr, function: Function) -> Value:
    """What a decorator puts around a function, ``None`` where that takes nothing of what the function raises."""
    made_by = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(made_by, ast.Name) and made_by.id in _PLAIN:
        return None
    names = {**function.module.names, **function.closure} if function.closure else function.module.names
    frame = Frame(function.module, names, machine.reached, _NOTHING_AROUND)
    registry = value(machine, made_by, frame)
    if isinstance(registry, Extern) and registry.name in LENT:
        found = value(machine, decorator, frame)
        standin = standins.names[LENT[registry.name]]
        if isinstance(found, Extern) and isinstance(standin, Class):
            found = instantiate(machine, standin, (), {}, frame)
        return found if isinstance(found, Instance) and method(machine, found.cls, "around") is not None else None
    if isinstance(registry, Function):
        found = value(machine, decorator, frame) if decorator is not made_by else registry
        of_method = function.owner is not None and isinstance(found, Function)
        return found if isinstance(found, Manager) or of_method else None
    return None


@lru_cache(maxsize=1024)
def _below(node: _Node, index: int) -> _Node:
    """A function as it stands below one of its decorators."""
    made = copy(node)
    made.decorator_list = node.decorator_list[index + 1 :]
    return made
