"""Functions and objects while code is followed: calls entered, classes instantiated, types read for what they name."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from checker.data.aws_calls import service_of
from checker.model.pipeline.handling import Handling
from checker.resolve.python.libraries.bounds import again
from checker.resolve.python.libraries.filled_parts import changes_own
from checker.resolve.python.machine import (
    MAX_CALLS,
    MAX_DEPTH,
    Frame,
    Machine,
    Remembered,
    StopError,
    block,
    spot_of,
    value,
)
from checker.resolve.python.once import key_of, once
from checker.resolve.python.syntax_facts import (
    grows,
    lets_errors_go,
    manages,
    named_alone,
    rebinds,
    says_yes,
    written,
    yields,
)
from checker.resolve.python.values import (
    SCALARS,
    Class,
    Client,
    Dict,
    Extern,
    Function,
    Instance,
    Super,
    Value,
    either,
    extern,
)

_NOTHING_AROUND: Final = Handling()
_NOTHING_FILLED: Final[Mapping[str, Value]] = {}
_GLOBAL: Final = "global "  # beside a function's names, under one that none has: those that it binds for its module
_Parameter: TypeAlias = "tuple[str, ast.expr | None, ast.expr | None]"


@lru_cache(maxsize=16_384)
def _parameters(node: ast.arguments) -> tuple[int, list[_Parameter]]:
    """How many parameters are given by position, and all of them: name, default, annotation."""
    by_position = [*node.posonlyargs, *node.args]
    defaults: list[ast.expr | None] = [None] * (len(by_position) - len(node.defaults))
    defaults += [*node.defaults, *node.kw_defaults]
    each = zip((*by_position, *node.kwonlyargs), defaults, strict=True)
    return len(by_position), [(parameter.arg, default, parameter.annotation) for parameter, default in each]


@lru_cache(maxsize=16_384)
def _fields(node: ast.ClassDef) -> list[str]:
    """The fields of a dataclass, in order."""
    targets = (each.target for each in node.body if isinstance(each, ast.AnnAssign))
    return [target.id for target in targets if isinstance(target, ast.Name)]


@lru_cache(maxsize=16_384)
def _methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The methods of a class's own, the first of each name."""
    methods = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {each.name: each for each in reversed(methods)}


def methods_of(machine: Machine, cls: Class, depth: int = 0) -> set[str]:
    """The names of the methods of a class and of its bases."""
    names = set(_methods(cls.node))
    for base in cls.node.bases if depth < 8 else ():
        found = value(machine, base, _frame_of(machine, cls))
        if isinstance(found, Class):
            names |= methods_of(machine, found, depth + 1)
    return names


def enter(
    machine: Machine, function: Function, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
) -> Value:
    """Follow a call of one of the repository's functions; what it returns."""
    shared = key_of(machine, function, positional, named, frame)
    stage = machine.stage
    if stage is not None:
        machine.filled = _NOTHING_FILLED
        if shared is None:
            return stage.enter(function, positional, named, frame)
        given = (*positional, *named.values())
        return once(machine, function, shared, given, frame, lambda: stage.enter(function, positional, named, frame))
    if machine.depth >= MAX_DEPTH:
        return extern(getattr(function.node, "name", "lambda"))
    key: tuple[object, ...] = (
        function.node,
        _identity(function.owner),
        machine.number(frame),
        *map(_identity, positional),
    )
    if named:
        key = (*key, *[(name, _identity(named[name])) for name in sorted(named)])
    known = machine.memo.get(key)
    # What another machine has remembered does not tell what the call has made of what it was given.
    if known is not None and (key in machine.filled_by or not changes_own(function.node)):
        machine.notes(Remembered(known[2]))
        if len(machine.calls) + len(known[1]) > MAX_CALLS:
            raise StopError
        machine.calls.extend(known[1])
        machine.filled = machine.filled_by.get(key, _NOTHING_FILLED)
        return known[0]
    given = (*positional, *named.values())
    machine.kept.extend((function.owner, *given))
    start, left = len(machine.calls), machine.left

    def go() -> Value:
        machine.work()
        # While it is followed: recursion.
        machine.memo[key] = (extern(getattr(function.node, "name", "lambda")), (), left)
        machine.filled_by[key] = _NOTHING_FILLED
        result = _followed(machine, function, positional, named, frame)
        machine.filled_by[key] = machine.filled
        return result

    machine.filled = _NOTHING_FILLED
    result = go() if shared is None else once(machine, function, shared, given, frame, go)
    machine.memo[key] = (result, tuple(machine.calls[start:]), left)
    return result


def _followed(
    machine: Machine, function: Function, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
) -> Value:
    """What a function returns, on any of its ways."""
    names = bound(machine, function, positional, named)
    inner = Frame(function.module, names, frame.reached, frame.handling, around=frame.around)
    if not isinstance(function.node, ast.Lambda) and function.node.decorator_list:
        repeated = again(function.node, spot_of(function.module, function.node), inner)
        inner = inner.inside(repeated) if repeated is not None else inner
    machine.depth += 1
    result: Value
    if isinstance(function.node, ast.Lambda):
        result = value(machine, function.node.body, inner)
    else:
        block(machine, function.node.body, inner)
        result = either(inner.returned) if inner.returned else None
        if (result is None or isinstance(result, Extern)) and function.node.returns is not None:
            found = typed(machine, function.node.returns, inner)
            result = found if found is not None else result
    machine.depth -= 1
    rebind(machine, function, names)
    machine.filled = {name: names[name] for name in changes_own(function.node) if name in names}
    return result


def rebind(machine: Machine, function: Function, names: Mapping[str, Value]) -> None:
    """What a function has bound that is not its own: ``global``, ``nonlocal``."""
    for name, of_module in rebinds(function.node):
        if name not in names:
            continue
        outside = function.module.names if of_module else function.closure
        if isinstance(outside, dict):
            bind_outside(machine, outside, name, names[name])
    for name in grows(function.node) if machine.stage is not None else ():
        outside = function.closure if name in function.closure else function.module.names
        if name in names and isinstance(outside, dict) and outside.get(name) is not names[name]:
            machine.depends()
            outside[name] = names[name]


def bind_outside(machine: Machine, outside: dict[str, Value], name: str, found: Value) -> None:
    """Bind a name that is not a function's own."""
    before = outside.get(name)
    if before is not found:
        machine.depends()
        machine.memo.clear()  # functions that were gone through may find another value now
        known = machine.stage is not None or before is None
        outside[name] = found if known else either([found, before])


def declare_global(machine: Machine, node: ast.Global, frame: Frame) -> bool:  # noqa: ARG001
    """``global name``: what the function binds from here on, others see at once."""
    frame.names[_GLOBAL] = (*node.names, *_globals_of(frame))
    return False


def bind_name(machine: Machine, name: str, found: Value, frame: Frame) -> None:
    frame.names[name] = found
    if _GLOBAL in frame.names and name in _globals_of(frame):
        bind_outside(machine, frame.module.names, name, found)


def _globals_of(frame: Frame) -> tuple[Value, ...]:
    names = frame.names.get(_GLOBAL, ())
    return names if isinstance(names, tuple) else ()


def _identity(given: Value) -> object:
    """What makes two arguments the same: plain values by value, the rest by identity."""
    if isinstance(given, Extern):
        return given
    if given is None or isinstance(given, SCALARS):
        return (type(given), given)
    return id(given)


def bound(
    machine: Machine, function: Function, positional: Sequence[Value], named: Mapping[str, Value]
) -> dict[str, Value]:
    """The function's parameters with what they are given: else their default, else what their type tells."""
    node = function.node.args
    names: dict[str, Value] = dict(function.closure)
    names.pop(_GLOBAL, None)
    by_position, parameters = _parameters(node)
    if not (positional or named or isinstance(function.node, ast.Lambda)) and function.node.decorator_list:
        from checker.resolve.python.libraries.decorated import told_by_words

        named = told_by_words(machine, function)
    given = list(positional)
    if function.owner is not None and by_position:
        given.insert(0, function.owner)
    frame = Frame(function.module, names, machine.reached, _NOTHING_AROUND)
    for index, (name, default, annotation) in enumerate(parameters):
        found: Value
        if index < by_position and index < len(given):
            found = given[index]
        elif name in named:
            found = named[name]
        elif default is not None:
            found = value(machine, default, frame)
        else:
            found = extern(name)
        if annotation is not None and isinstance(found, Extern):
            found = typed(machine, annotation, frame) or found
        names[name] = found
    if node.vararg:
        names[node.vararg.arg] = tuple(given[by_position:])
    if node.kwarg:
        known = {name for name, _, _ in parameters}
        names[node.kwarg.arg] = Dict(tuple((key, each) for key, each in named.items() if key not in known))
    return names


def typed(machine: Machine, annotation: ast.expr, frame: Frame) -> Value:
    """The value that a type stands for: a client by its stubs' name, or an object of a class of the repository."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return None
    if isinstance(annotation, ast.BinOp):  # X | None
        return typed(machine, annotation.left, frame) or typed(machine, annotation.right, frame)
    if isinstance(annotation, ast.Subscript) and written(annotation.value).endswith("Optional"):
        return typed(machine, annotation.slice, frame)
    if not isinstance(annotation, ast.Name | ast.Attribute):
        return None
    found = value(machine, annotation, frame)
    if isinstance(found, Class):
        return Instance(found)
    return _service_of_annotation(found) if isinstance(found, Extern) else None


def _service_of_annotation(found: Extern) -> Client | None:
    """The client that a type of the boto3 stubs stands for: ``mypy_boto3_ecs.client.ECSClient``."""
    if not found.name.startswith(("mypy_boto3_", "types_boto3_", "types_aiobotocore_")):
        return None
    match = re.fullmatch(r"(?:mypy_boto3|types_boto3|types_aiobotocore)_(\w+?)(?:\.client)?\.(\w+Client)", found.name)
    if match is None:
        return None
    service = service_of(match[1].replace("_", "-")) or service_of(match[1])
    return Client(service) if service else None


def instantiate(
    machine: Machine, cls: Class, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
) -> Instance:
    """A new object: its ``__init__`` followed, or a dataclass's fields filled."""
    made = Instance(cls)
    init = method(machine, cls, "__init__")
    if init is not None:
        enter(machine, init.of(made), positional, named, frame)
        return made
    for index, name in enumerate(_fields(cls.node)):
        if name in named:
            made.attributes[name] = named[name]
        elif index < len(positional):
            made.attributes[name] = positional[index]
    after = method(machine, cls, "__post_init__")  # Python documentation, dataclasses, "Post-init processing"
    if after is not None:
        enter(machine, after.of(made), (), {}, frame)
    return made


def above(machine: Machine, owner: Value, node: ast.AST, frame: Frame) -> Super | None:
    """``super()`` at a node inside a class: the classes above that one, for the object at hand."""
    pending: list[Value] = [owner.cls if isinstance(owner, Instance) else owner]
    for cls in pending:  # grows on the way
        if not isinstance(cls, Class) or len(pending) > _MAX_CLASSES:
            continue
        bases = [value(machine, base, _frame_of(machine, cls)) for base in cls.node.bases]
        if cls.module is frame.module and _is_inside(node, cls.node):
            return Super(owner, tuple(bases))
        pending.extend(bases)
    return None


_MAX_CLASSES: Final = 32


def _is_inside(node: ast.AST, outer: ast.AST) -> bool:
    line = getattr(node, "lineno", 0)
    return getattr(outer, "lineno", 0) <= line <= (getattr(outer, "end_lineno", 0) or 0)


def _frame_of(machine: Machine, cls: Class) -> Frame:
    return Frame(cls.module, cls.module.names, machine.reached, _NOTHING_AROUND)


def method(machine: Machine, cls: Class, name: str, depth: int = 0) -> Function | None:
    """A method of a class or of its bases."""
    own = _methods(cls.node).get(name)
    if own is not None:
        return Function(cls.module, own)
    for base in cls.node.bases if depth < 8 else ():
        found = value(machine, base, _frame_of(machine, cls))
        if isinstance(found, Class):
            inherited = method(machine, found, name, depth + 1)
            if inherited is not None:
                return inherited
    return None


def begins_nothing(machine: Machine, node: ast.Call, frame: Frame) -> bool:
    """Whether a call makes a generator that nobody goes through: nothing in it runs."""
    found = value(machine, node.func, frame) if named_alone(node.func) else None
    made = found.node if isinstance(found, Function) else None
    return isinstance(made, ast.FunctionDef) and not made.decorator_list and yields(made)


def method_of(machine: Machine, owner: Instance, names: Sequence[str]) -> Function | None:
    """The first of several methods that an object has."""
    found = next((each for name in names if (each := method(machine, owner.cls, name)) is not None), None)
    return found.of(owner) if found is not None else None


def may_swallow(machine: Machine, node: ast.expr, manager: Value, frame: Frame) -> bool:
    """Whether a context manager may keep an exception from going on: the repository's own, and contextlib's."""
    if isinstance(manager, Extern) and ("suppress(" in manager.name or "ExitStack(" in manager.name):
        return True
    if isinstance(manager, Instance):
        leave = method(machine, manager.cls, "__exit__")
        return leave is not None and says_yes(leave.node)
    made_by = value(machine, node.func, frame) if isinstance(node, ast.Call) else None
    if not isinstance(made_by, Function) or isinstance(made_by.node, ast.Lambda):
        return False
    return manages(made_by.node) and lets_errors_go(made_by.node)
