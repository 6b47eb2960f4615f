"""One operation of Alembic as the SQL that it comes to on PostgreSQL.

Source: Alembic documentation, "Operation Reference"; of a batch the methods leave the table out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from msgspec import Struct

from checker.collect.migrations.revisions.columns import (
    Unread,
    constant,
    definition,
    pg_type,
    quoted,
    sql_text,
    type_sql,
)


def table_of(call: ast.Call, names: Mapping[str, ast.expr]) -> str:
    """The table that a call names first, with its schema."""
    return _Given(call, names, "").of(0)


class _Given(Struct, frozen=True):
    """The arguments of a call. ``batch`` is the table of the batch that it is a method of, and then it names none."""

    call: ast.Call
    names: Mapping[str, ast.expr]
    batch: str

    def value(self, at: int | None, name: str) -> ast.expr | None:
        """The argument at a position, which counts the table, or of a name."""
        if any(each.arg is None for each in self.call.keywords):
            raise Unread
        if at is not None and self.batch:
            at -= 1
        if at is not None and any(isinstance(each, ast.Starred) for each in self.call.args[: at + 1]):
            raise Unread
        if at is not None and 0 <= at < len(self.call.args):
            return self.call.args[at]
        return next((each.value for each in self.call.keywords if each.arg == name), None)

    def text(self, at: int, name: str) -> str:
        found = self.value(at, name)
        told = constant(found, self.names) if found is not None else None
        if not isinstance(told, str):
            raise Unread
        return told

    def first(self, name: str) -> ast.expr | None:
        """What stands in front of the table, if there is one."""
        named = next((each.value for each in self.call.keywords if each.arg == name), None)
        return self.call.args[0] if self.call.args else named

    def named(self, name: str) -> str:
        """The quoted name of what is made, empty where PostgreSQL is to make one up."""
        found = self.first(name)
        told = constant(found, self.names) if found is not None else None
        return quoted(told) if isinstance(told, str) else ""

    def constraint(self) -> str:
        named = self.named("constraint_name")
        return f"CONSTRAINT {named} " if named else ""

    def flag(self, name: str) -> bool:
        found = self.value(None, name)
        return found is not None and bool(constant(found, self.names))

    def listed(self, at: int, name: str) -> str:
        """Names of columns; an expression stands for one that is not told."""
        found = self.value(at, name)
        items = found.elts if isinstance(found, ast.List | ast.Tuple) else None
        if items is None:
            told = constant(found, self.names) if found is not None else ()
            return ", ".join(quoted(str(each)) for each in (told if isinstance(told, tuple) else (told,)))
        written = []
        for each in items:
            try:
                written.append(quoted(str(constant(each, self.names))))
            except Unread:
                written.append("(now())")
        return ", ".join(written)

    def of(self, at: int) -> str:
        """The table, which stands at that position where it is no batch's."""
        if self.batch:
            return self.batch
        name = next(
            (each.arg for each in self.call.keywords if each.arg in {"table_name", "source_table", "old_table_name"}),
            "",
        )
        schema = next((each.value for each in self.call.keywords if each.arg in {"schema", "source_schema"}), None)
        told = constant(schema, self.names) if schema is not None else None
        within = f"{quoted(told)}." if isinstance(told, str) else ""
        return within + quoted(self.text(at, name or "table_name"))


def operation(name: str, call: ast.Call, batch: str, names: Mapping[str, ast.expr]) -> Iterator[tuple[str, str]]:
    """The SQL of one operation, and for a change of type the one that it says was there before."""
    given = _Given(call, names, batch)
    if name == "alter_column":
        yield from _alter_column(given)
    else:
        yield _sql_of(name, given), ""


def _sql_of(name: str, given: _Given) -> str:
    apart = "CONCURRENTLY " if given.flag("postgresql_concurrently") else ""
    match name:
        case "create_table":
            columns = ", ".join(sql for each in given.call.args[1:] if (sql := definition(each, given.names)))
            exists = "IF NOT EXISTS " if given.flag("if_not_exists") else ""
            return f"CREATE TABLE {exists}{given.of(0)} ({columns})"
        case "drop_table":
            return f"DROP TABLE {given.of(0)}"
        case "rename_table":
            return f"ALTER TABLE {given.of(0)} RENAME TO {quoted(given.text(1, 'new_table_name'))}"
        case "add_column":
            column = given.value(1, "column")
            sql = definition(column, given.names) if column is not None else ""
            if not sql:
                raise Unread
            return f"ALTER TABLE {given.of(0)} ADD COLUMN {sql}"
        case "drop_column":
            return f"ALTER TABLE {given.of(0)} DROP COLUMN {quoted(given.text(1, 'column_name'))}"
        case "create_index":
            unique = "UNIQUE " if given.flag("unique") else ""
            made = f"{given.named('index_name')} ON {given.of(1)}"
            return f"CREATE {unique}INDEX {apart}{made} ({given.listed(2, 'columns')})"
        case "drop_index":
            return f"DROP INDEX {apart}{given.named('index_name')}"
        case "drop_constraint":
            return f"ALTER TABLE {given.of(1)} DROP CONSTRAINT {given.named('constraint_name')}"
        case "create_unique_constraint" | "create_primary_key":
            kind = "UNIQUE" if name == "create_unique_constraint" else "PRIMARY KEY"
            return f"ALTER TABLE {given.of(1)} ADD {given.constraint()}{kind} ({given.listed(2, 'columns')})"
        case "create_check_constraint":
            condition = given.value(2, "condition")
            if condition is None:
                raise Unread
            return f"ALTER TABLE {given.of(1)} ADD {given.constraint()}CHECK ({sql_text(condition, given.names)})"
        case "create_foreign_key":
            late = " NOT VALID" if given.flag("postgresql_not_valid") else ""
            own, theirs = given.listed(3, "local_cols"), given.listed(4, "remote_cols")
            other = quoted(given.text(2, "referent_table"))
            key = f"FOREIGN KEY ({own}) REFERENCES {other} ({theirs}){late}"
            return f"ALTER TABLE {given.of(1)} ADD {given.constraint()}{key}"
    raise Unread


def _alter_column(given: _Given) -> Iterator[tuple[str, str]]:
    column = quoted(given.text(1, "column_name"))
    begin = f"ALTER TABLE {given.of(0)} ALTER COLUMN {column}"
    if (new := given.value(None, "type_")) is not None:
        old, using = given.value(None, "existing_type"), given.value(None, "postgresql_using")
        computed = f" USING {sql_text(using, given.names)}" if using is not None else ""
        was = pg_type(old, given.names) if old is not None else ""
        yield f"{begin} TYPE {type_sql(new, given.names)}{computed}", was
    if (nullable := given.value(None, "nullable")) is not None:
        yield f"{begin} {'DROP' if constant(nullable, given.names) else 'SET'} NOT NULL", ""
    default = given.value(None, "server_default")
    if isinstance(default, ast.Constant) and default.value is None:
        yield f"{begin} DROP DEFAULT", ""
    elif default is not None and not (isinstance(default, ast.Constant) and default.value is False):
        yield f"{begin} SET DEFAULT (now())", ""
    if (renamed := given.value(None, "new_column_name")) is not None:
        told = constant(renamed, given.names)
        if not isinstance(told, str):
            raise Unread
        yield f"ALTER TABLE {given.of(0)} RENAME COLUMN {column} TO {quoted(told)}", ""
