"""Tables declared by a chain of calls on a builder, as Knex and Laravel do: what each line comes to as SQL.

Sources: Knex documentation, "Schema Builder" (https://knexjs.org/guide/schema-builder.html): a column may be empty
unless it is told otherwise; Laravel documentation, "Database: Migrations": there it may not, unless it is ``nullable``,
when it is changed too (from version 11 on, "Modifying Columns"); an index's name is made of the table, the columns and
its kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker.collect.migrations.revisions.columns import Column, Unread, quoted
from checker.collect.migrations.schema_code.columns import (
    altered,
    becomes,
    created,
    enum_of,
    index,
    is_type,
    table_name,
    type_of,
)
from checker.collect.migrations.schema_code.languages.calls import UNREAD, Body, Call, as_texts

# Behind what a line does by not saying anything (a column that is changed keeps no default that is not said again): it
# changes nothing where the column was so before.
IMPLIED: Final = " -- as before"
_KEYS: Final = frozenset({"id", "increments", "bigincrements", "mediumincrements", "smallincrements", "tinyincrements"})
_RELATES: Final = frozenset({"foreignId", "foreignUuid", "foreignUlid"})
_OTHER_NAMES: Final = {"enu": "enum", "specificType": "enum", "set": "enum", "geometry": "enum", "jsonObject": "json"}
_CONSTRAINED: Final = frozenset({"constrained", "references", "inTable", "on", "onDelete", "onUpdate", "foreign"})
# What is said of a column without a meaning for the code that runs.
_SAID: Final = frozenset(
    {"comment", "after", "first", "unsigned", "collate", "charset", "index", "cascadeOnDelete", "cascadeOnUpdate",
     "nullOnDelete", "restrictOnDelete", "noActionOnDelete", "restrictOnUpdate", "withKeyName", "always", "from",
     "invisible", "deferrable", "fulltext", "fullText", "spatialIndex", "checkIn", "noActionOnUpdate"}
)  # fmt: skip
_DEFAULTS: Final = frozenset(
    {"default", "defaultTo", "useCurrent", "autoIncrement", "generatedAs", "storedAs", "virtualAs"}
)


class Builder(Struct, frozen=True):
    """How a framework's builder differs. ``null``: whether a column may be empty unless it is told otherwise."""

    null: bool
    stamps: tuple[str, str] = ("created_at", "updated_at")


def made(table: str, body: Body, builder: Builder, *, exists: bool = False) -> Iterator[str]:
    """A new table."""
    columns: list[Column] = []
    indexes: list[str] = []
    for each in body.calls:
        named, more = _line(each, table, builder)
        columns += named
        indexes += [one for one in more if one.startswith("CREATE")]
    yield created(table, columns, exists=exists)
    yield from indexes


def changed(line: Call, table: str, builder: Builder) -> Iterator[str]:
    """One line of what changes a table that is there. Raises :class:`Unread`."""
    columns, more = _line(line, table, builder)
    words = {each.name: each for each in line.chain()}
    if "change" in words or "alter" in words:
        for each in columns:
            told = next((words[one] for one in ("nullable", "notNullable", "setNullable") if one in words), None)
            default = True if _DEFAULTS & {*words} else None
            yield from becomes(table, each, null=each.null if told is not None else None, default=default)
            if default is None:
                yield f"{altered(table)} ALTER COLUMN {quoted(each.name)} DROP DEFAULT{IMPLIED}"
            if told is None and not builder.null:
                yield from (sql + IMPLIED for sql in becomes(table, replace(each, type=""), null=False, default=None))
    else:
        yield from (f"{altered(table)} ADD COLUMN {each.definition}" for each in columns)
        yield from more


def _line(line: Call, table: str, builder: Builder) -> tuple[list[Column], list[str]]:
    """The columns that a line declares, and what else it does."""
    chain = line.chain()
    calls = chain[1:] if chain[0].bare else chain
    if not calls or not calls[0].name:
        raise Unread
    first, rest = calls[0], calls[1:]
    told = _dropped(first, table)
    if told is None:
        told = _indexed(first, rest, table)
    if told is not None:
        return [], told
    columns = _columns(first, builder)
    more: list[str] = []
    for each in rest:
        columns = [_described(each, one) for one in columns]
        if each.name in {"index", "unique"} and each.value(0) is not False and columns:
            names = tuple(one.name for one in columns)
            kind = each.name
            more.append(index(table, names, _name(each, table, names, kind, at=0), unique=kind == "unique"))
    if first.name == "morphs" or first.name.endswith("Morphs"):
        names = tuple(one.name for one in columns)
        more.append(index(table, names, f"{table}_{'_'.join(names)}_index"))
    return columns, more


def _columns(first: Call, builder: Builder) -> list[Column]:
    name, kind = first.name, first.name.lower()
    if kind in _KEYS:
        type_ = "serial" if kind.startswith("incr") else "bigserial"
        return [Column(str(first.value(0) or "id"), type_, False, True, True)]
    if kind in {"timestamps", "timestampstz", "nullabletimestamps", "datetimes"}:
        filled = first.value(1) is True and builder.null
        null = not filled
        return [Column(each, "timestamp", null, filled) for each in builder.stamps]
    if kind in {"softdeletes", "softdeletestz", "softdeletesdatetime"}:
        return [Column(str(first.value(0) or "deleted_at"), "timestamp", True)]
    if kind == "remembertoken":
        return [Column("remember_token", "varchar(100)", True)]
    if kind.endswith("morphs"):
        own, null = first.text(0), kind.startswith("nullable")
        return [Column(f"{own}_type", "varchar", null), Column(f"{own}_id", "bigint", null)]
    if name in _RELATES:
        type_ = {"foreignId": "bigint", "foreignUuid": "uuid", "foreignUlid": "char(26)"}[name]
        return [Column(first.text(0), type_, builder.null)]
    known = _OTHER_NAMES.get(name, name)
    if known == "enum":
        listed = enum_of(first.args[1] if len(first.args) > 1 and name != "set" else None)
        return [Column(first.text(0), listed or quoted(f"type of line {first.line}"), builder.null)]
    if not is_type(known):
        raise Unread
    own = first.text(0)
    size = first.args[1] if len(first.args) > 1 else None
    scale = first.args[2] if len(first.args) > 2 else None
    if known.lower() in {"string", "char"} and size is None:
        size = 255
    if known.lower() in {"decimal"} and size is None:
        size, scale = 8, 2
    return [Column(own, type_of(known, size, scale, first.line), builder.null)]


def _described(call: Call, column: Column) -> Column:
    name = call.name
    if name == "nullable":
        return replace(column, null=call.value(0) is not False)
    if name in {"notNullable", "notNull", "dropNullable"}:
        return replace(column, null=False)
    if name in _DEFAULTS:
        given = call.args[0] if call.args else UNREAD
        return replace(column, default=given is not None)
    if name == "primary":
        return replace(column, key=True)
    if name in _SAID | _CONSTRAINED | {"unique", "change", "alter"}:
        return column
    raise Unread


def _name(call: Call, table: str, columns: tuple[str, ...], kind: str, at: int = 1) -> str:
    """An index's name: what is given, or as the frameworks make it."""
    given = call.args[at] if len(call.args) > at else call.named.get("indexName", call.named.get("name"))
    if isinstance(given, dict):
        given = given.get("indexName")
    return given if isinstance(given, str) else f"{table}_{'_'.join(columns)}_{kind}".lower()


def _indexed(first: Call, rest: tuple[Call, ...], table: str) -> list[str] | None:
    """What a line does that is about a constraint or an index; ``None`` where it declares columns."""
    name = first.name
    if name in {"index", "unique", "fullText", "rawIndex", "spatialIndex", "primary"}:
        columns = first.texts(0)
        own = _name(first, table, columns, name)
        if name == "primary":
            listed = ", ".join(quoted(each) for each in columns)
            return [f"{altered(table)} ADD CONSTRAINT {quoted(own)} PRIMARY KEY ({listed})"]
        return [index(table, columns, own, unique=name == "unique")]
    if name == "foreign":
        columns = first.texts(0)
        words = {each.name: each for each in rest}
        to = next((words[each].text(0) for each in ("on", "inTable") if each in words and words[each].args), "")
        if not to and "references" in words:
            to = words["references"].text(0).partition(".")[0]
        if not to:
            raise Unread
        listed = ", ".join(quoted(each) for each in columns)
        own = quoted(_name(first, table, columns, "foreign"))
        return [f"{altered(table)} ADD CONSTRAINT {own} FOREIGN KEY ({listed}) REFERENCES {table_name(to)}"]
    if name in {"check", "checkIn"}:
        condition = first.text(0)
        own = quoted(_name(first, table, (str(first.line),), "check", at=2))  # behind its bindings
        return [f"{altered(table)} ADD CONSTRAINT {own} CHECK ({condition})"]
    if name in {"comment", "engine", "charset", "collation", "inherits", "temporary"}:
        return []
    return None


_GONE: Final = {
    "dropTimestamps": ("created_at", "updated_at"), "dropTimestampsTz": ("created_at", "updated_at"),
    "dropSoftDeletes": ("deleted_at",), "dropSoftDeletesTz": ("deleted_at",),
    "dropRememberToken": ("remember_token",),
}  # fmt: skip


def _dropped(first: Call, table: str) -> list[str] | None:
    """What a line takes away or renames; ``None`` where it does neither."""
    name, at = first.name, altered(table)
    if name in _GONE:
        return [f"{at} DROP COLUMN {quoted(each)}" for each in _GONE[name]]
    if name in {"dropColumn", "dropColumns"}:
        names = as_texts(first.args[0]) if len(first.args) == 1 else as_texts(first.args)
        return [f"{at} DROP COLUMN {quoted(each)}" for each in names]
    if name in {"dropConstrainedForeignId", "removeColumn"}:
        return [f"{at} DROP COLUMN {quoted(first.text(0))}"]
    if name in {"dropMorphs"}:
        return [f"{at} DROP COLUMN {quoted(first.text(0) + end)}" for end in ("_type", "_id")]
    if name == "renameColumn":
        return [f"{at} RENAME COLUMN {quoted(first.text(0))} TO {quoted(first.text(1))}"]
    if name == "rename":
        return [f"{at} RENAME TO {quoted(first.text(0))}"]
    if name in {"drop", "dropIfExists"}:
        return [f"DROP TABLE {table_name(table)}"]
    if name in {"setNullable", "dropNullable"}:
        return [f"{at} ALTER COLUMN {quoted(first.text(0))} {'DROP' if name == 'setNullable' else 'SET'} NOT NULL"]
    if name == "renameIndex":
        return [f"ALTER INDEX {quoted(first.text(0))} RENAME TO {quoted(first.text(1))}"]
    kinds = {
        "dropIndex": "index", "dropUnique": "unique", "dropForeign": "foreign", "dropPrimary": "primary",
        "dropFullText": "fulltext", "dropChecks": "check",
    }  # fmt: skip
    kind = kinds.get(name)
    if kind is None:
        return None
    given = first.args[0] if first.args else None
    if name == "dropChecks":  # of Knex: the names of all, in a list or one after the other
        return [
            f"{at} DROP CONSTRAINT {quoted(each)}"
            for each in as_texts(given if isinstance(given, tuple) else first.args)
        ]
    second = first.args[1] if len(first.args) > 1 else None
    if isinstance(second, str):
        own = second
    elif isinstance(given, tuple):
        own = f"{table}_{'_'.join(as_texts(given))}_{kind}".lower()
    elif isinstance(given, str):
        own = given
    else:
        own = f"{table}_pkey" if kind == "primary" else ""
    if not own:
        raise Unread
    if kind in {"foreign", "primary", "check"}:
        return [f"{at} DROP CONSTRAINT {quoted(own)}"]
    return [f"DROP INDEX {quoted(own)}"]
