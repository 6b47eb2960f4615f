"""What Ecto's migrations do to a schema, and what Ecto makes of ``change`` to go back.

Source: Ecto SQL documentation, ``Ecto.Migration``: which commands are reversible; a table has a column ``id`` unless
told otherwise; ``timestamps`` may not be empty and have no default; ``@disable_ddl_transaction`` and
``@disable_migration_lock``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.revisions.columns import Column, Unread, quoted
from checker.collect.migrations.schema_code.columns import altered, becomes, created, index, table_name, type_of
from checker.collect.migrations.schema_code.languages.calls import UNREAD, Body, Call, Value

_TYPES: Final[Mapping[str, str]] = {
    "binary_id": "uuid", "utc_datetime": "timestamp", "utc_datetime_usec": "timestamp", "naive_datetime": "timestamp",
    "naive_datetime_usec": "timestamp", "map": "jsonb", "id": "bigint", "time_usec": "time",
}  # fmt: skip
_INDEXES: Final = frozenset({"index", "unique_index"})


def ecto(call: Call) -> Iterator[Change]:
    """A call of an Ecto migration."""
    name, what = call.name, call.args[0] if call.args else None
    if call.of is not None:
        raise Unread
    if name == "flush":
        return
    if name == "execute":
        back = call.text(1) if len(call.args) > 1 else None
        yield Change((call.text(0),), (back,) if back is not None else None)
    elif not isinstance(what, Call) or what.bare or what.of is not None:
        raise Unread
    elif name in {"create", "create_if_not_exists"}:
        yield _created(what, call)
    elif name in {"drop", "drop_if_exists"}:
        yield _dropped(what)
    elif name == "alter" and what.name == "table":
        for each in _lines(call):
            yield _line(each, _table(what))
    elif name == "rename" and what.name == "table":
        yield _renamed(call, _table(what))
    else:
        raise Unread


def _table(of: Call, at: int = 0) -> str:
    name, prefix = of.text(at), of.named.get("prefix")
    if prefix is UNREAD:
        raise Unread
    return f"{prefix}.{name}" if isinstance(prefix, str) else name


def _lines(call: Call) -> tuple[Call, ...]:
    return call.body.calls if call.body is not None else ()


# -- tables and what belongs to them ---------------------------------------------------------------


def _created(what: Call, call: Call) -> Change:
    if what.name == "table":
        name = _table(what)
        own = what.named.get("primary_key", True)
        columns = [Column("id", "bigserial", False, True, True)] if own is not False else []
        for each in _lines(call):
            columns += _columns(each)
        exists = call.name.endswith("if_not_exists")
        return Change((created(name, columns, exists=exists),), (f"DROP TABLE {table_name(name)}",))
    if what.name in _INDEXES:
        return Change((_index(what),), (_no_index(what),))
    if what.name == "constraint":
        table, name = _table(what), what.text(1)
        at, check = altered(table), what.named.get("check")
        if not isinstance(check, str):
            raise Unread
        end = " NOT VALID" if what.named.get("validate") is False else ""
        made = f"{at} ADD CONSTRAINT {quoted(name)} CHECK ({check}){end}"
        return Change((made,), (f"{at} DROP CONSTRAINT {quoted(name)}",))
    raise Unread


def _dropped(what: Call) -> Change:
    if what.name == "table":
        return Change((f"DROP TABLE {table_name(_table(what))}",), None)
    if what.name in _INDEXES:
        return Change((_no_index(what),), (_index(what),))
    if what.name == "constraint":
        return Change((f"{altered(_table(what))} DROP CONSTRAINT {quoted(what.text(1))}",), None)
    raise Unread


def _renamed(call: Call, table: str) -> Change:
    at, to = altered(table), call.named.get("to")
    if isinstance(to, Call) and to.name == "table":
        back = f"{altered(_table(to))} RENAME TO {quoted(table.rpartition('.')[2])}"
        return Change((f"{at} RENAME TO {quoted(to.text(0))}",), (back,))
    if not isinstance(to, str):
        raise Unread
    old, new = quoted(call.text(1)), quoted(to)
    return Change((f"{at} RENAME COLUMN {old} TO {new}",), (f"{at} RENAME COLUMN {new} TO {old}",))


def _named(what: Call) -> tuple[str, tuple[str, ...]]:
    """An index's name and its columns."""
    listed = what.value(1) if len(what.args) > 1 else ()
    columns = tuple(
        each if isinstance(each, str) else "(it)" for each in (listed if isinstance(listed, tuple) else (listed,))
    )
    name = what.named.get("name")
    if name is UNREAD or what.named.get("unique") is UNREAD or what.named.get("concurrently") is UNREAD:
        raise Unread
    plain = "_".join(each.strip("()") for each in columns)
    return (name if isinstance(name, str) else f"{what.text(0)}_{plain}_index"), columns


def _index(what: Call) -> str:
    name, columns = _named(what)
    unique = what.name == "unique_index" or what.named.get("unique") is True
    return index(_table(what), columns, name, unique=unique, apart=what.named.get("concurrently") is True)


def _no_index(what: Call) -> str:
    return f"DROP INDEX {'CONCURRENTLY ' if what.named.get('concurrently') is True else ''}{quoted(_named(what)[0])}"


# -- columns ---------------------------------------------------------------------------------------


def _columns(call: Call) -> list[Column]:
    """The columns that a line of a table's block adds."""
    if call.name == "timestamps":
        null = call.named.get("null") is True
        filled = call.named.get("default") is not None
        names = [call.named.get("inserted_at", "inserted_at"), call.named.get("updated_at", "updated_at")]
        return [Column(str(each), "timestamp", null, filled) for each in names if each is not False]
    if call.name in {"add", "add_if_not_exists"}:
        return [_column(call)]
    raise Unread


def _column(call: Call) -> Column:
    told = call.named
    null = told.get("null", True)
    if not isinstance(null, bool) or "**" in told or told.get("primary_key") is UNREAD:
        raise Unread
    key = told.get("primary_key") is True
    return Column(call.text(0), _type(call.args[1] if len(call.args) > 1 else None, told, call.line), null,
                  told.get("default") is not None or told.get("generated") is not None, key)  # fmt: skip


def _type(given: Value, told: Mapping[str, Value], line: int) -> str:
    if isinstance(given, Call) and given.name == "references":
        kind = given.named.get("type")
        return type_of(_TYPES.get(kind, kind) if isinstance(kind, str) else "bigint")
    if not isinstance(given, str):
        return quoted(f"type of line {line}")
    size = told.get("size", told.get("precision"))
    return type_of(
        _TYPES.get(given, given), 255 if given == "string" and size is None else size, told.get("scale"), line
    )


def _line(call: Call, table: str) -> Change:
    """A line of what changes a table that is there."""
    at = altered(table)
    if call.name in {"remove", "remove_if_exists"}:
        name = quoted(call.text(0))
        again = f"{at} ADD COLUMN {_column(call).definition}" if call.name == "remove" and len(call.args) > 1 else None
        return Change((f"{at} DROP COLUMN {name}",), (again,) if again is not None else None)
    if call.name == "modify":
        return _modified(call, table)
    columns = _columns(call)
    added = tuple(f"{at} ADD COLUMN {each.definition}" for each in columns)
    return Change(added, tuple(f"{at} DROP COLUMN {quoted(each.name)}" for each in reversed(columns)))


def _modified(call: Call, table: str) -> Change:
    told = call.named
    null, default = told.get("null"), told.get("default", UNREAD) if "default" in told else None
    if null is not None and not isinstance(null, bool):
        raise Unread
    given = True if default is not None else False if "default" in told else None
    column = Column(call.text(0), _type(call.value(1), told, call.line))
    before = told.get("from")
    back: tuple[str, ...] | None = None
    if isinstance(before, str | tuple):
        kind, options = (before, {}) if isinstance(before, str) else (before[0], before[1] if len(before) > 1 else {})
        was = options.get("null") if isinstance(options, dict) else None
        old = Column(column.name, _type(kind, options if isinstance(options, dict) else {}, call.line))
        back = tuple(becomes(table, old, null=was if isinstance(was, bool) else None, default=None))
    return Change(tuple(becomes(table, column, null=null, default=given)), back)


def is_ecto(text: str) -> bool:
    return "Ecto.Migration" in text and ("def change" in text or "def up" in text)


def called_of(functions: Mapping[str, Body], body: Body, depth: int = 0) -> Body:
    """A body with what the module's own functions do in the place of their calls."""
    found: list[Call] = []
    for each in body.calls:
        own = functions.get(each.name) if each.of is None and not each.args and not each.named else None
        found += called_of(functions, own, depth + 1).calls if own is not None and depth < 5 else (each,)
    return Body(body.parameters, tuple(found))
