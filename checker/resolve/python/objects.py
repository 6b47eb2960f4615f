"""Python objects while code is followed: parameters bound, classes instantiated, types read for what they name."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, TypeAlias

from checker.model.pipeline.scripts import Handling, Reached
from checker.resolve.python.calls import Calls
from checker.resolve.python.expressions import Frame, service_of_annotation
from checker.resolve.python.syntax_facts import written
from checker.resolve.python.values import (
    Class,
    Dict,
    Extern,
    Function,
    Instance,
    Value,
)

_NOTHING_AROUND: Final = Handling()
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


class Objects(Calls):
    """Binds and makes objects; the statements are followed by who derives from this class."""

    __slots__ = ()
    reached: Reached

    def bound(self, function: Function, positional: Sequence[Value], named: Mapping[str, Value]) -> dict[str, Value]:
        """The function's parameters with what they are given: else their default, else what their type tells."""
        node = function.node.args
        names: dict[str, Value] = dict(function.closure)
        by_position, parameters = _parameters(node)
        given = list(positional)
        if function.owner is not None and by_position:
            given.insert(0, function.owner)
        frame = Frame(function.module, names, self.reached, _NOTHING_AROUND)
        for index, (name, default, annotation) in enumerate(parameters):
            if index < by_position and index < len(given):
                value = given[index]
            elif name in named:
                value = named[name]
            elif default is not None:
                value = self.value(default, frame)
            else:
                value = Extern(name)
            if annotation is not None and isinstance(value, Extern):
                value = self.typed(annotation, frame) or value
            names[name] = value
        if node.vararg:
            names[node.vararg.arg] = tuple(given[by_position:])
        if node.kwarg:
            known = {name for name, _, _ in parameters}
            names[node.kwarg.arg] = Dict(tuple((key, value) for key, value in named.items() if key not in known))
        return names

    def typed(self, annotation: ast.expr, frame: Frame) -> Value:
        """The value that a type stands for: a client by its stubs' name, or an object of a class of the repository."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return None
        if isinstance(annotation, ast.BinOp):  # X | None
            return self.typed(annotation.left, frame) or self.typed(annotation.right, frame)
        if isinstance(annotation, ast.Subscript) and written(annotation.value).endswith("Optional"):
            return self.typed(annotation.slice, frame)
        if not isinstance(annotation, ast.Name | ast.Attribute):
            return None
        found = self.value(annotation, frame)
        if isinstance(found, Class):
            return Instance(found)
        return service_of_annotation(found) if isinstance(found, Extern) else None

    def instantiate(
        self, cls: Class, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
    ) -> Instance:
        """A new object: its ``__init__`` followed, or a dataclass's fields filled."""
        made = Instance(cls)
        init = self.method(cls, "__init__")
        if init is not None:
            self.enter(replace(init, owner=made), positional, named, frame)
            return made
        for index, name in enumerate(_fields(cls.node)):
            if name in named:
                made.attributes[name] = named[name]
            elif index < len(positional):
                made.attributes[name] = positional[index]
        return made

    def method(self, cls: Class, name: str, depth: int = 0) -> Function | None:
        """A method of a class or of its bases."""
        own = _methods(cls.node).get(name)
        if own is not None:
            return Function(cls.module, own)
        for base in cls.node.bases if depth < 8 else ():
            found = self.value(base, Frame(cls.module, cls.module.names, self.reached, _NOTHING_AROUND))
            if isinstance(found, Class):
                inherited = self.method(found, name, depth + 1)
                if inherited is not None:
                    return inherited
        return None
