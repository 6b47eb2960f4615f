"""The values of Python expressions, and the AWS calls in them."""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from checker.data.aws_calls import service_of
from checker.model.pipeline.python import PythonModule
from checker.model.pipeline.scripts import AwsCall, Command, Handling, Loop, Reached
from checker.model.possible import OneOf, Possible, joined, open_text, options, same
from checker.model.sources import Spot
from checker.model.values import Text
from checker.resolve.python.values import (
    SCALARS,
    Class,
    Client,
    Dict,
    Either,
    Extern,
    Function,
    Instance,
    Method,
    Module,
    Poller,
    Session,
    Some,
    Value,
    either,
    is_plain,
    plain,
)

# Always true.
_THERE: Final = (Client, Session, Function, Class, Instance, Module)


@dataclass(slots=True)
class Frame:
    """A function's names while it is followed, and the constructs around the statement at hand."""

    module: PythonModule
    names: dict[str, Value]
    reached: Reached
    handling: Handling
    returned: list[Value] = field(default_factory=list)

    def called_at(self, node: ast.AST) -> Frame:
        """The constructs around a call, for what is called there."""
        reached = self.reached
        via = (*reached.via, self.module.spot(node))
        inner = Reached(reached.spot, via, reached.step, reached.certain, reached.on_failure, reached.loops)
        return Frame(self.module, self.names, inner, self.handling, self.returned)

    def maybe(self, *, on_failure: bool = False) -> Frame:
        """The same names, in a branch that may not run."""
        reached = self.reached
        if not reached.certain and (reached.on_failure or not on_failure):
            return self
        inner = Reached(reached.spot, reached.via, reached.step, False, reached.on_failure or on_failure, reached.loops)
        return Frame(self.module, self.names, inner, self.handling, self.returned)

    def inside(self, loop: Loop) -> Frame:
        handling = self.handling
        if loop.kind == "retry" and not handling.retried:
            handling = replace(handling, retried=True)
        around = self.reached
        loops = (*around.loops, loop)
        inner = Reached(around.spot, around.via, around.step, around.certain, around.on_failure, loops)
        return Frame(self.module, self.names, inner, handling, self.returned)

    def handled(self, handling: Handling) -> Frame:
        return Frame(self.module, self.names, self.reached, handling, self.returned)


class Evaluator(ABC):
    """Evaluates expressions; who follows statements derives from it."""

    __slots__ = ()
    arguments: tuple[Possible, ...] | None
    environment: Mapping[str, Possible]
    asked: dict[str, Possible]  # of the environment, so far
    folder: str | None
    calls: list[AwsCall | Command]
    options: dict[str, Value]  # of the command line: what each is where it is not given
    flags: set[str]  # those of them that take no value

    @abstractmethod
    def enter(
        self, function: Function, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
    ) -> Value: ...

    @abstractmethod
    def instantiate(
        self, cls: Class, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
    ) -> Instance: ...

    @abstractmethod
    def method(self, cls: Class, name: str) -> Function | None: ...

    @abstractmethod
    def typed(self, annotation: ast.expr, frame: Frame) -> Value: ...

    @abstractmethod
    def not_asked_for(self, name: str, among: Sequence[str]) -> bool: ...

    @abstractmethod
    def call(self, node: ast.Call, frame: Frame) -> Value: ...

    @abstractmethod
    def load(self, module: PythonModule, *, main: bool = False) -> None: ...

    @abstractmethod
    def find(self, dotted: str, module: PythonModule, level: int) -> PythonModule | None: ...

    @abstractmethod
    def program(
        self,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.Call,
        frame: Frame,
        *,
        checked: bool,
        line: bool = False,
    ) -> None: ...

    @abstractmethod
    def problem(self, spot: Spot, message: str, fix: str, *, unread: bool = True) -> None: ...

    def variable(self, name: str) -> Possible:
        """An environment variable that the workflow sets, ``None`` where it sets none."""
        self.asked[name] = self.environment.get(name)
        return self.asked[name]

    # --- expressions ------------------------------------------------------------------------------------------------

    def value(self, node: ast.expr, frame: Frame) -> Value:
        match node:
            case ast.Name():
                return self._name(node.id, frame)
            case ast.Constant():
                return node.value if isinstance(node.value, SCALARS) else None
            case ast.Attribute():
                return self.attribute(self.value(node.value, frame), node.attr, frame)
            case ast.Call():
                return self.call(node, frame)
            case ast.JoinedStr():
                return joined([self._piece(part, frame) for part in node.values])
            case ast.List() | ast.Tuple() | ast.Set():
                found: list[Value] = []
                for each in node.elts:
                    if isinstance(each, ast.Starred):
                        inner = self.elements(self.value(each.value, frame))
                        found.extend(inner if inner is not None else [Extern(ast.unparse(each))])
                    else:
                        found.append(self.value(each, frame))
                return tuple(found)
            case ast.Dict():
                return self._dict(node, frame)
            case ast.BinOp():
                left, right = self.value(node.left, frame), self.value(node.right, frame)
                if isinstance(node.op, ast.Add) and is_plain(left) and is_plain(right):
                    if isinstance(left, int | float) and isinstance(right, int | float):
                        return left + right
                    return joined([self._plain(left, node.left, frame), self._plain(right, node.right, frame)])
                if isinstance(node.op, ast.Add) and {str, Text} & {type(left), type(right)}:
                    return joined([self._plain(left, node.left, frame), self._plain(right, node.right, frame)])
                if isinstance(node.op, ast.Add) and isinstance(left, tuple) and isinstance(right, tuple):
                    return (*left, *right)
                return Extern(shown(node))
            case ast.BoolOp():
                values = [self.value(each, frame) for each in node.values]
                return either([value for value in values if value is not None] or [None])
            case ast.IfExp():
                answer = self.truth(self.value(node.test, frame))
                if answer is not None:
                    return self.value(node.body if answer else node.orelse, frame)
                return either([self.value(node.body, frame), self.value(node.orelse, frame)])
            case ast.Compare():
                return self._compare(node, frame)
            case ast.UnaryOp():
                inner_value = self.value(node.operand, frame)
                if isinstance(node.op, ast.Not):
                    answer = self.truth(inner_value)
                    return Extern(shown(node)) if answer is None else not answer
                return inner_value
            case ast.Subscript():
                return self._subscript(node, frame)
            case ast.Lambda():
                return Function(frame.module, node, None, frame.names)
            case ast.NamedExpr():
                value = self.value(node.value, frame)
                self.bind(node.target, value, frame)
                return value
            case ast.Await() | ast.Starred() | ast.YieldFrom():
                return self.value(node.value, frame)
            case ast.Yield():
                value = self.value(node.value, frame) if node.value is not None else None
                frame.returned.append(value)
                return None
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, frame)
            case _:
                return Extern(shown(node))

    def _piece(self, node: ast.expr, frame: Frame) -> Possible:
        inner = node.value if isinstance(node, ast.FormattedValue) else node
        return self._plain(self.value(inner, frame), inner, frame)

    def _plain(self, value: Value, node: ast.expr, frame: Frame) -> Possible:
        if value is None or isinstance(value, str):
            return value
        return plain(value, "{" + shown(node) + "}", frame.module.file)

    def _name(self, name: str, frame: Frame) -> Value:
        if name in frame.names:
            return frame.names[name]
        everywhere = frame.module.names
        return everywhere[name] if name in everywhere else Extern(name)

    def _dict(self, node: ast.Dict, frame: Frame) -> Dict:
        items: list[tuple[Value, Value]] = []
        opened = False
        for key, value in zip(node.keys, node.values, strict=True):
            found = self.value(value, frame)
            if key is None:
                opened = opened or not isinstance(found, Dict)
                items.extend(found.items if isinstance(found, Dict) else ())
            else:
                items.append((self.value(key, frame), found))
        return Dict(tuple(items), opened)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, frame: Frame) -> Value:
        inner = Frame(frame.module, dict(frame.names), frame.reached, frame.handling, frame.returned)
        first: list[Value] | None = None
        some = False
        for index, generator in enumerate(node.generators):
            whole = self.value(generator.iter, inner)
            source = self.elements(whole)
            keeps = not generator.ifs or not isinstance(node, ast.DictComp)
            if index == 0 and len(node.generators) == 1 and keeps and source is not None:
                first = source[:32]
                some = isinstance(whole, Some) or bool(generator.ifs)
            opened = Extern(shown(generator.target), answer=whole.answer if isinstance(whole, Extern) else "")
            self.bind(generator.target, either(source) if source else opened, inner)
            for test in generator.ifs:
                self.value(test, inner)
        if isinstance(node, ast.DictComp) and first is not None:
            items: list[tuple[Value, Value]] = []
            for each in first:
                self.bind(node.generators[0].target, each, inner)
                items.append((self.value(node.key, inner), self.value(node.value, inner)))
            return Dict(tuple(items))
        if isinstance(node, ast.DictComp):
            self.value(node.key, inner)
            return Dict(((Extern(shown(node.key)), self.value(node.value, inner)),), open=True)
        if first is None:
            element = self.value(node.elt, inner)
            return Extern(shown(node)) if is_plain(element) or isinstance(element, Extern) else (element,)
        results: list[Value] = []
        for each in first:
            self.bind(node.generators[0].target, each, inner)
            results.append(self.value(node.elt, inner))
        return Some(tuple(results)) if some else tuple(results)

    def _compare(self, node: ast.Compare, frame: Frame) -> Value:
        left = self.value(node.left, frame)
        rights = [self.value(each, frame) for each in node.comparators]
        if len(rights) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq) and is_plain(left) and is_plain(rights[0]):
            one, other = options(self._plain(left, node.left, frame)), options(self._plain(rights[0], node.left, frame))
            answers = {same(first, second) for first in one or () for second in other or ()}
            if answers in ({True}, {False}):
                return answers.pop() is isinstance(node.ops[0], ast.Eq)
        return Extern(shown(node))

    def truth(self, value: Value) -> bool | None:
        """Whether it counts as true, ``None`` where only the run knows."""
        if value is None or isinstance(value, SCALARS):
            return bool(value)
        if isinstance(value, tuple):
            return True if value else None  # what fills it may not have been seen
        return True if isinstance(value, _THERE) else None

    def elements(self, value: Value) -> list[Value] | None:
        """What iterating gives, ``None`` where that is not known."""
        if isinstance(value, tuple):
            return list(value)
        if isinstance(value, Some):
            return list(value.options)
        if isinstance(value, Dict) and not value.open:
            return [key for key, _ in value.items]
        return None

    def bind(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """An assignment's left side."""
        match target:
            case ast.Name():
                frame.names[target.id] = value
            case ast.Attribute():
                owner = self.value(target.value, frame)
                if isinstance(owner, Instance):
                    owner.attributes[target.attr] = value
            case ast.Tuple() | ast.List():
                each = self.elements(value)
                exact = each is not None and len(each) == len(target.elts)
                for index, inner in enumerate(target.elts):
                    self.bind(inner, each[index] if exact and each is not None else Extern(shown(inner)), frame)
            case ast.Starred():
                self.bind(target.value, Extern(shown(target)), frame)
            case ast.Subscript():
                owner = self.value(target.value, frame)
                if isinstance(owner, Dict):
                    key = self.value(target.slice, frame)
                    kept = (item for item in owner.items if not (isinstance(key, str) and item[0] == key))
                    self.bind(target.value, Dict((*kept, (key, value)), open=True), frame)
            case _:
                pass

    def attribute(self, owner: Value, name: str, frame: Frame) -> Value:
        """``owner.name``."""
        match owner:
            case Extern():
                if owner.parsed:
                    return self._from_command_line(owner, name)
                return Extern(f"{owner.name}.{name}", owner.words, owner.parsed, owner.answer)
            case Module():
                found = owner.module.names.get(name)
                return found if found is not None else Extern(f"{owner.module.file}:{name}")
            case Instance():
                if name in owner.attributes:
                    return owner.attributes[name]
                return self._member(owner.cls, name, owner, frame)
            case Class():
                return self._member(owner, name, None, frame)
            case Client() | Session() | Poller():
                return Method(owner, name)
            case Either():
                found_each = [self.attribute(each, name, frame) for each in owner.options if each is not None]
                return either(found_each) if found_each else Extern(name)
            case Function():
                return Extern(f"{getattr(owner.node, 'name', 'lambda')}.{name}")
            case _:
                return Method(owner, name)

    def _member(self, cls: Class, name: str, owner: Instance | None, frame: Frame) -> Value:
        method = self.method(cls, name)
        if method is not None:
            assert not isinstance(method.node, ast.Lambda)
            marks = {shown(decorator) for decorator in method.node.decorator_list}
            if owner is not None and marks & {"property", "cached_property", "functools.cached_property"}:
                value = self.enter(replace(method, owner=owner), (), {}, frame)
                owner.attributes[name] = value
                return value
            if "staticmethod" in marks:
                return method
            return Function(method.module, method.node, cls if "classmethod" in marks else owner, method.closure)
        for each in cls.node.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id == name:
                inner = Frame(cls.module, cls.module.names, frame.reached, frame.handling)
                value = self.typed(each.annotation, inner)
                makes_field = isinstance(each.value, ast.Call) and ast.unparse(each.value.func).endswith("field")
                if makes_field and owner is not None and value is None:
                    value = _made_by(each.value)
                if value is None and each.value is not None and not makes_field:
                    value = self.value(each.value, inner)
                result = value if value is not None else Extern(f"{cls.node.name}.{name}")
                if owner is not None:
                    owner.attributes[name] = result
                return result
            if isinstance(each, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in each.targets):
                return self.value(each.value, Frame(cls.module, cls.module.names, frame.reached, frame.handling))
        return Extern(f"{cls.node.name}.{name}")

    def _from_command_line(self, parsed: Extern, name: str) -> Value:
        """``options.environment``: what the command line gives, where it is known."""
        flag = "--" + name.replace("_", "-")
        words = list(self.arguments or ())
        for index, word in enumerate(words):
            if isinstance(word, str) and word.startswith(f"{flag}="):
                return word[len(flag) + 1 :]
            if word == flag and flag in self.flags:
                return True
            if word == flag and index + 1 < len(words):
                return words[index + 1]
        if self.arguments is not None and flag in self.options and not any(_may_be_options(word) for word in words):
            return self.options[flag]
        return replace(parsed, name=f"{parsed.name}.{name}")

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        owner, key = self.value(node.value, frame), self.value(node.slice, frame)
        if isinstance(owner, Extern) and owner.name in {"os.environ", "environ"} and isinstance(key, str):
            known = self.variable(key)
            return known if known is not None else open_text(f"${{{key}}}")
        if (
            isinstance(owner, Extern)
            and owner.name == "sys.argv"
            and isinstance(key, int)
            and self.arguments is not None
        ):
            return self.arguments[key - 1] if 0 < key <= len(self.arguments) else Extern("sys.argv")
        if isinstance(owner, tuple) and isinstance(key, int) and -len(owner) <= key < len(owner):
            return owner[key]
        if isinstance(owner, Dict):
            return self._looked_up(owner, key)
        if isinstance(owner, tuple | Some) and isinstance(node.slice, ast.Slice) and shown(node.slice) == "::-1":
            return tuple(reversed(owner)) if isinstance(owner, tuple) else Some(tuple(reversed(owner.options)))
        if isinstance(owner, Instance) and (method := self.method(owner.cls, "__getitem__")) is not None:
            return self.enter(replace(method, owner=owner), (key,), {}, frame.called_at(node))
        if isinstance(owner, Either) and all(isinstance(each, Extern) for each in owner.options):
            return either([Extern(shown(node), answer=getattr(each, "answer", "")) for each in owner.options])
        return Extern(shown(node), answer=owner.answer if isinstance(owner, Extern) else "")

    def _looked_up(self, owner: Dict, key: Value) -> Value:
        if isinstance(key, str | int):
            for name, value in owner.items:
                if name == key:
                    return value
            others = [value for name, value in owner.items if isinstance(name, Extern)]
            if others:
                return either(others)
        if isinstance(key, str) or not owner.items:
            return Extern("a key that is not there")
        names = [name for name, _ in owner.items if isinstance(name, str)]
        chosen = [value for name, value in owner.items if not self.not_asked_for(str(name), names)]
        return either(chosen) if chosen else Extern("one of a table")


def _made_by(node: ast.expr | None) -> Value:
    """What ``field(default_factory=dict)`` and ``list`` make; ``None`` for anything else."""
    for keyword in node.keywords if isinstance(node, ast.Call) else ():
        if keyword.arg == "default_factory" and isinstance(keyword.value, ast.Name):
            empty: dict[str, Value] = {"dict": Dict((), open=True), "list": ()}
            return empty.get(keyword.value.id)
    return None


def _may_be_options(word: Possible) -> bool:
    """Whether a word that is not known can be an option, or several words."""
    if isinstance(word, Text):
        return not isinstance(word.parts[0], str) and str(word) in {"$@", "$*"}
    if isinstance(word, OneOf):
        return any(_may_be_options(each) or (isinstance(each, str) and each.startswith("-")) for each in word.options)
    return not isinstance(word, str)


@lru_cache(maxsize=16_384)
def shown(node: ast.AST) -> str:
    return re.sub(r"\s+", " ", ast.unparse(node))[:200]


def service_of_annotation(found: Extern) -> Client | None:
    """The client that a type of the boto3 stubs stands for: ``mypy_boto3_ecs.client.ECSClient``."""
    if not found.name.startswith(("mypy_boto3_", "types_boto3_", "types_aiobotocore_")):
        return None
    match = re.fullmatch(r"(?:mypy_boto3|types_boto3|types_aiobotocore)_(\w+?)(?:\.client)?\.(\w+Client)", found.name)
    if match is None:
        return None
    service = service_of(match[1].replace("_", "-")) or service_of(match[1])
    return Client(service) if service else None
