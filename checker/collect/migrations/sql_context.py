"""What the other statements of a file tell of each one: whether the code that runs now can notice it at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from checker.collect.migrations.constraints.empty_rows import may_refuse
from checker.model.migrations.folders import Effect, Statement


def _seen(inner: Statement, tables: set[str], columns: Mapping[tuple[str, str], bool]) -> Statement:
    """What code does to a table or to columns that the file has added before: nobody uses them yet."""
    own = bool(inner.columns) and all((inner.table, column) in columns for column in inner.columns)
    return replace(inner, new_table=True) if own or (inner.table and inner.table in tables) else inner


_OF_DOMAINS: Final = frozenset({"set domain not null", "add domain constraint"})
_KEEPS_NOTHING: Final = frozenset({"drop view", "drop function", "drop trigger", "drop policy"})


def _made_anew(dropped: Statement, made: Statement) -> Statement:
    """What is dropped and made again: nothing is gone that it held but rows, values and whatever else it keeps; a
    function may be another one by what it is given. The rest is for those who know what it was before."""
    if dropped.kind == "drop function" and not _is_given(dropped.signature, made.signature):
        return replace(dropped, why=f"{dropped.name} takes other arguments then")
    if dropped.kind not in _KEEPS_NOTHING:
        return replace(dropped, value="anew")
    return replace(dropped, effect=Effect.EXPAND, why="", value="anew", signature=made.signature)


_FIRING: Final = frozenset({"disable trigger", "enable trigger", "disable rule", "enable rule"})


def _fires_as_before(each: Statement, index: int, statements: Sequence[Statement]) -> bool:
    """Whether a trigger or a rule that is switched off is so for the file alone: it is on again at its end."""
    on = each.kind.startswith("enable")
    other = each.kind.replace("enable", "disable") if on else each.kind.replace("disable", "enable")
    around = statements[:index] if on else statements[index + 1 :]
    return any(
        one.kind == other and one.table == each.table and _is_switched(off, back)
        for one in around
        for off, back in [(one, each) if on else (each, one)]
    )


def _is_switched(off: Statement, back: Statement) -> bool:
    """Whether what switches on again has all in it that is switched off."""
    return (
        (off.name, off.value) == (back.name, back.value) or back.value == "all" or (back.value == "user" == off.value)
    )


def _is_of_what_is_new(revoked: Statement, before: Sequence[Statement]) -> bool:
    """Whether rights are taken away from a function, a schema or a sequence that the file has made: nobody has used
    any yet. One that may have been there before, or has been dropped just now, is none."""
    kind, _, name = revoked.table.partition(" ")
    same = [each for each in before if each.name == name and each.kind.partition(" ")[2] == kind]
    return bool(same) and all(
        each.kind.startswith("create ") and not each.if_exists and _is_called(each.signature, revoked.signature)
        for each in same
    )


def _is_called(made: tuple[str, ...] | None, named: tuple[str, ...] | None) -> bool:
    """Whether a function is the one that is named with these types, or without any."""
    return made is None or named is None or tuple(each.rstrip("=") for each in made[:-1]) == named


def _is_given(before: tuple[str, ...] | None, now: tuple[str, ...] | None) -> bool:
    """Whether a function can be called as one was that was given these types."""
    if before is None or now is None:
        return True
    given = now[:-1]
    more = given[len(before) :]
    plain = tuple(each.rstrip("=") for each in given[: len(before)])
    return plain == before and all(each.endswith("=") for each in more)


def in_context(statements: Sequence[Statement]) -> Iterator[Statement]:
    """The same statements, with what the others in the file tell of them.

    Nobody uses a table or a column yet that the same file adds, and what is dropped to be made anew is not gone. Only
    a column that may be empty, or has a default, is left alone by the code that runs: that code never writes it.
    """
    tables: set[str] = set()
    columns: dict[tuple[str, str], bool] = {}  # whether it has a default
    required: set[tuple[str, str]] = set()  # those that may not be empty
    made = {(each.kind.removeprefix("create "), each.name or each.table): i for i, each in enumerate(statements)}
    shown = {each.table for each in statements if each.kind == "create policy" and each.value == "all"}
    for index, one in enumerate(statements):
        each = replace(one, inside=tuple(_seen(inner, tables, columns) for inner in one.inside)) if one.inside else one
        if each.kind in {"create table", "create temporary table", "create view"}:
            tables.add(each.table)
            yield each
        elif each.table in tables and each.table:
            # A right on it that is taken away is one that nobody has had yet.
            of_nobody = each.kind in {"revoke", "change owner"}
            yield replace(each, new_table=True, effect=Effect.EXPAND if of_nobody else each.effect)
            tables -= {each.table} if each.kind in {"drop table", "drop view"} else set()
        elif (
            (each.kind in {"enable row security", "force row security"} and each.table in shown)
            or (each.kind in _OF_DOMAINS and made.get(("domain", each.name), index) < index)
            or (each.kind == "change owner" and made.get(("sequence", each.table), index) < index)
            or (each.kind == "revoke" and _is_of_what_is_new(each, statements[:index]))
            or (each.kind in _FIRING and _fires_as_before(each, index, statements))
        ):
            yield replace(each, effect=Effect.EXPAND, why="", inside=())
        elif each.kind.startswith("drop ") and made.get((each.kind.removeprefix("drop "), each.name), -1) > index:
            yield _made_anew(each, statements[made[each.kind.removeprefix("drop "), each.name]])
        else:
            named = [(each.table, column) for column in each.columns]
            if each.kind == "add column":
                columns[named[0]] = each.has_default
                required.update(named if each.value == "required" else ())
            own = bool(named) and all(column in columns for column in named)
            defaults = own and all(columns[column] for column in named)
            if each.kind in {"drop default", "set default"}:
                columns.update({column: each.kind == "set default" for column in named if column in columns})
            empty = {column for table, column in columns if table == each.table and not columns[table, column]}
            is_required = any(one in required for one in named)
            harmless = own and _is_harmless(each, empty, defaults=defaults, required=is_required)
            required.update(named if each.kind == "set not null" else ())
            yield replace(each, effect=Effect.EXPAND, why="") if harmless and each.kind != "add column" else each


def _is_harmless(each: Statement, empty: set[str], *, defaults: bool, required: bool) -> bool:
    """Whether what is done to columns that the same file adds leaves code alone that does not write them."""
    if each.kind == "set not null":
        return defaults
    if each.kind == "drop default":  # the rows that such code adds would be empty there
        return not required
    if each.kind == "add check constraint":
        return defaults or not any(may_refuse(tree, empty) for _, tree in each.checks)
    return not defaults if each.unique else True  # every row that such code adds would repeat the default
