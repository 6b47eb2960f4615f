"""What a file finds there already: a table that it makes only where there is none, a domain that asks for values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from checker.model.migrations.folders import Effect, Migration, Statement


def with_what_is_there(migrations: Iterable[Migration]) -> Iterator[Migration]:
    """The same migrations; what is done to a table that an earlier one made is done to one in use, also where the file
    would make it otherwise, and a column of a domain that takes no null refuses rows without it."""
    tables, required, filled = set[str](), set[str](), dict[str, set[str]]()
    for one in migrations:
        each = replace(one, up=replace(one.up, statements=tuple(_never_empty(one, filled))))
        statements = each.up.statements
        found = tuple(_asked_for(_in_use(statements, tables), required)) if tables or required else statements
        if not required and any(made.value == "required" and "domain" in made.kind for made in statements):
            found = tuple(_asked_for(found, required))
        yield replace(each, up=replace(each.up, statements=found)) if found != statements else each
        for statement in statements:
            _apply(statement, tables)


def _apply(statement: Statement, tables: set[str]) -> None:
    if statement.kind == "create table":
        tables.add(statement.table)
    elif statement.kind == "drop table":
        tables.discard(statement.name)
    elif statement.kind == "rename table" and statement.table in tables:
        tables.discard(statement.table)
        schema, dot, _ = statement.table.rpartition(".")
        tables.add(f"{schema}{dot}{statement.name}")


def _never_empty(migration: Migration, filled: dict[str, set[str]]) -> Iterator[Statement]:
    """The statements, where a column that is never empty may stay so; ``filled`` are those of each table."""
    statements = migration.up.statements
    for at, each in enumerate(statements):
        own = filled.get(each.table, set())
        if each.kind == "set not null" and each.columns and own.issuperset(each.columns):
            yield replace(each, effect=Effect.EXPAND, why="")
            continue
        yield each
        follows = statements[at + 1 : at + 2]
        stays = any((one.kind, one.table, one.columns) == ("set not null", each.table, each.columns) for one in follows)
        # A column that MySQL is told anew may be empty where that is not said again (MySQL Reference Manual, "ALTER
        # TABLE Statement": attributes that are not given are dropped).
        if each.kind == "alter type" and migration.up.system == "MySQL" and not stays:
            own.difference_update(each.columns)
        elif each.kind == "create table" and not (each.if_exists and each.table in filled):
            filled[each.table] = set(each.filled)
        elif each.kind == "set not null" or (each.kind == "add column" and _is_required(each)):
            own.update(each.columns)
        elif each.kind in {"drop not null", "drop column", "add column"}:
            own.difference_update(each.columns)
        elif each.kind in {"drop constraint", "drop table", "rename table", "rename column"}:
            filled.pop(each.table or each.name, None)  # which of them still are is not looked into
            filled.pop(each.name, None)
        elif each.kind in _ELSEWHERE or each.name == "search_path" or each.effect is Effect.OTHER:
            filled.clear()
    if not migration.up.readable:
        filled.clear()


_ELSEWHERE: Final = frozenset({"do", "call", "drop schema", "drop owned", "set schema"})


def _is_required(each: Statement) -> bool:
    return each.value == "required" and not each.if_exists


def _in_use(statements: Sequence[Statement], tables: set[str]) -> Iterator[Statement]:
    """The statements, with those taken for what is done to a table in use that the file has not made in truth."""
    used, there = set[str](), set(tables)
    for each in statements:
        if each.kind == "create table" and each.if_exists and each.table in there:
            used.add(each.table)
        elif each.kind in {"drop table", "rename table", "create temporary table"}:
            yield _of_used(each, used)
            gone = each.name if each.kind == "drop table" else each.table
            there.discard(gone)
            used.discard(gone)
            continue
        yield _of_used(each, used)


def _of_used(each: Statement, used: set[str]) -> Statement:
    inside = tuple(_of_used(one, used) for one in each.inside)
    new = each.new_table and each.table not in used
    return replace(each, new_table=new, inside=inside) if (new, inside) != (each.new_table, each.inside) else each


def _asked_for(statements: Iterable[Statement], required: set[str]) -> Iterator[Statement]:
    """The statements, with columns of a domain in ``required``, which grows and shrinks on the way."""
    for each in statements:
        if each.value == "required" and each.kind.endswith(("create domain", "domain not null", "domain constraint")):
            required.add(_last(each.name))
        elif each.kind in {"drop domain", "drop domain not null", "drop domain constraint", "create domain"}:
            required.discard(_last(each.name))
        refuses = each.kind == "add column" and not each.has_default and each.effect is Effect.EXPAND
        if refuses and any(_last(kind) in required for _, kind in each.types):
            why = f"rows without {each.columns[0]} are refused then"
            yield replace(each, effect=Effect.CONTRACT, value="required", why=why)
        else:
            yield each


def _last(name: str) -> str:
    return name.rpartition(".")[2]
