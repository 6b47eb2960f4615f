"""What node-pg-migrate's migrations do to a schema, and what it makes of them where they have no ``down``.

Source: node-pg-migrate documentation, "Defining Migrations" ("If ``exports.down`` is not present ..., node-pg-migrate
will try to automatically infer the operations", ``false`` for what cannot be undone), "Tables", "Columns",
"Constraints", "Indexes", "Types", "Misc".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.revisions.columns import Column, Unread, quoted
from checker.collect.migrations.schema_code.columns import altered, created, index, table_name
from checker.collect.migrations.schema_code.languages.calls import UNREAD, Call, Value

_NOTHING: Final = frozenset({"noTransaction", "comment"})
_TYPE: Final = lazy_re.compile(r"[A-Za-z][\w ]*(?:\(\d+(?:,\s*\d+)?\))?(?:\[\])*")
_ADAPTED: Final = {"string": "text", "float": "real", "datetime": "timestamp", "double": "double precision"}
_FILLED: Final = frozenset({"sequenceGenerated", "generated", "expressionGenerated"})
_CONSTRAINTS: Final = (("primaryKey", "PRIMARY KEY"), ("unique", "UNIQUE"))
# What is made and dropped by its name alone.
_NAMED: Final = {"Schema": "SCHEMA", "Extension": "EXTENSION", "Sequence": "SEQUENCE", "Domain": "DOMAIN"}


def pg_migrate(call: Call) -> Iterator[Change]:
    """A call of a node-pg-migrate migration: of its ``pgm``."""
    if call.bare or not (isinstance(call.of, Call) and call.of.bare and call.of.of is None):
        raise Unread
    if call.name not in _NOTHING:
        yield from _change(call)


def _change(call: Call) -> Iterator[Change]:
    name = call.name
    if name == "sql":
        if len(call.args) > 1:
            raise Unread
        yield Change((call.text(0),), None)
    elif name in {"createView", "createMaterializedView"}:
        yield Change((f"CREATE VIEW {_table(call)} AS SELECT 1",), (f"DROP VIEW {_table(call)}",))
    elif name in {"dropView", "dropMaterializedView"}:
        yield Change((f"DROP VIEW {_table(call)}",), None)
    elif name in {"createType", "addType"}:
        yield Change((f"CREATE TYPE {_table(call)} AS ENUM ()",), (f"DROP TYPE {_table(call)}",))
    elif name in {"dropType", "renameType", "addTypeValue", "renameTypeValue"}:
        yield _of_type(call)
    elif (kind := _NAMED.get(name.removeprefix("create").removeprefix("drop"))) is not None and name[:4] in {
        "crea",
        "drop",
    }:
        does = f"{'DROP' if name.startswith('drop') else 'CREATE'} {kind} "
        own = _table(call) + (" AS text" if kind == "DOMAIN" and does.startswith("CREATE") else "")
        yield Change((does + own,), None if name.startswith("drop") else (f"DROP {kind} {_table(call)}",))
    else:
        yield from _of_table(call)


def _of_type(call: Call) -> Change:
    own = _table(call)
    if call.name == "dropType":
        return Change((f"DROP TYPE {own}",), None)
    if call.name == "addTypeValue":
        return Change((f"ALTER TYPE {own} ADD VALUE 'it'",), None)
    if call.name == "renameTypeValue":
        return Change((f"ALTER TYPE {own} RENAME VALUE 'a' TO 'b'",), None)
    new = call.text(1)
    return Change((f"ALTER TYPE {own} RENAME TO {quoted(new)}",), (f"ALTER TYPE {quoted(new)} RENAME TO {own}",))


def _of_table(call: Call) -> Iterator[Change]:
    name, own = call.name, _name(call.value(0))
    at = altered(own)
    given = call.args[-1] if len(call.args) > 1 and isinstance(call.args[-1], dict) else {}
    if name == "createTable":
        columns = [_column(key, each) for key, each in _mapping(call.value(1)).items()]
        made = created(own, columns, exists=len(call.args) > 2 and given.get("ifNotExists") is True)
        yield Change((made,), (f"DROP TABLE {table_name(own)}",))
    elif name == "dropTable":
        yield Change((f"DROP TABLE {'IF EXISTS ' if given.get('ifExists') is True else ''}{table_name(own)}",), None)
    elif name == "renameTable":
        new = _name(call.value(1))
        back = f"{altered(new)} RENAME TO {quoted(own.rpartition('.')[2])}"
        yield Change((f"{at} RENAME TO {quoted(new.rpartition('.')[2])}",), (back,))
    elif name in {"addColumns", "addColumn"}:
        for key, each in _mapping(call.value(1)).items():
            dropped = f"{at} DROP COLUMN {quoted(key)}"
            yield Change((f"{at} ADD COLUMN {_column(key, each).definition}",), (dropped,))
    elif name in {"dropColumns", "dropColumn"}:
        listed = call.value(1)
        names = tuple(listed) if isinstance(listed, dict) else call.texts(1)
        yield Change(tuple(f"{at} DROP COLUMN {quoted(each)}" for each in names), None)
    elif name == "renameColumn":
        old, new = quoted(call.text(1)), quoted(call.text(2))
        yield Change((f"{at} RENAME COLUMN {old} TO {new}",), (f"{at} RENAME COLUMN {new} TO {old}",))
    elif name == "alterColumn":
        yield Change(tuple(_altered(at, call.text(1), _mapping(call.value(2)))), None)
    elif name in {"createIndex", "addIndex", "dropIndex"}:
        yield _index(call, own, call.args[2] if len(call.args) > 2 else {})
    elif name in {"addConstraint", "createConstraint"}:
        yield _constraint(call, at)
    elif name == "dropConstraint":
        yield Change((f"{at} DROP CONSTRAINT {quoted(call.text(1))}",), None)
    else:
        raise Unread


def _name(given: Value) -> str:
    """A name, with its schema or without."""
    if isinstance(given, dict):
        schema, own = given.get("schema"), given.get("name")
        given = f"{schema}.{own}" if isinstance(schema, str) and isinstance(own, str) else own
    if not isinstance(given, str):
        raise Unread
    return given


def _table(call: Call) -> str:
    return table_name(_name(call.value(0)))


def _mapping(given: Value) -> Mapping[str, Value]:
    if not isinstance(given, dict) or not given or "**" in given:
        raise Unread
    return given


def _type(written: Value) -> str:
    if not isinstance(written, str) or _TYPE.fullmatch(written) is None:
        raise Unread
    return _ADAPTED.get(written.lower(), written)


def type_as_written(written: Value, line: int) -> str:
    """A type in PostgreSQL's own words; one that is not written out is a type of its own."""
    return written if isinstance(written, str) and _TYPE.fullmatch(written) else quoted(f"type of line {line}")


def _column(name: str, given: Value) -> Column:
    """A column by its type alone, or by a mapping. It may be empty unless told otherwise."""
    if given == "id":  # the tool's own shorthand
        return Column(name, "serial", False, True, True)
    told = {"type": given} if isinstance(given, str) else _mapping(given)
    required = told.get("notNull", False)
    if not isinstance(required, bool) or any(told.get(each) is UNREAD for each in ("primaryKey", "unique")):
        raise Unread
    kind = told.get("type")
    if kind == "id":
        return Column(name, "serial", False, True, True)
    filled = told.get("default") is not None or any(told.get(each) for each in _FILLED)
    key = told.get("primaryKey") is True
    return Column(name, _type(kind), not required, filled, key, bool(told.get("unique")))


def _altered(at: str, name: str, told: Mapping[str, Value]) -> Iterator[str]:
    column = f"{at} ALTER COLUMN {quoted(name)}"
    if "default" in told:
        yield f"{column} DROP DEFAULT" if told["default"] is None else f"{column} SET DEFAULT (now())"
    if "type" in told:
        yield f"{column} TYPE {_type(told['type'])}" + (f" USING ({quoted(name)}::text)" if "using" in told else "")
    required = told.get("notNull", not told["allowNull"] if isinstance(told.get("allowNull"), bool) else None)
    if required is not None:
        if not isinstance(required, bool):
            raise Unread
        yield f"{column} {'SET' if required else 'DROP'} NOT NULL"
    if _FILLED & {*told}:
        raise Unread


def _index(call: Call, table: str, given: Value) -> Change:
    told = given if isinstance(given, dict) else {}
    listed = call.value(1)
    columns = tuple(
        each if isinstance(each, str) else str(each.get("name")) if isinstance(each, dict) else "(it)"
        for each in (listed if isinstance(listed, tuple) else (listed,))
    )
    if "**" in told or any(told.get(each) is UNREAD for each in ("unique", "concurrently")):
        raise Unread
    unique, apart = told.get("unique") is True, told.get("concurrently") is True
    end = "_unique_index" if unique else "_index"
    named = told.get("name")
    own = named if isinstance(named, str) else "_".join((table.rpartition(".")[2], *columns)) + end
    dropped = f"DROP INDEX {'CONCURRENTLY ' if apart else ''}{quoted(own)}"
    if call.name == "dropIndex":
        return Change((dropped,), None)
    return Change((index(table, columns, own, unique=unique, apart=apart),), (dropped,))


def _constraint(call: Call, at: str) -> Change:
    given, name = call.value(2), call.args[1] if len(call.args) > 1 else None
    begin = f"{at} ADD " + (f"CONSTRAINT {quoted(name)} " if isinstance(name, str) else "")
    back = (f"{at} DROP CONSTRAINT {quoted(name)}",) if isinstance(name, str) else None
    if isinstance(given, str):
        return Change((begin + given,), back)
    told = _mapping(given)
    for word, sql in _CONSTRAINTS:
        if word in told:
            listed = told[word] if isinstance(told[word], tuple) else (told[word],)
            if not all(isinstance(each, str) for each in listed):
                raise Unread
            return Change((f"{begin}{sql} ({', '.join(quoted(each) for each in listed)})",), back)
    if isinstance(told.get("check"), str):
        return Change((f"{begin}CHECK ({told['check']})",), back)
    keys = told.get("foreignKeys")
    each = keys[0] if isinstance(keys, tuple) and len(keys) == 1 else keys
    if isinstance(each, dict) and isinstance(each.get("references"), str):
        columns = each.get("columns")
        names = columns if isinstance(columns, tuple) else (columns,)
        to = each["references"].partition("(")[0].strip().strip('"')
        if all(isinstance(one, str) for one in names):
            listed = ", ".join(quoted(one) for one in names)
            return Change((f"{begin}FOREIGN KEY ({listed}) REFERENCES {table_name(to)}",), back)
    raise Unread
