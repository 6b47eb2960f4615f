"""Functions and classes where a program defines them: what is worked out then, whoever calls them later."""

from __future__ import annotations

import ast
from typing import Final

from checker.resolve.python.libraries import at_exit
from checker.resolve.python.machine import Frame, Machine, block, value
from checker.resolve.python.modules import leads_into
from checker.resolve.python.objects import enter, method
from checker.resolve.python.syntax_facts import calls_in, named_in
from checker.resolve.python.values import Class, Dict, Function, Instance, Partial


def define(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> bool:
    _defaults(machine, node, frame)
    function = Function(frame.module, node, None, frame.names if frame.names is not frame.module.names else {})
    frame.names[node.name] = function
    for decorator in reversed(node.decorator_list):
        registry = decorator.func if isinstance(decorator, ast.Call) else decorator
        made_by = value(machine, registry, frame)
        leads_into(machine, (made_by,), decorator, frame)
        at_exit.take(machine, made_by, function, decorator, frame)
        if isinstance(made_by, Function):
            _decorate(machine, node.name, decorator, frame)
        if isinstance(registry, ast.Attribute) and registry.attr in _COMMANDS:
            named = named_in(decorator) if isinstance(decorator, ast.Call) else None
            name = named.value if isinstance(named, ast.Constant) else node.name.replace("_", "-")
            value(machine, registry.value, frame)
            commands = frame.module.names.get("__commands__", Dict(()))
            assert isinstance(commands, Dict)
            frame.module.names["__commands__"] = Dict((*commands.items, (str(name), function)))
    return False


def _defaults(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
    """What a parameter is where nothing is given: worked out when the function is defined, whoever calls it."""
    for default in (*node.args.defaults, *node.args.kw_defaults):
        if default is not None and calls_in(default):
            value(machine, default, frame)


_COMMANDS: Final = frozenset({"command", "callback", "task", "group", "default"})


def _decorate(machine: Machine, name: str, decorator: ast.expr, frame: Frame) -> None:
    """A decorator of the repository's own: what it makes of the function takes its place."""
    made_by = value(machine, decorator, frame)
    if not isinstance(made_by, Function):
        return
    inner = machine.called_at(decorator, frame)
    found = enter(machine, made_by, (frame.names[name],), {}, inner)
    if isinstance(found, Function | Class | Instance | Partial):
        frame.names[name] = found


def define_class(machine: Machine, node: ast.ClassDef, frame: Frame) -> bool:
    """A class: what calls its body makes is on record, what it binds is asked for where it is used."""
    for each in (*node.bases, *(keyword.value for keyword in node.keywords)):
        if calls_in(each):
            value(machine, each, frame)
    frame.names[node.name] = cls = Class(frame.module, node)
    for base in node.bases:  # Python documentation, "Customizing class creation"
        above = value(machine, base, frame)
        if isinstance(above, Class) and (made_below := method(machine, above, "__init_subclass__")) is not None:
            enter(machine, made_below.of(cls), (), {}, machine.called_at(base, frame))
    for decorator in reversed(node.decorator_list):
        made_by = value(machine, decorator, frame)
        if isinstance(made_by, Function):  # it gives back the class, or something that is used as one
            enter(machine, made_by, (frame.names[node.name],), {}, machine.called_at(decorator, frame))
    inner = Frame(frame.module, dict(frame.names), frame.reached, frame.handling)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            _defaults(machine, statement, inner)
            registries = [each.func if isinstance(each, ast.Call) else each for each in statement.decorator_list]
            leads_into(machine, [value(machine, each, inner) for each in registries], statement, inner)
        elif not isinstance(statement, ast.ClassDef) and calls_in(statement):
            block(machine, [statement], inner)
    return False
