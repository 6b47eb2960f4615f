"""Python objects while code is followed: parameters bound, classes instantiated, types read for what they name."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from checker.model.scripts import Handling, Reached
from checker.reason.python_calls import Calls
from checker.reason.python_expressions import Frame, service_of_annotation
from checker.reason.python_values import (
    Class,
    Dict,
    Extern,
    Function,
    Instance,
    Value,
)


class Objects(Calls):
    """Binds and makes objects; the statements are followed by who derives from this class."""

    __slots__ = ()
    reached: Reached

    def bound(self, function: Function, positional: Sequence[Value], named: Mapping[str, Value]) -> dict[str, Value]:
        """The function's parameters with what they are given: else their default, else what their type tells."""
        node = function.node.args
        names: dict[str, Value] = dict(function.closure)
        given = list(positional)
        parameters = [*node.posonlyargs, *node.args]
        if function.owner is not None and parameters:
            given.insert(0, function.owner)
        defaults = dict(zip((each.arg for each in reversed(parameters)), reversed(node.defaults), strict=False))
        defaults |= {
            each.arg: default for each, default in zip(node.kwonlyargs, node.kw_defaults, strict=True) if default
        }
        frame = Frame(function.module, names, self.reached, Handling())
        for index, parameter in enumerate([*parameters, *node.kwonlyargs]):
            value: Value = Extern(parameter.arg)
            if index < len(parameters) and index < len(given):
                value = given[index]
            elif parameter.arg in named:
                value = named[parameter.arg]
            elif parameter.arg in defaults:
                value = self.value(defaults[parameter.arg], frame)
            if isinstance(value, Extern) and parameter.annotation is not None:
                value = self.typed(parameter.annotation, frame) or value
            names[parameter.arg] = value
        if node.vararg:
            names[node.vararg.arg] = tuple(given[len(parameters) :])
        if node.kwarg:
            known = {parameter.arg for parameter in [*parameters, *node.kwonlyargs]}
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
        if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).endswith("Optional"):
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
        fields = [
            each for each in cls.node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        ]
        for index, each in enumerate(fields):
            assert isinstance(each.target, ast.Name)
            name = each.target.id
            if name in named:
                made.attributes[name] = named[name]
            elif index < len(positional):
                made.attributes[name] = positional[index]
        return made

    def method(self, cls: Class, name: str, depth: int = 0) -> Function | None:
        """A method of a class or of its bases."""
        for each in cls.node.body:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name:
                return Function(cls.module, each)
        for base in cls.node.bases if depth < 8 else ():
            found = self.value(base, Frame(cls.module, cls.module.names, self.reached, Handling()))
            if isinstance(found, Class):
                inherited = self.method(found, name, depth + 1)
                if inherited is not None:
                    return inherited
        return None
