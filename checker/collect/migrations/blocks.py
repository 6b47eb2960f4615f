"""What procedural code in a migration does: the SQL in a block, in a function that the file calls, in a trigger's.

PostgreSQL's own parser of PL/pgSQL takes the code apart. What a condition guards counts as done, for in some database
it is; what is put together at run time is not read (PostgreSQL documentation, "PL/pgSQL", "Executing Dynamic
Commands").
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.collect.migrations.sql_context import in_context
from checker.collect.migrations.sql_names import name_of, relation_of
from checker.model.migrations.folders import Effect, Statement
from checker.model.sources import Spot

Read = Callable[[str], tuple[Statement, ...]]
_MOST_NODES: Final = 20_000
_BEFORE: Final = 2  # TRIGGER_TYPE_BEFORE
_ERROR: Final = 21  # ERROR, which RAISE EXCEPTION is
_ROW: Final = lazy_re.compile(r"\b(?:new|old)\b", re.IGNORECASE)
_DEEPEST: Final = 200
_WRITES: Final = frozenset({"CMD_INSERT", "CMD_UPDATE", "CMD_DELETE"})
_HELD: Final = frozenset({Effect.CONTRACT, Effect.DATA})


class Blocks(Struct):
    """The functions that one file has made so far, and what it does by way of them."""

    read: Read
    made: dict[str, tuple[Statement, ...]] = field(default_factory=dict)
    swallowing: set[str] = field(default_factory=set)  # functions of triggers that may drop the row
    refusing: set[str] = field(default_factory=set)  # ... and those that may refuse it

    def applied(self, node: str, body: Mapping[str, Any], source: str, statement: Statement) -> Statement:
        """A statement with what the code does that it runs."""
        match node:
            case "DoStmt":
                held = self._held(body.get("args", []), "")
                effect = Effect.EXPAND if self._only_adds(body.get("args", [])) else statement.effect
                return replace(statement, inside=_at(statement.spot, held), effect=effect)
            case "CreateFunctionStmt":
                name = _called(body.get("funcname"))
                self.made[name] = self._held(body.get("options", []), source)
                if _returns_nothing(source):
                    self.swallowing.add(name)
                if _refuses(source):
                    self.refusing.add(name)
            case "SelectStmt" | "CallStmt":
                held = tuple(each for name in _functions(body) for each in self.made.get(name, ()))
                if held:
                    return replace(statement, effect=Effect.OTHER, inside=_at(statement.spot, held))
            case "CreateTrigStmt" if _called(body.get("funcname")) in self.swallowing:
                if body.get("row") and body.get("timing") == _BEFORE:
                    table = relation_of(body.get("relation"))
                    why = "its trigger may let a write end without a trace"
                    return replace(statement, effect=Effect.CONTRACT, table=table, why=why)
            case "CreateTrigStmt" if _called(body.get("funcname")) in self.refusing:
                table = relation_of(body.get("relation"))
                return replace(statement, effect=Effect.CONTRACT, table=table, why="its trigger may refuse a write")
            case "RuleStmt" if body.get("instead") and body.get("event") in _WRITES:
                table = relation_of(body.get("relation"))
                return replace(statement, effect=Effect.CONTRACT, table=table, why="its writes no longer reach it")
            case "GrantStmt" if not body.get("is_grant"):
                tables = [relation_of(each.get("RangeVar")) for each in body.get("objects", [])]
                why = "it takes rights away"
                held = tuple(Statement("revoke", Effect.CONTRACT, statement.spot, each, why=why) for each in tables)
                return replace(statement, inside=held)
        return statement

    def _only_adds(self, options: list[Any]) -> bool:
        """Whether all that a block does is read, and none of it takes away or changes rows that are there: a type, a
        role or a column is made where there is none yet."""
        language, text = _code_of(options)
        tree = _tree(_as_function(text)) if language == "plpgsql" else None
        found = [self.read(query) if query else () for query in _does(tree)]
        return tree is not None and bool(found) and all(each and all(map(_adds, each)) for each in found)

    def _held(self, options: list[Any], source: str) -> tuple[Statement, ...]:
        """What the code of a block or a function changes or takes away."""
        language, text = _code_of(options)
        if language == "sql":
            found = self.read(text)
        elif language == "plpgsql":
            each_query = (self.read(query) for query in _queries(source or _as_function(text)))
            found = tuple(in_context([each for several in each_query for each in several]))
        else:
            found = ()
        return tuple(each for each in found if each.effect in _HELD)


def _code_of(options: list[Any]) -> tuple[str, str]:
    """The language of a block or a function, and its code."""
    given = {each["DefElem"]["defname"]: each["DefElem"].get("arg", {}) for each in options if "DefElem" in each}
    language = str(given.get("language", {}).get("String", {}).get("sval", "plpgsql")).lower()
    code = given.get("as", {})
    parts = code.get("List", {}).get("items", [code])
    return language, str(parts[0].get("String", {}).get("sval", "")) if parts else ""


def _adds(statement: Statement) -> bool:
    return statement.effect in {Effect.EXPAND, Effect.SETTING} or statement.kind in {"select", "insert"}


def _at(spot: Spot, statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(replace(each, spot=spot) for each in statements)


def _as_function(text: str) -> str:
    quote = "$migration$"
    return f"CREATE FUNCTION block() RETURNS void LANGUAGE plpgsql AS {quote}{text}{quote}" if quote not in text else ""


def _queries(source: str) -> Iterator[str]:
    """The statements of PL/pgSQL code that stand in it, also as a text that it executes."""
    for key, node in _nodes(_tree(source)):
        if key == "PLpgSQL_stmt_execsql":
            yield _query(node.get("sqlstmt"))
        elif key == "PLpgSQL_stmt_dynexecute":
            yield _composed(_query(node.get("query")).strip())


def _does(tree: Any) -> Iterator[str]:
    """The statements that PL/pgSQL code runs; empty for one that is not all written there."""
    for key, node in _nodes(tree):
        if key == "PLpgSQL_stmt_execsql":
            yield _query(node.get("sqlstmt"))
        elif key == "PLpgSQL_stmt_dynexecute":
            query = _query(node.get("query")).strip()
            formed = _FORMAT.fullmatch(query)
            whole = _LITERAL.fullmatch(query) or (formed and not _PASTED.search(formed[1]))
            yield _composed(query) if whole else ""
        elif key == "PLpgSQL_expr":
            query = str(node.get("query", ""))
            if not _DEFINES.match(query) and any(not _PLAIN.match(each) for each in _CALLED.findall(query)):
                yield ""  # a function may do anything
        elif key in {"PLpgSQL_stmt_call", "PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"}:
            yield ""


_PASTED: Final = lazy_re.compile(r"%(?:\d+\$)?-?\d*s")  # put in as it is, whatever it does
_DEFINES: Final = lazy_re.compile(r"\s*(?:create|alter|grant|comment)\b", re.IGNORECASE)
_CALLED: Final = lazy_re.compile(r"(?<!into )(?<![\w.\"])[\w.\"]+(?=\s*\()", re.IGNORECASE)
# Words of SQL and functions of PostgreSQL's own that change nothing.
_PLAIN: Final = lazy_re.compile(
    r"(?:pg_catalog\.)?(?:pg_\w+|to_reg\w+|has_\w+|current_\w+|set_config|format|quote_\w+|coalesce|nullif|count|max|min"
    r"|exists|not|in|any|all|some|and|or|values|array|from|where|select|lower|upper|concat|now|cast|as|on)$",
    re.IGNORECASE,
)
_LITERAL: Final = lazy_re.compile(r"'(?:[^']|'')*'")
_FORMAT: Final = lazy_re.compile(r"format\s*\(\s*('(?:[^']|'')*')\s*(?:,(.*))?\)", re.IGNORECASE | re.DOTALL)
_DIRECTIVE: Final = lazy_re.compile(r"%(?:\d+\$)?[IsL]")
_NAMED_LATER: Final = "named_at_run_time"


def _composed(query: str) -> str:
    """The text of a query that is a literal, a format or several parts, with a name for each part that only the run
    knows; empty where nothing of it is written (PostgreSQL documentation, "format", "String Functions")."""
    if _LITERAL.fullmatch(query):
        return _plain(query)
    if found := _FORMAT.fullmatch(query):
        given = [each.strip() for each in (found[2] or "").split(",")]
        told = iter([_plain(each) if _LITERAL.fullmatch(each) else _NAMED_LATER for each in given])
        return _DIRECTIVE.sub(lambda _: next(told, _NAMED_LATER), _plain(found[1]))
    parts = [each.strip() for each in query.split("||")]
    if not any(map(_LITERAL.fullmatch, parts)):
        return ""
    return "".join(_plain(each) if _LITERAL.fullmatch(each) else _NAMED_LATER for each in parts)


def _plain(literal: str) -> str:
    return literal[1:-1].replace("''", "'")


def _returns_nothing(source: str) -> bool:
    """Whether a function of triggers may return NULL, upon which PostgreSQL skips the row."""
    nodes = _nodes(_tree(source)) if "null" in source.lower() else ()
    return any(key == "PLpgSQL_stmt_return" and _query(node.get("expr")).lower() == "null" for key, node in nodes)


def _refuses(source: str) -> bool:
    """Whether a function of triggers ends a write with an error: always, or for what stands in the row.

    An error that depends on something else tells of a trigger that was made wrongly (for an operation that its function
    does not know), or passes on what failed (PostgreSQL documentation, "PL/pgSQL", "Errors and Messages").
    """
    raised = _raised(_tree(source), (), 0) if "raise" in source.lower() else ()
    return any(not guards or any(_ROW.search(each) for each in guards) for guards in raised)


def _raised(node: Any, guards: tuple[str, ...], depth: int) -> Iterator[tuple[str, ...]]:
    """The conditions that each error of the code stands under."""
    if depth > _DEEPEST:
        return
    for key, part in node.items() if isinstance(node, dict) else (("", each) for each in node or ()):
        if not isinstance(part, dict | list):
            continue
        if key == "PLpgSQL_stmt_raise" and isinstance(part, dict) and part.get("elog_level", 0) >= _ERROR:
            yield guards
        under = guards
        if key in {"PLpgSQL_stmt_if", "PLpgSQL_stmt_case"}:
            under = (*guards, *(_query(inner) for name, inner in _nodes(part) if name in {"cond", "t_expr", "expr"}))
        elif key in {"exceptions", "PLpgSQL_exception_block"}:
            under = (*guards, "")
        yield from _raised(part, under, depth + 1)


def _tree(source: str) -> Any:
    from pglast import parser

    try:
        return json.loads(parser.parse_plpgsql_json(source)) if source else None
    except (parser.ParseError, ValueError, RecursionError, UnicodeError):
        return None


def _query(expression: Any) -> str:
    inner = expression.get("PLpgSQL_expr", {}) if isinstance(expression, dict) else {}
    return str(inner.get("query", ""))


def _nodes(tree: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every node of a tree with what it is called, as they are written."""
    pending: list[tuple[str, Any]] = [("", tree)]
    for _ in range(_MOST_NODES):
        if not pending:
            return
        key, part = pending.pop()
        if isinstance(part, dict):
            yield key, part
            pending.extend(reversed(part.items()))
        elif isinstance(part, list):
            pending.extend(("", each) for each in reversed(part))


def _functions(body: Mapping[str, Any]) -> Iterator[str]:
    for key, node in _nodes(body):
        if key in {"FuncCall", "funccall"}:
            yield _called(node.get("funcname"))


def _called(parts: Any) -> str:
    return name_of(parts[-1]) if isinstance(parts, list) and parts else ""
