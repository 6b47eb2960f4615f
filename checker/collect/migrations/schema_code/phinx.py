"""What Phinx's migrations do to a schema, and what it makes of ``change`` to go back.

Sources: Phinx documentation, "Writing Migrations" (which calls ``change`` can reverse; ``create``, ``update`` and
``save``; a table gets a column ``id`` unless it is told otherwise) and "Working With Columns". Whether a column may be
empty that does not say so depends on the version and its settings (0.13's ``column_null_default``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.revisions.columns import Column, Unread, quoted
from checker.collect.migrations.schema_code.columns import altered, becomes, created, index, table_name, type_of
from checker.collect.migrations.schema_code.languages.calls import UNREAD, Call, Value

_DOES: Final = frozenset({"create", "update", "save", "saveData"})
_ASKS: Final = frozenset({"hasTable", "hasColumn", "hasIndex", "changeComment"})


def phinx(call: Call) -> Iterator[Change]:
    """A call of a Phinx migration: SQL, or a chain on ``$this->table(...)``."""
    chain = [each for each in call.chain() if not each.bare]
    if [each.name for each in chain] in (["execute"], ["query"]):
        if len(call.args) > 1:
            raise Unread
        yield Change((call.text(0),), None)
    elif len(chain) == 1 and chain[0].name in _ASKS | {"table"}:
        return
    elif chain and chain[0].name == "table":
        yield from _of_table(chain[0], chain[1:])
    else:
        raise Unread


def _of_table(table: Call, calls: list[Call]) -> Iterator[Change]:
    name, last = table.text(0), calls[-1].name if calls else ""
    options = table.args[1] if len(table.args) > 1 else {}
    if options is UNREAD or (isinstance(options, dict) and "**" in options):
        raise Unread
    told: Mapping[str, Value] = options if isinstance(options, dict) else {}
    if last == "create" or (last == "save" and told):
        yield from _made(name, told, calls[:-1])
        return
    for each in calls:
        if each.name not in _DOES:
            yield _change(each, name)


def _made(name: str, told: Mapping[str, Value], calls: list[Call]) -> Iterator[Change]:
    own = told.get("id", True)
    columns = [Column(own if isinstance(own, str) else "id", "serial", False, True, True)] if own is not False else []
    more: list[str] = []
    for each in calls:
        if each.name in {"addColumn", "addTimestamps"}:
            columns += [_column(each, null=True)] if each.name == "addColumn" else _stamps()
        elif each.name in {"addIndex", "addForeignKey"}:
            more += _change(each, name).sql if each.name == "addIndex" else ()
        elif each.name != "insert":
            raise Unread
    yield Change((created(name, columns), *more), (f"DROP TABLE {table_name(name)}",))


def _stamps() -> list[Column]:
    return [Column("created_at", "timestamp", False, True), Column("updated_at", "timestamp", True)]


def _change(call: Call, table: str) -> Change:
    """What one call of a chain does to a table that is there."""
    at = altered(table)
    match call.name:
        case "addColumn":
            each = _column(call, null=None)
            return Change((f"{at} ADD COLUMN {each.definition}",), (f"{at} DROP COLUMN {quoted(each.name)}",))
        case "addTimestamps":
            added = tuple(f"{at} ADD COLUMN {each.definition}" for each in _stamps())
            return Change(added, tuple(f"{at} DROP COLUMN {quoted(each.name)}" for each in _stamps()))
        case "removeColumn":
            return Change((f"{at} DROP COLUMN {quoted(call.text(0))}",), None)
        case "renameColumn":
            old, new = quoted(call.text(0)), quoted(call.text(1))
            return Change((f"{at} RENAME COLUMN {old} TO {new}",), (f"{at} RENAME COLUMN {new} TO {old}",))
        case "changeColumn":
            each = _column(call, null=None)
            return Change(tuple(becomes(table, each, null=each.null, default=True if each.default else None)), None)
        case "rename" | "renameTable":
            new = call.text(0)
            back = f"{altered(new)} RENAME TO {quoted(table)}"
            return Change((f"{at} RENAME TO {quoted(new)}",), (back,))
        case "drop":
            return Change((f"DROP TABLE {table_name(table)}",), None)
        case "addIndex":
            return _index(call, table)
        case "removeIndex" | "removeIndexByName":
            listed = call.texts(0)
            own = listed[0] if call.name == "removeIndexByName" else "_".join((table, *listed))
            return Change((f"DROP INDEX {quoted(own)}",), None)
        case "addForeignKey":
            return _key(call, table)
        case "dropForeignKey":
            own = quoted("_".join((table, *call.texts(0))))
            return Change((f"{at} DROP CONSTRAINT {own}",), None)
        case "insert":
            return Change((f"INSERT INTO {table_name(table)} DEFAULT VALUES",), None)
        case "truncate":
            return Change((f"TRUNCATE {table_name(table)}",), None)
    raise Unread


def _options(call: Call, at: int) -> Mapping[str, Value]:
    given = call.args[at] if len(call.args) > at else {}
    if given == ():
        return {}
    if not isinstance(given, dict) or "**" in given:
        raise Unread
    return given


def _column(call: Call, *, null: bool | None) -> Column:
    """A column; ``null``: whether one may be empty that does not say so, ``None`` where that is not known."""
    told = _options(call, 2)
    kind = call.value(1)
    own = told.get("null", null)
    filled = told.get("default") is not None or told.get("identity") is True
    if own is None and filled:
        own = False
    if not isinstance(own, bool) or not isinstance(kind, str):
        raise Unread
    size = told.get("limit", told.get("precision"))
    size = 255 if kind == "string" and size is None else size
    return Column(call.text(0), type_of(kind, size, told.get("scale"), call.line), own, filled)


def _index(call: Call, table: str) -> Change:
    told, columns = _options(call, 1), call.texts(0)
    named = told.get("name")
    own = named if isinstance(named, str) else "_".join((table, *columns))
    unique = told.get("unique") is True
    return Change((index(table, columns, own, unique=unique),), (f"DROP INDEX {quoted(own)}",))


def _key(call: Call, table: str) -> Change:
    columns, other = call.texts(0), call.text(1)
    told = _options(call, 3)
    named = told.get("constraint")
    own = quoted(named if isinstance(named, str) else "_".join((table, *columns)))
    listed = ", ".join(quoted(each) for each in columns)
    made = f"{altered(table)} ADD CONSTRAINT {own} FOREIGN KEY ({listed}) REFERENCES {table_name(other)}"
    return Change((made,), (f"{altered(table)} DROP CONSTRAINT {own}",))
