"""Views and functions that a migration drops and makes again, as those see it who use them.

A view that lacks a column then, or a function that answers with another type, is another one for code that runs
(CREATE OR REPLACE would have refused it: PostgreSQL documentation, "CREATE VIEW", "CREATE FUNCTION"). In a first
migration nothing was there that could go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from checker.model.migrations.folders import Effect, Migration, MigrationFolder, Statement


def as_others_see_it(folder: MigrationFolder) -> MigrationFolder:
    """The folder, with what is made anew taken for what it is to those who use it."""
    if not any(each.value == "anew" for migration in folder.migrations for each in migration.up.statements):
        return folder
    made: dict[tuple[str, str], tuple[str, ...] | None] = {}
    found: list[Migration] = []
    for index, migration in enumerate(folder.migrations):
        statements = tuple(_as_seen(each, migration, index, made) for each in migration.up.statements)
        found.append(replace(migration, up=replace(migration.up, statements=statements)))
        made |= dict(_made(migration.up.statements))
    return replace(folder, migrations=tuple(found))


def _made(statements: Sequence[Statement]) -> Iterator[tuple[tuple[str, str], tuple[str, ...] | None]]:
    for each in statements:
        if each.kind in {"create view", "create function"}:
            yield (each.kind.removeprefix("create "), each.name or each.table), each.signature


def _as_seen(
    each: Statement, migration: Migration, index: int, made: dict[tuple[str, str], tuple[str, ...] | None]
) -> Statement:
    if each.value != "anew" or migration.number == "R":  # which is run again: its file was another one before
        return each
    if not index:
        return replace(each, effect=Effect.EXPAND, why="") if each.if_exists else each
    if each.kind not in {"drop view", "drop function"}:
        return each
    key = (each.kind.removeprefix("drop "), each.name)
    back = dict(_made(migration.down.statements if migration.down is not None else ()))
    before = made.get(key) or back.get(key)
    if before is None or each.signature is None:
        why = f"what {each.name} was before, and what it is then, is not told"
        return replace(each, effect=Effect.OTHER, why=why)
    if each.kind == "drop function":
        other = before[-1] != each.signature[-1]
        why = f"{each.name} answers otherwise then"
    else:
        gone = [name for name in before if name not in each.signature]
        other, why = bool(gone), f"column {', '.join(gone)} of {each.name} is gone then"
    return replace(each, effect=Effect.CONTRACT, why=why) if other else each
