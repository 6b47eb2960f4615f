"""CHECK constraints over the migrations of a folder: one that allows all that was allowed before takes nothing away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from checker.collect.migrations.check_trees import widens
from checker.model.migrations.folders import Effect, Migration, SqlFile, Statement


def with_history(migrations: Iterable[Migration]) -> Iterator[Migration]:
    """The same migrations; a constraint that those in force before its file already ask for is marked as expanding.

    The rows there are and the code that runs both keep the old constraints, so what these imply refuses neither.
    """
    in_force: dict[str, dict[str, str]] = {}  # table -> name of the constraint -> its condition
    for migration in migrations:
        up = migration.up
        if not any(each.checks or each.kind in _ENDING for each in up.statements):
            yield migration
            continue
        before = {table: dict(checks) for table, checks in in_force.items()}
        yield replace(migration, up=_judged(up, before))
        for each in up.statements:
            _apply(each, in_force)


_ENDING = frozenset({"drop constraint", "drop table", "drop column", "alter type", "rename table", "rename column"})


def _judged(up: SqlFile, before: dict[str, dict[str, str]]) -> SqlFile:
    return replace(up, statements=tuple(_expanding(each, before) for each in up.statements))


def _expanding(statement: Statement, before: dict[str, dict[str, str]]) -> Statement:
    if statement.kind != "add check constraint" or statement.effect is not Effect.CONTRACT or not statement.checks:
        return statement
    known = list(before.get(statement.table, {}).values())
    if known and all(widens(known, condition) for _, condition in statement.checks):
        return replace(statement, effect=Effect.EXPAND, why="")
    return statement


def _apply(statement: Statement, in_force: dict[str, dict[str, str]]) -> None:
    table = statement.table
    if statement.kind == "drop table":
        in_force.pop(statement.name, None)
    elif statement.kind in {"drop column", "alter type", "rename table", "rename column"}:
        in_force.pop(table, None)  # which of them still speak of what is not looked into
    elif statement.kind == "drop constraint":
        in_force.get(table, {}).pop(statement.name, None)
    elif statement.kind == "create table" and statement.if_exists and table in in_force:
        return  # the table that is there stays as it is
    elif statement.checks and statement.validated:
        in_force.setdefault(table, {}).update(statement.checks)
