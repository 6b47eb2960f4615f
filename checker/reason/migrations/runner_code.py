"""A Python runner's functions, constants and classes, found by the modules that they are in.

A name stands for what its own module has by that name, ``history.read`` for what the module ``history`` has; a method,
whose object's class is not worked out, for every method that is called so.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec import Struct

from checker.model.pipeline.python import nodes_of, plain, run_by

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
# Calls that make a function worth going through: what sends SQL, lets connections go, or ends the program.
_MATTERS: Final = frozenset(
    {"execute", "executescript", "exec_driver_sql", "fetchval", "fetchrow", "fetch", "scalar", "query", "close",
     "reset", "putconn", "exit", "_exit", "quit", "abort"}
)  # fmt: skip
READS: Final = frozenset({"read_text", "read", "read_bytes"})
_MOST_BASES: Final = 12
_DECLARES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LETTING_GO: Final = frozenset({"close", "reset", "putconn"})
_MOST: Final = 100_000  # signs of a file


@lru_cache(maxsize=256)
def parsed(name: str, text: str) -> ast.Module | None:  # noqa: ARG001 - files that say the same have nodes of their own
    """A file's code, once for all that ask; ``None`` where it is too long, or no Python that this version knows."""
    try:
        return plain(ast.parse(text)) if len(text) <= _MOST else None
    except (SyntaxError, ValueError, RecursionError):
        return None


def module_of(name: str) -> str:
    """The last part of a module's name, by its file."""
    return name.rpartition("/")[2].removesuffix(".py")


class Code(Struct, frozen=True):
    """All of a runner's code. ``repeated`` are conditions that it asks more than once, with the names in them."""

    functions: Mapping[str, Sequence[Function]]
    constants: Mapping[str, ast.expr]
    bases: Mapping[str, frozenset[str]]
    repeated: Mapping[str, frozenset[str]]
    homes: Mapping[int, str]  # functions, by identity, and the modules that they are in
    managers: Mapping[str, Mapping[str, Function]]  # classes whose objects are entered, with their methods
    relevant: frozenset[str]  # names of functions that lead to something that matters
    locking: frozenset[str]  # ... to the lock
    releasing: frozenset[str]  # ... to what lets it go
    reading: frozenset[str]  # ... and to what files say
    attributes: Mapping[str, Mapping[str, ast.expr]] = MappingProxyType({})  # what classes say of all their objects
    started: frozenset[str] = frozenset()  # functions that the modules call themselves when they are run

    def called(self, node: ast.expr, inside: Sequence[str]) -> list[Function]:
        """The functions that a call may enter; none of those in which nothing matters."""
        func = node.func if isinstance(node, ast.Call) else node
        name = name_of(func)
        several = [each for each in self.functions.get(name, ()) if name in self.relevant]
        if isinstance(func, ast.Attribute):
            own = [each for each in several if self.homes[id(each)] == name_of(func.value)]
        else:
            here = next((mark.partition(":")[0] for mark in reversed(inside) if ":" in mark), "")
            own = [each for each in several if self.homes[id(each)] == here]
        return own or several

    def managed(self, item: ast.expr) -> tuple[Sequence[Function], Sequence[Function]]:
        """What is called when an object is entered and left (``with Lock(connection):``); of a name, whose class is not
        worked out, where there is one class of the kind."""
        known = self.managers.get(name_of(item))
        if known is None and isinstance(item, ast.Name | ast.Attribute) and len(self.managers) == 1:
            known = next(iter(self.managers.values()))
        if known is None:
            return (), ()
        return tuple(
            [each] if (each := known.get(name)) is not None and name in self.relevant else ()
            for name in ("__enter__", "__exit__")
        )  # type: ignore[return-value]

    def attribute(self, kind: str, name: str) -> ast.expr | None:
        """What a class, or the first of its bases that does, says of its objects."""
        due = [kind]
        for each in due[:_MOST_BASES]:
            if name in self.attributes.get(each, ()):
                return self.attributes[each][name]
            due.extend(sorted(self.bases.get(each, ())))
        return None

    def mark(self, function: Function) -> str:
        """``MODULE:NAME``."""
        return f"{self.homes[id(function)]}:{function.name}"

    def roots(self) -> Iterator[Function]:
        """Functions that nothing here names or starts: a framework, or another program, does."""
        named = self.started.union(*(_names(each) for several in self.functions.values() for each in several))
        yield from (each for name, several in self.functions.items() if name not in named for each in several)


def code_of(trees: Mapping[str, ast.Module]) -> Code:
    """The code of these modules, by their names."""
    return _code_of(tuple(trees.items()))


@lru_cache(maxsize=64)
def _code_of(modules: tuple[tuple[str, ast.Module], ...]) -> Code:
    trees = dict(modules)
    functions: dict[str, list[Function]] = {}
    bases: dict[str, frozenset[str]] = {}
    homes: dict[int, str] = {}
    asked: list[ast.expr] = []
    managers: dict[str, Mapping[str, Function]] = {}
    attributes: dict[str, Mapping[str, ast.expr]] = {}
    for module, tree in trees.items():
        for node in nodes_of(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                functions.setdefault(node.name, []).append(node)
                homes[id(node)] = module
            elif isinstance(node, ast.ClassDef):
                bases[node.name] = frozenset(name_of(base) for base in node.bases)
                attributes[node.name] = dict(_said_of_all(node))
                own = {
                    each.name: each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                }
                if {"__enter__", "__exit__"} <= own.keys() or {"__aenter__", "__aexit__"} <= own.keys():
                    managers[node.name] = {name.replace("__a", "__"): each for name, each in own.items()}
            elif isinstance(node, ast.If):
                negative = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
                asked.append(node.test.operand if negative else node.test)  # type: ignore[attr-defined]
    constants = _constants(trees, (each for several in functions.values() for each in several))
    relevant, locking, releasing, reading = _leading(functions, constants, frozenset(trees))
    return Code(
        functions=functions,
        constants=constants,
        bases=bases,
        repeated=_repeated(asked),
        homes=homes,
        managers=managers,
        relevant=relevant,
        locking=locking,
        releasing=releasing,
        reading=reading,
        attributes=attributes,
        started=_started(trees),
    )


def _started(trees: Mapping[str, ast.Module]) -> frozenset[str]:
    outside = [each for tree in trees.values() for each in tree.body if not isinstance(each, _DECLARES)]
    return frozenset(name_of(each.func) for one in outside for each in walked(one) if isinstance(each, ast.Call))


def _repeated(asked: Sequence[ast.expr]) -> dict[str, frozenset[str]]:
    """The conditions that are written more than once, with the names in them. Few are alike in their names, and only
    those are written out."""
    alike: dict[tuple[str, ...], list[ast.expr]] = {}
    for test in asked:
        alike.setdefault(_names(test), []).append(test)
    likely = [(written(test), test) for several in alike.values() if len(several) > 1 for test in several]
    counts = Counter(said for said, _ in likely)
    return {
        said: frozenset(each.id for each in walked(test) if isinstance(each, ast.Name))
        for said, test in dict(likely).items()
        if counts[said] > 1
    }


def _constants(trees: Mapping[str, ast.Module], functions: Iterable[Function]) -> dict[str, ast.expr]:
    """What the names of modules stand for, bound where code outside of functions runs or by ``global``."""
    found: dict[str, ast.expr] = {}
    everywhere = [*_bound(each for tree in trees.values() for each in run_by(tree.body))]
    for one in functions:
        if names := _globals(one):
            everywhere += [each for each in _bound(run_by(one.body)) if each[0] in names]
    for name, value in everywhere:
        found[name] = ast.Name("_several") if name in found else value
    return found


def _bound(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for each in statements:
        for target in each.targets if isinstance(each, ast.Assign) else ():
            if isinstance(target, ast.Name) and isinstance(each, ast.Assign):
                yield target.id, each.value


def _said_of_all(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """What a class says of its objects, and none of them of itself (``self.code = code``)."""
    annotated = (each for each in node.body if isinstance(each, ast.AnnAssign) and each.value is not None)
    said = [*_bound(node.body), *((name_of(each.target), each.value) for each in annotated)]
    own = {each.attr for each in walked(node) if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)}
    yield from ((name, value) for name, value in said if name not in own and value is not None)


def _globals(function: Function) -> frozenset[str]:
    return frozenset(name for each in run_by(function.body) if isinstance(each, ast.Global) for name in each.names)


def _leading(
    functions: Mapping[str, Sequence[Function]], constants: Mapping[str, ast.expr], modules: frozenset[str]
) -> tuple[frozenset[str], ...]:
    """The names of functions that lead to something that matters, to the lock, to what lets it go, and to what files
    say."""
    uses = {name: set[str]().union(*map(_names, several)) for name, several in functions.items()}

    def saying(part: str) -> set[str]:
        named = {name for name, value in constants.items() if _says(value, part)}
        return {
            name for name, used in uses.items() if used & named or any(_says(each, part) for each in functions[name])
        }

    matter = {name for name, used in uses.items() if used & _MATTERS}
    letting_go = (
        saying("advisory_unlock") | saying("discard all") | {n for n, used in uses.items() if used & _LETTING_GO}
    )
    reading = {name for name, several in functions.items() if any(_reads(each, modules) for each in several)}
    return tuple(_all_above(each, uses) for each in (matter, saying("advisory_lock"), letting_go, reading))


def _all_above(found: set[str], uses: Mapping[str, set[str]]) -> frozenset[str]:
    left = found
    while left:
        left = {name for name, used in uses.items() if name not in found and used & left}
        found = found | left
    return frozenset(found)


def _says(node: ast.AST, part: str) -> bool:
    said = (each.value for each in walked(node) if isinstance(each, ast.Constant))
    return any(isinstance(each, str) and part in each.lower() for each in said)


def _reads(function: Function, modules: frozenset[str]) -> bool:
    """Whether it reads a file: ``path.read_text()``, and not ``history.read()`` of a module."""
    called = (each.func for each in walked(function) if isinstance(each, ast.Call))
    return any(isinstance(f, ast.Attribute) and f.attr in READS and name_of(f.value) not in modules for f in called)


@lru_cache(maxsize=1 << 12)
def _names(node: ast.AST) -> tuple[str, ...]:
    """The last parts of the names in a node, in order."""
    return tuple(name_of(each) for each in walked(node) if isinstance(each, ast.Name | ast.Attribute))


@lru_cache(maxsize=1 << 14)  # code is gone through by many ways
def walked(node: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of one."""
    return tuple(nodes_of(node))


@lru_cache(maxsize=1 << 14)
def names_in(node: ast.AST) -> tuple[str, ...]:
    """The plain names in a node, in order."""
    return tuple(each.id for each in walked(node) if isinstance(each, ast.Name))


@lru_cache(maxsize=1 << 12)
def own_names(function: Function) -> frozenset[str]:
    """The names that are a function's own: its parameters, and what it binds."""
    taken = function.args
    given = (*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg)
    bound = {each.id for each in walked(function) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    return frozenset(bound | {each.arg for each in given if each is not None}) - _globals(function)


@lru_cache(maxsize=1 << 14)
def calls(node: ast.AST) -> tuple[ast.Call, ...]:
    """The calls of an expression, those within others first."""
    if isinstance(node, ast.Lambda):
        return ()
    inner = tuple(call for each in ast.iter_child_nodes(node) for call in calls(each))
    return (*inner, node) if isinstance(node, ast.Call) else inner


@lru_cache(maxsize=1 << 12)
def written(node: ast.expr) -> str:
    """An expression as its code."""
    return ast.unparse(node)


def name_of(node: ast.AST | None) -> str:
    """The last name of a name, a member or a call."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    return getattr(node, "id", "") or getattr(node, "attr", "")
