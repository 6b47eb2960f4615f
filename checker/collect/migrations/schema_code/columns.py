"""Columns that a schema builder declares, as PostgreSQL has them.

The types by the names that the builders give them. Sources: Rails API documentation,
``ActiveRecord::ConnectionAdapters::SchemaStatements#add_column`` and ``PostgreSQLAdapter``; Knex documentation, "Schema
Builder"; Laravel documentation, "Database: Migrations", "Available Column Types".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from checker.collect.migrations.revisions.columns import Column, checked, quoted

_TYPES: Final[Mapping[str, str]] = {
    "string": "varchar", "varchar": "varchar", "char": "char", "text": "text", "mediumtext": "text", "longtext": "text",
    "tinytext": "text", "integer": "integer", "int": "integer", "mediuminteger": "integer", "mediumint": "integer",
    "smallinteger": "smallint", "smallint": "smallint", "tinyinteger": "smallint", "tinyint": "smallint",
    "biginteger": "bigint", "bigint": "bigint", "unsignedinteger": "integer", "unsignedbiginteger": "bigint",
    "unsignedsmallinteger": "smallint", "unsignedtinyinteger": "smallint", "unsignedmediuminteger": "integer",
    "year": "integer", "float": "double precision", "double": "double precision", "real": "real",
    "decimal": "numeric", "numeric": "numeric", "boolean": "boolean", "bool": "boolean", "date": "date", "time": "time",
    "timetz": "time with time zone", "datetime": "timestamp", "timestamp": "timestamp",
    "timestamptz": "timestamp with time zone", "datetimetz": "timestamp with time zone",
    "timestamptz_": "timestamp with time zone", "binary": "bytea", "blob": "bytea", "bytea": "bytea", "json": "json",
    "jsonb": "jsonb", "uuid": "uuid", "ulid": "char(26)", "inet": "inet", "ipaddress": "inet", "cidr": "cidr",
    "macaddr": "macaddr", "macaddress": "macaddr", "hstore": "hstore", "citext": "citext", "interval": "interval",
    "tsvector": "tsvector", "xml": "xml",
    "clob": "text", "nclob": "text", "nvarchar": "varchar", "number": "numeric",
    "point": "point", "money": "money", "serial": "serial",
    "bigserial": "bigserial", "increments": "serial", "bigincrements": "bigserial", "virtual": "text",
}  # fmt: skip
_SIZED: Final = frozenset({"varchar", "char", "numeric"})


def type_of(kind: str, size: object = None, scale: object = None, at: int = 0) -> str:
    """The type that a builder's name for it comes to; one that is not known is a type of its own."""
    if _is_enum(kind):
        return kind
    known = _TYPES.get(kind.lower().replace("_", ""))
    if known is None:
        return quoted(f"{kind or 'type'} of line {at}")
    if known in _SIZED and isinstance(size, int):
        return f"{known}({size}, {scale})" if isinstance(scale, int) and known == "numeric" else f"{known}({size})"
    return known


def enum_of(values: object) -> str:
    """The type of a column that takes the values of a list; empty where one of them is not told."""
    if not isinstance(values, tuple) or not values or not all(isinstance(each, str) for each in values):
        return ""
    listed = ", ".join("'" + each.replace("'", "''") + "'" for each in values)
    return f"enum({listed})"


def _is_enum(kind: str) -> bool:
    return kind.startswith("enum(")


def is_type(kind: str) -> bool:
    """Whether a builder's method of this name declares a column."""
    return kind.lower().replace("_", "") in _TYPES


def created(table: str, columns: list[Column], *, exists: bool = False, checks: Iterable[tuple[str, str]] = ()) -> str:
    """``CREATE TABLE`` with these columns, and CHECK constraints by the name and the condition of each."""
    once = list({each.name: each for each in columns}.values())
    if sum(each.key for each in once) > 1:
        once = [replace(each, key=False, null=False) if each.key else each for each in once]
    # What a list of values is in PostgreSQL, as Laravel and Knex make it.
    listed = [("", f"{quoted(each.name)} IN {each.type.removeprefix('enum')}") for each in once if _is_enum(each.type)]
    held = [sql for name, condition in [*checks, *listed] if (sql := checked(name, condition))]
    defined = ", ".join([*(each.definition for each in once), *held])
    return f"CREATE TABLE {'IF NOT EXISTS ' if exists else ''}{table_name(table)} ({defined})"


def table_name(name: str) -> str:
    """A table's name with its schema as SQL writes it."""
    return ".".join(quoted(part) for part in name.split("."))


def altered(table: str) -> str:
    """The beginning of what changes a table."""
    return f"ALTER TABLE {table_name(table)}"


def becomes(table: str, column: Column, *, null: bool | None, default: bool | None) -> Iterator[str]:
    """A column's new type and, where they are told, whether it may be empty and whether it has a default."""
    at = f"{altered(table)} ALTER COLUMN {quoted(column.name)}"
    if column.type:
        yield f"{at} TYPE {column.type}"
    if null is not None:
        yield f"{at} {'DROP' if null else 'SET'} NOT NULL"
    if default is not None:
        yield f"{at} SET DEFAULT (now())" if default else f"{at} DROP DEFAULT"


def index(table: str, columns: tuple[str, ...], name: str, *, unique: bool = False, apart: bool = False) -> str:
    """``CREATE INDEX``; a column that is no plain name is an expression."""
    listed = ", ".join(quoted(each) if each.replace("_", "a").isalnum() else "(now())" for each in columns)
    way = f"{'UNIQUE ' if unique else ''}INDEX {'CONCURRENTLY ' if apart else ''}"
    return f"CREATE {way}{quoted(name)} ON {table_name(table)} ({listed})"
