"""What procedural code in a migration does: the SQL in a block, in a function that the file calls, in a trigger's.

PostgreSQL's own parser of PL/pgSQL takes the code apart. What a condition guards counts as done, for in some database
it is; what is put together at run time is not read (PostgreSQL documentation, "PL/pgSQL", "Executing Dynamic
Commands").
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.collect.migrations.sql_context import in_context
from checker.collect.migrations.sql_names import name_of, relation_of
from checker.model.migrations.folders import Code, Effect, Migration, Statement
from checker.model.sources import Spot

Read = Callable[[str], tuple[Statement, ...]]
_MOST_NODES: Final = 20_000
_ERROR: Final = 21  # ERROR, which RAISE EXCEPTION is
_ROW: Final = lazy_re.compile(r"\b(?:new|old)\b", re.IGNORECASE)
_DEEPEST: Final = 200
_WRITES: Final = frozenset({"CMD_INSERT", "CMD_UPDATE", "CMD_DELETE"})
_HELD: Final = frozenset({Effect.CONTRACT, Effect.DATA})


# What a trigger is made for, of PostgreSQL's bits (TRIGGER_TYPE_INSERT and so on), and what evaluates a function.
_EVENTS: Final[Mapping[int, str]] = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}
_TIMES: Final[Mapping[int, str]] = {2: "before", 64: "instead"}
_EVALUATING: Final = frozenset(
    {"SelectStmt", "CallStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt", "CreateTableAsStmt",
     "AlterTableStmt"}
)  # fmt: skip


class Blocks(Struct):
    """The functions that one file has made so far, and what it does by way of them."""

    read: Read
    made: dict[str, Code] = field(default_factory=dict)

    def applied(self, node: str, body: Mapping[str, Any], source: str, statement: Statement) -> Statement:
        """A statement with what the code does that it runs."""
        match node:
            case "DoStmt":
                code = self._code(body.get("args", []), "")
                told = "unread" if "unread" in code.ways else "error" if "fails" in code.ways else statement.value
                effect = Effect.EXPAND if self._only_adds(body.get("args", [])) else statement.effect
                inside = _at(statement.spot, code.held)
                known = replace(statement, inside=inside, calls=code.calls, value=told, effect=effect)
                return run(known, self.made)
            case "CreateFunctionStmt":
                code = self.made[_called(body.get("funcname"))] = self._code(body.get("options", []), source, body)
                return replace(statement, code=code)
            case "CreateTrigStmt":
                events = [word for bit, word in _EVENTS.items() if body.get("events", 0) & bit]
                words = [_TIMES.get(body.get("timing", 0), "after"), "row" if body.get("row") else "statement", *events]
                calls = (_called(body.get("funcname")),)
                return run(replace(statement, calls=calls, value=" ".join(words)), self.made)
            case "RuleStmt" if body.get("event") in _WRITES:
                table = relation_of(body.get("relation"))
                deleted = [relation_of(each.get("DeleteStmt", {}).get("relation")) for each in body.get("actions", [])]
                if body.get("instead"):
                    return replace(statement, effect=Effect.CONTRACT, table=table, why="its writes no longer reach it")
                if table in deleted and body["event"] != "CMD_DELETE":
                    return replace(statement, effect=Effect.CONTRACT, table=table, why="writes to it delete its rows")
            case "GrantStmt" | "GrantRoleStmt" if not body.get("is_grant"):
                why = "it takes rights away"
                held = Statement("revoke", Effect.CONTRACT, statement.spot, statement.table, why=why)
                return replace(statement, inside=(held,))
        if node in _EVALUATING:
            return run(replace(statement, calls=tuple(dict.fromkeys(_functions(body)))), self.made)
        return statement

    def _only_adds(self, options: list[Any]) -> bool:
        """Whether all that a block does is read, and none of it takes away or changes rows that are there: a type, a
        role or a column is made where there is none yet."""
        language, text = _code_of(options)
        tree = _tree(_as_function(text)) if language == "plpgsql" else None
        found = [self.read(query) if query else () for query in _does(tree)]
        return tree is not None and all(each and all(map(_adds, each)) for each in found)

    def _code(self, options: list[Any], source: str, body: Mapping[str, Any] | None = None) -> Code:
        """What the code of a block or a function changes or takes away, and what it calls."""
        language, text = _code_of(options)
        if body is not None and "sql_body" in body:
            language, text = "sql", _ATOMIC.sub("", source)
        ways: set[str] = set()
        if language == "sql":
            found = self.read(text)
        elif language == "plpgsql":
            whole = source or _as_function(text)
            tree = _tree(whole)
            found = tuple(in_context([each for query in _queries(tree) for each in self.read(query)]))
            ways = {"unread"} if tree is None else set(_ways(tree, whole))
        else:
            found, ways = (), {"unread"}
        calls = tuple(dict.fromkeys(each.lower() for each in _CALLS.findall(_REMARKS.sub("", text))))
        return Code(
            tuple(each for each in found if each.effect in _HELD and each.kind != "select"), calls, frozenset(ways)
        )


_ATOMIC: Final = lazy_re.compile(r"\A.*?\bBEGIN\s+ATOMIC\b|\bEND\b\s*+;?+\s*+\Z", re.IGNORECASE | re.DOTALL)
_CALLS: Final = lazy_re.compile(r"([A-Za-z_]\w*)\"?\s*\(")
_REMARKS: Final = lazy_re.compile(r"--[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)", re.DOTALL)


def run(statement: Statement, made: Mapping[str, Code]) -> Statement:
    """A statement with what the functions do that it calls, of those that are told."""
    if statement.kind == "create trigger":
        code = made.get(statement.calls[0]) if statement.calls else None
        why = _done_by_trigger(statement, code) if code is not None and not statement.new_table else ""
        return replace(statement, effect=Effect.CONTRACT, why=why) if why else statement
    reached = list(_reached(statement.calls, made))
    known = {_what(each) for each in statement.inside}
    held = [each for code in reached for each in code.held if _what(each) not in known]
    unread = any("unread" in code.ways for code in reached)
    if not held and not unread:
        return statement
    inside = (*statement.inside, *_at(statement.spot, tuple(held)))
    effect = Effect.OTHER if statement.kind == "select" or unread else statement.effect
    return replace(statement, effect=effect, inside=inside, value="unread" if unread else statement.value)


_MOST_CALLED: Final = 100


def _what(statement: Statement) -> tuple[str, str, str, tuple[str, ...]]:
    return statement.kind, statement.table, statement.name, statement.columns


def _reached(calls: Iterable[str], made: Mapping[str, Code]) -> Iterator[Code]:
    """The code of what is called, and of what that calls; past so many of them it counts as not read."""
    pending, seen = list(calls), set[str]()
    while pending:
        if len(seen) > _MOST_CALLED:
            yield Code(ways=frozenset({"unread"}))
            return
        name = pending.pop()
        if name in made and name not in seen:
            seen.add(name)
            yield made[name]
            pending.extend(made[name].calls)


def _done_by_trigger(trigger: Statement, code: Code) -> str:
    """What a trigger takes away from those who write to its table."""
    words = frozenset(trigger.value.split())
    writes = words & {"insert", "update"}
    drops = "swallows" in code.ways or (
        "keeps" in code.ways and writes and not ("asks" in code.ways and "delete" in words)
    )
    if "row" in words and drops and ("before" in words or ("instead" in words and not code.held)):
        return "its trigger may let a write end without a trace"
    if "refuses" in code.ways:
        return "its trigger may refuse a write"
    gone = [
        each
        for each in code.held
        if each.effect is Effect.CONTRACT or (each.kind, each.table) == ("delete", trigger.table)
    ]
    return f"its trigger does away with what is there ({gone[0].why or gone[0].kind})" if gone and writes else ""


def with_code(migrations: Iterable[Migration]) -> Iterator[Migration]:
    """The same migrations, with what functions do that earlier ones have made."""
    made: dict[str, Code] = {}
    for migration in migrations:
        found: list[Statement] = []
        new = {each.table for each in migration.up.statements if each.kind == "create table"}
        for each in migration.up.statements:
            name = each.name.rpartition(".")[2]
            if each.kind == "drop function":
                made.pop(name, None)
            if each.kind == "create function" and each.code is not None:
                made[name] = each.code
            one = run(each, made) if each.calls and made else each
            if one.inside is not each.inside:
                seen = (replace(inner, new_table=True) if inner.table in new else inner for inner in one.inside)
                one = replace(one, inside=tuple(seen))
            found.append(one)
        changed = any(one is not each for one, each in zip(found, migration.up.statements, strict=True))
        yield replace(migration, up=replace(migration.up, statements=tuple(found))) if changed else migration


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


def _queries(tree: Any) -> Iterator[str]:
    """The statements of PL/pgSQL code that stand in it, also as a text that it executes."""
    for key, node in _nodes(tree):
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
            if _CHANGES.match(query):
                yield query  # what a loop goes through
            elif not _DEFINES.match(query) and any(not _PLAIN.match(each) for each in _CALLED.findall(query)):
                yield ""  # a function may do anything
        elif key.startswith("PLpgSQL_stmt_") and key not in _FOLLOWED:
            yield ""


# Statements of PL/pgSQL that do nothing to a database but by the queries in them.
_FOLLOWED: Final = frozenset(
    f"PLpgSQL_stmt_{kind}"
    for kind in ("block", "if", "case", "raise", "assert", "assign", "perform", "loop", "while", "fori", "fors",
                 "foreach_a", "exit", "return", "getdiag")
)  # fmt: skip
_CHANGES: Final = lazy_re.compile(r"\s*(?:insert|update|delete|merge|with)\b", re.IGNORECASE)
_PASTED: Final = lazy_re.compile(r"%(?:\d+\$)?-?\d*s")  # put in as it is, whatever it does
_DEFINES: Final = lazy_re.compile(r"\s*(?:create|alter|grant|comment)\b", re.IGNORECASE)
_CALLED: Final = lazy_re.compile(r"(?<!into )(?<![\w.\"])[\w.\"]+(?=\s*\()", re.IGNORECASE)
# Words of SQL and functions of PostgreSQL's own that change nothing.
_PLAIN: Final = lazy_re.compile(
    r"(?:pg_catalog\.)?(?:pg_(?!terminate|cancel|drop|promote|reload|rotate|switch|logical|replication|restore)\w+"
    r"|to_reg\w+|has_\w+|current_\w+|set_config|format|quote_\w+|coalesce|nullif|count|max|min"
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


def _ways(tree: Any, source: str) -> Iterator[str]:
    """How a function deals with the row that it is called for, and whether its code ends in an error whatever there is.

    PostgreSQL skips a row for which a trigger returns NULL, and writes it as it was where it gets that. An error that
    depends on something else than the row tells of a trigger that was made wrongly (for an operation that its function
    does not know), or passes on what failed (PostgreSQL documentation, "Overview of Trigger Behavior", "PL/pgSQL",
    "Errors and Messages").
    """
    lower = source.lower()
    if "tg_op" in lower:
        yield "asks"
    # The tree does not tell which row is returned.
    deletes = False
    for each in _OLD.finditer(lower):
        deletes = each["delete"] is not None or (deletes and each["part"] is None)
        if each["old"] and not deletes:
            yield "keeps"
    for key, node, guards in _guarded(tree, (), 0):
        if key == "PLpgSQL_stmt_raise" and node.get("elog_level", 0) >= _ERROR:
            if not guards or any(_ROW.search(each) for each in guards):
                yield "refuses"
            if not guards and "return" not in lower.partition("$")[2]:
                yield "fails"
        answer = _query(node.get("expr")).lower() if key == "PLpgSQL_stmt_return" else ""
        if answer == "null":
            yield "swallows"
        if key == "PLpgSQL_stmt_assign" and _AS_IT_WAS.fullmatch(_query(node.get("expr"))):
            yield "keeps"


# A row that is given back as it was, what begins another part of the code, and what is only for rows that are deleted.
_OLD: Final = lazy_re.compile(
    r"(?P<old>\breturn\s++old\b)|(?P<part>\b(?:if|elsif|elseif|else|when|begin)\b)|(?P<delete>'delete')"
)
_AS_IT_WAS: Final = lazy_re.compile(r"\s*new\s*:?=\s*old\s*", re.IGNORECASE)


def _guarded(
    node: Any, guards: tuple[str, ...], depth: int
) -> Iterator[tuple[str, Mapping[str, Any], tuple[str, ...]]]:
    """Every statement of the code with the conditions that it stands under."""
    if depth > _DEEPEST:
        return
    for key, part in node.items() if isinstance(node, dict) else (("", each) for each in node or ()):
        if not isinstance(part, dict | list):
            continue
        if isinstance(part, dict):
            yield key, part, guards
        under = guards
        if key in {"PLpgSQL_stmt_if", "PLpgSQL_stmt_case"}:
            under = (*guards, *(_query(inner) for name, inner in _nodes(part) if name in {"cond", "t_expr", "expr"}))
        elif key in {"exceptions", "PLpgSQL_exception_block"}:
            under = (*guards, "")
        yield from _guarded(part, under, depth + 1)


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
