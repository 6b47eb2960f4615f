"""What Kysely's migrations do to a schema.

Source: Kysely documentation, "Migrations", and its API reference, ``SchemaModule``, ``AlterTableBuilder``,
``ColumnDefinitionBuilder``: a column may be empty unless it is told otherwise; nothing happens before ``execute``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.revisions.columns import Column, Unread, quoted
from checker.collect.migrations.schema_code.columns import altered, becomes, created, table_name
from checker.collect.migrations.schema_code.languages.calls import UNREAD, Call, Value
from checker.collect.migrations.schema_code.pg_migrate import type_as_written

_FILLED: Final = frozenset(
    {"defaultTo", "generatedAlwaysAs", "generatedAlwaysAsIdentity", "generatedByDefaultAsIdentity", "identity",
     "autoIncrement"}
)  # fmt: skip
_SAID: Final = frozenset(
    {"references", "onDelete", "onUpdate", "unsigned", "check", "stored", "modifyEnd", "nullsNotDistinct"}
)
_OF_A_NEW_TABLE: Final = frozenset(
    {"addPrimaryKeyConstraint", "addUniqueConstraint", "addForeignKeyConstraint", "addCheckConstraint", "temporary",
     "onCommit", "ifNotExists", "modifyEnd", "modifyFront"}
)  # fmt: skip


def kysely(call: Call) -> Iterator[Change]:
    """A call of a Kysely migration: a chain that ends in ``execute``."""
    chain = [each for each in call.chain() if not (each.bare and each.name in {"db", "schema", "trx", "qb"})]
    if len(chain) < 2 or chain[-1].name != "execute" or any(each.bare for each in chain):
        raise Unread
    first, rest = chain[0], chain[1:-1]
    if first.name in {"sql", "raw"}:
        yield Change((first.text(0),))
    elif first.name == "createTable":
        columns = [_column(each) for each in rest if each.name == "addColumn"]
        if any(each.name not in _OF_A_NEW_TABLE | {"addColumn"} for each in rest):
            raise Unread
        yield Change((created(first.text(0), columns, exists=any(each.name == "ifNotExists" for each in rest)),))
    elif first.name == "alterTable":
        yield from (Change(tuple(_altered(each, first.text(0)))) for each in rest)
    elif first.name == "createIndex":
        yield Change((_index(first, rest),))
    elif first.name.startswith("drop"):
        yield Change((_dropped(first, rest),))
    else:
        yield Change((_rows(first, rest),))


def _column(call: Call) -> Column:
    found = Column(call.text(0), type_as_written(call.args[1] if len(call.args) > 1 else None, call.line))
    words = [
        each for one in (call.body.calls if call.body is not None else ()) for each in one.chain() if not each.bare
    ]
    if len(call.args) > 2 and call.body is None:
        raise Unread
    for each in words:
        if each.name == "notNull":
            found = replace(found, null=False)
        elif each.name == "primaryKey":
            found = replace(found, key=True)
        elif each.name == "unique":
            found = replace(found, unique=True)
        elif each.name in _FILLED:
            found = replace(found, default=True)
        elif each.name not in _SAID:
            raise Unread
    serial = found.type.lower().endswith("serial")
    return replace(found, default=True) if serial else found


def _altered(call: Call, table: str) -> Iterator[str]:
    """What one call of a chain does to a table that is there."""
    at, name = altered(table), call.name
    if name == "addColumn":
        yield f"{at} ADD COLUMN {_column(call).definition}"
    elif name == "dropColumn":
        yield f"{at} DROP COLUMN {quoted(call.text(0))}"
    elif name == "renameColumn":
        yield f"{at} RENAME COLUMN {quoted(call.text(0))} TO {quoted(call.text(1))}"
    elif name == "renameTo":
        yield f"{at} RENAME TO {quoted(call.text(0))}"
    elif name == "setSchema":
        yield f"{at} SET SCHEMA {quoted(call.text(0))}"
    elif name == "alterColumn" and call.body is not None:
        for each in call.body.calls:
            yield from _column_altered(each, table, call.text(0))
    elif name in {"addUniqueConstraint", "addPrimaryKeyConstraint", "addForeignKeyConstraint"}:
        listed = ", ".join(quoted(each) for each in call.texts(1))
        kind = {"U": "UNIQUE", "P": "PRIMARY KEY", "F": "FOREIGN KEY"}[name[3]]
        to = f" REFERENCES {table_name(call.text(2))}" if kind == "FOREIGN KEY" else ""
        yield f"{at} ADD CONSTRAINT {quoted(call.text(0))} {kind} ({listed}){to}"
    elif name == "dropConstraint":
        yield f"{at} DROP CONSTRAINT {quoted(call.text(0))}"
    elif name not in {"onDelete", "onUpdate", "ifExists"}:
        raise Unread


def _column_altered(call: Call, table: str, name: str) -> Iterator[str]:
    column = Column(name, "")
    if call.name in {"setNotNull", "dropNotNull"}:
        yield from becomes(table, column, null=call.name == "dropNotNull", default=None)
    elif call.name in {"setDefault", "dropDefault"}:
        yield from becomes(table, column, null=None, default=call.name == "setDefault")
    elif call.name == "setDataType":
        kind = type_as_written(call.value(0), call.line)
        yield from becomes(table, replace(column, type=kind), null=None, default=None)
    else:
        raise Unread


def _index(first: Call, rest: list[Call]) -> str:
    words = {each.name: each for each in rest}
    if "on" not in words or {*words} - {
        "on",
        "column",
        "columns",
        "unique",
        "using",
        "ifNotExists",
        "where",
        "expression",
    }:
        raise Unread
    given: Value = next((words[each].args[0] for each in ("columns", "column") if each in words), "(it)")
    listed = given if isinstance(given, tuple) else (given,)
    if UNREAD in listed or not all(isinstance(each, str) for each in listed):
        raise Unread
    columns = ", ".join(quoted(each) if each != "(it)" else "(now())" for each in listed)
    unique = "UNIQUE " if "unique" in words else ""
    return f"CREATE {unique}INDEX {quoted(first.text(0))} ON {table_name(words['on'].text(0))} ({columns})"


def _dropped(first: Call, rest: list[Call]) -> str:
    kind = first.name.removeprefix("drop").upper()
    if kind not in {"TABLE", "INDEX", "VIEW", "SCHEMA", "TYPE"}:
        raise Unread
    exists = "IF EXISTS " if any(each.name == "ifExists" for each in rest) else ""
    return f"DROP {kind} {exists}{table_name(first.text(0))}"


def _rows(first: Call, rest: list[Call]) -> str:
    table = table_name(first.text(0))
    if first.name == "updateTable":
        given = next((each.args[0] for each in rest if each.name == "set" and each.args), None)
        keys = [each for each in given if each != "**"] if isinstance(given, dict) else []
        written = ", ".join(f"{quoted(each)} = NULL" for each in keys) or '"some of it" = NULL'
        return _UPDATE.format(table, written)
    if first.name == "deleteFrom":
        return _DELETE.format(table)
    if first.name == "insertInto" and not any(each.name == "onConflict" for each in rest):
        return _INSERT.format(table)
    raise Unread


_UPDATE: Final = "UPDATE {} SET {}"
_DELETE: Final = "DELETE FROM {}"
_INSERT: Final = "INSERT INTO {} DEFAULT VALUES"
