"""The values of Python expressions, and the AWS calls in them."""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from checker.model.possible import Possible, joined, one_of, open_text, options, same
from checker.model.python import PythonModule
from checker.model.scripts import Argument, AwsCall, Command, Handling, How, Loop, Reached, plain_name
from checker.model.sources import Spot
from checker.model.values import Absent, Text
from checker.reason.calls import is_custom, operation_of, polled_by, service_of
from checker.reason.python_values import (
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
    Value,
    either,
    is_plain,
    plain,
)

# Methods of every client that call nothing. Source: Boto3 documentation, "Clients".
_NO_CALLS: Final = frozenset({"can_paginate", "close", "exceptions", "meta", "generate_presigned_url",
                              "generate_presigned_post"})  # fmt: skip
_RUNS: Final = frozenset({"subprocess.run", "subprocess.check_call", "subprocess.check_output", "subprocess.call",
                          "subprocess.Popen", "os.system", "subprocess.getoutput"})  # fmt: skip


# Builtins that give back what they are given, as far as following it goes.
_KEEPING: Final = frozenset(
    {"str", "list", "tuple", "sorted", "reversed", "set", "dict", "iter", "enumerate", "typing.cast", "cast"}
)


_GROWING: Final = frozenset(
    {"append", "add", "extend", "insert", "update", "setdefault", "appendleft", "remove", "pop"}
)


@dataclass(slots=True)
class Frame:
    """A function's names while it is followed, and the constructs around the statement at hand."""

    module: PythonModule
    names: dict[str, Value]
    reached: Reached
    handling: Handling
    returned: list[Value] = field(default_factory=list)

    def maybe(self, *, on_failure: bool = False) -> Frame:
        """The same names, in a branch that may not run."""
        reached = replace(self.reached, certain=False, on_failure=self.reached.on_failure or on_failure)
        return replace(self, reached=reached)

    def inside(self, loop: Loop) -> Frame:
        handling = replace(self.handling, retried=self.handling.retried or loop.kind == "retry")
        return replace(self, reached=replace(self.reached, loops=(*self.reached.loops, loop)), handling=handling)

    def handled(self, handling: Handling) -> Frame:
        return replace(self, handling=handling)


class Evaluator(ABC):
    """Evaluates expressions; who follows statements derives from it."""

    __slots__ = ()
    arguments: tuple[Possible, ...] | None
    environment: Mapping[str, Possible]
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
    def problem(self, spot: Spot, message: str, fix: str, *, unread: bool = True) -> None: ...

    # --- expressions ------------------------------------------------------------------------------------------------

    def value(self, node: ast.expr, frame: Frame) -> Value:
        match node:
            case ast.Constant():
                return node.value if isinstance(node.value, str | int | float | bool) else None
            case ast.Name():
                return self._name(node.id, frame)
            case ast.Attribute():
                return self.attribute(self.value(node.value, frame), node.attr, frame)
            case ast.Call():
                return self._call(node, frame)
            case ast.JoinedStr():
                return joined(self._piece(part, frame) for part in node.values)
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
                if isinstance(node.op, ast.Add) and isinstance(left, tuple) and isinstance(right, tuple):
                    return (*left, *right)
                return Extern(_shown(node))
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
                    return Extern(_shown(node)) if answer is None else not answer
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
                return Extern(_shown(node))

    def _piece(self, node: ast.expr, frame: Frame) -> Possible:
        inner = node.value if isinstance(node, ast.FormattedValue) else node
        return self._plain(self.value(inner, frame), inner, frame)

    def _plain(self, value: Value, node: ast.expr, frame: Frame) -> Possible:
        return plain(value, "{" + _shown(node) + "}", frame.module.file)

    def _name(self, name: str, frame: Frame) -> Value:
        for names in (frame.names, frame.module.names):
            if name in names:
                return names[name]
        return Extern(name)

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
        inner = replace(frame, names=dict(frame.names))
        first: list[Value] | None = None
        for index, generator in enumerate(node.generators):
            source = self.elements(self.value(generator.iter, inner))
            if index == 0 and len(node.generators) == 1 and not generator.ifs and source is not None:
                first = source[:32]
            self.bind(generator.target, either(source) if source else Extern(_shown(generator.target)), inner)
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
            return Dict(((Extern(_shown(node.key)), self.value(node.value, inner)),), open=True)
        if first is None:
            element = self.value(node.elt, inner)
            return Extern(_shown(node)) if is_plain(element) or isinstance(element, Extern) else (element,)
        results: list[Value] = []
        for each in first:
            self.bind(node.generators[0].target, each, inner)
            results.append(self.value(node.elt, inner))
        return tuple(results)

    def _compare(self, node: ast.Compare, frame: Frame) -> Value:
        left = self.value(node.left, frame)
        rights = [self.value(each, frame) for each in node.comparators]
        if len(rights) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq) and is_plain(left) and is_plain(rights[0]):
            one, other = options(self._plain(left, node.left, frame)), options(self._plain(rights[0], node.left, frame))
            answers = {same(first, second) for first in one or () for second in other or ()}
            if answers in ({True}, {False}):
                return answers.pop() is isinstance(node.ops[0], ast.Eq)
        return Extern(_shown(node))

    def truth(self, value: Value) -> bool | None:
        """Whether it counts as true, ``None`` where only the run knows."""
        if isinstance(value, bool) or value is None:
            return bool(value)
        if isinstance(value, str | int | float):
            return bool(value)
        if isinstance(value, tuple):
            return True if value else None  # what fills it may not have been seen
        return True if isinstance(value, Client | Session | Function | Class | Instance | Module) else None

    def elements(self, value: Value) -> list[Value] | None:
        """What iterating gives, ``None`` where that is not known."""
        if isinstance(value, tuple):
            return list(value)
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
                    self.bind(inner, each[index] if exact and each is not None else Extern(_shown(inner)), frame)
            case ast.Starred():
                self.bind(target.value, Extern(_shown(target)), frame)
            case ast.Subscript():
                owner = self.value(target.value, frame)
                if isinstance(owner, Dict):
                    key = self.value(target.slice, frame)
                    self.bind(target.value, Dict((*owner.items, (key, value)), open=True), frame)
            case _:
                pass

    def attribute(self, owner: Value, name: str, frame: Frame) -> Value:
        """``owner.name``."""
        match owner:
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
            case Extern():
                if owner.parsed:
                    return self._from_command_line(owner, name)
                return replace(owner, name=f"{owner.name}.{name}")
            case Function():
                return Extern(f"{getattr(owner.node, 'name', 'lambda')}.{name}")
            case _:
                return Method(owner, name)

    def _member(self, cls: Class, name: str, owner: Instance | None, frame: Frame) -> Value:
        method = self.method(cls, name)
        if method is not None:
            assert not isinstance(method.node, ast.Lambda)
            marks = {ast.unparse(decorator) for decorator in method.node.decorator_list}
            if owner is not None and marks & {"property", "cached_property", "functools.cached_property"}:
                value = self.enter(replace(method, owner=owner), (), {}, frame)
                owner.attributes[name] = value
                return value
            if "staticmethod" in marks:
                return method
            return replace(method, owner=cls if "classmethod" in marks else owner)
        for each in cls.node.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id == name:
                inner = Frame(cls.module, cls.module.names, frame.reached, frame.handling)
                value = self.typed(each.annotation, inner)
                makes_field = isinstance(each.value, ast.Call) and ast.unparse(each.value.func).endswith("field")
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

    def _declare(self, positional: list[Value], named: dict[str, Value]) -> None:
        """``add_argument("--rollback", action="store_true")``: what the option is where it is not given."""
        names = [each for each in positional if isinstance(each, str) and each.startswith("--")]
        action = named.get("action")
        absent: Value = {"store_true": False, "store_false": True}.get(str(action), named.get("default"))
        for name in names:
            if action in {"store_true", "store_false"}:
                self.flags.add(name)
            known = self.options.get(name)
            self.options[name] = absent if name not in self.options else either([known, absent])

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        owner, key = self.value(node.value, frame), self.value(node.slice, frame)
        if isinstance(owner, Extern) and owner.name in {"os.environ", "environ"} and isinstance(key, str):
            return self.environment.get(key, open_text(f"${{{key}}}"))
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
        return Extern(_shown(node))

    def _looked_up(self, owner: Dict, key: Value) -> Value:
        if isinstance(key, str | int):
            for name, value in owner.items:
                if name == key:
                    return value
        if isinstance(key, str) or not owner.items:
            return Extern("a key that is not there")
        names = [name for name, _ in owner.items if isinstance(name, str)]
        chosen = [value for name, value in owner.items if not self.not_asked_for(str(name), names)]
        return either(chosen) if chosen else Extern("one of a table")

    # --- calls ------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, frame: Frame) -> Value:
        function = self.value(node.func, frame)
        positional: list[Value] = []
        complete = True
        for each in node.args:
            value = self.value(each, frame)
            if isinstance(each, ast.Starred):
                inner = self.elements(value)
                complete = complete and inner is not None
                positional.extend(inner or ())
            else:
                positional.append(value)
        named: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value, frame)
            if keyword.arg is not None:
                named[keyword.arg] = value
            elif isinstance(value, Dict) and not value.open:
                named.update({key: each for key, each in value.items if isinstance(key, str)})
            else:
                complete = False
        return self.apply(function, positional, named, node, frame, complete=complete)

    def apply(
        self,
        function: Value,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.Call,
        frame: Frame,
        *,
        complete: bool,
    ) -> Value:
        """What a call gives; AWS calls and started programs go on record."""
        spot = frame.module.spot(node)
        via = replace(frame.reached, via=(*frame.reached.via, spot))
        match function:
            case Function():
                if not isinstance(function.node, ast.Lambda) and _is_group(function.node):
                    self._commands(function, replace(frame, reached=via))
                return self.enter(function, positional, named, replace(frame, reached=via))
            case Class():
                return self.instantiate(function, positional, named, replace(frame, reached=via))
            case Either():
                results = [
                    self.apply(each, positional, named, node, frame.maybe(), complete=complete)
                    for each in function.options
                    if each is not None
                ]
                return either(results) if results else None
            case Method():
                return self._method(function, positional, named, node, frame, complete=complete)
            case Extern():
                return self._extern(function, positional, named, node, replace(frame, reached=via))
            case _:
                return Extern(_shown(node))

    def _commands(self, group: Function, frame: Frame) -> None:
        """The commands that decorators hung below a group of click's or typer's."""
        commands = group.module.names.get("__commands__")
        if not isinstance(commands, Dict):
            return
        names = [str(name) for name, _ in commands.items]
        for name, function in commands.items:
            other = isinstance(function, Function) and function.node is not group.node
            if other and isinstance(function, Function) and not self.not_asked_for(str(name), names):
                self.enter(function, (), {}, frame.maybe())

    def _method(
        self,
        method: Method,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.Call,
        frame: Frame,
        *,
        complete: bool,
    ) -> Value:
        owner, name = method.owner, method.name
        if isinstance(owner, Session):
            return self._from_session(owner, name, positional, named, node, frame)
        if isinstance(owner, Client):
            if name in {"get_waiter", "get_paginator"} and positional:
                kind = name.removeprefix("get_")
                return Poller(owner, kind, positional[0] if isinstance(positional[0], str) else "")
            if name not in _NO_CALLS:
                self._record(owner, name, "", named, positional, node, frame, complete=complete)
            return Extern(f"{owner.service}.{name}()")
        if isinstance(owner, Poller):
            if name in {"wait", "paginate"}:
                self._record(owner.client, owner.name, owner.kind, named, positional, node, frame, complete=complete)
            elif name == "build_full_result":
                pass
            return Extern(f"{owner.client.service}.{owner.name}.{name}()")
        if isinstance(owner, Dict):
            if name == "get" and positional:
                found = self._looked_up(owner, positional[0])
                return found if len(positional) < 2 or not isinstance(found, Extern) else positional[1]
            if name == "items":
                return tuple(owner.items) if not owner.open else Extern(_shown(node))
            if name == "values":
                return tuple(value for _, value in owner.items) if not owner.open else Extern(_shown(node))
        if isinstance(owner, tuple | Dict) and name in _GROWING and isinstance(node.func, ast.Attribute):
            self.bind(node.func.value, self._grown(owner, name, positional, node, frame), frame)
            return None
        if isinstance(owner, str) and name == "format" and not named:
            return joined(_formatted(owner, [plain(each, _shown(node), frame.module.file) for each in positional]))
        if isinstance(owner, str) and name == "join" and positional and (each := self.elements(positional[0])):
            parts: list[Possible] = []
            for index, value in enumerate(each):
                parts.extend(([owner] if index else []) + [plain(value, _shown(node), frame.module.file)])
            return joined(parts)
        if isinstance(owner, str) and name == "split" and not named:
            separator = positional[0] if positional and isinstance(positional[0], str) else None
            return tuple(owner.split(separator))
        if isinstance(owner, str) and name in {"lower", "upper", "strip"} and not positional:
            return str(getattr(owner, name)())
        self._hand_over(positional, named, frame, ())
        return Extern(_shown(node))

    @staticmethod
    def _grown(
        owner: tuple[Value, ...] | Dict, name: str, positional: list[Value], node: ast.Call, frame: Frame
    ) -> Value:
        """A container after ``append`` and the like: what is in it is only known where that surely happens."""
        first = positional[0] if positional else None
        if isinstance(owner, tuple) and frame.reached.certain:
            if name in {"append", "add"}:
                return (*owner, first)
            if name == "extend" and isinstance(first, tuple):
                return (*owner, *first)
        if isinstance(owner, Dict):
            return Dict(owner.items + (first.items if isinstance(first, Dict) else ()), open=True)
        return Extern(_shown(node.func))

    def _from_session(
        self,
        session: Session,
        name: str,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.Call,
        frame: Frame,
    ) -> Value:
        if name not in {"client", "resource"}:
            return Extern(f"session.{name}()")
        service = positional[0] if positional else named.get("service_name")
        spot = frame.module.spot(node)
        if not isinstance(service, str):
            self.problem(spot, "a client of a service that is not known before it runs", "Name the service.")
            return Extern("client")
        known = service_of(service)
        if known is None:
            self.problem(spot, f"there is no AWS service {service!r}", "Mend the name.")
            return Extern("client")
        region = positional[1] if len(positional) > 1 else named.get("region_name", session.region)
        if not isinstance(region, Absent):
            region = plain(region, "region", frame.module.file)
        if name == "resource":
            self.problem(spot, f"calls of boto3.resource({service!r}) are not followed", "Use a client.")
        return Client(known, region, name == "resource")

    def _record(
        self,
        client: Client,
        spelled: str,
        kind: str,
        named: dict[str, Value],
        positional: list[Value],
        node: ast.Call,
        frame: Frame,
        *,
        complete: bool,
    ) -> None:
        if client.resource:
            return
        spot = frame.module.spot(node)
        how, operation, waiter = How.SDK, operation_of(client.service, spelled), ""
        if kind == "waiter":
            polled = polled_by(client.service, spelled)
            if polled is None:
                self.problem(spot, f"{client.service} has no waiter {spelled!r}", "Mend the name.")
            how, operation, waiter = How.SDK_WAITER, polled or spelled, spelled.replace("_", "-")
        elif kind == "paginator":
            how = How.SDK_PAGINATOR
        elif is_custom(client.service, spelled):
            how, operation = How.SDK_CUSTOM, spelled
        where = frame.module.file
        arguments: dict[str, Argument] = {
            plain_name(name): _argument(value, name, where) for name, value in named.items()
        }
        for index, value in enumerate(positional):
            arguments[str(index)] = _argument(value, str(index), where)
        source = _shown(node)
        reached = replace(frame.reached, spot=spot)
        handling = replace(frame.handling, errexit=True)
        made = AwsCall(client.service, operation, how, arguments, reached, handling, source, waiter, client.region)
        self.calls.append(replace(made, complete=complete))

    def _extern(
        self, function: Extern, positional: list[Value], named: dict[str, Value], node: ast.Call, frame: Frame
    ) -> Value:
        name = function.name
        if name in {"boto3.client", "boto3.resource"}:
            return self._from_session(Session(), name.removeprefix("boto3."), positional, named, node, frame)
        if name in {"boto3.Session", "boto3.session.Session"}:
            region = named.get("region_name", Absent())
            profile = named.get("profile_name", Absent())
            where = frame.module.file
            return Session(
                region if isinstance(region, Absent) else plain(region, "region", where),
                profile if isinstance(profile, Absent) else plain(profile, "profile", where),
            )
        if name in {"os.getenv", "os.environ.get", "environ.get"} and positional and isinstance(positional[0], str):
            default = positional[1] if len(positional) > 1 else None
            if positional[0] in self.environment:
                return self.environment[positional[0]]
            opened = open_text(f"${{{positional[0]}}}")
            return one_of([opened, default]) if isinstance(default, str) else opened
        if name in _RUNS:
            self._program(
                positional, named, node, frame, checked=name in {"subprocess.check_call", "subprocess.check_output"}
            )
            return Extern(_shown(node))
        if name in {"functools.partial", "partial"} and positional and isinstance(positional[0], Function):
            return positional[0]
        if name in {
            "str",
            "list",
            "tuple",
            "sorted",
            "reversed",
            "set",
            "dict",
            "iter",
            "enumerate",
            "typing.cast",
            "cast",
        }:
            return self._builtin(name, positional, node)
        if name.endswith((".parse_args", ".parse_known_args")):
            return Extern("arguments", parsed=True)
        if name.endswith(".add_argument"):
            self._declare(positional, named)
        words = (*function.words, *(each for each in positional if isinstance(each, str)))
        self._hand_over(positional, named, frame, function.words)
        return Extern(_shown(node), words if name.endswith((".add_parser", ".add_subparsers")) else function.words)

    @staticmethod
    def _builtin(name: str, positional: list[Value], node: ast.Call) -> Value:
        if name.endswith("cast"):
            return positional[1] if len(positional) > 1 else Extern(_shown(node))
        first = positional[0] if positional else None
        if name in {"str", "iter"}:
            return first if first is not None and (is_plain(first) or name == "iter") else Extern(_shown(node))
        if name == "enumerate" and isinstance(first, tuple):
            return tuple((index, each) for index, each in enumerate(first))
        if name == "reversed" and isinstance(first, tuple):
            return tuple(reversed(first))
        if name == "sorted" and isinstance(first, tuple) and all(isinstance(each, str) for each in first):
            return tuple(sorted(str(each) for each in first))
        return first if isinstance(first, tuple | Dict) and name != "sorted" else Extern(_shown(node))

    def _hand_over(
        self, positional: list[Value], named: dict[str, Value], frame: Frame, words: tuple[str, ...]
    ) -> None:
        """Functions that other code is given may be called by it: ``pool.submit(f)``, ``set_defaults(func=f)``."""
        if words and all(self._other_command(word) for word in words):
            return
        for value in (*positional, *named.values()):
            if isinstance(value, Function) and not isinstance(value.node, ast.Lambda):
                self.enter(value, (), {}, frame.maybe())
            elif isinstance(value, Function):
                self.enter(value, (), {}, frame)

    def _other_command(self, word: str) -> bool:
        """Whether the command line's first word is another command than this one."""
        first = next(
            (each for each in self.arguments or () if not (isinstance(each, str) and each.startswith("-"))), None
        )
        return isinstance(first, str) and first != word and self.arguments is not None and word not in self.arguments

    def _program(
        self, positional: list[Value], named: dict[str, Value], node: ast.Call, frame: Frame, *, checked: bool
    ) -> None:
        """A program that the code starts: ``subprocess.run(["aws", ...])``."""
        given = positional[0] if positional else named.get("args")
        words = self.elements(given) if given is not None else None
        if words is None and isinstance(given, str):
            words = list(given.split())
        spot = frame.module.spot(node)
        if words is None:
            self.problem(spot, "a program whose command line is not known before it runs", "Write it as a list.")
            return
        shown = tuple(plain(each, _shown(node), frame.module.file) for each in words)
        stops = checked or named.get("check") is True
        handling = replace(frame.handling, errexit=True, lost=not stops)
        self.calls.append(Command(shown, replace(frame.reached, spot=spot), handling, _shown(node), self.folder))


def _argument(value: Value, name: str, where: str) -> Argument:
    if isinstance(value, tuple):
        return tuple(_argument(each, name, where) for each in value)
    if isinstance(value, Dict):
        return {str(key): _argument(each, name, where) for key, each in value.items if isinstance(key, str)}
    if isinstance(value, Extern):
        return open_text("{" + value.name + "}", where)
    return plain(value, "{" + name + "}", where)


def _may_be_options(word: Possible) -> bool:
    """Whether a word that is not known can be an option, or several words."""
    if isinstance(word, Text):
        return not isinstance(word.parts[0], str) and str(word) in {"$@", "$*"}
    return not isinstance(word, str)


@lru_cache(maxsize=16_384)
def _shown(node: ast.AST) -> str:
    return re.sub(r"\s+", " ", ast.unparse(node))[:200]


def _formatted(template: str, values: list[Possible]) -> list[Possible]:
    parts: list[Possible] = []
    position = 0
    for index, match in enumerate(re.finditer(r"\{(\d*)\}", template)):
        at = int(match[1]) if match[1] else index
        parts.append(template[position : match.start()])
        parts.append(values[at] if at < len(values) else open_text(match[0]))
        position = match.end()
    return [*parts, template[position:]]


def _is_group(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        "group" in ast.unparse(decorator) or "callback" in ast.unparse(decorator) for decorator in node.decorator_list
    )


def service_of_annotation(found: Extern) -> Client | None:
    """The client that a type of the boto3 stubs stands for: ``mypy_boto3_ecs.client.ECSClient``."""
    match = re.fullmatch(r"(?:mypy_boto3|types_boto3|types_aiobotocore)_(\w+?)(?:\.client)?\.(\w+Client)", found.name)
    if match is None:
        return None
    service = service_of(match[1].replace("_", "-")) or service_of(match[1])
    return Client(service) if service else None
