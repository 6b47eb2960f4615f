"""Reads SQL text with PostgreSQL's own grammar. The parser is imported when the first statement needs it."""

from __future__ import annotations

import json
import posixpath
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any, Final

from msgspec.structs import replace

from checker import lazy_re
from checker.collect.migrations.alter_table import alter_table
from checker.collect.migrations.blocks import Blocks
from checker.collect.migrations.constraints.check_trees import checks_of
from checker.collect.migrations.constraints.keys import index_made, keys_of
from checker.collect.migrations.dialects.mysql import from_mysql, runs_comments
from checker.collect.migrations.dialects.placeholders import with_names
from checker.collect.migrations.sql_context import in_context
from checker.collect.migrations.sql_names import (
    HUMPS,
    acting,
    columns_of,
    for_sessions,
    name_of,
    relation_of,
    signature_of,
    type_of,
    writing_within,
)
from checker.collect.migrations.sql_objects import (
    domain_altered,
    domain_made,
    dropped,
    enum_altered,
    enum_made,
    memberships,
    new_name,
    of_everybody,
    rights,
    sequence_altered,
)
from checker.collect.migrations.transactions import in_transactions, not_rolled_back
from checker.errors import install_with
from checker.model.migrations.folders import Effect, Migration, MigrationFolder, SqlFile, Statement
from checker.model.sources import Problem, Spot, brief

# Statements that only set the stage.
_SETTINGS: Final = frozenset(
    {"TransactionStmt", "VariableShowStmt", "LockStmt", "CommentStmt", "NotifyStmt", "DiscardStmt", "ExplainStmt",
     "CheckPointStmt", "ConstraintsSetStmt", "AlterOwnerStmt", "SecLabelStmt", "ClusterStmt"}
)  # fmt: skip
# Statements that only add. Source: PostgreSQL documentation, "SQL Commands".
_ADDING: Final[Mapping[str, str]] = {
    "CreateSchemaStmt": "create schema", "CreateExtensionStmt": "create extension",
    "CompositeTypeStmt": "create type", "CreateSeqStmt": "create sequence",
    "ViewStmt": "create view", "CreateFunctionStmt": "create function", "CreateTrigStmt": "create trigger",
    "CreateTableAsStmt": "create table", "CreateRoleStmt": "create role",
    "CreateForeignServerStmt": "create server", "CreateForeignTableStmt": "create foreign table",
    "CreatePublicationStmt": "create publication", "CreateStatsStmt": "create statistics", "DoStmt": "do",
    "DefineStmt": "define", "RuleStmt": "create rule", "CreateRangeStmt": "create type",
    "RefreshMatViewStmt": "refresh",
    "AlterDefaultPrivilegesStmt": "alter default privileges", "CreatePolicyStmt": "create policy",
    "VacuumStmt": "vacuum", "ReindexStmt": "reindex", "CallStmt": "call",
}  # fmt: skip
# Of these it is told whether they may have been there before.
_MAY_BE_THERE: Final = frozenset({"CreateFunctionStmt", "CreateSchemaStmt", "CreateSeqStmt"})
_OBJECTS: Final = {
    "CreateDomainStmt": domain_made, "AlterDomainStmt": domain_altered, "AlterSeqStmt": sequence_altered,
    "CreateEnumStmt": enum_made, "AlterEnumStmt": enum_altered,
}  # fmt: skip
_DATA: Final[Mapping[str, str]] = {
    "InsertStmt": "insert", "UpdateStmt": "update", "DeleteStmt": "delete", "CopyStmt": "copy", "SelectStmt": "select",
    "MergeStmt": "merge",
}  # fmt: skip


# What only other systems' SQL has. Source: MySQL Reference Manual, "CREATE TABLE Statement" and "Schema Object Names";
# Transact-SQL Reference, "Database identifiers" and "GO".
_OTHERS: Final[Mapping[str, re.Pattern[str]]] = {
    "MySQL": lazy_re.compile(r"`[\w $-]+`|\bAUTO_INCREMENT\b|\)\s*ENGINE\s*=", re.IGNORECASE),
    "SQL Server": lazy_re.compile(r"\[\w+\]\.\[\w+\]|\bIDENTITY\s*\(\s*\d|^\s*GO\s*$", re.IGNORECASE | re.MULTILINE),
}
_FIX: Final = {
    False: "Correct the statement.",
    True: "The checker knows PostgreSQL's grammar alone: waive what this leaves open (outcome: unknown).",
}


def _system_of(text: str) -> str:
    """For which other system a text that is not PostgreSQL's is written."""
    return next((system for system, pattern in _OTHERS.items() if pattern.search(text)), "")


def _of_another(text: str) -> str:
    """The same as the end of a message."""
    found = _system_of(text)
    if not found and "${" in text:
        return " (a placeholder stands there for what is not known)"
    return f" (it is written for {found})" if found else ""


# PostgreSQL's scanner looks at a run of them once for every comment that may begin in it.
_SIGNS: Final = lazy_re.compile(r"[-+*/<>=~!@#%^&|`?]{1000}")


def parse_sql(text: str, file: str, first_line: int = 1, *, within: bool = False, translated: bool = False) -> SqlFile:
    """The statements of a SQL text that begins at ``first_line`` of its file; ``within`` procedural code or not.

    What PostgreSQL refuses and is MySQL's is read as PostgreSQL says it; ``translated``: that has been done.
    """
    header = tuple(_header(text, file, first_line))
    try:
        from pglast import parser
    except ImportError:
        message = "SQL cannot be read: PostgreSQL's grammar is not installed"
        problem = Problem(Spot(file, first_line), message, install_with("pipeline"))
        return SqlFile(file, (), header, (problem,))
    if (run := _SIGNS.search(text)) is not None:
        at = first_line + text.count("\n", 0, run.start())
        problem = Problem(Spot(file, at), "a thousand signs of operators in a row are no statement", "Remove them.")
        return SqlFile(file, (), header, (problem,))
    data = text.encode("utf-8", "surrogatepass")
    newlines = [index for index, byte in enumerate(data) if byte == 10]

    def line(offset: int) -> int:
        return bisect_right(newlines, max(offset, 0) - 1) + first_line

    try:
        if not translated and runs_comments(text):
            raise parser.ParseError("a comment that MySQL runs")
        tree = json.loads(parser.parse_sql_json(text))
    except parser.ParseError as error:
        other = None if translated else from_mysql(text)
        if other is not None:
            read = parse_sql(other, file, first_line, within=within, translated=True)
            if not read.problems:
                return replace(read, header=header, system="MySQL")
        named = with_names(text)
        if named != text:
            return replace(parse_sql(named, file, first_line, within=within, translated=translated), header=header)
        message = str(error.args[0]) if error.args else "a syntax error"
        offset = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], int) else 0
        at = line(len(text[:offset].encode("utf-8", "surrogatepass")))
        elsewhere = _of_another(text)
        problem = Problem(Spot(file, at), brief(f"not PostgreSQL: {message}{elsewhere}"), _FIX[bool(elsewhere)])
        return SqlFile(file, (), header, (problem,), system=_system_of(text))
    except (ValueError, RecursionError, UnicodeError) as error:
        problem = Problem(Spot(file, first_line), brief(f"the SQL cannot be read: {error}"), "Split the file.")
        return SqlFile(file, (), header, (problem,))
    found: list[Statement] = []
    blocks = Blocks(lambda code: () if within else parse_sql(code, file, first_line, within=True).statements)
    together = len(tree.get("stmts", [])) > 1
    own = set[str]()  # tables of the session, which stand in front of others of their names
    for each in tree.get("stmts", []):
        start = each.get("stmt_location", 0)
        offset = _first_word(data, start)
        ((node, body),) = each["stmt"].items() if each.get("stmt") else (("", {}),)
        source = data[start : start + each["stmt_len"] if "stmt_len" in each else None].decode("utf-8", "replace")
        made = in_transactions(node, body, _statements(node, body, Spot(file, line(offset)), line), together=together)
        for one in of_everybody(made, own, body) if own else made:
            found.append(blocks.applied(node, body, source, one))
            own |= {one.table} if one.kind == "create temporary table" else set()
            own -= {one.name} if one.kind == "drop table" else set()
    return SqlFile(file, tuple(in_context(tuple(not_rolled_back(found)))), header, ())


def _header(text: str, file: str, first_line: int) -> Iterator[tuple[Spot, str]]:
    for index, line in enumerate(text.split("\n")):
        stripped = line.strip()
        if stripped.startswith("--"):
            yield Spot(file, first_line + index), stripped.lstrip("-").strip()
        elif stripped:
            return


def _first_word(data: bytes, offset: int) -> int:
    """Where a statement's first word is, past blanks and comments."""
    pattern = re.compile(rb"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
    match = pattern.match(data, offset)
    return match.end() if match else offset


def _statements(node: str, body: Mapping[str, Any], spot: Spot, line: Any) -> Iterator[Statement]:
    for inner, query in writing_within(node, body):
        yield from _statements(inner, query, spot, line)
    if node == "AlterTableStmt":
        yield from alter_table(body, spot, line)
    elif node == "RenameStmt":
        yield new_name(body, spot)
    elif node == "DropStmt":
        yield from dropped(body, spot)
    elif node == "IndexStmt":
        yield index_made(body, spot)
    elif node == "GrantStmt":
        yield from rights(body, spot)
    elif node == "GrantRoleStmt":
        yield from memberships(body, spot)
    elif node in {"CreateStmt", "CreatePolicyStmt"}:
        yield (_policy if node == "CreatePolicyStmt" else _create_table)(body, spot)
    elif node in _OBJECTS:
        yield _OBJECTS[node](body, spot)
    elif node == "TruncateStmt":
        for each in body.get("relations", []):
            table = relation_of(each.get("RangeVar"))
            yield Statement("truncate", Effect.CONTRACT, spot, table, why="it deletes every row")
    elif node == "VariableSetStmt":
        local = bool(body.get("is_local"))
        yield Statement("set", Effect.SETTING, spot, name=body.get("name", ""), value=_set_to(body), local=local)
    elif node in {"AlterRoleSetStmt", "AlterDatabaseSetStmt"}:
        setting = body.get("setstmt", {})
        effect, why = for_sessions(name := setting.get("name", ""), value := _set_to(setting))
        yield Statement("set for sessions", effect, spot, name=name, value=value, why=why)
    elif node == "SelectStmt" and (called := _set_config(body)):
        yield Statement("set", Effect.SETTING, spot, name=called[0], value=called[1])
    elif node == "DropdbStmt":
        yield Statement("drop database", Effect.CONTRACT, spot, why="it deletes a database")
    elif node in {"DropOwnedStmt", "DropRoleStmt"}:
        kind = "drop owned" if node == "DropOwnedStmt" else "drop role"
        yield Statement(kind, Effect.CONTRACT, spot, why="it drops what may be in use")
    elif node == "AlterObjectSchemaStmt":
        yield Statement(
            "set schema", Effect.CONTRACT, spot, relation_of(body.get("relation")), why="it moves to another schema"
        )
    elif node in _DATA:
        yield _rows(node, body, spot)
    elif node in _SETTINGS:
        yield Statement(HUMPS.sub(" ", node.removesuffix("Stmt")).lower(), Effect.SETTING, spot)
    elif node in _ADDING:
        yield _added(node, body, spot)
    else:
        yield Statement(HUMPS.sub(" ", node.removesuffix("Stmt")).lower() or "unknown", Effect.OTHER, spot)


def _added(node: str, body: Mapping[str, Any], spot: Spot) -> Statement:
    """What a statement makes that only adds, or runs."""
    # A block of code and a called procedure may do anything.
    effect = Effect.OTHER if node in {"DoStmt", "CallStmt"} else Effect.EXPAND
    kind = "create view" if body.get("objtype") == "OBJECT_MATVIEW" else _ADDING[node]
    made = body.get("relation") or body.get("view") or body.get("table") or body.get("into", {}).get("rel")
    if body.get("into", {}).get("rel", {}).get("relpersistence") == "t":
        kind, effect = "create temporary table", Effect.SETTING
    seen = columns_of(body) if kind == "create view" else None
    seen = signature_of(body) if node == "CreateFunctionStmt" else seen
    replaces = node in _MAY_BE_THERE and bool(body.get("replace") or body.get("if_not_exists"))
    return Statement(kind, effect, spot, relation_of(made), name=_made(body), signature=seen, if_exists=replaces)


def _rows(node: str, body: Mapping[str, Any], spot: Spot) -> Statement:
    """What a statement does to rows, and the columns that it writes in those that are there."""
    if does := acting(node, body):
        return Statement(does, Effect.OTHER, spot, relation_of(body.get("relation")))
    conflict = body.get("onConflictClause", {})
    upserts = conflict.get("action") == "ONCONFLICT_UPDATE"
    written = conflict if upserts else body if node == "UpdateStmt" else {}
    named = [part.get("ResTarget", {}) for part in written.get("targetList", [])]
    columns = tuple(each["name"] for each in named if "name" in each)
    return Statement(
        "upsert" if upserts else _DATA[node], Effect.DATA, spot, relation_of(body.get("relation")), columns
    )


def _create_table(body: Mapping[str, Any], spot: Spot) -> Statement:
    elements = body.get("tableElts", [])
    definitions = [part["ColumnDef"] for part in elements if "ColumnDef" in part]
    columns = tuple(each["colname"] for each in definitions)
    types = tuple((each["colname"], type_of(each)) for each in definitions)
    table, exists = relation_of(body.get("relation")), bool(body.get("if_not_exists"))
    checks, keys = tuple(checks_of(elements, table)), keys_of(elements, table)
    filled = {each["colname"] for each in definitions if _is_filled(each)}
    filled.update(name for key in keys if key.kind == "primary" for name in key.columns)
    # Nobody else sees it, and it goes with the session.
    if body.get("relation", {}).get("relpersistence") == "t" or table.startswith("pg_temp."):
        table = table.removeprefix("pg_temp.")
        return Statement("create temporary table", Effect.SETTING, spot, table, columns)
    return Statement(
        "create table", Effect.EXPAND, spot, table, columns, if_exists=exists, checks=checks,
        keys=keys, types=types, filled=tuple(sorted(filled)),
    )  # fmt: skip


def _is_filled(column: Mapping[str, Any]) -> bool:
    kinds = {part.get("Constraint", {}).get("contype") for part in column.get("constraints", [])}
    return bool(kinds & {"CONSTR_NOTNULL", "CONSTR_PRIMARY", "CONSTR_IDENTITY"})


def _policy(body: Mapping[str, Any], spot: Spot) -> Statement:
    """A policy for rows; its value is ``all`` where it allows every row to everybody, whatever is done with it, and
    ``roles`` where it is for named ones alone."""
    table, name = relation_of(body.get("table")), _made(body)
    roles = [each.get("RoleSpec", {}).get("roletype") for each in body.get("roles", [])]
    named = "roles" if "ROLESPEC_CSTRING" in roles else ""
    if not body.get("permissive"):
        why = "rows that it does not allow are hidden and refused then"
        return Statement("create policy", Effect.CONTRACT, spot, table, name=name, value=named, why=why)
    checks = [_constant(body[key]) for key in ("qual", "with_check") if key in body]
    every = body.get("cmd_name") == "all" and roles == ["ROLESPEC_PUBLIC"] and {*checks} == {"True"} and "qual" in body
    return Statement("create policy", Effect.EXPAND, spot, table, name=name, value="all" if every else named)


def _set_to(body: Mapping[str, Any]) -> str:
    """The value that a SET gives, empty where it goes back to the default."""
    return " ".join(_constant(value) for value in body.get("args", []))


def _set_config(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """The name and value of ``SELECT set_config('name', 'value', ...)``."""
    for target in body.get("targetList", []):
        call = target.get("ResTarget", {}).get("val", {}).get("FuncCall", {})
        arguments = [_constant(value) for value in call.get("args", [])]
        if [name_of(part) for part in call.get("funcname", [])][-1:] == ["set_config"] and len(arguments) > 1:
            return arguments[0], arguments[1]
    return None


def _made(body: Mapping[str, Any]) -> str:
    """The name of what a CREATE makes; for a trigger or a policy with its table, as DROP names it."""
    for key in ("trigname", "policy_name"):
        if key in body:
            return f"{relation_of(body.get('relation') or body.get('table'))}.{body[key]}"
    for key in ("funcname", "typeName", "domainname"):
        if isinstance(body.get(key), list):
            return ".".join(name for part in body[key] if (name := name_of(part)) and name != "public")
    for key in ("view", "sequence", "typevar"):
        if isinstance(body.get(key), dict):
            return relation_of(body[key])
    return relation_of(body.get("into", {}).get("rel")) or str(body.get("schemaname") or body.get("extname") or "")


def _constant(value: Any) -> str:
    constant = value.get("A_Const", {}) if isinstance(value, dict) else {}
    for key, inner in (("sval", "sval"), ("ival", "ival"), ("fval", "fval"), ("boolval", "boolval")):
        if key in constant:
            return str(constant[key].get(inner, 0 if key == "ival" else ""))
    return ""


# Lines of psql's own that change nothing of the database (PostgreSQL documentation, "psql", "Meta-Commands").
_SETTINGS_OF_PSQL: Final = lazy_re.compile(
    r"^\\(?:set|unset|echo|qecho|warn|timing|pset|encoding|x|t|a|errverbose|prompt)\b[^\n]*", re.MULTILINE
)


# A line by which psql goes through another file: PostgreSQL documentation, "psql", Meta-Commands.
_INCLUDES: Final = lazy_re.compile(
    r"^\\(?P<how>i|include|ir|include_relative)[ \t]+'?(?P<file>[\w./-]+)'?[ \t]*$", re.MULTILINE
)
_STOPS: Final = lazy_re.compile(
    r"^\\set[ \t]+ON_ERROR_STOP\b(?![ \t]+(?:off|0|false|no)\b)", re.MULTILINE | re.IGNORECASE
)
_MOST_GIVEN: Final = 500


def read_given(
    files: Iterable[str],
    statements: Iterable[tuple[Spot, str]],
    text_of: Callable[[str], str | None],
    read: Set[str] = frozenset(),
) -> tuple[MigrationFolder, ...]:
    """What a job gives to a database's client and lies in no folder of migrations, by folders: of files those that are
    there, with those that they include and that are not among what was ``read``, and statements with their places.

    Nothing numbers them: each is run as it is, time and again.
    """
    folders: dict[str, list[Migration]] = {}
    due = list(dict.fromkeys(files))

    def plain(text: str, folder: str) -> str:
        """A text without psql's own lines; those that it includes are due."""

        def included(match: re.Match[str]) -> str:
            relative = match["how"] in {"ir", "include_relative"}
            file = posixpath.normpath(posixpath.join(folder if relative else "", match["file"]))
            if file not in read and text_of(file) is None:
                return match[0]  # not at hand: the line stays, and is not read
            if file not in read and file not in due and len(due) < _MOST_GIVEN:
                due.append(file)
            return ""

        return _INCLUDES.sub(included, _SETTINGS_OF_PSQL.sub("", text))

    for spot, text in statements:
        migration = Migration("R", "", parse_sql(plain(text, ""), spot.file, spot.line), part=f"line {spot.line}")
        folders.setdefault(spot.file, []).append(migration)
    for file in due:  # grows on the way
        content = text_of(file)
        if content is not None:
            stem, folder = posixpath.splitext(posixpath.basename(file))[0], posixpath.dirname(file)
            up = parse_sql(plain(content, folder), file)
            migration = Migration("R", stem, replace(up, stops=_STOPS.search(content) is not None))
            folders.setdefault(folder, []).append(migration)
    return tuple(MigrationFolder(folder or ".", "given", tuple(found)) for folder, found in folders.items())
