"""What hangs on an object: members of classes and modules, and options of the command line."""

from __future__ import annotations

import ast
from typing import Final

from checker.resolve.python.libraries.boto_resources import of_resource
from checker.resolve.python.libraries.command_lines import from_command_line
from checker.resolve.python.libraries.requests import host_in
from checker.resolve.python.machine import OWN, Frame, Machine, value
from checker.resolve.python.modules import library_behind
from checker.resolve.python.objects import enter, method, typed
from checker.resolve.python.syntax_facts import shown
from checker.resolve.python.values import (
    Class,
    Client,
    Collection,
    Dict,
    Either,
    Extern,
    Function,
    Instance,
    Method,
    Module,
    Poller,
    Resource,
    Session,
    Super,
    Value,
    either,
    extern,
    within,
)

# What an object that a decorator made of a function calls it by (click, celery, functools.wraps).
_STARTS: Final = frozenset({"main", "callback", "delay", "apply", "apply_async", "__wrapped__", "__call__"})
_PROPERTIES: Final = frozenset({"property", "cached_property", "functools.cached_property"})


def attribute(machine: Machine, owner: Value, name: str, frame: Frame) -> Value:
    """``owner.name``."""
    match owner:
        case Extern():
            if owner.parsed:
                return from_command_line(machine, owner, name)
            if (host := host_in(name, owner.words)) is not None:
                return host
            if name == "executable" and owner.name == "sys":
                return "python"
            whole, library = f"{owner.name}.{name}", owner.library
            return extern(
                whole, owner.words, parsed=owner.parsed, answer=owner.answer, library=library, ways=owner.ways
            )
        case Module():
            found = owner.module.names.get(name)
            return found if found is not None else extern(f"{owner.module.file}:{name}")
        case Instance():
            machine.notes(OWN)
            if name in owner.attributes:
                return owner.attributes[name]
            return _member(machine, owner.cls, name, owner, frame)
        case Class():
            return _member(machine, owner, name, None, frame)
        case Client() | Session() | Poller():
            return Method(owner, name)
        case Resource():
            return of_resource(owner, name)
        case Collection():
            return Method(owner, name)
        case Super():
            return _above(machine, owner, name, frame)
        case Either():
            each = [attribute(machine, option, name, frame) for option in owner.options if option is not None]
            return either(each) if each else extern(name)
        case Function():
            if name in _STARTS:
                return owner
            return extern(f"{getattr(owner.node, 'name', 'lambda')}.{name}")
        case _:
            return Method(owner, name)


def _member(machine: Machine, cls: Class, name: str, owner: Instance | None, frame: Frame) -> Value:
    found = method(machine, cls, name)
    if found is not None:
        assert not isinstance(found.node, ast.Lambda)
        marks = {shown(decorator) for decorator in found.node.decorator_list}
        if owner is not None and marks & _PROPERTIES:
            owner.attributes[name] = result = enter(machine, found.of(owner), (), {}, frame)
            return result
        if "staticmethod" in marks:
            return found
        return found.of(cls if "classmethod" in marks else owner)
    for each in cls.node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id == name:
            return _field(machine, cls, each, name, owner, frame)
        if isinstance(each, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in each.targets):
            other = each.value.id if isinstance(each.value, ast.Name) else name
            if other != name and method(machine, cls, other) is not None:
                return _member(machine, cls, other, owner, frame)  # the same function by another name
            return value(machine, each.value, Frame(cls.module, cls.module.names, frame.reached, frame.handling))
    getter = method(machine, cls, "__getattr__") if owner is not None else None
    if getter is not None and not name.startswith("__"):
        return enter(machine, getter.of(owner), (name,), {}, frame)
    return extern(f"{cls.node.name}.{name}", library=library_behind(machine, cls))


def _above(machine: Machine, found: Super, name: str, frame: Frame) -> Value:
    """``super().name``: the first of the classes above that has it, for the object itself."""
    for cls in found.classes:
        if isinstance(cls, Class) and method(machine, cls, name) is not None:
            owner = found.owner if isinstance(found.owner, Instance) else None
            inherited = _member(machine, cls, name, owner, frame)
            is_method = isinstance(inherited, Function) and inherited.owner is None and owner is None
            return inherited.of(found.owner) if is_method and isinstance(inherited, Function) else inherited
    outside = next((cls for cls in found.classes if isinstance(cls, Extern) and cls.library), None)
    return within(outside, f"super().{name}")


def _field(machine: Machine, cls: Class, node: ast.AnnAssign, name: str, owner: Instance | None, frame: Frame) -> Value:
    """``name: type = default`` in a class: what its type stands for, else its default."""
    inner = Frame(cls.module, cls.module.names, frame.reached, frame.handling)
    found = typed(machine, node.annotation, inner)
    makes_field = isinstance(node.value, ast.Call) and ast.unparse(node.value.func).endswith(_FIELDS)
    if makes_field and owner is not None and found is None:
        found = _made_by(machine, node.value, inner)
    if found is None and node.value is not None and not makes_field:
        found = value(machine, node.value, inner)
    result = found if found is not None else extern(f"{cls.node.name}.{name}")
    if owner is not None:
        owner.attributes[name] = result
    return result


# dataclasses' and attrs' ``field``, pydantic's ``Field``, attrs' older ``attr.ib``.
_FIELDS: Final = ("field", "Field", "attr.ib", "attrib")
_FACTORIES: Final = frozenset({"default_factory", "factory"})


def _made_by(machine: Machine, node: ast.expr | None, frame: Frame) -> Value:
    """What the function of ``field(default_factory=...)`` makes; ``None`` where there is none."""
    for keyword in node.keywords if isinstance(node, ast.Call) else ():
        if keyword.arg in _FACTORIES:
            made = keyword.value
            if isinstance(made, ast.Name) and made.id in {"dict", "list"}:
                return Dict((), open=True) if made.id == "dict" else ()
            return value(machine, ast.copy_location(ast.Call(made, [], []), made), frame)
    return None
