"""Follows Python deploy code without importing or running it: which AWS calls it makes, in which order.

Functions of the repository are entered where they are called; both branches of a test count; what is handed to other
code (a table of commands, a thread pool, a decorator) counts as possibly called. Where the words of the command line
choose among commands, those that they name are the ones that count.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from checker.model.pipeline.python import PythonModule
from checker.model.pipeline.scripts import AwsCall, Command, Handling, Loop, Reached
from checker.model.possible import Possible
from checker.model.sources import Problem, Spot
from checker.resolve.python.expressions import Frame
from checker.resolve.python.objects import Objects
from checker.resolve.python.syntax_facts import (
    case_names,
    ends,
    exits,
    leaves_early,
    raises,
    sleeps,
    stored,
    takes_aws_errors,
    written,
)
from checker.resolve.python.values import (
    SCALARS,
    Class,
    Dict,
    Extern,
    Function,
    Module,
    PythonLibrary,
    Value,
    either,
)

# Marks a module whose names depend on the program that loads it.
_OWN: Final = "<own>"
MAX_STATEMENTS: Final = 30_000
MAX_CALLS: Final = 5_000
MAX_DEPTH: Final = 24


class _StopError(Exception):
    """More than can be followed."""


@dataclass(slots=True)
class PythonFollower(Objects):
    """Follows one start of a program. ``calls`` are AWS calls and programs that it starts, in order."""

    library: PythonLibrary
    reached: Reached
    arguments: tuple[Possible, ...] | None = ()  # of the command line, without the program; None: not known
    environment: Mapping[str, Possible] = field(default_factory=dict)
    folder: str | None = ""
    calls: list[AwsCall | Command] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    roots: tuple[str, ...] = ("",)
    asked: dict[str, Possible] = field(default_factory=dict)
    options: dict[str, Value] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    _modules: dict[str, PythonModule | None] = field(default_factory=dict)
    _found: dict[tuple[str, str | None], PythonModule | None] = field(default_factory=dict)
    _own: int = 0  # how many modules hold what only this program knows
    _left: int = MAX_STATEMENTS
    _depth: int = 0
    _memo: dict[tuple[object, ...], tuple[Value, tuple[AwsCall | Command, ...]]] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)  # whose identity is a key of the memo

    def start(self, path: str, function: str = "") -> None:
        """Follow a file as a program, or one function of it."""
        module = self._module(path, fresh=not function)
        if module is None:
            return
        self.roots = tuple(dict.fromkeys((posixpath.dirname(path), self.folder or "", "", "src", *self.roots)))
        try:
            self.load(module, main=not function)
            found = module.names.get(function) if function else None
            if isinstance(found, Function):
                self.enter(found, (), {}, Frame(module, {}, self.reached, Handling(errexit=True)))
        except (_StopError, RecursionError):
            self.problem(
                module.spot(module.tree), "does more than can be followed: the rest is not judged", "Split it."
            )

    def problem(self, spot: Spot, message: str, fix: str, *, unread: bool = True) -> None:
        problem = Problem(spot, message, fix, unread)
        if problem not in self.problems:
            self.problems.append(problem)

    # --- modules ----------------------------------------------------------------------------------------------------

    def load(self, module: PythonModule, *, main: bool = False) -> None:
        """Run a module's own statements, once.

        What they bind is the same in every program, and kept for the next one, unless they ask for the environment,
        make calls or raise problems: then it is this program's alone.
        """
        if "__name__" in module.names:
            self._own += _OWN in module.names
            return
        module.names["__name__"] = "__main__" if main else module.file.removesuffix(".py").replace("/", ".")
        module.names["__file__"] = module.file
        before = (self._own, len(self.asked), len(self.calls), len(self.problems))
        frame = Frame(module, module.names, self.reached.at(Spot(module.file)), Handling(errexit=True))
        self.block(module.tree.body, frame)
        if before != (self._own, len(self.asked), len(self.calls), len(self.problems)):
            module.names[_OWN] = True
            self._own += 1

    def find(self, dotted: str, module: PythonModule, level: int) -> PythonModule | None:
        """The repository's file behind an import."""
        base = module.package if level else None
        for _ in range(level - 1):
            base = posixpath.dirname(base or "")
        key = (dotted, base)
        if key not in self._found:
            self._found[key] = self._search(dotted, self.roots if base is None else (base,))
        return self._found[key]

    def _search(self, dotted: str, roots: Iterable[str]) -> PythonModule | None:
        tail = dotted.replace(".", "/")
        for root in roots:
            path = posixpath.normpath(posixpath.join(root, tail)) if tail else root
            for candidate in (f"{path}.py", f"{path}/__init__.py"):
                found = self._module(candidate)
                if found is not None:
                    return found
        return None

    def _module(self, path: str, *, fresh: bool = False) -> PythonModule | None:
        """A file of the repository; with nothing bound yet where what it binds is this program's alone."""
        if path not in self._modules:
            module = self.library.python(path)
            fault = self.library.fault(path) if module is None else None
            if fault is not None and fault not in self.problems:
                self.problems.append(fault)
            if module is not None and (fresh or _OWN in module.names):
                module = module.fresh()
            self._modules[path] = module
        return self._modules[path]

    def _import(self, node: ast.Import | ast.ImportFrom, frame: Frame) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._import_module(alias, frame)
            return
        dotted = node.module or ""
        found = self.find(dotted, frame.module, node.level) if dotted or node.level else None
        if found is not None:
            self.load(found)
        for alias in node.names:
            bound = alias.asname or alias.name
            if found is not None and alias.name in found.names:
                frame.names[bound] = found.names[alias.name]
                continue
            inner = self.find(f"{dotted}.{alias.name}".lstrip("."), frame.module, node.level)
            if inner is not None:
                self.load(inner)
                frame.names[bound] = Module(inner)
            else:
                frame.names[bound] = Extern(f"{dotted}.{alias.name}".lstrip("."))

    def _import_module(self, alias: ast.alias, frame: Frame) -> None:
        """``import a.b``: binds ``a``, in which ``b`` is found; ``import a.b as c`` binds the module itself."""
        parts = alias.name.split(".")
        above: PythonModule | None = None
        whole = self.find(alias.name, frame.module, 0)
        for length in range(1, len(parts) + 1):
            found = self.find(".".join(parts[:length]), frame.module, 0)
            if found is None and whole is not None:
                # A folder without __init__.py: a namespace that holds what is imported from it.
                found = self._modules.setdefault("/".join(parts[:length]), PythonModule("", ast.Module([], [])))
            if found is None:
                break
            self.load(found)
            if above is not None:
                above.names[parts[length - 1]] = Module(found)
            above = found
            if length == 1 and not alias.asname:
                frame.names[parts[0]] = Module(found)
        else:
            if alias.asname and above is not None:
                frame.names[alias.asname] = Module(above)
            return
        if above is None:
            frame.names[alias.asname or parts[0]] = Extern(alias.name if alias.asname else parts[0])

    # --- statements -------------------------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt], frame: Frame) -> bool:
        """Follow statements; whether control surely left them (return, raise, continue, exit)."""
        for statement in statements:  # noqa: SIM110 - blocks nest deeply, and each generator is one more frame
            if self.statement(statement, frame):
                return True
        return False

    def statement(self, node: ast.stmt, frame: Frame) -> bool:
        self._left -= 1
        if self._left < 0 or len(self.calls) >= MAX_CALLS:
            raise _StopError
        match node:
            case ast.Expr():
                self.value(node.value, frame)
                return exits(node.value)
            case ast.Assign():
                value = self.value(node.value, frame)
                for target in node.targets:
                    self.bind(target, value, frame)
            case ast.If():
                return self._if(node, frame)
            case ast.AnnAssign():
                self._annotated(node, frame)
            case ast.AugAssign():
                self.value(node.value, frame)
                self.bind(node.target, Extern(ast.unparse(node.target)), frame)
            case ast.Return():
                self._return(node, frame)
                return True
            case ast.Raise():
                if node.exc is not None:
                    self.value(node.exc, frame)
                self.leaves("1", node, frame)
                return True
            case ast.Continue() | ast.Break():
                return True
            case ast.Import() | ast.ImportFrom():
                self._import(node, frame)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(node, frame)
            case ast.ClassDef():
                frame.names[node.name] = Class(frame.module, node)
            case ast.For() | ast.AsyncFor():
                self._for(node, frame)
            case ast.While():
                pauses = sleeps(node.body)
                kind = "retry" if pauses else "while"
                loop = Loop(kind, frame.module.spot(node), sleeps=pauses, bounded=ends(node))
                self._widen(node.body, frame)
                self.value(node.test, frame)
                self.block(node.body, frame.inside(loop))
                self.block(node.orelse, frame)
            case ast.With() | ast.AsyncWith():
                return self._with(node, frame)
            case ast.Try() | ast.TryStar():
                return self._try(node, frame)
            case ast.Match():
                self._match(node, frame)
            case ast.Assert():
                self._assert(node, frame)
            case _:
                pass
        return False

    def _assert(self, node: ast.Assert, frame: Frame) -> None:
        self.value(node.test, frame)
        self.leaves("1", node, frame.maybe())

    def _return(self, node: ast.Return, frame: Frame) -> None:
        frame.returned.append(self.value(node.value, frame) if node.value is not None else None)
        status = node.value.value if isinstance(node.value, ast.Constant) else None
        if isinstance(status, int) and not isinstance(status, bool) and 0 < status < 256:
            self.leaves(str(status), node, frame)  # what `sys.exit(main())` ends with

    def _annotated(self, node: ast.AnnAssign, frame: Frame) -> None:
        """``name: type = value``: where the value is not known, its type may tell."""
        if node.value is None:
            return
        value = self.value(node.value, frame)
        if value is None or isinstance(value, Extern):
            value = self.typed(node.annotation, frame) or value
        self.bind(node.target, value, frame)

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
        closure = frame.names if frame.names is not frame.module.names else {}
        function = Function(frame.module, node, None, closure)
        frame.names[node.name] = function
        for decorator in node.decorator_list:
            registry = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(registry, ast.Attribute) and registry.attr in {"command", "callback", "task", "group"}:
                named = decorator.args[0] if isinstance(decorator, ast.Call) and decorator.args else None
                name = named.value if isinstance(named, ast.Constant) else node.name.replace("_", "-")
                owner = self.value(registry.value, frame)
                frame.module.names.setdefault("__commands__", Dict(()))
                commands = frame.module.names["__commands__"]
                assert isinstance(commands, Dict)
                entry = (str(name), function)
                frame.module.names["__commands__"] = Dict((*commands.items, entry))
                del owner

    def _if(self, node: ast.If, frame: Frame) -> bool:
        answer = self.truth(self.value(node.test, frame))
        if answer is True:
            return self.block(node.body, frame)
        if answer is False:
            return self.block(node.orelse, frame)
        before = dict(frame.names)
        inner = frame.maybe()
        left = self.block(node.body, inner)
        after_body = dict(frame.names) if not left else None
        frame.names.clear()
        frame.names.update(before)
        other_left = self.block(node.orelse, frame.maybe() if node.orelse else frame)
        if after_body is not None and not other_left:
            for name, value in after_body.items():
                if name not in frame.names:
                    frame.names[name] = value
                elif frame.names[name] is not value:
                    frame.names[name] = either([value, frame.names[name]])
        elif after_body is not None:
            frame.names.update(after_body)
        return left and other_left

    def _for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> None:
        whole = self.value(node.iter, frame)
        values = self.elements(whole)
        spot = frame.module.spot(node)
        counts = (
            isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range"
        )
        variable = written(node.target)
        if not values or counts or len(values) > 32:
            self._widen(node.body, frame)
            kind = "retry" if counts and (sleeps(node.body) or leaves_early(node.body)) else "each"
            self.bind(node.target, Extern(variable, answer=whole.answer if isinstance(whole, Extern) else ""), frame)
            self.block(node.body, frame.inside(Loop(kind, spot, variable, sleeps=sleeps(node.body))))
        else:
            shown = tuple(value if isinstance(value, str) else None for value in values)
            for index, value in enumerate(values):
                self.bind(node.target, value, frame)
                loop = Loop("each", spot, variable, shown if None not in shown else None, index)
                self.block(node.body, frame.inside(loop))
        self.block(node.orelse, frame)

    @staticmethod
    def _widen(body: Sequence[ast.stmt], frame: Frame) -> None:
        """What a loop assigns may hold something else when it comes round again."""
        for name in frozenset().union(*map(stored, body)) & frame.names.keys():
            frame.names[name] = either([frame.names[name], Extern(name)])

    def _with(self, node: ast.With | ast.AsyncWith, frame: Frame) -> bool:
        handling = frame.handling
        for item in node.items:
            value = self.value(item.context_expr, frame)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value, frame)
            if written(item.context_expr).startswith(("contextlib.suppress", "suppress")):
                handling = replace(handling, swallowed=True, caught=(*handling.caught, "suppress"))
        return self.block(node.body, frame.handled(handling))

    def _try(self, node: ast.Try | ast.TryStar, frame: Frame) -> bool:
        handling = frame.handling
        caught = tuple(written(handler.type) if handler.type else "BaseException" for handler in node.handlers)
        swallowed = any(takes_aws_errors(handler) and not raises(handler.body) for handler in node.handlers)
        handling = replace(handling, caught=(*handling.caught, *caught), swallowed=handling.swallowed or swallowed)
        left = self.block(node.body, frame.handled(handling) if node.handlers else frame)
        for handler in node.handlers:
            if handler.name:
                frame.names[handler.name] = Extern(handler.name)
            self.block(handler.body, frame.maybe(on_failure=True))
        left = self.block(node.orelse, frame) or left
        return self.block(node.finalbody, frame) or (left and not swallowed)

    def _match(self, node: ast.Match, frame: Frame) -> None:
        subject = self.value(node.subject, frame)
        for case in node.cases:
            literal = case.pattern.value if isinstance(case.pattern, ast.MatchValue) else None
            if isinstance(literal, ast.Constant) and isinstance(subject, str) and literal.value != subject:
                continue
            chosen = isinstance(subject, Extern) and subject.parsed and isinstance(literal, ast.Constant)
            if chosen and self.not_asked_for(str(ast.literal_eval(literal or ast.Constant(""))), case_names(node)):
                continue
            self.block(case.body, frame.maybe())

    # --- functions --------------------------------------------------------------------------------------------------

    def not_asked_for(self, name: str, among: Iterable[str]) -> bool:
        """Whether the command line surely chooses another command than ``name`` of those."""
        if self.arguments is None:
            return False
        words = {word for word in self.arguments if isinstance(word, str)}
        return name not in words and bool(words & set(among))

    def enter(self, function: Function, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame) -> Value:
        """Follow a call of one of the repository's functions; what it returns."""
        if self._depth >= MAX_DEPTH:
            return Extern(getattr(function.node, "name", "lambda"))
        key: tuple[object, ...] = (
            id(function.node),
            _identity(function.owner),
            *map(_identity, positional),
            *[(name, _identity(named[name])) for name in sorted(named)],
            frame.reached.certain,
            frame.reached.loops,
            frame.handling,
        )
        known = self._memo.get(key)
        if known is not None:
            if len(self.calls) + len(known[1]) > MAX_CALLS:
                raise _StopError
            self.calls.extend(known[1])
            return known[0]
        self._kept.extend((function.owner, *positional, *named.values()))
        self._memo[key] = (Extern(getattr(function.node, "name", "lambda")), ())  # while it is followed: recursion
        start = len(self.calls)
        inner = Frame(function.module, self.bound(function, positional, named), frame.reached, frame.handling)
        self._depth += 1
        if isinstance(function.node, ast.Lambda):
            result = self.value(function.node.body, inner)
        else:
            self.block(function.node.body, inner)
            result = either(inner.returned) if inner.returned else None
            if result is None or isinstance(result, Extern):
                typed = self.typed(function.node.returns, inner) if function.node.returns is not None else None
                result = typed if typed is not None else result
        self._depth -= 1
        self._memo[key] = (result, tuple(self.calls[start:]))
        return result


def _identity(value: Value) -> object:
    """What makes two arguments the same: plain values by value, the rest by identity."""
    if isinstance(value, Extern):
        return value
    if value is None or isinstance(value, SCALARS):
        return (type(value), value)
    return id(value)
