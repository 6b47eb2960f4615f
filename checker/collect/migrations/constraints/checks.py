"""CHECK constraints and columns' types over the migrations of a folder: one that allows all that was allowed before
takes nothing away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.collect.migrations.constraints.check_trees import widens
from checker.collect.migrations.constraints.enums import Enums, stood_in_for
from checker.collect.migrations.revisions.columns import NOT_TOLD
from checker.model.migrations.folders import Effect, Migration, SqlFile, Statement


def with_checks(migrations: Iterable[Migration]) -> Iterator[Migration]:
    """The same migrations; a constraint that those in force before its file already ask for is marked as expanding.

    The rows there are and the code that runs both keep the old constraints, so what these imply refuses neither.
    """
    in_force: dict[str, dict[str, str]] = {}  # table -> name of the constraint -> its condition
    types: dict[str, dict[str, str]] = {}  # table -> column -> its type, empty where that is not known
    enums = Enums({})
    for each_of in migrations:
        up = _typed(each_of.up, types, enums)
        migration = replace(each_of, up=up)
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
    if any(NOT_TOLD in condition for _, condition in statement.checks):
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


# --- types --------------------------------------------------------------------------------------


# Each holds all values of those before it. Sources: PostgreSQL documentation, "Numeric Types"; MySQL Reference Manual,
# "Integer Types", "Data Type Storage Requirements" (of its texts, and that they count bytes).
_LADDERS: Final = (
    ("int2", "int4", "int8"), ("float4", "float8"), ("bool", "tinyint"), ("tinyint", "bool"),
    ("tinyint", "int2", "mediumint", "int4", "int8"),
    ("unsigned_tinyint", "unsigned_smallint", "unsigned_mediumint", "unsigned_int", "unsigned_bigint"),
    ("unsigned_tinyint", "int2", "mediumint", "int4", "int8"), ("unsigned_smallint", "mediumint", "int4", "int8"),
    ("unsigned_mediumint", "int4", "int8"), ("unsigned_int", "int8"),
    ("tinytext", "text", "mediumtext", "longtext"), ("varchar", "mediumtext", "longtext"),
    ("tinyblob", "blob", "mediumblob", "longblob"),
)  # fmt: skip
_LISTED: Final = lazy_re.compile(r"(enum|set)(\[\".*\])")
_TYPE: Final = lazy_re.compile(r"([^(\[]+)(?:\((\d+)(?:,(\d+))?\))?((?:\[\])*)")
_OF_LINE: Final = lazy_re.compile(r"\bof line \d")
_OF_TIME: Final = frozenset({"time", "timetz", "timestamp", "timestamptz"})
_MOST_DIGITS: Final = 6  # of a second's fraction, where none are asked for ("Date/Time Types")


def widens_type(old: str, new: str) -> bool:
    """Whether every value of a type is one of the other, and reads the same there."""
    if _OF_LINE.search(new):
        return False  # a type that is not told is like no other, though it stands in the same line of another file
    before, after = _TYPE.fullmatch(old), _TYPE.fullmatch(new)
    if (values := _LISTED.fullmatch(old)) and (more := _LISTED.fullmatch(new)):
        first, then = json.loads(values[2]), json.loads(more[2])
        return values[1] == more[1] and [each for each in then if each in first] == first
    if before is None or after is None or before[4] != after[4]:
        return False
    if old == new:
        return True
    (one, size, scale), (other, larger, finer) = before.groups()[:3], after.groups()[:3]
    if any(one in each and other in each and each.index(one) < each.index(other) for each in _LADDERS):
        return True
    if {one, other} <= {"varchar", "text"}:  # "Character Types": without a length each takes any
        return larger is None or (size is not None and int(size) <= int(larger))
    if other == "datetime" and one in {"datetime", "timestamp"}:  # without a size they keep no fractions
        return int(size or 0) <= int(larger or 0)
    if one != other or one not in {"numeric", *_OF_TIME}:
        return False
    if one in _OF_TIME:
        return int(size or _MOST_DIGITS) <= int(larger or _MOST_DIGITS)
    if larger is None or size is None:
        return larger is None
    fraction, wanted = int(scale or 0), int(finer or 0)
    return fraction <= wanted and int(size) - fraction <= int(larger) - wanted


def _typed(up: SqlFile, types: dict[str, dict[str, str]], enums: Enums) -> SqlFile:
    """The same file; a column whose new type takes all that it held is marked as expanding."""
    found, before = [], dict(enums.values)
    for each in up.statements:
        found.append(each)
        enums.follow(each, types)
        if each.kind == "alter type":
            (column,) = each.columns
            ((_, new),) = each.types or ((column, ""),)
            was = types.get(each.table, {}).get(column) or each.was
            if was and new and each.effect is Effect.CONTRACT and (widens_type(was, new) or enums.widens(was, new)):
                found[-1] = replace(each, effect=Effect.EXPAND, why="")
            types.setdefault(each.table, {})[column] = new
        else:
            _retype(each, types)
    if not up.readable:
        types.clear()
        enums.values.clear()
    return replace(up, statements=tuple(stood_in_for(found, before, enums.values))) if found else up


def _retype(statement: Statement, types: dict[str, dict[str, str]]) -> None:
    own = types.setdefault(statement.table, {})
    if statement.kind == "create table":
        if not (statement.if_exists and own):
            types[statement.table] = dict(statement.types)
    elif statement.kind == "add column":
        own.update((column, kind) for column, kind in statement.types if not (statement.if_exists and column in own))
    elif statement.kind == "drop column":
        own.pop(statement.columns[0], None)
    elif statement.kind == "rename column":
        own[statement.name] = own.pop(statement.columns[0], "")
    elif statement.kind == "rename table":
        types[statement.name] = types.pop(statement.table, {})
    elif statement.kind == "drop table":
        types.pop(statement.name, None)
