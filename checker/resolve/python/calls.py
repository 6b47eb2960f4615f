"""Calls in Python code: functions entered, boto3's clients told apart, AWS calls and started programs put on record."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from checker.data.aws_calls import is_custom, operation_of, polled_by, service_of
from checker.model.pipeline.scripts import Argument, AwsCall, Command, How, Loop, plain_name
from checker.model.possible import Possible, joined, one_of, open_text
from checker.model.possible import shown as shown_value
from checker.model.sources import Spot
from checker.model.values import Absent, Text
from checker.resolve.python.dynamic import api_call, looked_up
from checker.resolve.python.expressions import Evaluator, Frame, shown
from checker.resolve.python.json_text import json_text
from checker.resolve.python.requests import request_of
from checker.resolve.python.syntax_facts import LEAVES, written
from checker.resolve.python.values import (
    Class,
    Client,
    Dict,
    Either,
    Extern,
    Function,
    Method,
    Partial,
    Poller,
    Session,
    Some,
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


# What makes a line more than the words of one command.
_SHELL_SIGNS: Final = re.compile(r"[|&;<>()$`\n*'\"\\]")
# Builtins that give back what they are given, as far as following it goes.
_KEEPING: Final = frozenset(
    {"str", "list", "tuple", "sorted", "reversed", "set", "dict", "iter", "enumerate", "typing.cast", "cast"}
)


_GROWING: Final = frozenset(
    {"append", "add", "extend", "insert", "update", "setdefault", "appendleft", "remove", "pop"}
)


class Calls(Evaluator):
    """Evaluates calls; the statements around them are followed by who derives from this class."""

    __slots__ = ()

    def call(self, node: ast.Call, frame: Frame) -> Value:
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
        match function:
            case Extern():
                return self._extern(function, positional, named, node, frame)
            case Function():
                if not isinstance(function.node, ast.Lambda) and _is_group(function.node):
                    self._commands(function, frame.called_at(node))
                return self.enter(function, positional, named, frame.called_at(node))
            case Class():
                return self.instantiate(function, positional, named, frame.called_at(node))
            case Either():
                results = [
                    self.apply(each, positional, named, node, frame.maybe(), complete=complete)
                    for each in function.options
                    if each is not None
                ]
                return either(results) if results else None
            case Method():
                return self._method(function, positional, named, node, frame, complete=complete)
            case Partial():
                words, known = [*function.positional, *positional], {**function.named, **named}
                return self.apply(function.function, words, known, node, frame, complete=complete)
            case _:
                return Extern(shown(node))

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
            if name == "_make_api_call":

                def record(operation: str, given: dict[str, Value], known: bool) -> None:
                    self._record(owner, operation, "", given, [], node, frame, complete=known and complete)

                if not api_call(positional, named, record):
                    self.problem(frame.module.spot(node), "an operation that is not known before it runs", "Name it.")
            elif name not in _NO_CALLS:
                self._record(owner, name, "", named, positional, node, frame, complete=complete)
            return Extern(f"{owner.service}.{name}()", answer=_answer(owner.service, name, frame.module.spot(node)))
        if isinstance(owner, Poller):
            if name in {"wait", "paginate"}:
                self._record(owner.client, owner.name, owner.kind, named, positional, node, frame, complete=complete)
            elif name == "build_full_result":
                pass
            answer = _answer(owner.client.service, owner.name, frame.module.spot(node))
            return Extern(f"{owner.client.service}.{owner.name}.{name}()", answer=answer)
        if isinstance(owner, Dict):
            if name == "get" and positional:
                found = self._looked_up(owner, positional[0])
                return found if len(positional) < 2 or not isinstance(found, Extern) else positional[1]
            if name == "items":
                return tuple(owner.items) if not owner.open else Extern(shown(node))
            if name == "values":
                return tuple(value for _, value in owner.items) if not owner.open else Extern(shown(node))
        if isinstance(owner, tuple | Some | Dict) and name in _GROWING and isinstance(node.func, ast.Attribute):
            self.bind(node.func.value, self._grown(owner, name, positional, node, frame), frame)
            return None
        if isinstance(owner, str) and name == "format" and not named:
            return joined(_formatted(owner, [plain(each, shown(node), frame.module.file) for each in positional]))
        if isinstance(owner, str) and name == "join" and positional and (each := self.elements(positional[0])):
            parts: list[Possible] = []
            for index, value in enumerate(each):
                parts.extend(([owner] if index else []) + [plain(value, shown(node), frame.module.file)])
            return joined(parts)
        if isinstance(owner, str) and name == "split" and not named:
            separator = positional[0] if positional and isinstance(positional[0], str) else None
            return tuple(owner.split(separator))
        if isinstance(owner, str) and name in {"lower", "upper", "strip"} and not positional:
            return str(getattr(owner, name)())
        self._hand_over(positional, named, node, frame, ())
        return Extern(shown(node), answer=_answer_in(owner))

    @staticmethod
    def _grown(
        owner: tuple[Value, ...] | Some | Dict, name: str, positional: list[Value], node: ast.Call, frame: Frame
    ) -> Value:
        """A container after ``append`` and the like: what is in it is only known where that surely happens."""
        first = positional[0] if positional else None
        if isinstance(owner, tuple) and frame.reached.certain:
            if name in {"append", "add"}:
                return (*owner, first)
            if name == "extend" and isinstance(first, tuple):
                return (*owner, *first)
        if isinstance(owner, tuple | Some) and name in {"append", "add"}:
            return Some((*(owner.options if isinstance(owner, Some) else owner), first))
        if isinstance(owner, Dict):
            return Dict(owner.items + (first.items if isinstance(first, Dict) else ()), open=True)
        return Extern(shown(node.func))

    def _from_session(
        self,
        session: Session,
        name: str,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.Call,
        frame: Frame,
    ) -> Value:
        if name not in {"client", "resource", "create_client"}:
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
        source = shown(node)
        reached = frame.reached.at(spot)
        handling = frame.handling if frame.handling.errexit else replace(frame.handling, errexit=True)
        region = client.region
        made = AwsCall(
            client.service, operation, how, arguments, reached, handling, source, waiter, region, complete=complete
        )
        self.calls.append(made)

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
            known = self.variable(positional[0])
            if known is not None:
                return known
            opened = open_text(f"${{{positional[0]}}}")
            return one_of([opened, default]) if isinstance(default, str) else opened
        found = looked_up(self, name, positional, named, node, frame)
        if found is not None:
            return found[0]
        if name in _RUNS:
            checked = name in {"subprocess.check_call", "subprocess.check_output"}
            line = name in {"os.system", "subprocess.getoutput"} or named.get("shell") is True
            self.program(positional, named, node, frame, checked=checked, line=line)
            return Extern(shown(node))
        request = request_of(name, positional, named)
        if request is not None:
            self._http(*request, node, frame)
            return Extern(shown(node))
        if name.endswith(".raise_for_status"):
            self.leaves("1", node, frame.maybe())
        if name in LEAVES:
            status = positional[0] if positional else 0
            self.leaves("1" if isinstance(status, str) else plain(status, shown(node), frame.module.file), node, frame)
        if name == "json.dumps" and positional:
            return json_text(positional[0], shown(node), frame.module.file)
        if name in _KEEPING:
            return self._builtin(name, positional, node)
        if name.endswith((".parse_args", ".parse_known_args")):
            return Extern("arguments", parsed=True)
        if name.endswith(".add_argument"):
            self._declare(positional, named)
        words = (*function.words, *(each for each in positional if isinstance(each, str)))
        self._hand_over(positional, named, node, frame, function.words)
        kept = words if name.endswith((".add_parser", ".add_subparsers")) else function.words
        first = positional[0] if positional and name in {"int", "float"} else function
        return Extern(shown(node), kept, answer=_answer_in(first))

    @staticmethod
    def _builtin(name: str, positional: list[Value], node: ast.Call) -> Value:
        if name.endswith("cast"):
            return positional[1] if len(positional) > 1 else Extern(shown(node))
        first = positional[0] if positional else None
        if name in {"str", "iter"}:
            return first if first is not None and (is_plain(first) or name == "iter") else Extern(shown(node))
        if name == "enumerate" and isinstance(first, tuple):
            return tuple((index, each) for index, each in enumerate(first))
        if isinstance(first, Some):
            if name == "reversed":
                return Some(tuple(reversed(first.options)))
            return first if name in {"list", "tuple", "set"} else Extern(shown(node))
        if name == "reversed" and isinstance(first, tuple):
            return tuple(reversed(first))
        if name == "sorted" and isinstance(first, tuple) and all(isinstance(each, str) for each in first):
            return tuple(sorted(str(each) for each in first))
        return first if isinstance(first, tuple | Dict) and name != "sorted" else Extern(shown(node))

    def _hand_over(
        self,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.Call,
        frame: Frame,
        words: tuple[str, ...],
    ) -> None:
        """Functions that other code is given may be called by it: ``pool.submit(f)``, ``set_defaults(func=f)``."""
        functions = [value for value in (*positional, *named.values()) if isinstance(value, Function)]
        if not functions or (words and all(self._other_command(word) for word in words)):
            return
        for value in functions:
            if not isinstance(value.node, ast.Lambda):
                self.enter(value, (), {}, _side_by_side(node, frame).called_at(node).maybe())
            else:
                self.enter(value, (), {}, frame.called_at(node))

    def _other_command(self, word: str) -> bool:
        """Whether the command line's first word is another command than this one."""
        first = next(
            (each for each in self.arguments or () if not (isinstance(each, str) and each.startswith("-"))), None
        )
        return isinstance(first, str) and first != word and self.arguments is not None and word not in self.arguments

    def program(
        self,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.Call,
        frame: Frame,
        *,
        checked: bool,
        line: bool = False,
    ) -> None:
        """A program that the code starts: ``subprocess.run(["aws", ...])``; a shell's whole ``line``."""
        given = positional[0] if positional else named.get("args")
        words = self.elements(given) if given is not None else None
        if words is None and isinstance(given, str):
            words = ["sh", "-c", given] if line and _SHELL_SIGNS.search(given) else list(given.split())
        if words is None and line and isinstance(given, Text):
            words = ["sh", "-c", given]
        spot = frame.module.spot(node)
        if words is None:
            self.problem(spot, "a program whose command line is not known before it runs", "Write it as a list.")
            return
        given_words = tuple(plain(each, shown(node), frame.module.file) for each in words)
        stops = checked or named.get("check") is True
        handling = replace(frame.handling, errexit=True, lost=not stops)
        self.calls.append(Command(given_words, frame.reached.at(spot), handling, shown(node), self.folder))

    def _http(self, method: Value, url: Value, node: ast.Call, frame: Frame) -> None:
        """A request over HTTP, as the command that makes the same one."""
        where = frame.module.file
        words = ("http", plain(method, "{method}", where), plain(url, "{url}", where))
        self._note(words, node, frame)

    def leaves(self, status: Possible, node: ast.AST, frame: Frame) -> None:
        """The end of the program: ``raise``, ``sys.exit(1)``."""
        self._note(("exit", status if isinstance(status, str) else shown_value(status)), node, frame)

    def _note(self, words: tuple[Possible, ...], node: ast.AST, frame: Frame) -> None:
        reached = frame.reached.at(frame.module.spot(node))
        handling = frame.handling if frame.handling.errexit else replace(frame.handling, errexit=True)
        self.calls.append(Command(words, reached, handling, shown(node), self.folder))

    def _declare(self, positional: list[Value], named: dict[str, Value]) -> None:
        """``add_argument("--rollback", action="store_true")``: what the option is where it is not given."""
        names = [each for each in positional if isinstance(each, str) and each.startswith("--")]
        action = named.get("action")
        is_flag = isinstance(action, str) and action in {"store_true", "store_false"}
        absent: Value = action == "store_false" if is_flag else named.get("default")
        for name in names:
            if is_flag:
                self.flags.add(name)
            known = self.options.get(name)
            self.options[name] = absent if name not in self.options else either([known, absent])


# What runs a function beside the rest (Python documentation, concurrent.futures, multiprocessing.pool, asyncio).
_CONCURRENT: Final = frozenset({"map", "starmap", "imap", "imap_unordered", "map_async", "submit", "apply_async",
                                "run_in_executor", "create_task", "Thread", "Process"})  # fmt: skip


def _side_by_side(node: ast.Call, frame: Frame) -> Frame:
    """The constructs around a function that is handed to a pool: several at a time, in the background."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name not in _CONCURRENT:
        return frame
    inner = frame.handled(replace(frame.handling, background=True))
    return inner.inside(Loop("each", frame.module.spot(node))) if "map" in name else inner


def _argument(value: Value, name: str, where: str) -> Argument:
    if isinstance(value, tuple):
        return tuple(_argument(each, name, where) for each in value)
    if isinstance(value, Dict):
        return {str(key): _argument(each, name, where) for key, each in value.items if isinstance(key, str)}
    if isinstance(value, Extern):
        return open_text("{" + value.name + "}", value.answer or where)
    if isinstance(value, Either):
        # Of a structure and something unknown the structure tells more.
        known = [each for each in value.options if isinstance(each, Dict | tuple)]
        if known:
            return _argument(known[0], name, where)
        each_plain = [plain(each, "{" + name + "}", where) for each in value.options]
        return one_of(each_plain)
    return plain(value, "{" + name + "}", where)


def _answer_in(value: Value) -> str:
    """The AWS call that a value comes from, the first where there are several."""
    if isinstance(value, Extern):
        return value.answer
    if isinstance(value, Either):
        return next((answer for each in value.options if (answer := _answer_in(each))), "")
    holes = value.holes if isinstance(value, Text) else ()
    return next((hole.attribute for hole in holes if hole.attribute.startswith("aws ")), "")


def _answer(service: str, operation: str, spot: Spot) -> str:
    return f"aws {service} {operation}@{spot}"


def _formatted(template: str, values: list[Possible]) -> list[Possible]:
    parts: list[Possible] = []
    position = 0
    for index, match in enumerate(re.finditer(r"\{(\d*)\}", template)):
        at = int(match[1]) if match[1] else index
        parts.append(template[position : match.start()])
        parts.append(values[at] if at < len(values) else open_text(match[0]))
        position = match.end()
    return [*parts, template[position:]]


@lru_cache(maxsize=16_384)
def _is_group(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("group" in written(decorator) or "callback" in written(decorator) for decorator in node.decorator_list)
