"""Whether a runner in Python really holds the lock that its code names while it migrates: who calls what takes it, what
becomes of the answer, and what happens when the time to wait is up.

Its code is parsed, never run. What cannot be parsed here has no fault that this would see.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct, field

from checker import lazy_re
from checker.model.migrations.folders import MigrationRunner
from checker.model.pipeline.python import nodes_of, run_by
from checker.reason.migrations.busy_lock import Walk
from checker.reason.migrations.lock_scopes import ended
from checker.reason.migrations.lock_ways import UNFOLLOWED, State, TooMuch
from checker.reason.migrations.runner_code import code_of, module_of, parsed

_TRY: Final = lazy_re.compile(r"pg_try_advisory_lock\b", re.IGNORECASE)
_TAKES: Final = lazy_re.compile(r"pg_(?:try_)?advisory_lock\b", re.IGNORECASE)
_LETS_GO: Final = lazy_re.compile(r"pg_advisory_unlock", re.IGNORECASE)
_SWITCHES: Final = frozenset({"environ", "getenv"})
_Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
_HOLDS_OTHERS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class _Code(Struct, frozen=True):
    """A runner's functions by name, and its constants that hold SQL of a lock."""

    functions: Mapping[str, list[_Function]] = field(default_factory=dict)
    top: tuple[ast.stmt, ...] = ()
    taking: frozenset[str] = frozenset()
    letting: frozenset[str] = frozenset()
    trees: Mapping[str, ast.Module] = field(default_factory=dict)
    unread: tuple[str, ...] = ()  # files that are too long, or no Python that this version knows


def fault_of(runner: MigrationRunner) -> tuple[str, str]:
    """Why the lock that a runner's code names is not held while it migrates, empty where nothing says so; and why that
    is not certain."""
    code = _read(tuple((file.file, file.code) for file in runner.files if file.language == "python"))
    fault = _plain_fault(code)
    if fault:
        return fault, ""
    fault, doubt = gone_through(code.trees) if code.trees else ("", "")
    if code.unread and not (fault and not doubt):
        return UNFOLLOWED[0], f"{code.unread[0]} could not be read as Python"
    return fault, doubt


def gone_through(trees: Mapping[str, ast.Module]) -> tuple[str, str]:
    """Why the lock keeps no second run out, and why that is doubtful; both empty where no fault is found. ``trees`` are
    the runner's modules by their names."""
    code = code_of(trees)
    found: list[tuple[str, str]] = []
    left_off: list[tuple[str, str]] = []
    for busy in (True, False):
        walk = Walk(code, busy)
        try:
            for module, tree in trees.items():
                walk.inside = (f"{module}:",)
                walk.block(tree.body, State())
            if not walk.migrated:
                for root in code.roots():
                    walk.call([root], State())
        except (TooMuch, RecursionError):
            left_off = [UNFOLLOWED]  # what was found until then is so
        found.extend(walk.found)
    sure = next((fault for fault, doubt in found if not doubt), "")
    return (sure, "") if sure else next(iter((*found, *left_off)), ("", ""))


def _plain_fault(code: _Code) -> str:
    """What is seen without going through the code."""
    gone = ended(code.functions, code.top, lambda node: _sends(node, code.taking, _TAKES))
    if gone:
        return gone
    takers = [each for several in code.functions.values() for each in several if _takes(each, code)]
    if not takers:
        return ""
    reached = _reached(code)
    # What nothing here starts is started by a framework, which may call anything.
    if reached & code.functions.keys() and not any(each.name in reached for each in takers):
        return f"nothing calls {takers[0].name}, which takes it"
    for each in takers:
        found = _answered(each, code) or _left(each, code) or _let_go(each.body, code, frozenset())
        if found:
            return found
    names = frozenset(each.name for each in takers)
    for several in code.functions.values():
        for each in several:
            found = _let_go(each.body, code, names) or _switched(each, code, names)
            if found:
                return found
    return ""


@lru_cache(maxsize=64)
def _read(files: tuple[tuple[str, str], ...]) -> _Code:
    functions: dict[str, list[_Function]] = {}
    top: list[ast.stmt] = []
    trees: dict[str, ast.Module] = {}
    taking, letting = set[str](), set[str]()
    unread: list[str] = []
    for name, text in files:
        tree = parsed(name, text)
        if tree is None:
            unread.append(name)
            continue
        top.extend(tree.body)
        trees[module_of(name)] = tree
        for node in nodes_of(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                functions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {each.id for each in targets if isinstance(each, ast.Name)}
                written = _text(node.value)
                taking |= names if _TAKES.search(written) else set()
                letting |= names if _LETS_GO.search(written) else set()
    return _Code(functions, tuple(top), frozenset(taking), frozenset(letting), trees, tuple(unread))


@lru_cache(maxsize=1 << 14)  # the same code is asked in turn for all that may be wrong with it
def _text(node: ast.AST) -> str:
    return " ".join(
        each.value for each in nodes_of(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


@lru_cache(maxsize=1 << 14)
def _own(node: ast.AST) -> tuple[ast.AST, ...]:
    """Everything in a node but what stands in functions of its own."""
    found: list[ast.AST] = []
    left = [*ast.iter_child_nodes(node)][::-1]
    while left:
        each = left.pop()
        if not isinstance(each, _HOLDS_OTHERS):
            found.append(each)
            left.extend([*ast.iter_child_nodes(each)][::-1])
    return tuple(found)


@lru_cache(maxsize=1 << 14)
def _given(node: ast.AST) -> tuple[ast.expr, ...]:
    """All that calls in a node are given."""
    calls = (each for each in (node, *_own(node)) if isinstance(each, ast.Call))
    return tuple(one for each in calls for one in (*each.args, *(keyword.value for keyword in each.keywords)))


def _sends(node: ast.AST, names: frozenset[str], pattern: re.Pattern[str]) -> bool:
    """Whether a call in a node is given such SQL, by the constant's name or as it is."""
    if not (_named(node) & names or pattern.search(_text(node))):  # of most: quicker than to look at its calls
        return False
    return any(_named(each) & names or pattern.search(_text(each)) for each in _given(node))


@lru_cache(maxsize=1 << 14)
def _named(node: ast.AST) -> frozenset[str]:
    return frozenset(
        getattr(each, "id", "") or getattr(each, "attr", "")
        for each in nodes_of(node)
        if isinstance(each, ast.Name | ast.Attribute)
    )


def _takes(function: _Function, code: _Code) -> bool:
    return any(_sends(each, code.taking, _TAKES) for each in function.body)


def _reached(code: _Code) -> set[str]:
    """The functions that a start of the program may lead to: named at the top of a file, or in one that is reached."""
    outside = [each for each in code.top if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    pending = {name for each in outside for name in _named(each)} | {"main"}
    seen = set[str]()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        for each in code.functions.get(name, ()):
            pending |= {one for statement in each.body for one in _named(statement)} & code.functions.keys()
    return seen


def _answered(function: _Function, code: _Code) -> str:
    """Whether anybody looks at what a try answers."""
    for each in (each for statement in function.body for each in (statement, *_own(statement))):
        if isinstance(each, ast.Expr) and _sends(each.value, code.taking, _TRY) and _tries(each.value, code):
            return "nobody looks at the answer of pg_try_advisory_lock"
    helpers = {name for each in function.body for name in _named(each)} & code.functions.keys()
    for name in (function.name, *sorted(helpers)):
        for helper in code.functions.get(name, ()):
            if any(
                isinstance(each, ast.Return) and each.value is not None and _row_alone(each.value)
                for each in nodes_of(helper)
            ):
                return f"{name} asks whether there is a row, and there is one whatever the answer"
    return ""


def _tries(node: ast.AST, code: _Code) -> bool:
    """Whether it is a try, rather than a wait: what a blocking lock answers tells nothing."""
    if _TRY.search(_text(node)):
        return True
    named = _named(node) & code.taking
    assigned = [each for each in run_by(code.top) if isinstance(each, ast.Assign) and _named(each.targets[0]) & named]
    return any(_TRY.search(_text(each.value)) for each in assigned)


def _row_alone(node: ast.expr) -> bool:
    """``cursor.fetchone() is not None``: a query without a table has one row."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.IsNot):
        return isinstance(node.left, ast.Call) and getattr(node.left.func, "attr", "") == "fetchone"
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "bool" and node.args:
        inner = node.args[0]
        return isinstance(inner, ast.Call) and getattr(inner.func, "attr", "") == "fetchone"
    return False


def _left(function: _Function, code: _Code) -> str:
    """Whether a loop that tries leaves without the lock, and the function as if it had it."""
    if not _takes(function, code):
        return ""
    for each in (each for statement in function.body for each in (statement, *_own(statement))):
        if isinstance(each, ast.While) and _sends(each.test, code.taking, _TAKES) and any(map(_leaves, each.body)):
            return "when the time to wait is up it goes on without it"
    return ""


def _leaves(statement: ast.stmt) -> bool:
    return any(
        isinstance(each, ast.Break) or (isinstance(each, ast.Return) and each.value is None)
        for each in (statement, *_own(statement))
    )


def _let_go(body: Sequence[ast.stmt], code: _Code, takers: frozenset[str]) -> str:
    """Whether it is released in the statement after the one that takes it, or before anything is done under it."""
    for index, each in enumerate(body):
        if isinstance(each, ast.With | ast.AsyncWith) and any(
            _named(item.context_expr) & takers for item in each.items
        ):
            if all(isinstance(inner, ast.Pass) for inner in each.body):
                return "it is released before the migrations run"
        elif isinstance(each, ast.Expr | ast.While) and (_sends(each, code.taking, _TAKES) or _named(each) & takers):
            after = body[index + 1] if index + 1 < len(body) else None
            if isinstance(after, ast.Expr) and _sends(after, code.letting, _LETS_GO):
                return "it is released before the migrations run"
    return ""


def _switched(function: _Function, code: _Code, takers: frozenset[str]) -> str:
    """Whether it is only taken where a variable is set."""
    if not any(_named(statement) & _SWITCHES for statement in function.body):  # of most: quicker than all of it
        return ""
    for each in (each for statement in function.body for each in (statement, *_own(statement))):
        inside = each.body if isinstance(each, ast.If) and _named(each.test) & _SWITCHES else []
        if any(_named(inner) & takers or _sends(inner, code.taking, _TAKES) for inner in inside):
            return "it is only taken where a variable of the environment says so"
    return ""
