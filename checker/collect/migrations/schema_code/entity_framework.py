"""What Entity Framework Core's migrations do to a schema.

Sources: EF Core documentation, "Managing Migrations", "Custom Migrations Operations"; API reference,
``MigrationBuilder``: a column may not be empty unless it is ``nullable``; ``AlterColumn`` says what it was before
(``oldType``, ``oldNullable``); ``Sql`` may be run outside of the migration's transaction. Npgsql's provider does that
for an index that is built concurrently (Npgsql documentation, "Indexes").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.revisions.columns import Column, Unread, quoted
from checker.collect.migrations.schema_code.columns import altered, becomes, created, index, table_name, type_of
from checker.collect.migrations.schema_code.languages.calls import UNREAD, Body, Call, Value

_CLR: Final[Mapping[str, str]] = {
    "string": "text", "int": "integer", "long": "bigint", "short": "smallint", "bool": "boolean", "Guid": "uuid",
    "DateTime": "timestamp", "DateTimeOffset": "timestamptz", "decimal": "decimal", "double": "double",
    "float": "real", "byte[]": "bytea", "DateOnly": "date", "TimeOnly": "time", "TimeSpan": "interval",
}  # fmt: skip
_TYPE: Final = lazy_re.compile(r"(?P<word>[A-Za-z][\w ]*?)\s*(?:\((?P<size>\d+)(?:,\s*(?P<scale>\d+))?\))?(?P<rest>.*)")
_WORDS: Final = {"character varying": "varchar", "timestamp with time zone": "timestamptz",
                 "timestamp without time zone": "timestamp", "double precision": "double"}  # fmt: skip
# Not a subscript, which stands behind a name.
_IN_BRACKETS: Final = lazy_re.compile(r"(?<![\w\])\"'])\[([A-Za-z_]\w*)\]")
_DEFAULTS: Final = ("defaultValue", "defaultValueSql", "computedColumnSql")
_GENERATED: Final = ("ValueGenerationStrategy", "Identity", "Autoincrement")
# Where the parameters of each call stand that is not called by names alone.
_OF_TABLE: Final = ("name", "table")
_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Sql": ("sql", "suppressTransaction"), "DropTable": ("name", "schema"), "CreateTable": ("name", "columns"),
    "RenameTable": ("name", "schema", "newName"), "RenameColumn": ("name", "table", "newName"),
    "CreateIndex": ("name", "table", "column"), "AddForeignKey": ("name", "table", "column", "principalTable"),
    "AddPrimaryKey": ("name", "table", "column"), "AddUniqueConstraint": ("name", "table", "column"),
    "AddCheckConstraint": ("name", "table", "sql"), "EnsureSchema": ("name",), "DropSchema": ("name",),
    "CreateSequence": ("name",), "DropSequence": ("name",), "InsertData": ("table",), "UpdateData": ("table",),
    "DeleteData": ("table",), "RenameIndex": ("name", "newName", "table"),
}  # fmt: skip


def is_entity_framework(text: str) -> bool:
    return "MigrationBuilder" in text and re.search(r"\bvoid\s+Up\s*\(", text) is not None


def entity_framework(call: Call) -> Iterator[Change]:
    """A call of a migration: of its builder, with what is noted about it behind."""
    chain = call.chain()
    first, notes = (chain[1] if len(chain) > 1 and chain[0].bare else chain[0]), chain[2:]
    if not chain[0].bare or len(chain) < 2 or any(each.name not in {"Annotation", "OldAnnotation"} for each in notes):
        raise Unread
    if first.name == "AlterDatabase":
        if any(each.name == "OldAnnotation" for each in notes):
            raise Unread
        return
    told = _told(first)
    if first.name == "CreateIndex" and any("Concurrently" in str(each.args[:1]) for each in notes):
        yield Change(("COMMIT", _index(told, apart=True), "BEGIN"))
    elif first.name == "Sql":
        text = _text(told, "sql")
        yield Change(("COMMIT", text, "BEGIN") if told.get("suppressTransaction") is True else (text,))
    else:
        yield Change(tuple(_done(first.name, told, notes, first.line)))


def _told(call: Call) -> dict[str, Value]:
    """What a call is given, by the names of its parameters."""
    names = _PARAMETERS.get(call.name, _OF_TABLE)
    if len(call.args) > len(names):
        raise Unread
    return {**dict(zip(names, call.args, strict=False)), **call.named}


def _text(told: Mapping[str, Value], name: str) -> str:
    found = told.get(name)
    if not isinstance(found, str):
        raise Unread
    return found


def _flag(told: Mapping[str, Value], name: str) -> bool:
    found = told.get(name, False)
    if not isinstance(found, bool):
        raise Unread
    return found


def _names(told: Mapping[str, Value]) -> tuple[str, ...]:
    found = told.get("columns", told.get("column"))
    listed = found if isinstance(found, tuple) else (found,)
    if not listed or not all(isinstance(each, str) for each in listed):
        raise Unread
    return listed


def _table(told: Mapping[str, Value], name: str = "table") -> str:
    schema = told.get("schema")
    own = _text(told, name)
    return f"{schema}.{own}" if isinstance(schema, str) and schema != "public" else own


def _done(name: str, told: Mapping[str, Value], notes: tuple[Call, ...], line: int) -> Iterator[str]:
    if name == "CreateTable":
        columns = told.get("columns")
        if not isinstance(columns, dict):
            raise Unread
        made = [_of_table(key, each) for key, each in columns.items()]
        yield created(_table(told, "name"), made, checks=_checks(told.get("constraints")))
    elif name == "DropTable":
        yield f"DROP TABLE {table_name(_table(told, 'name'))}"
    elif name == "RenameTable":
        if "newSchema" in told and told["newSchema"] != told.get("schema"):
            raise Unread
        yield f"{altered(_table(told, 'name'))} RENAME TO {quoted(_text(told, 'newName'))}"
    elif name in {"EnsureSchema", "DropSchema"}:
        does = "DROP SCHEMA" if name == "DropSchema" else "CREATE SCHEMA IF NOT EXISTS"
        yield f"{does} {quoted(_text(told, 'name'))}"
    elif name in {"CreateSequence", "DropSequence"}:
        yield f"{name.removesuffix('Sequence').upper()} SEQUENCE {table_name(_table(told, 'name'))}"
    elif name == "CreateIndex":
        yield _index(told)
    elif name == "DropIndex":
        yield f"DROP INDEX {quoted(_text(told, 'name'))}"
    elif name == "RenameIndex":
        yield f"ALTER INDEX {quoted(_text(told, 'name'))} RENAME TO {quoted(_text(told, 'newName'))}"
    elif name in _ROWS:
        table = table_name(_table(told))
        written = ", ".join(f"{quoted(each)} = NULL" for each in _names(told)) if name == "UpdateData" else ""
        yield _ROWS[name].format(table, written)
    else:
        yield from _of_columns(name, told, notes, line)


_ROWS: Final = {
    "InsertData": "INSERT INTO {} DEFAULT VALUES", "UpdateData": "UPDATE {} SET {}", "DeleteData": "DELETE FROM {}",
}  # fmt: skip


def _of_columns(name: str, told: Mapping[str, Value], notes: tuple[Call, ...], line: int) -> Iterator[str]:
    """What is done to a table's columns and constraints."""
    at, own = altered(_table(told)), quoted(_text(told, "name"))
    match name:
        case "AddColumn":
            yield f"{at} ADD COLUMN {_column(_text(told, 'name'), told, notes, line).definition}"
        case "DropColumn":
            yield f"{at} DROP COLUMN {own}"
        case "RenameColumn":
            yield f"{at} RENAME COLUMN {own} TO {quoted(_text(told, 'newName'))}"
        case "AlterColumn":
            yield from _altered(told, notes, line)
        case "AddForeignKey":
            listed = ", ".join(quoted(each) for each in _names(told))
            to = _text(told, "principalTable")
            yield f"{at} ADD CONSTRAINT {own} FOREIGN KEY ({listed}) REFERENCES {table_name(to)}"
        case "AddPrimaryKey" | "AddUniqueConstraint":
            listed = ", ".join(quoted(each) for each in _names(told))
            yield f"{at} ADD CONSTRAINT {own} {'PRIMARY KEY' if name == 'AddPrimaryKey' else 'UNIQUE'} ({listed})"
        case "AddCheckConstraint":
            yield f"{at} ADD CONSTRAINT {own} CHECK ({_condition(_text(told, 'sql'))})"
        case "DropForeignKey" | "DropPrimaryKey" | "DropUniqueConstraint" | "DropCheckConstraint":
            yield f"{at} DROP CONSTRAINT {own}"
        case _:
            raise Unread


def _index(told: Mapping[str, Value], *, apart: bool = False) -> str:
    return index(_table(told), _names(told), _text(told, "name"), unique=_flag(told, "unique"), apart=apart)


def _of_table(key: str, given: Value) -> Column:
    """A column of a new table: ``table.Column<int>(...)``, with what is noted about it behind."""
    chain = given.chain() if isinstance(given, Call) else ()
    if len(chain) < 2 or chain[1].name != "Column":
        raise Unread
    named = chain[1].named.get("name")
    return _column(named if isinstance(named, str) else key, chain[1].named, chain[2:], chain[1].line)


def _checks(given: Value) -> Iterator[tuple[str, str]]:
    """The CHECK constraints of a new table: ``table.CheckConstraint("name", "condition")``."""
    for call in given.calls if isinstance(given, Body) else ():
        if call.name == "CheckConstraint":
            told = {**dict(zip(("name", "sql"), call.args, strict=False)), **call.named}
            if isinstance(name := told.get("name"), str) and isinstance(sql := told.get("sql"), str):
                yield name, _condition(sql)


def _condition(sql: str) -> str:
    """A condition with names as PostgreSQL quotes them, where they are in brackets (Transact-SQL Reference, "Database
    identifiers")."""
    return _IN_BRACKETS.sub(r'"\1"', sql)


def _column(name: str, told: Mapping[str, Value], notes: tuple[Call, ...], line: int) -> Column:
    filled = any(told.get(each) is not None for each in _DEFAULTS)
    filled = filled or any(word in str(each.args[:1]) for each in notes for word in _GENERATED)
    return Column(name, _type(told, "type", line), _flag(told, "nullable"), filled)


def _type(told: Mapping[str, Value], name: str, line: int) -> str:
    written, kind = told.get(name), told.get("<>")
    if written is UNREAD:
        raise Unread
    if not isinstance(written, str):
        return type_of(_CLR.get(kind, kind) if isinstance(kind, str) else "", told.get("maxLength"), None, line)
    match = _TYPE.fullmatch(written)
    if match is None or match["rest"] not in {"", "(max)"}:
        return quoted(f"{written} ")
    size, scale = (int(each) if each else None for each in (match["size"], match["scale"]))
    word = match["word"].lower()
    return type_of(_WORDS.get(word, word), size, scale, line)


def _altered(told: Mapping[str, Value], notes: tuple[Call, ...], line: int) -> Iterator[str]:
    """A column that becomes another one, as far as it says that it was not so before."""
    new = _column(_text(told, "name"), told, notes, line)
    null, was = _flag(told, "nullable"), _flag(told, "oldNullable")
    same = told.get("oldType") is not None and told.get("oldType") == told.get("type")
    default = True if any(told.get(each) is not None for each in _DEFAULTS) else None
    gone = default is None and any(told.get(f"old{each[0].upper()}{each[1:]}") is not None for each in _DEFAULTS)
    column = Column(new.name, "" if same else new.type)
    yield from becomes(_table(told), column, null=null if null != was else None, default=False if gone else default)
