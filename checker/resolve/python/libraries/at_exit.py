"""What a program registers to run when it ends: in reverse order, whatever became of the program.

Source: Python documentation, "atexit".
"""

from __future__ import annotations

import ast

from checker.resolve.python.calls import apply
from checker.resolve.python.machine import AT_EXIT, Call, Frame, Machine
from checker.resolve.python.values import Extern, Function, Value


def take(machine: Machine, made_by: Value, function: Function, decorator: ast.expr, frame: Frame) -> None:
    """Take note of a function under ``@atexit.register``."""
    if isinstance(made_by, Extern) and made_by.name == AT_EXIT:
        node = ast.copy_location(ast.Call(decorator, [], []), decorator)
        machine.at_end(function, Call(node, [], {}, frame))


def run(machine: Machine) -> None:
    """Go through what is registered, the last one first."""
    while machine.leaving:
        function, given = machine.leaving.pop()
        apply(machine, function, given)
