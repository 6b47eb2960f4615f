"""What Knex's and Laravel's migrations do to a schema, and the tools' whose migrations send SQL of their own.

Sources: Knex documentation, "Migrations" and "Schema Builder"; Laravel documentation, "Database: Migrations"; TypeORM
documentation, "Migrations" (``queryRunner.query``); Doctrine Migrations documentation, "Migration Classes"
(``addSql``); Sequelize documentation, "Migrations" and "Query Interface".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, TypeAlias

from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.frameworks.conditions import of_where
from checker.collect.migrations.revisions.columns import NOT_TOLD, Column, Unread, quoted
from checker.collect.migrations.schema_code.builders import IMPLIED, Builder, changed, made
from checker.collect.migrations.schema_code.columns import (
    altered,
    becomes,
    created,
    enum_of,
    index,
    table_name,
    type_of,
)
from checker.collect.migrations.schema_code.languages.calls import UNREAD, Body, Call, Value, flattened

Changes: TypeAlias = "Iterator[tuple[Change, int]]"

_KNEX: Final = Builder(null=True)
_LARAVEL: Final = Builder(null=False)
_MAKES: Final = frozenset({"createTable", "createTableIfNotExists", "create"})
_ALTERS: Final = frozenset({"alterTable", "table"})
_DROPS: Final = frozenset({"dropTable", "dropTableIfExists", "drop", "dropIfExists"})
_VIEWS_GO: Final = frozenset({"dropView", "dropViewIfExists", "dropMaterializedView", "dropMaterializedViewIfExists"})
_VIEWS: Final = {
    "createView": "CREATE VIEW", "createViewOrReplace": "CREATE OR REPLACE VIEW",
    "createMaterializedView": "CREATE MATERIALIZED VIEW",
}  # fmt: skip
_QUERIES: Final = frozenset({"raw", "query", "statement", "unprepared", "addSql", "executeStatement"})
_WITH_TEXT: Final = frozenset({"insert", "update", "delete", "select", "affectingStatement"})  # of Laravel's DB
_AROUND: Final = frozenset({"Schema", "schema", "connection", "withSchema", "DB", "knex", "queryRunner", "this"})
_SILENT: Final = frozenset(
    {
        "enableForeignKeyConstraints",
        "disableForeignKeyConstraints",
        "abortIf",
        "skipIf",
        "warnIf",
        "write",
        "getTable",
        "hasTable",
        "hasColumn",
    }
)
_ROWS: Final = {
    "insert": "INSERT INTO {} DEFAULT VALUES", "insertGetId": "INSERT INTO {} DEFAULT VALUES",
    "update": "UPDATE {} SET {}", "del": "DELETE FROM {}", "delete": "DELETE FROM {}", "truncate": "TRUNCATE {}",
}  # fmt: skip
_READS: Final = frozenset(
    {
        "where",
        "whereNull",
        "whereNotNull",
        "whereIn",
        "returning",
        "onConflict",
        "ignore",
        "into",
        "from",
        "orWhere",
        "andWhere",
        "whereNot",
    }
)


def of_body(body: Body, make: Callable[[Call], Iterator[Change]]) -> Changes:
    """What code does, call after call; a call that is not understood may do anything."""
    for each in flattened(body.calls):
        try:
            found = [*make(each)]
        except Unread:
            found = [Change(code=f"{each.name}(...)" if each.name else "code", back=None)]
        yield from ((one, each.line) for one in found)


def knex(call: Call) -> Iterator[Change]:
    """A call of a Knex migration."""
    yield from _schema(call, _KNEX)


def laravel(call: Call) -> Iterator[Change]:
    """A call of a Laravel migration."""
    yield from _schema(call, _LARAVEL)


def _schema(call: Call, builder: Builder) -> Iterator[Change]:
    for each in call.chain():
        yield from _step(each, call, builder)


def _step(call: Call, whole: Call, builder: Builder) -> Iterator[Change]:
    name, body = call.name, call.body
    if call.bare or name in _SILENT or (name in _AROUND and body is None and name not in _ALTERS):
        return
    if name in _MAKES and body is not None:
        yield Change(tuple(made(call.text(0), body, builder, exists=name == "createTableIfNotExists")))
    elif name in _ALTERS and body is not None:
        for line in body.calls:
            try:
                yield Change(tuple(changed(line, call.text(0), builder)))
            except Unread:
                yield Change(code=f"{line.name or 'code'}(...)", back=None)
    elif name in _DROPS:
        exists = "IF EXISTS " if "IfExists" in name else ""
        yield Change((f"DROP TABLE {exists}{table_name(call.text(0))}",))
    elif name in _VIEWS_GO:
        exists = "IF EXISTS " if "IfExists" in name else ""
        yield Change((f"DROP {'MATERIALIZED ' * ('Mat' in name)}VIEW {exists}{table_name(call.text(0))}",))
    elif name in _VIEWS and body is not None:
        yield Change((f"{_VIEWS[name]} {table_name(call.text(0))} AS SELECT what_it_shows()",))
    elif name in {"renameTable", "rename"}:
        yield Change((f"{altered(call.text(0))} RENAME TO {quoted(call.text(1))}",))
    elif name == "dropColumns" and len(call.args) > 1:
        yield Change(tuple(f"{altered(call.text(0))} DROP COLUMN {quoted(each)}" for each in call.texts(1)))
    elif name == "transaction" and body is not None:
        for each, _ in of_body(body, partial(_schema, builder=builder)):
            yield each
    elif name in _QUERIES or (name in _WITH_TEXT and isinstance(call.of, Call) and call.of.name == "DB"):
        yield Change((_plain(call),))
    elif name in _ROWS:
        yield Change((_rows(call, whole),))
    elif name in _READS or (name == "table" and call.args) or (name in {"knex", "trx"} and call.args):
        return  # the query's words; what it does to the rows is told by the one above
    else:
        raise Unread


def _plain(call: Call) -> str:
    """A statement's text. What stands for a value that is handed over with it may be any."""
    text = call.text(0)
    if len(call.args) > 1 and call.args[1] not in ((), None):
        text = text.replace("??", '"a name"').replace("?", "NULL")
    return text


def _rows(call: Call, whole: Call) -> str:
    names = [each for each in whole.chain() if each.name in {"knex", "trx", "table", "into", "from"} and each.args]
    table = names[0].text(0) if names else ""
    if not table:
        raise Unread
    given = call.args[0] if call.args else None
    keys = [each for each in given if each != "**"] if isinstance(given, dict) else []
    written = ", ".join(f"{quoted(each)} = NULL" for each in keys) or '"some of it" = NULL'
    return _ROWS[call.name].format(table_name(table), written)


def queries(call: Call) -> Iterator[Change]:
    """A call of a migration that sends SQL: of TypeORM or of Doctrine."""
    names = [each.name for each in call.chain() if not each.bare]
    if len(names) == 1 and names[0] in _SILENT:
        return
    if len(names) != 1 or names[0] not in _QUERIES:
        raise Unread
    yield Change((_plain(call),))


# -- Sequelize -----------------------------------------------------------------------------------


def sequelize(call: Call) -> Iterator[Change]:
    """A call of a Sequelize migration: of its query interface."""
    names = [each.name for each in call.chain() if not each.bare]
    if names == ["transaction"] and call.body is not None:
        for each, _ in of_body(call.body, sequelize):
            yield each
        return
    if len(names) != 1:
        raise Unread
    yield Change(tuple(_interface(call)))


def _interface(call: Call) -> Iterator[str]:
    name = call.name
    if name == "query":
        yield call.text(0)
        return
    if name in {"bulkInsert", "bulkDelete", "bulkUpdate"}:
        written = _attributes(call.args[1]) if len(call.args) > 1 else ""
        yield _ROWS[name.removeprefix("bulk").lower()].format(table_name(call.text(0)), written)
        return
    table = call.text(0)
    if name == "createTable":
        given = call.value(1)
        if not isinstance(given, dict):
            raise Unread
        yield created(table, [_attribute(key, value, call.line) for key, value in given.items()])
    elif name == "dropTable":
        yield f"DROP TABLE {table_name(table)}"
    elif name == "renameTable":
        yield f"{altered(table)} RENAME TO {quoted(call.text(1))}"
    elif name == "addColumn":
        yield f"{altered(table)} ADD COLUMN {_attribute(call.text(1), call.value(2), call.line).definition}"
    elif name == "removeColumn":
        yield f"{altered(table)} DROP COLUMN {quoted(call.text(1))}"
    elif name == "renameColumn":
        yield f"{altered(table)} RENAME COLUMN {quoted(call.text(1))} TO {quoted(call.text(2))}"
    elif name == "changeColumn":
        column, given = _attribute(call.text(1), call.value(2), call.line), call.value(2)
        null = given.get("allowNull") if isinstance(given, dict) else None
        default = True if isinstance(given, dict) and "defaultValue" in given else None
        yield from becomes(table, column, null=null if isinstance(null, bool) else None, default=default)
        if default is None:
            yield f"{altered(table)} ALTER COLUMN {quoted(column.name)} DROP DEFAULT{IMPLIED}"
    elif name in {"addIndex", "removeIndex"}:
        yield _index(call, table)
    elif name == "removeConstraint":
        yield f"{altered(table)} DROP CONSTRAINT {quoted(call.text(1))}"
    elif name == "addConstraint":
        yield _constraint(call, table)
    else:
        raise Unread


def _attributes(given: Value) -> str:
    keys = [each for each in given if each != "**"] if isinstance(given, dict) else []
    return ", ".join(f"{quoted(each)} = NULL" for each in keys) or '"some of it" = NULL'


def _attribute(name: str, given: Value, line: int) -> Column:
    """A column as Sequelize describes one: a type alone, or a mapping. It may be empty unless told otherwise."""
    told: Mapping[str, Value] = given if isinstance(given, dict) else {"type": given}
    kind, null = told.get("type", UNREAD), told.get("allowNull")
    if "**" in told or null is UNREAD:
        raise Unread
    size = kind.args[0] if isinstance(kind, Call) and kind.args else None
    word = kind.name.lower() if isinstance(kind, Call) else kind.lower() if isinstance(kind, str) else ""
    word, size = ("timestamptz", None) if word == "date" else ("date", None) if word == "dateonly" else (word, size)
    size = 255 if word == "string" and size is None else size
    if word == "enum" and isinstance(kind, Call) and (listed := _values(kind, told)):
        word, size = listed, None
    filled = told.get("defaultValue") is not None or told.get("autoIncrement") is True
    key = told.get("primaryKey") is True
    return Column(name, type_of(word, size, None, line), null is not False, filled, key, told.get("unique") is True)


def _values(kind: Call, told: Mapping[str, Value]) -> str:
    """The type of ``ENUM('a', 'b')``, ``ENUM(['a'])`` or ``{ type: ENUM, values: ['a'] }``; empty where a value is not
    told."""
    first = kind.args[0] if kind.args else told.get("values")
    given = first if isinstance(first, tuple) else kind.args
    return enum_of(given)


def _index(call: Call, table: str) -> str:
    given = call.value(1)
    options = call.args[2] if len(call.args) > 2 and isinstance(call.args[2], dict) else call.named
    listed = given if isinstance(given, tuple) else options.get("fields", ())
    columns = tuple(each if isinstance(each, str) else "(it)" for each in listed) if isinstance(listed, tuple) else ()
    named = options.get("name", given)
    own = named if isinstance(named, str) else "_".join((table, *columns)).lower()
    apart = "CONCURRENTLY " if options.get("concurrently") is True else ""
    if call.name == "removeIndex":
        return f"DROP INDEX {apart}{quoted(own)}"
    unique = options.get("unique") is True or options.get("type") == "UNIQUE"
    return index(table, columns or ("(it)",), own, unique=unique, apart=bool(apart))


def _condition(where: Value, line: int) -> str:
    try:
        return of_where(where)
    except Unread:
        return f"{NOT_TOLD}{line}()"


def _constraint(call: Call, table: str) -> str:
    given = call.value(1)
    fields, kind = (given.get("fields"), given.get("type")) if isinstance(given, dict) else (None, None)
    if not isinstance(fields, tuple) or not isinstance(kind, str) or not isinstance(given, dict):
        raise Unread
    listed = ", ".join(quoted(str(each)) for each in fields)
    own = given.get("name")
    name = quoted(own if isinstance(own, str) else f"{table}_{'_'.join(map(str, fields))}_{kind.replace(' ', '_')}")
    begin = f"{altered(table)} ADD CONSTRAINT {name}"
    if kind == "foreign key":
        to = given.get("references")
        other = to.get("table") if isinstance(to, dict) else None
        if not isinstance(other, str):
            raise Unread
        return f"{begin} FOREIGN KEY ({listed}) REFERENCES {table_name(other)}"
    if kind in {"unique", "primary key"}:
        return f"{begin} {kind.upper()} ({listed})"
    if kind == "check":
        return f"{begin} CHECK ({_condition(given.get('where'), call.line)})"
    raise Unread
