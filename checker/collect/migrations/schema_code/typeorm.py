"""What TypeORM's migrations do to a schema by their query runner's own methods.

Sources: TypeORM documentation, "Query Runner API" and "Migrations"; its interface ``TableColumnOptions``: a column may
not be empty unless ``isNullable`` says so; ``changeColumn`` drops and adds a column whose type or length is another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.revisions.columns import Column, Unread, quoted
from checker.collect.migrations.schema_code.columns import altered, becomes, created, index, table_name, type_of
from checker.collect.migrations.schema_code.languages.calls import UNREAD, Call, Value
from checker.collect.migrations.schema_code.schemas import queries

# Questions, and what has to do with transactions that the runner makes itself.
_ASKS: Final = frozenset({"getTable", "hasTable", "hasColumn", "hasSchema", "changeTableComment", "getTables"})
_KEYS: Final = {
    "createUniqueConstraint": "UNIQUE", "createUniqueConstraints": "UNIQUE", "createCheckConstraint": "CHECK",
    "createCheckConstraints": "CHECK", "createForeignKey": "FOREIGN KEY", "createForeignKeys": "FOREIGN KEY",
}  # fmt: skip
_GONE: Final = frozenset(
    {"dropUniqueConstraint", "dropUniqueConstraints", "dropCheckConstraint", "dropCheckConstraints", "dropForeignKey",
     "dropForeignKeys", "dropExclusionConstraint", "dropExclusionConstraints", "dropPrimaryKey"}
)  # fmt: skip


def typeorm(call: Call) -> Iterator[Change]:
    """A call of a TypeORM migration."""
    runner = isinstance(call.of, Call) and call.of.bare and call.of.of is None
    if call.bare or not runner or call.name in {"query", "sql"}:
        yield from queries(call)
    elif call.name not in _ASKS:
        yield Change(tuple(_done(call)))


def _done(call: Call) -> Iterator[str]:
    name = call.name
    if name == "createTable":
        yield from _table(_options(call.value(0)), exists=call.value(1) is True)
        return
    if name in {"createView", "dropView", "createSchema", "dropSchema", "clearTable", "createDatabase", "dropDatabase"}:
        yield _whole(name, call)
        return
    if call.args and isinstance(call.args[0], Call) and call.args[0].bare:
        raise Unread
    table = _named(call.value(0))
    at = altered(table)
    if name == "dropTable":
        yield f"DROP TABLE {'IF EXISTS ' if call.value(1) is True else ''}{table_name(table)}"
    elif name == "renameTable":
        yield f"{at} RENAME TO {quoted(call.text(1).rpartition('.')[2])}"
    elif name in {"addColumn", "addColumns"}:
        yield from (f"{at} ADD COLUMN {_column(each, call.line).definition}" for each in _several(call.value(1)))
    elif name in {"dropColumn", "dropColumns"}:
        yield from (f"{at} DROP COLUMN {quoted(_named(each))}" for each in _several(call.value(1)))
    elif name == "renameColumn":
        yield f"{at} RENAME COLUMN {quoted(_named(call.value(1)))} TO {quoted(_named(call.value(2)))}"
    elif name in {"changeColumn", "changeColumns"}:
        pairs = [(call.value(1), call.value(2))] if name == "changeColumn" else _pairs(call.value(1))
        for old, new in pairs:
            yield from _changed(table, _named(old), _column(new, call.line))
    elif name in {"createIndex", "createIndices"}:
        yield from (_index(table, _options(each)) for each in _several(call.value(1)))
    elif name in {"dropIndex", "dropIndices"}:
        yield from (f"DROP INDEX {quoted(_named(each))}" for each in _several(call.value(1)))
    elif name in _KEYS:
        yield from (_key(at, _KEYS[name], _options(each)) for each in _several(call.value(1)))
    elif name == "createPrimaryKey":
        yield f"{at} ADD CONSTRAINT {quoted(f'{table}_pkey')} PRIMARY KEY ({_listed(call.texts(1))})"
    elif name in _GONE:
        given = _several(call.value(1)) if name != "dropPrimaryKey" else (f"{table}_pkey",)
        yield from (f"{at} DROP CONSTRAINT {quoted(_named(each))}" for each in given)
    else:
        raise Unread


def _whole(name: str, call: Call) -> str:
    given = call.value(0)
    own = table_name(_named(given))
    if name == "createView":
        return f"CREATE VIEW {own} AS SELECT 1"
    if name == "clearTable":
        return f"TRUNCATE {own}"
    does, what = ("CREATE", name.removeprefix("create")) if name.startswith("create") else ("DROP", name[4:])
    return f"{does} {what.upper()} {own}"


def _options(given: Value) -> Mapping[str, Value]:
    """What describes a table, a column or a key: an object, or what it is made of."""
    told = given.args[0] if isinstance(given, Call) and not given.bare and len(given.args) == 1 else given
    if not isinstance(told, dict) or "**" in told:
        raise Unread
    return told


def _named(given: Value) -> str:
    """A name, or that of what an object describes."""
    found = given if isinstance(given, str) else _options(given).get("name")
    if not isinstance(found, str):
        raise Unread
    return found


def _several(given: Value) -> tuple[Value, ...]:
    found = given if isinstance(given, tuple) else (given,)
    if not found or UNREAD in found or None in found:
        raise Unread
    return found


def _pairs(given: Value) -> list[tuple[Value, Value]]:
    each = [_options(one) for one in _several(given)]
    return [(one.get("oldColumn"), one.get("newColumn")) for one in each]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(quoted(each) for each in names)


def _table(told: Mapping[str, Value], *, exists: bool) -> Iterator[str]:
    name, columns = told.get("name"), told.get("columns", ())
    if not isinstance(name, str) or not isinstance(columns, tuple):
        raise Unread
    schema = told.get("schema")
    name = f"{schema}.{name}" if isinstance(schema, str) else name
    yield created(name, [_column(each, 0) for each in columns], exists=exists)
    indices = told.get("indices", ())
    yield from (_index(name, _options(each)) for each in (indices if isinstance(indices, tuple) else ()))


def _column(given: Value, line: int) -> Column:
    told = _options(given)
    name, null = told.get("name"), told.get("isNullable", False)
    if not isinstance(name, str) or not isinstance(null, bool):
        raise Unread
    made = told.get("isGenerated") is True or "generationStrategy" in told or "generatedType" in told
    default = told.get("default")
    key = told.get("isPrimary") is True
    return Column(name, _type(told, line), null, made or default is not None, key, told.get("isUnique") is True)


def _type(told: Mapping[str, Value], line: int) -> str:
    kind, length = told.get("type"), told.get("length")
    if not isinstance(kind, str) or told.get("enum") is not None or told.get("isArray") is True:
        return quoted(f"type of {told.get('name')} in line {line}")
    size = int(length) if isinstance(length, str) and length.isdigit() else length
    size, scale = (told.get("precision"), told.get("scale")) if size is None else (size, None)
    word, _, rest = kind.partition("(")
    inner = rest.rstrip(")").partition(",")[0].strip()
    size = int(inner) if inner.isdigit() else size
    names = {"character varying": "varchar", "timestamp with time zone": "timestamptz", "double precision": "double"}
    return type_of(names.get(word.strip().lower(), word.strip()), size, scale, line)


def _changed(table: str, old: str, column: Column) -> Iterator[str]:
    """A column that becomes another one. Whether it is made anew, without what it held, depends on its old type: what
    it is for code that writes it is told where it must not be empty, or is renamed."""
    if column.null and column.name == old:
        raise Unread
    if column.name != old:
        yield f"{altered(table)} RENAME COLUMN {quoted(old)} TO {quoted(column.name)}"
    yield from becomes(table, column, null=column.null, default=True if column.default else None)


def _index(table: str, told: Mapping[str, Value]) -> str:
    columns, name = told.get("columnNames"), told.get("name")
    if not isinstance(columns, tuple) or not all(isinstance(each, str) for each in columns):
        raise Unread
    apart = told.get("isConcurrent") is True
    made = index(table, columns, "", unique=told.get("isUnique") is True, apart=apart)
    return made.replace('"" ON', f"{quoted(name)} ON" if isinstance(name, str) else "ON", 1)


def _key(at: str, kind: str, told: Mapping[str, Value]) -> str:
    name = told.get("name")
    begin = f"{at} ADD {f'CONSTRAINT {quoted(name)} ' if isinstance(name, str) else ''}{kind}"
    if kind == "CHECK":
        return f"{begin} ({told.get('expression')})"
    columns, other = told.get("columnNames"), told.get("referencedTableName")
    if not isinstance(columns, tuple) or not all(isinstance(each, str) for each in columns):
        raise Unread
    if kind == "UNIQUE":
        return f"{begin} ({_listed(columns)})"
    if not isinstance(other, str):
        raise Unread
    return f"{begin} ({_listed(columns)}) REFERENCES {table_name(other)}"
