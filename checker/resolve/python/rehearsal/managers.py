"""Context managers that are generators: the block stands in the place of their ``yield``."""

from __future__ import annotations

import ast
from collections.abc import Callable

from checker.resolve.python.machine import Machine, block
from checker.resolve.python.rehearsal.flows import ReturnedError
from checker.resolve.python.values import Manager, Value


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
