"""Whether a program shows what an AWS call has answered, or hands it on to something that may: by its code alone."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from functools import lru_cache
from itertools import chain
from typing import Final, TypeAlias

from checker.data.service_parts import SAME_WHICHEVER_RUNS
from checker.model.answers import YES, Answer, Open, yes_if
from checker.model.pipeline.python import nodes_of
from checker.resolve.python.syntax_facts import GROWING, called_as

# The keys that lead to a part of an answer, ``*`` for one of a list.
_Path: TypeAlias = "tuple[str, ...]"

_ONE: Final = "*"
# What names no version: the parts that are the same whichever one runs, and a program's exit code.
_SAME_FOR_ALL: Final = SAME_WHICHEVER_RUNS | {"returncode"}
# Builtins that only count or test what they are given, and those that give it back in another form.
_COUNTING: Final = frozenset({"len", "any", "all", "sum", "bool", "int", "isinstance", "range", "hasattr", "callable"})
_KEEPING: Final = frozenset(
    {"list", "tuple", "sorted", "reversed", "set", "frozenset", "iter", "next", "enumerate", "zip", "filter", "map",
     "dict", "str", "repr", "min", "max", "dumps", "loads", "pformat", "deepcopy", "copy", "cast"}
)  # fmt: skip
_ROUNDS: Final = 4  # of names that are made of one another
# Nodes of a function, or of a module's own code, times the calls in it that are alike.
_MOST_WORK: Final = 1_000_000
_TELLING: Final = (
    ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.AsyncFor, ast.comprehension, ast.Call,
    ast.Return, ast.Yield, ast.YieldFrom, ast.Lambda, ast.Global, ast.Nonlocal,
)  # fmt: skip
_FUNCTIONS: Final = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@lru_cache(maxsize=1_024)
def may_be_shown(tree: ast.Module, call: ast.Call) -> Answer:
    """Whether more of what a call answers is shown than how many tasks run, or whether they do: what is printed,
    logged, raised, returned or handed to any function counts. Open where that is too much to look for."""
    scope = _scopes(tree).get(call)
    if scope is None:
        return YES
    nodes, alike = _telling(scope)
    if len(nodes) * alike[called_as(call)] > _MOST_WORK:
        return Open("what becomes of its answer is more than can be followed")
    return yes_if(_Answer(call, nodes).shown())


@lru_cache(maxsize=64)
def _telling(scope: ast.AST) -> tuple[tuple[ast.AST, ...], Counter[str]]:
    """What of a function binds names or hands something on, and how often it calls what."""
    nodes = tuple(each for each in nodes_of(scope) if isinstance(each, _TELLING))
    return nodes, Counter(called_as(each) for each in nodes if isinstance(each, ast.Call))


@lru_cache(maxsize=64)
def _scopes(tree: ast.Module) -> dict[ast.Call, ast.AST]:
    """The function around each call, the innermost one; the module where it is in none."""
    found: dict[ast.Call, ast.AST] = {}
    pending: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while pending:
        node, scope = pending.pop()
        if isinstance(node, ast.Call):
            found[node] = scope
        inner = node if isinstance(node, _FUNCTIONS) else scope
        pending.extend((each, inner) for each in ast.iter_child_nodes(node))
    return found


class _Answer:
    """What becomes of one call's answer in the code around it."""

    def __init__(self, call: ast.Call, nodes: tuple[ast.AST, ...]) -> None:
        self._call = call
        self._nodes = nodes
        self._names: dict[str, set[_Path]] = {}
        for _ in range(_ROUNDS):
            before = sum(map(len, self._names.values()))
            for node in nodes:
                self._follow(node)
            if sum(map(len, self._names.values())) == before:
                break

    def shown(self) -> bool:
        outside = {name for each in self._nodes if isinstance(each, ast.Global | ast.Nonlocal) for name in each.names}
        told = chain.from_iterable(map(self._handed_on, self._nodes))
        return not outside.isdisjoint(self._names) or any(map(_tells, told))

    def _follow(self, node: ast.AST) -> None:
        """Which names hold what of it."""
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind(target, self._parts(value))
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
                self._bind(target, self._parts(value))
            case ast.NamedExpr(target=target, value=value):
                self._bind(target, self._parts(value))
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                self._bind(target, _one_of(self._parts(value)))
            case ast.comprehension(target=target, iter=value):
                self._bind(target, _one_of(self._parts(value)))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in GROWING:
                self._add(name, self._given(node))

    def _bind(self, target: ast.expr, parts: Iterable[_Path]) -> None:
        found = set(parts)
        if isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self._bind(each, _one_of(found))
        elif isinstance(target, ast.Starred | ast.Subscript):
            self._bind(target.value, found)
        elif isinstance(target, ast.Name):
            self._add(target.id, found)

    def _add(self, name: str, parts: Set[_Path]) -> None:
        if parts:
            self._names.setdefault(name, set()).update(parts)

    def _given(self, call: ast.Call) -> set[_Path]:
        words = (*call.args, *(each.value for each in call.keywords))
        return {part for each in words for part in self._parts(each)}

    def _parts(self, node: ast.expr) -> set[_Path]:
        """Which parts of the answer an expression holds."""
        if node is self._call:
            return {()}
        match node:
            case ast.Name(id=name):
                return self._names.get(name, set())
            case ast.Subscript(value=value, slice=key):
                return _within(self._parts(value), key)
            case ast.Attribute(value=value, attr=attr):
                return {(*each, attr) for each in self._parts(value)}
            case ast.Call():
                return self._of_call(node)
            case ast.Compare() | ast.UnaryOp() | ast.Constant() | ast.Lambda():
                return set()
            case ast.IfExp(body=body, orelse=orelse):
                return self._parts(body) | self._parts(orelse)
            case ast.ListComp(elt=inner) | ast.SetComp(elt=inner) | ast.GeneratorExp(elt=inner):
                return self._parts(inner)
        within = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
        return {part for each in within for part in self._parts(each)}

    def _of_call(self, call: ast.Call) -> set[_Path]:
        name, owner = called_as(call), call.func.value if isinstance(call.func, ast.Attribute) else None
        held = self._parts(owner) if owner is not None else set()
        if held and name == "get" and call.args:
            return _within(held, call.args[0])
        if held:
            return _one_of(held) if name in {"items", "values", "pop"} else held
        return self._given(call) if name in _KEEPING or name in {"format", "join"} else set()

    def _handed_on(self, node: ast.AST) -> Iterator[_Path]:
        """What of it goes where nobody follows it: to a function, to who called, into an object."""
        match node:
            case ast.Call() if node is not self._call:
                name = called_as(node)
                owner = node.func.value if isinstance(node.func, ast.Attribute) else None
                own = owner is not None and (bool(self._parts(owner)) or isinstance(owner, ast.Constant))
                grows = name in GROWING and isinstance(owner, ast.Name)
                if not (own or grows or name in _COUNTING or name in _KEEPING):
                    yield from self._given(node)
            case (
                ast.Return(value=ast.expr() as value)
                | ast.Yield(value=ast.expr() as value)
                | ast.YieldFrom(value=value)
            ):
                yield from self._parts(value)
            case ast.Lambda(body=value):
                yield from self._parts(value)
            case ast.Assign(targets=targets, value=value) if any(isinstance(each, ast.Attribute) for each in targets):
                yield from self._parts(value)


def _within(parts: Iterable[_Path], key: ast.expr) -> set[_Path]:
    name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else _ONE
    return {(*each, name) for each in parts}


def _one_of(parts: Iterable[_Path]) -> set[_Path]:
    return {(*each, _ONE) for each in parts}


def _tells(part: _Path) -> bool:
    """Whether a part of an answer may tell which version runs."""
    last = next((each for each in reversed(part) if each != _ONE), "")
    return last not in _SAME_FOR_ALL
