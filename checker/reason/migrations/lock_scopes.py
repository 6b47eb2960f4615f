"""Whether the connection that was asked for a lock ends before anything is done under it: nothing refers to it.

psycopg and psycopg2 close a connection when its last reference is gone (psycopg documentation, "Connection classes";
psycopg2 documentation, "The connection class": "automatically closed when the object is garbage-collected").
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from checker.reason.migrations.runner_code import name_of, walked

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
Takes: TypeAlias = "Callable[[ast.AST], bool]"
_LIBRARIES: Final = frozenset({"psycopg", "psycopg2"})
# What is called of a connection, a cursor or a log, and migrates nothing.
_SMALL: Final = frozenset(
    {"fetchone", "fetchall", "commit", "cursor", "print", "info", "debug", "warning", "sleep", "set_session", "connect"}
)


def ended(functions: Mapping[str, Sequence[Function]], top: Sequence[ast.stmt], takes: Takes) -> str:
    """Why the lock is gone, empty where nothing says so."""
    called_alone = _called_alone(functions, top)
    for several in functions.values():
        for each in several:
            body = _opened(each.body)
            found = _in_body(body, takes) or _handed(body, functions, takes) or _in_block(body, takes)
            found = found or _with_function(each, body, takes, called_alone)
            if found:
                return found
    body = _opened(top)
    return _in_body(body, takes) or _handed(body, functions, takes) or _in_block(body, takes)


def _opened(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Statements as they follow one another: with blocks opened that end no connection, those of cursors (psycopg
    documentation, "Cursor.close") and of anything else, and with what a ``try`` does."""
    found: list[ast.stmt] = []
    for each in body:
        if isinstance(each, ast.With | ast.AsyncWith) and not any(_connects(_closed(item)) for item in each.items):
            for item in each.items:
                name, opened = item.optional_vars, item.context_expr
                made = ast.Assign([name], opened) if isinstance(name, ast.Name) else ast.Expr(opened)
                found.append(ast.copy_location(made, each))
            found += _opened(each.body)
        elif isinstance(each, ast.Try):
            found += _opened([*each.body, *each.orelse, *each.finalbody])
        else:
            found.append(each)
    return found


def _closed(item: ast.withitem) -> ast.expr:
    """What a block closes at its end: ``closing(connect())`` as well (Python documentation, "contextlib")."""
    made = item.context_expr
    if isinstance(made, ast.Call) and name_of(made.func) in {"closing", "aclosing"} and made.args:
        return made.args[0]
    return made


def _in_block(body: Sequence[ast.stmt], takes: Takes) -> str:
    """``with psycopg.connect()``: the connection is closed at the block's end (psycopg documentation, "Connection
    context"); psycopg2's is not (psycopg2 documentation, "with statement")."""
    for each in body:
        if not isinstance(each, ast.With | ast.AsyncWith):
            continue
        if any(_ends_it(item) for item in each.items):
            inner = _opened(each.body)
            at = next((index for index, one in enumerate(inner) if takes(one)), None)
            own = not any(isinstance(one, ast.Yield | ast.YieldFrom | ast.Return) for one in walked(each))
            if at is not None and own and all(map(_is_small, inner[at + 1 :])):
                return "the connection that holds it ends with its block"
        elif found := _in_block(_opened(each.body), takes):
            return found
    return ""


def _ends_it(item: ast.withitem) -> bool:
    made = _closed(item)
    return _connects(made, frozenset({"psycopg"})) or (made is not item.context_expr and _connects(made))


def _with_function(function: Function, body: Sequence[ast.stmt], takes: Takes, called_alone: frozenset[str]) -> str:
    """A function that connects, asks for the lock and ends; or gives the connection to nobody who keeps it."""
    at = next((index for index, each in enumerate(body) if takes(each)), None)
    if at is None or any(
        isinstance(each, ast.Yield | ast.YieldFrom | ast.Global | ast.Nonlocal) for each in walked(function)
    ):
        return ""
    name = _asked(body, at)
    rest = body[at + 1 :]
    if not name or not all(_is_small(each) for each in rest):
        return ""
    kept = [each for each in walked(function) if _keeps(each, name)]
    given = [each for each in kept if isinstance(each, ast.Return)]
    if len(kept) > len(given) or (given and function.name not in called_alone):
        return ""
    return f"the connection that holds it ends with {function.name}"


def _in_body(body: Sequence[ast.stmt], takes: Takes) -> str:
    """A connection that no name refers to, or whose name is given to another one or taken away."""
    for index, each in enumerate(body):
        if not isinstance(each, ast.Expr) or not takes(each):
            continue
        if _connects(_receiver(each.value)):
            return "nothing keeps the connection that holds it"
        name = _asked(body, index)
        made = [one for one in body[:index] if isinstance(one, ast.Assign) and _is_cursor_of(one.value, name)]
        for later in body[index + 1 :] if name and not made else ():
            if isinstance(later, ast.Delete) and any(_is_name(one, name) for one in later.targets):
                return f"the connection that holds it goes with {name}"
            again = isinstance(later, ast.Assign) and any(_is_name(one, name) for one in later.targets)
            if again and isinstance(later, ast.Assign) and _connects(later.value):
                return f"{name} is another connection by then, and the one that holds it is gone"
            if not _is_small(later):
                break
    return ""


def _handed(body: Sequence[ast.stmt], functions: Mapping[str, Sequence[Function]], takes: Takes) -> str:
    """``take(connect())``: a function that asks for the lock is given a connection that only its call refers to."""
    for each in body:
        made = each.value if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call) else None
        if made is None or not isinstance(made.func, ast.Name):
            continue
        for function in (one for one in functions.get(made.func.id, ()) if any(map(takes, one.body))):
            names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
            for name, given in zip(names, made.args, strict=False):
                if _makes_one(given, functions) and not any(_keeps(one, name) for one in walked(function)):
                    return "nothing keeps the connection that holds it"
    return ""


def _makes_one(node: ast.expr, functions: Mapping[str, Sequence[Function]]) -> bool:
    """Whether an expression connects, itself or by a function that only gives back what it connects."""
    if _connects(node):
        return True
    called = functions.get(node.func.id, ()) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ()
    return bool(called) and all(
        len(each.body) == 1 and isinstance(each.body[0], ast.Return) and _connects(each.body[0].value)
        for each in called
    )


def _asked(body: Sequence[ast.stmt], index: int) -> str:
    """The name of the connection, made in this body, that a statement asks for the lock, itself or by a cursor."""
    connections, cursors = set[str](), dict[str, str]()
    for each in body[:index]:
        if isinstance(each, ast.Assign) and len(each.targets) == 1 and isinstance(each.targets[0], ast.Name):
            target = each.targets[0].id
            if _connects(each.value):
                connections.add(target)
            of = next((one for one in connections if _is_cursor_of(each.value, one)), None)
            cursors.update([(target, of)] if of is not None else [])
    for node in walked(body[index]):
        asked = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        if isinstance(asked, ast.Name) and node.func.attr == "execute":  # type: ignore[attr-defined]
            return asked.id if asked.id in connections else cursors.get(asked.id, "")
    return ""


def _connects(node: ast.expr | None, libraries: frozenset[str] = _LIBRARIES) -> bool:
    called = node.value if isinstance(node, ast.Await) else node
    where = called.func if isinstance(called, ast.Call) else None
    return (
        isinstance(where, ast.Attribute)
        and where.attr == "connect"
        and isinstance(where.value, ast.Name)
        and where.value.id in libraries
    )


def _receiver(node: ast.expr) -> ast.expr | None:
    """What the first of several calls is made of: ``connect()`` of ``connect().execute().fetchone()``."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not _connects(node):
        node = node.func.value
    return node


def _is_cursor_of(node: ast.expr, name: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"cursor", "execute"}
        and _is_name(node.func.value, name)
    )


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_small(statement: ast.stmt) -> bool:
    """Whether all that a statement calls is of a connection, a cursor or a log."""
    names = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in walked(statement)
        if isinstance(node, ast.Call)
    }
    return names <= _SMALL and not isinstance(statement, ast.With | ast.AsyncWith | ast.Try)


def _keeps(node: ast.AST, name: str) -> bool:
    """Whether a node gives the connection on: returns it, passes it, or puts it somewhere."""
    if isinstance(node, ast.Return):
        return node.value is not None and any(_is_name(each, name) for each in walked(node.value))  # type: ignore[arg-type]
    if isinstance(node, ast.Assign):
        plain = all(isinstance(each, ast.Name) for each in node.targets)
        return not plain or any(_is_name(each, name) for each in [node.value])
    if isinstance(node, ast.Call):
        return any(_is_name(each, name) for each in [*node.args, *(one.value for one in node.keywords)])
    return False


def _called_alone(functions: Mapping[str, Sequence[Function]], top: Sequence[ast.stmt]) -> frozenset[str]:
    """The functions whose answer nobody keeps, wherever they are called or named."""
    alone, kept = Counter[str](), Counter[str]()
    for node in _nodes(functions, top):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            alone[node.value.func.id] += 1
        elif isinstance(node, ast.Name):
            kept[node.id] += 1
    return frozenset(each for each, count in alone.items() if kept[each] == count)


def _nodes(functions: Mapping[str, Sequence[Function]], top: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes of all code, each once: most functions stand in what is at the top."""
    seen = set[int]()
    for each in (*top, *(one for several in functions.values() for one in several)):
        if id(each) not in seen:
            seen.update(map(id, walked(each)))
            yield from walked(each)
