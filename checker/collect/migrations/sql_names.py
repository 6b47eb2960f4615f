"""Names in the tree that PostgreSQL's parser makes of a statement."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from checker import lazy_re
from checker.model.migrations.folders import Effect

# Where a word begins in a name like `AddColumn`.
HUMPS: Final = lazy_re.compile(r"(?<!^)(?=[A-Z])")


def relation_of(node: Any) -> str:
    """A table's name, with its schema where that is not the usual one."""
    if not isinstance(node, dict):
        return ""
    schema, name = node.get("schemaname"), node.get("relname", "")
    return f"{schema}.{name}" if schema and schema != "public" else str(name)


def type_of(definition: Mapping[str, Any]) -> str:
    """The type of a column's definition as PostgreSQL calls it (``varchar(50)``), empty where it is not told."""
    written = definition.get("typeName", {})
    names = [name_of(each) for each in written.get("names", [])]
    given = [each.get("A_Const", {}) for each in written.get("typmods", [])]
    sizes = [str(each.get("ival", {}).get("ival", 0)) for each in given]
    if not names or "collClause" in definition:
        return ""
    if any("sval" in each for each in given):  # the values of a type of MySQL's
        return f"{names[-1]}{json.dumps([each.get('sval', {}).get('sval', '') for each in given])}"
    own = ".".join(each for each in names if each not in {"public", "pg_catalog"})
    name = {"serial": "int4", "bigserial": "int8", "smallserial": "int2"}.get(own, own)
    return name + (f"({','.join(sizes)})" if sizes else "") + "[]" * len(written.get("arrayBounds", []))


def name_of(node: Any) -> str:
    """The dotted name of a dropped object, however the grammar wraps it."""
    if isinstance(node, dict):
        if "String" in node:
            return str(node["String"].get("sval", ""))
        for key in ("List", "TypeName", "ObjectWithArgs"):
            if key in node:
                inner = node[key].get("items") or node[key].get("names") or node[key].get("objname") or []
                parts = [name_of(each) for each in inner]
                return ".".join(part for part in parts if part and part != "public")
    return ""


# -- what others see of a view or a function ---------------------------------------------------------

_GIVEN: Final = frozenset({"FUNC_PARAM_IN", "FUNC_PARAM_INOUT", "FUNC_PARAM_VARIADIC", "FUNC_PARAM_DEFAULT"})


def columns_of(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The columns of a view that a statement makes; ``None`` where it does not name them all."""
    named = body.get("aliases") or body.get("into", {}).get("colNames")
    if named:
        return tuple(name_of(each) for each in named)
    query = body.get("query", {}).get("SelectStmt", {})
    while "larg" in query:  # the first of a union names them
        query = query["larg"]
    found: list[str] = []
    for each in query.get("targetList", []):
        target = each.get("ResTarget", {})
        fields = target.get("val", {}).get("ColumnRef", {}).get("fields", [])
        own = target.get("name") or (name_of(fields[-1]) if fields else "")
        if not own:
            return None
        found.append(own)
    return tuple(found) or None


def _type(node: Any) -> str:
    return type_of({"typeName": node}) if isinstance(node, dict) else ""


def signature_of(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What a function that is made is given, and what it answers."""
    parameters = [each.get("FunctionParameter", {}) for each in body.get("parameters", [])]
    given = [_type(each.get("argType")) + ("=" * ("defexpr" in each)) for each in parameters if each["mode"] in _GIVEN]
    answers = [_type(each.get("argType")) for each in parameters if each["mode"] not in _GIVEN - {"FUNC_PARAM_INOUT"}]
    result = body.get("returnType", {})
    return (*given, f"-> {'setof ' * bool(result.get('setof'))}{_type(result)} {' '.join(answers)}".rstrip())


def arguments_of(dropped: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What a function that is dropped is given; ``None`` where only its name is told."""
    each = dropped.get("ObjectWithArgs")
    if not isinstance(each, dict) or each.get("args_unspecified"):
        return None
    return tuple(_type(one.get("TypeName")) for one in each.get("objargs", []))


_WRITING: Final = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


def writing_within(node: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What a statement does to rows beside what it is: a common table expression's, and that of a query which makes a
    table, is copied out, or is run to be explained (PostgreSQL documentation, "WITH Queries", "COPY", "EXPLAIN")."""
    analyze = [
        each["DefElem"] for each in body.get("options", []) if each.get("DefElem", {}).get("defname") == "analyze"
    ]
    runs = node in {"CreateTableAsStmt", "CopyStmt"} or (node == "ExplainStmt" and any("arg" not in e for e in analyze))
    queries = [(node, body), *(body.get("query", {}).items() if runs else ())]
    for name, query in queries:
        if name in _WRITING and name != node:
            yield name, query
        for part in query.get("withClause", {}).get("ctes", []) if name in {*_WRITING, "SelectStmt"} else ():
            ctes = part.get("CommonTableExpr", {}).get("ctequery", {})
            yield from ((inner, each) for inner, each in ctes.items() if inner in _WRITING)


def for_sessions(setting: str, value: str) -> tuple[Effect, str]:
    """What a setting does that sessions of a database or a role begin with, and why it takes away."""
    reads = setting.lower() == "default_transaction_read_only" and value.lower() in {"on", "true", "yes", "1"}
    return (Effect.CONTRACT, "sessions can no longer write") if reads else (Effect.SETTING, "")


# Functions that do something by being called, beside giving a value.
# The last ones take chunks, partitions and columns away. Sources: Timescale documentation, "drop_chunks",
# "add_retention_policy"; pg_partman's documentation, "Destruction Functions"; PostGIS documentation, "Management".
_ACTING: Final = frozenset(
    {"lo_unlink", "pg_terminate_backend", "pg_drop_replication_slot",
     "drop_chunks", "add_retention_policy", "undo_partition", "drop_partition_time", "drop_partition_id",
     "dropgeometrycolumn", "dropgeometrytable"}
)  # fmt: skip


# What a database does for itself: it takes no row away from anybody.
_TENDS: Final = lazy_re.compile(
    r"\s*(?:VACUUM|ANALYZE|REINDEX|REFRESH\s+MATERIALIZED|SELECT\s+1)\b[^;]*;?\s*", re.IGNORECASE
)


def _only_tends(given: Sequence[Any]) -> bool:
    """Whether what pg_cron is told to run is written there, and changes nothing (pg_cron's README: the job's name where
    it has one, when it runs, the command)."""
    command = given[min(2, len(given) - 1)] if given else {}
    return _TENDS.fullmatch(command.get("A_Const", {}).get("sval", {}).get("sval", "")) is not None


_SENDING: Final = frozenset({"dblink", "dblink_exec", "dblink_send_query", "dblink_open"})
_ASKS: Final = lazy_re.compile(r"\s*(?:SELECT|VALUES|TABLE|SHOW)\b[^;]*;?\s*", re.IGNORECASE)


def _only_asks(given: Sequence[Any]) -> bool:
    """Whether the text that another database is sent is written there, and is a question (PostgreSQL documentation,
    "dblink": a connection may be named before it)."""
    texts = [each.get("A_Const", {}).get("sval", {}).get("sval", "") for each in given[:2]]
    return not given or any(map(_ASKS.fullmatch, texts))


def _calls(body: Any) -> Iterator[Mapping[str, Any]]:
    """The calls of functions anywhere in a query."""
    due = [body]
    while due:
        node = due.pop()
        if isinstance(node, dict):
            if "FuncCall" in node:
                yield node["FuncCall"]
            due.extend(reversed(node.values()))
        elif isinstance(node, list):
            due.extend(reversed(node))


def acting(node: str, body: Mapping[str, Any]) -> str:
    """What a statement does that no schema tells: it has a program of the server run, or moves a sequence to a place of
    its own; empty for any other. A sequence that is moved behind the rows that are there loses nothing.

    Source: PostgreSQL documentation, "COPY" (``PROGRAM``), "Sequence Manipulation Functions" (``setval``).
    """
    if node == "CopyStmt":
        return "copy by a program" if body.get("is_program") else ""
    for call in _calls(body) if node == "SelectStmt" else ():
        named = [name_of(part) for part in call.get("funcname", [])] or [""]
        name, to = named[-1], call.get("args", [])[1:2]
        if named[0] == "cron" and name.startswith(("schedule", "alter_job")) and not _only_tends(call.get("args", [])):
            return "cron.schedule"
        if name in _SENDING and not _only_asks(call.get("args", [])):
            return name
        if name in _ACTING or (name == "setval" and to and "A_Const" in to[0]):
            return name
    return ""
