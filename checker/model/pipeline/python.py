"""A parsed Python file of the repository. It is never imported; :mod:`checker.resolve.python.code` follows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final, Protocol

from msgspec import Struct, field

from checker.model.sources import Problem, Spot

# Keys that no structure of AWS's has, of a container out of a list that is not known: how code has picked it.
AT: Final = "[at]"  # by its position
NAMED: Final = "[named]"  # by its name
NOT_NAMED: Final = "[not named]"  # as one of all but that one


class Names(dict[str, Any]):
    """What following a module has bound so far; ``settled`` once that is the same for every program.

    What is bound again after that is counted, of all modules together: what was worked out before may be another then.
    """

    __slots__ = ("settled",)
    rebound: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.settled = False

    def __setitem__(self, name: str, value: object) -> None:
        Names.rebound += self.settled
        super().__setitem__(name, value)

    def update(self, *others: Any, **named: Any) -> None:
        Names.rebound += self.settled
        super().update(*others, **named)

    def clear(self) -> None:
        Names.rebound += self.settled
        super().clear()


class PythonModule(Struct, frozen=True, eq=False):
    """A file and its syntax. ``names`` is what following it has bound so far; ``package`` its folder; ``kept`` what
    calls of its functions came to."""

    file: str
    tree: ast.Module
    package: str = ""
    names: Names = field(default_factory=Names)
    kept: dict[tuple[object, ...], list[Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<PythonModule {self.file}>"  # never what it binds: modules bind one another

    def fresh(self) -> PythonModule:
        """The same file with nothing bound: every start of a program follows its own."""
        return PythonModule(self.file, self.tree, self.package)

    def spot(self, node: ast.AST) -> Spot:
        return Spot(self.file, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)


_LEAVES: Final = frozenset({ast.Name, ast.Constant, ast.alias, ast.Pass})
# Fields that hold no node wherever they stand, and the contexts of names (``ast.Load``), which nobody asks for.
_PLAIN: Final = frozenset({"ctx", "attr", "arg", "module", "level", "kind", "type_comment", "conversion", "is_async"})


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields in which a kind of node may hold others."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        self[kind] = found = () if kind in _LEAVES else tuple(name for name in kind._fields if name not in _PLAIN)
        return found


_FIELDS: Final = _Fields()


def nodes_of(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below one, itself first, broadest first: :func:`ast.walk` in less than half of its time, without the
    contexts of names (``ast.Load``), which no node is asked about."""
    found = [node]
    for each in found:  # grows
        yield each
        for name in _FIELDS[type(each)]:
            inner = getattr(each, name, None)
            if type(inner) is list:
                found.extend([one for one in inner if isinstance(one, ast.AST)])
            elif isinstance(inner, ast.AST):
                found.append(inner)


def blocks_of(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements that a statement holds, or a module: its body, its other branches, its handlers."""
    for name in ("body", "orelse", "finalbody"):
        held = getattr(node, name, None)
        if type(held) is list:
            yield held
    for each in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield each.body


def run_by(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body and those within them, without what functions and classes hold."""
    for each in body:
        yield each
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for held in blocks_of(each):
                yield from run_by(held)


def plain(tree: ast.Module) -> ast.Module:
    """The same code in which ``name: type = value`` is ``name = value``, as it is for who runs it. Fields of classes
    stay what they are, and ``annotation`` of such an assignment keeps the type."""
    left: list[ast.AST] = [tree]
    for node in left:  # grows
        for held in blocks_of(node):
            for index, each in enumerate(held):
                if type(each) is ast.AnnAssign and each.value is not None and type(node) is not ast.ClassDef:
                    held[index] = assigned(each, each.value)
                left.append(held[index])
    return tree


def assigned(node: ast.AnnAssign, value: ast.expr) -> ast.Assign:
    """``name = value`` of ``name: type = value``."""
    made = ast.copy_location(ast.Assign([node.target], value), node)
    setattr(made, "annotation", node.annotation)  # noqa: B010 - no field: nobody goes into it
    return made


class PythonLibrary(Protocol):
    """The repository's Python files, parsed when they are asked for; never imported."""

    def python(self, path: str) -> PythonModule | None: ...

    def fault(self, path: str) -> Problem | None:
        """Why a file that is there could not be read or parsed."""
        ...

    def entry_point(self, name: str) -> str | None:
        """``module:function`` of a console script that the project declares."""
        ...

    def python_below(self, tail: str) -> tuple[str, ...]:
        """The Python files, wherever they are, that an import of ``tail`` (``a/b``) could mean."""
        ...
