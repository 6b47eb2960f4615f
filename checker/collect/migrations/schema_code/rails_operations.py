"""One call of a Rails migration as the SQL that it comes to, and as the SQL of its way back.

Sources: Rails API documentation, ``ActiveRecord::ConnectionAdapters::SchemaStatements`` and
``ActiveRecord::Migration::CommandRecorder``; Rails Guides, "Active Record Migrations". A ``default`` is the database's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.revisions.columns import Column, Unread, quoted
from checker.collect.migrations.schema_code.columns import (
    altered,
    becomes,
    created,
    index,
    table_name,
    type_of,
)
from checker.collect.migrations.schema_code.languages.calls import UNREAD, Body, Call, Value, as_texts

_RELATES: Final = frozenset({"references", "belongs_to"})


def operation(call: Call) -> Iterator[Change]:
    """What a call comes to. Raises :class:`Unread` where that does not stand in the file."""
    make = _OPERATIONS.get(call.name)
    if make is None:
        raise Unread
    if any(key in {"**", "if_exists", "if_not_exists"} and value is UNREAD for key, value in call.named.items()):
        raise Unread
    yield from make(call)


def _column(call: Call, name: str, kind: Value, *, null: bool = True) -> Column:
    given = call.named.get("null")
    if given is UNREAD:
        raise Unread
    size, scale = call.named.get("limit", call.named.get("precision")), call.named.get("scale")
    kind = kind if isinstance(kind, str) else ""
    if kind == "integer" and isinstance(size, int):
        kind, size = ("bigint" if size > 4 else "smallint" if size < 3 else "integer"), None
    type_ = "serial" if kind == "primary_key" else type_of(kind, size, scale, call.line)
    if call.named.get("array") is True:
        type_ += "[]"
    has_default = call.named.get("default") is not None or kind == "virtual"
    key = kind == "primary_key" or call.named.get("primary_key") is True
    return Column(name, type_, given is not False and null, has_default, key)


def _create_table(call: Call) -> Iterator[Change]:
    table, own = call.text(0), call.option("id")
    columns: list[Column] = []
    indexes: list[str] = []
    if own is not False and call.named.get("primary_key") is None:
        kind = own if isinstance(own, str) else "bigint"
        columns.append(Column("id", type_of(kind, at=call.line), key=True, default=True))
    for each in call.body.calls if call.body is not None else ():
        made, more = _declared(each, table)
        columns += made
        indexes += more
    again = "" if call.named.get("force") is None else f"DROP TABLE {table_name(table)}"
    exists = call.named.get("if_not_exists") is True
    sql = (*([again] if again else []), created(table, columns, exists=exists), *indexes)
    yield Change(sql, (f"DROP TABLE {table_name(table)}",))


def _declared(call: Call, table: str) -> tuple[list[Column], list[str]]:
    """The columns and the indexes that a line of a table's block declares."""
    name = call.name
    if name == "column":
        return [_column(call, call.text(0), call.value(1))], []
    if name in {"timestamps", "datetimes"}:
        return _timestamps(call), []
    if name in _RELATES:
        texts = as_texts(call.args) if call.args else ()
        columns = [each for one in texts for each in _reference(call, one)]
        return columns, []
    if name == "index":
        return [], [_index_of(call, table, call.texts(0))]
    if name in {"check_constraint", "foreign_key", "exclusion_constraint", "unique_constraint"}:
        return [], []  # of a table that nobody uses yet
    if name == "primary_key":
        return [Column(call.text(0), "bigserial", key=True, default=True)], []
    if not call.args:
        raise Unread
    return [_column(call, each, name) for each in as_texts(call.args)], []


def _timestamps(call: Call) -> list[Column]:
    null = call.named.get("null") is True
    default = call.named.get("default") is not None
    return [Column(each, "timestamp", null, default) for each in ("created_at", "updated_at")]


def _reference(call: Call, name: str) -> list[Column]:
    kind = call.named.get("type", "bigint")
    own = _column(call, f"{name}_id", kind if isinstance(kind, str) else "bigint")
    polymorphic = call.named.get("polymorphic")
    more = [Column(f"{name}_type", "varchar", own.null)] if polymorphic not in (None, False) else []
    return [*more, own]


def _index_name(call: Call, table: str, columns: tuple[str, ...]) -> str:
    named = call.named.get("name")
    return named if isinstance(named, str) else f"index_{table}_on_{'_and_'.join(columns)}"


def _index_of(call: Call, table: str, columns: tuple[str, ...]) -> str:
    unique, apart = call.option("unique") is True, call.option("algorithm") == "concurrently"
    return index(table, columns, _index_name(call, table, columns), unique=unique, apart=apart)


def _add_index(call: Call) -> Iterator[Change]:
    table, columns = call.text(0), call.texts(1)
    apart = "CONCURRENTLY " if call.option("algorithm") == "concurrently" else ""
    yield Change(
        (_index_of(call, table, columns),), (f"DROP INDEX {apart}{quoted(_index_name(call, table, columns))}",)
    )


def _remove_index(call: Call) -> Iterator[Change]:
    table = call.text(0)
    given = call.value(1) if len(call.args) > 1 else call.option("column")
    columns = as_texts(given) if given is not None else ()
    if not columns and call.option("name") is None:
        raise Unread
    apart = "CONCURRENTLY " if call.option("algorithm") == "concurrently" else ""
    gone = f"DROP INDEX {apart}{quoted(_index_name(call, table, columns))}"
    yield Change((gone,), (_index_of(call, table, columns),) if columns else None)


def _add_column(call: Call) -> Iterator[Change]:
    table, name = call.text(0), call.text(1)
    column = _column(call, name, call.value(2))
    added = [f"{altered(table)} ADD COLUMN {column.definition}"]
    if call.named.get("index") not in (None, False):
        added.append(index(table, (name,), f"index_{table}_on_{name}"))
    yield Change(tuple(added), (f"{altered(table)} DROP COLUMN {quoted(name)}",))


def _remove_columns(call: Call) -> Iterator[Change]:
    table, names = call.text(0), as_texts(call.args[1:])
    kind = call.option("type")
    for name in names:
        back = f"{altered(table)} ADD COLUMN {_column(call, name, kind).definition}" if isinstance(kind, str) else ""
        yield Change((f"{altered(table)} DROP COLUMN {quoted(name)}",), (back,) if back else None)


def _remove_column(call: Call) -> Iterator[Change]:
    table, name, kind = call.text(0), call.text(1), call.value(2)
    back = f"{altered(table)} ADD COLUMN {_column(call, name, kind).definition}" if isinstance(kind, str) else ""
    yield Change((f"{altered(table)} DROP COLUMN {quoted(name)}",), (back,) if back else None)


def _rename_column(call: Call) -> Iterator[Change]:
    table, old, new = altered(call.text(0)), quoted(call.text(1)), quoted(call.text(2))
    yield Change((f"{table} RENAME COLUMN {old} TO {new}",), (f"{table} RENAME COLUMN {new} TO {old}",))


def _rename_table(call: Call) -> Iterator[Change]:
    old, new = call.text(0), call.text(1)
    yield Change(
        (f"{altered(old)} RENAME TO {quoted(new.rpartition('.')[2])}",),
        (f"{altered(new)} RENAME TO {quoted(old.rpartition('.')[2])}",),
    )


def _drop_table(call: Call) -> Iterator[Change]:
    named = as_texts(tuple(each for each in call.args if not isinstance(each, Body)))
    exists = "IF EXISTS " if call.named.get("if_exists") is True else ""
    for name in named:
        made = (created(name, []),) if call.body is not None else None
        yield Change((f"DROP TABLE {exists}{table_name(name)}",), made)


def _change_column(call: Call) -> Iterator[Change]:
    column = _column(call, call.text(1), call.value(2))
    null = call.named.get("null")
    default = call.named["default"] is not None if "default" in call.named else None
    sql = becomes(call.text(0), column, null=null if isinstance(null, bool) else None, default=default)
    yield Change(tuple(sql), None)


def _change_null(call: Call) -> Iterator[Change]:
    null = call.value(2)
    if not isinstance(null, bool):
        raise Unread
    at = f"{altered(call.text(0))} ALTER COLUMN {quoted(call.text(1))}"
    there, back = ("DROP", "SET") if null else ("SET", "DROP")
    yield Change((f"{at} {there} NOT NULL",), (f"{at} {back} NOT NULL",))


def _change_default(call: Call) -> Iterator[Change]:
    at = f"{altered(call.text(0))} ALTER COLUMN {quoted(call.text(1))}"
    both = "from" in call.named and "to" in call.named
    new = call.named.get("to") if both else (call.args[2] if len(call.args) > 2 else None)
    old = call.named.get("from")

    def to(value: Value) -> str:
        return f"{at} DROP DEFAULT" if value is None else f"{at} SET DEFAULT (now())"

    yield Change((to(new),), (to(old),) if both else None)


def _add_timestamps(call: Call) -> Iterator[Change]:
    table = altered(call.text(0))
    columns = _timestamps(call)
    yield Change(
        tuple(f"{table} ADD COLUMN {each.definition}" for each in columns),
        tuple(f"{table} DROP COLUMN {quoted(each.name)}" for each in columns),
    )


def _remove_timestamps(call: Call) -> Iterator[Change]:
    for change in _add_timestamps(call):
        yield Change(change.back or (), change.sql)


def _add_reference(call: Call) -> Iterator[Change]:
    table = call.text(0)
    for name in as_texts(call.args[1:]):
        columns = _reference(call, name)
        own = columns[-1]
        sql = [f"{altered(table)} ADD COLUMN {each.definition}" for each in columns]
        said = call.named.get("index")
        if said is not False:
            options = said if isinstance(said, Mapping) else {}
            made = Call("add_index", call.line, (table, own.name), options)
            sql += [one for each in _add_index(made) for one in each.sql]
        yield Change(tuple(sql), tuple(f"{altered(table)} DROP COLUMN {quoted(each.name)}" for each in columns))


def _remove_reference(call: Call) -> Iterator[Change]:
    for change in _add_reference(call):
        yield Change(change.back or (), change.sql)


def _foreign_key(call: Call) -> tuple[str, str, str]:
    """The table's change, the key's quoted name and its column."""
    table, other = call.text(0), call.value(1)
    column = call.option("column")
    if not isinstance(column, str):
        to = other if isinstance(other, str) else call.option("to_table")
        column = f"{str(to).removesuffix('s')}_id"
    named = call.option("name")
    return altered(table), quoted(named if isinstance(named, str) else f"fk_{table}_{column}"), column


def _add_foreign_key(call: Call) -> Iterator[Change]:
    table, name, column = _foreign_key(call)
    late = " NOT VALID" if call.option("validate") is False else ""
    key = f"FOREIGN KEY ({quoted(column)}) REFERENCES {table_name(call.text(1))}{late}"
    yield Change((f"{table} ADD CONSTRAINT {name} {key}",), (f"{table} DROP CONSTRAINT {name}",))


def _remove_foreign_key(call: Call) -> Iterator[Change]:
    table, name, column = _foreign_key(call)
    to = call.value(1) if len(call.args) > 1 else call.option("to_table")
    key = f"FOREIGN KEY ({quoted(column)}) REFERENCES {table_name(to)}" if isinstance(to, str) else ""
    yield Change((f"{table} DROP CONSTRAINT {name}",), (f"{table} ADD CONSTRAINT {name} {key}",) if key else None)


def _add_check(call: Call) -> Iterator[Change]:
    table, condition = call.text(0), call.text(1)
    named = call.option("name")
    name = quoted(named if isinstance(named, str) else f"chk_rails_{table}_{call.line}")
    late = " NOT VALID" if call.option("validate") is False else ""
    yield Change(
        (f"{altered(table)} ADD CONSTRAINT {name} CHECK ({condition}){late}",),
        (f"{altered(table)} DROP CONSTRAINT {name}",),
    )


def _remove_constraint(call: Call) -> Iterator[Change]:
    named, condition = call.option("name"), call.value(1)
    if not isinstance(named, str):
        raise Unread
    table = altered(call.text(0))
    back = f"{table} ADD CONSTRAINT {quoted(named)} CHECK ({condition})" if isinstance(condition, str) else ""
    yield Change((f"{table} DROP CONSTRAINT {quoted(named)}",), (back,) if back else None)


def _validate(call: Call) -> Iterator[Change]:
    named = call.option("name")
    name = named if isinstance(named, str) else f"line {call.line}"
    yield Change((f"{altered(call.text(0))} VALIDATE CONSTRAINT {quoted(name)}",))


def _rename_index(call: Call) -> Iterator[Change]:
    old, new = quoted(call.text(1)), quoted(call.text(2))
    yield Change((f"ALTER INDEX {old} RENAME TO {new}",), (f"ALTER INDEX {new} RENAME TO {old}",))


def _execute(call: Call) -> Iterator[Change]:
    yield Change((call.text(0),), None)


def _extension(call: Call) -> Iterator[Change]:
    there = f"CREATE EXTENSION IF NOT EXISTS {quoted(call.text(0))}"
    back = f"DROP EXTENSION IF EXISTS {quoted(call.text(0))}"
    yield Change((there,), (back,)) if call.name == "enable_extension" else Change((back,), (there,))


def _join_table(call: Call) -> Iterator[Change]:
    one, other = sorted((call.text(0), call.text(1)))
    named = call.option("table_name")
    table = named if isinstance(named, str) else f"{one}_{other}"
    columns = [Column(f"{each.removesuffix('s')}_id", "bigint", null=False) for each in (one, other)]
    made, gone = created(table, columns), f"DROP TABLE {table_name(table)}"
    yield Change((made,), (gone,)) if call.name == "create_join_table" else Change((gone,), (made,))


def _enum(call: Call) -> Iterator[Change]:
    made = f"CREATE TYPE {table_name(call.text(0))} AS ENUM ({', '.join(_quoted_text(x) for x in call.texts(1))})"
    yield Change((made,), (f"DROP TYPE {table_name(call.text(0))}",))


def _of_enum(call: Call) -> Iterator[Change]:
    """What changes a type that is there (Rails API documentation, ``PostgreSQLAdapter``)."""
    own = table_name(call.text(0))
    if call.name == "drop_enum":
        made = f"CREATE TYPE {own} AS ENUM ()" if len(call.args) > 1 else None
        yield Change((f"DROP TYPE {own}",), (made,) if made is not None else None)
    elif call.name == "add_enum_value":
        yield Change((f"ALTER TYPE {own} ADD VALUE 'it'",), None)
    elif call.name == "rename_enum_value":
        renamed = f"ALTER TYPE {own} RENAME VALUE 'a' TO 'b'"
        yield Change((renamed,), (renamed,))
    else:
        to = call.option("to") or call.text(1)
        if not isinstance(to, str):
            raise Unread
        yield Change((f"ALTER TYPE {own} RENAME TO {quoted(to)}",), (f"ALTER TYPE {quoted(to)} RENAME TO {own}",))


def _quoted_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_OPERATIONS: Final[Mapping[str, Callable[[Call], Iterator[Change]]]] = {
    "create_table": _create_table, "drop_table": _drop_table, "rename_table": _rename_table,
    "add_column": _add_column, "remove_column": _remove_column, "remove_columns": _remove_columns,
    "rename_column": _rename_column, "change_column": _change_column, "change_column_null": _change_null,
    "change_column_default": _change_default, "add_index": _add_index, "remove_index": _remove_index,
    "rename_index": _rename_index, "add_timestamps": _add_timestamps, "remove_timestamps": _remove_timestamps,
    "add_reference": _add_reference, "add_belongs_to": _add_reference, "remove_reference": _remove_reference,
    "remove_belongs_to": _remove_reference, "add_foreign_key": _add_foreign_key,
    "remove_foreign_key": _remove_foreign_key, "add_check_constraint": _add_check,
    "remove_check_constraint": _remove_constraint, "validate_check_constraint": _validate,
    "validate_foreign_key": _validate, "validate_constraint": _validate, "execute": _execute,
    "exec_query": _execute, "exec_update": _execute, "enable_extension": _extension,
    "disable_extension": _extension, "create_join_table": _join_table, "drop_join_table": _join_table,
    "create_enum": _enum, "drop_enum": _of_enum, "rename_enum": _of_enum, "add_enum_value": _of_enum,
    "rename_enum_value": _of_enum,
}  # fmt: skip
