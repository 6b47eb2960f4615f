"""One operation of a Django migration as the SQL that it comes to, and as the SQL of its way back.

Sources: Django documentation, "Migration Operations" (what each does, and which can be undone), "PostgreSQL specific
database migration operations". Of AlterField only the new field stands in the file: what a field was before is told by
the migrations before it, :class:`State`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.frameworks.conditions import of_q
from checker.collect.migrations.frameworks.fields import column_of
from checker.collect.migrations.revisions.columns import NOT_TOLD, Column, Unread, called, constant, quoted

_NOTHING: Final = frozenset({"AlterModelOptions", "AlterModelManagers", "AlterModelTableComment", "noop"})
_EXTENSIONS: Final[Mapping[str, str]] = {
    "BloomExtension": "bloom", "BtreeGinExtension": "btree_gin", "BtreeGistExtension": "btree_gist",
    "CITextExtension": "citext", "CryptoExtension": "pgcrypto", "HStoreExtension": "hstore",
    "TrigramExtension": "pg_trgm", "UnaccentExtension": "unaccent", "VectorExtension": "vector",
}  # fmt: skip


class State(Struct):
    """The columns of an app's models so far, and which models no migration makes."""

    app: str
    columns: dict[tuple[str, str], Column] = field(default_factory=dict)
    unmanaged: set[str] = field(default_factory=set)
    unique: dict[str, str] = field(default_factory=dict)  # model -> its unique_together, as written

    def table(self, model: str) -> str:
        return quoted(f"{self.app}_{model.lower()}")


class _Given(Struct, frozen=True):
    call: ast.Call

    def value(self, at: int | None, name: str) -> ast.expr | None:
        if any(each.arg is None for each in self.call.keywords) or any(
            isinstance(each, ast.Starred) for each in self.call.args
        ):
            raise Unread
        if at is not None and at < len(self.call.args):
            return self.call.args[at]
        return next((each.value for each in self.call.keywords if each.arg == name), None)

    def text(self, at: int | None, name: str) -> str:
        found = self.value(at, name)
        told = constant(found, {}) if found is not None else None
        if not isinstance(told, str):
            raise Unread
        return told


def changes(call: ast.Call, state: State) -> Iterator[Change]:
    """What an operation comes to, in order. Raises :class:`Unread` where that does not stand in the file."""
    name, given = called(call), _Given(call)
    if name in _NOTHING:
        return
    if name in _EXTENSIONS or name == "CreateExtension":
        extension = _EXTENSIONS.get(name) or given.text(0, "name")
        yield Change((f"CREATE EXTENSION IF NOT EXISTS {quoted(extension)}",), ())
    elif name == "SeparateDatabaseAndState":
        yield from _separate(given, state)
    elif name == "RunSQL":
        yield _sql(given)
    elif name == "RunPython":
        back = given.value(1, "reverse_code")
        does = given.value(0, "code")
        if does is None or called(does) != "noop":
            yield Change(code="RunPython(...)", back=() if back is not None else None)
    else:
        yield from _of_model(name, given, state)


def _separate(given: _Given, state: State) -> Iterator[Change]:
    done, told = given.value(0, "database_operations"), given.value(1, "state_operations")
    for each in _calls(done):
        yield from changes(each, State(state.app, dict(state.columns), state.unmanaged, dict(state.unique)))
    for each in _calls(told):
        list(changes(each, state))


def _calls(listed: ast.expr | None) -> Iterator[ast.Call]:
    if listed is None:
        return
    if not isinstance(listed, ast.List | ast.Tuple):
        raise Unread
    for each in listed.elts:
        if not isinstance(each, ast.Call):
            raise Unread
        yield each


def _sql(given: _Given) -> Change:
    forwards, back = given.value(0, "sql"), given.value(1, "reverse_sql")
    if forwards is None:
        raise Unread
    return Change(_statements(forwards), _statements(back) if back is not None else None)


def _statements(written: ast.expr) -> tuple[str, ...]:
    """SQL as one text, or as a list of texts and of pairs of a text and its values."""
    if called(written) == "noop":
        return ()
    if isinstance(written, ast.List | ast.Tuple):
        each = [one.elts[0] if isinstance(one, ast.Tuple) and one.elts else one for one in written.elts]
        return tuple(text for one in each for text in _statements(one))
    told = constant(written, {})
    if not isinstance(told, str):
        raise Unread
    return (told,) if told.strip() else ()


def _of_model(name: str, given: _Given, state: State) -> Iterator[Change]:
    if name in {"CreateModel", "DeleteModel", "RenameModel", "AlterModelTable"}:
        yield from _of_table(name, given, state)
        return
    model = given.text(0, "name" if name == "AlterUniqueTogether" else "model_name").lower()
    if model in state.unmanaged:
        return
    table = f"ALTER TABLE {state.table(model)}"
    match name:
        case "AddField" | "AlterField" | "RemoveField" | "RenameField":
            yield from _of_field(name, given, state, model)
        case "AddIndex" | "AddIndexConcurrently":
            index = given.value(1, "index")
            yield _index(index, state.table(model), apart=name.endswith("Concurrently"))
        case "RemoveIndex" | "RemoveIndexConcurrently":
            apart = "CONCURRENTLY " if name.endswith("Concurrently") else ""
            yield Change((f"DROP INDEX {apart}{quoted(given.text(1, 'name'))}",), ())
        case "RenameIndex":
            yield Change()
        case "AddConstraint" | "AddConstraintNotValid":
            made = _constraint(given.value(1, "constraint"), late=name.endswith("NotValid"))
            yield Change((f"{table} ADD {made[1]}",), (f"{table} DROP CONSTRAINT {made[0]}",))
        case "ValidateConstraint":
            yield Change((f"{table} VALIDATE CONSTRAINT {quoted(given.text(1, 'name'))}",), ())
        case "RemoveConstraint":
            yield Change((f"{table} DROP CONSTRAINT {quoted(given.text(1, 'name'))}",), ())
        case "AlterUniqueTogether":
            yield from _together(given.value(1, "unique_together"), state, model)
        case _:
            raise Unread


def _of_table(name: str, given: _Given, state: State) -> Iterator[Change]:
    model = given.text(0, "old_name" if name == "RenameModel" else "name").lower()
    if name == "CreateModel":
        options = given.value(2, "options")
        if options is not None and _says_no_table(options):
            state.unmanaged.add(model)
            return
        columns = [_named(each) for each in _listed(given.value(1, "fields"))]
        for field_name, column in columns:
            state.columns[model, field_name] = column
        defined = ", ".join([*(column.definition for _, column in columns if column.type), *_checks(options)])
        yield Change((f"CREATE TABLE {state.table(model)} ({defined})",), (f"DROP TABLE {state.table(model)}",))
    elif model in state.unmanaged:
        return
    elif name == "DeleteModel":
        yield Change((f"DROP TABLE {state.table(model)}",), (f"CREATE TABLE {state.table(model)} ()",))
    elif name == "RenameModel":
        new = given.text(1, "new_name").lower()
        moved = {key: column for key, column in state.columns.items() if key[0] == model}
        state.columns.update({(new, key[1]): column for key, column in moved.items()})
        there, back = state.table(model), state.table(new)
        yield Change((f"ALTER TABLE {there} RENAME TO {back}",), (f"ALTER TABLE {back} RENAME TO {there}",))
    else:
        told = given.text(1, "table")
        yield Change((f"ALTER TABLE {state.table(model)} RENAME TO {quoted(told)}",), None)


def _says_no_table(options: ast.expr) -> bool:
    keys = options.keys if isinstance(options, ast.Dict) else []
    values = options.values if isinstance(options, ast.Dict) else []
    said = {
        key.value: value.value
        for key, value in zip(keys, values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
    }
    return said.get("managed") is False or said.get("proxy") is True


def _listed(written: ast.expr | None) -> list[ast.expr]:
    if not isinstance(written, ast.List | ast.Tuple):
        raise Unread
    return written.elts


def _named(written: ast.expr) -> tuple[str, Column]:
    if not isinstance(written, ast.Tuple) or len(written.elts) != 2:
        raise Unread
    name = constant(written.elts[0], {})
    if not isinstance(name, str):
        raise Unread
    return name, column_of(name, written.elts[1])


def _of_field(name: str, given: _Given, state: State, model: str) -> Iterator[Change]:
    table = f"ALTER TABLE {state.table(model)}"
    own = given.text(1, "old_name" if name == "RenameField" else "name")
    before = state.columns.get((model, own))
    if name == "RemoveField":
        state.columns.pop((model, own), None)
        dropped = before.name if before is not None else own
        back = f"{table} ADD COLUMN {before.definition}" if before is not None and before.type else ""
        yield Change((f"{table} DROP COLUMN {quoted(dropped)}",), (back,) if back else None)
    elif name == "RenameField":
        new = given.text(2, "new_name")
        if before is not None:
            state.columns[model, new] = state.columns.pop((model, own))
        one, other = quoted(own), quoted(new)
        yield Change((f"{table} RENAME COLUMN {one} TO {other}",), (f"{table} RENAME COLUMN {other} TO {one}",))
    else:
        written = given.value(2, "field")
        if written is None:
            raise Unread
        column = column_of(own, written)
        state.columns[model, own] = column
        if name == "AlterField":
            if before is None:
                raise Unread
            yield Change(tuple(_altered(table, before, column)), tuple(_altered(table, column, before)))
        elif not column.type:
            other = quoted(f"{state.app}_{model}_{own}")
            yield Change((f"CREATE TABLE {other} (id bigint)",), (f"DROP TABLE {other}",))
        else:
            yield Change((f"{table} ADD COLUMN {column.definition}",), (f"{table} DROP COLUMN {quoted(column.name)}",))


def _altered(table: str, old: Column, new: Column) -> Iterator[str]:
    """What makes one column of another; what only Python knows of a field (``choices``, ``default``) is none of it."""
    if not (old.type and new.type):
        raise Unread
    if old.name != new.name:
        yield f"{table} RENAME COLUMN {quoted(old.name)} TO {quoted(new.name)}"
    at = f"{table} ALTER COLUMN {quoted(new.name)}"
    if old.type != new.type:
        yield f"{at} TYPE {new.type}"
    if old.null != new.null:
        yield f"{at} {'DROP' if new.null else 'SET'} NOT NULL"
    if new.unique and not old.unique:
        yield f"{table} ADD UNIQUE ({quoted(new.name)})"


def _index(written: ast.expr | None, table: str, *, apart: bool) -> Change:
    if not isinstance(written, ast.Call):
        raise Unread
    given = _Given(written)
    name = quoted(given.text(None, "name"))
    columns = given.value(None, "fields")
    listed = constant(columns, {}) if columns is not None else ()
    named = [quoted(str(each).lstrip("-")) for each in listed] if isinstance(listed, tuple) and listed else ["(now())"]
    way = "CONCURRENTLY " if apart else ""
    return Change((f"CREATE INDEX {way}{name} ON {table} ({', '.join(named)})",), (f"DROP INDEX {way}{name}",))


def _constraint(written: ast.expr | None, *, late: bool) -> tuple[str, str]:
    """The quoted name of a constraint, and what is added to its table."""
    if not isinstance(written, ast.Call):
        raise Unread
    given, kind = _Given(written), called(written)
    name = quoted(given.text(None, "name"))
    if kind == "UniqueConstraint":
        columns = given.value(None, "fields")
        listed = constant(columns, {}) if columns is not None else ("some of it",)
        each = ", ".join(quoted(str(one)) for one in listed) if isinstance(listed, tuple) else ""
        return name, f"CONSTRAINT {name} UNIQUE ({each})"
    if kind == "CheckConstraint":
        condition = _condition(given)
        return name, f"CONSTRAINT {name} CHECK ({condition}){' NOT VALID' if late else ''}"
    raise Unread


def _condition(given: _Given) -> str:
    """What a constraint asks for (``condition``, which was called ``check`` before Django 5.1)."""
    asked = given.value(None, "condition") or given.value(None, "check")
    try:
        if asked is not None:
            return of_q(asked)
    except Unread:
        pass
    return f"{NOT_TOLD}{given.call.lineno}()"


def _checks(options: ast.expr | None) -> Iterator[str]:
    """The constraints of a new model that ask for a condition."""
    pairs = zip(options.keys, options.values, strict=True) if isinstance(options, ast.Dict) else ()
    for key, value in pairs:
        if isinstance(key, ast.Constant) and key.value == "constraints" and isinstance(value, ast.List | ast.Tuple):
            for each in value.elts:
                try:
                    made = _constraint(each, late=False)[1] if called(each) == "CheckConstraint" else ""
                except Unread:
                    continue  # the table is told without it
                yield from filter(None, [made])


def _together(written: ast.expr | None, state: State, model: str) -> Iterator[Change]:
    """``unique_together``: what it was before is taken away, what it is now added."""
    if not isinstance(written, ast.Set | ast.List | ast.Tuple | ast.Call | ast.Constant):
        raise Unread
    sets = written.elts if isinstance(written, ast.Set | ast.List | ast.Tuple) else []
    table = f"ALTER TABLE {state.table(model)}"
    before, state.unique[model] = state.unique.get(model, ""), ast.unparse(written)
    added = []
    for each in sets:
        columns = constant(each, {})
        if not isinstance(columns, tuple):
            raise Unread
        if str(columns) not in before:
            added.append(f"{table} ADD UNIQUE ({', '.join(quoted(str(one)) for one in columns)})")
    yield Change(tuple(added), ())
