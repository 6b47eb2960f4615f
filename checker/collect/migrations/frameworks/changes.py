"""What one call of a framework's migration comes to, as statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from checker.collect.migrations.sql import parse_sql
from checker.model.migrations.folders import Effect, Statement
from checker.model.sources import Spot

_QUIET = frozenset({Effect.EXPAND, Effect.SETTING})


class Change(Struct, frozen=True):
    """What one call comes to: SQL and its way back, ``None`` where it has none. ``code``: what nobody reads."""

    sql: tuple[str, ...] = ()
    back: tuple[str, ...] | None = ()
    code: str = ""


def statements(sql: Iterable[str], code: str, file: str, line: int, no_default: str = "") -> Iterator[Statement]:
    """What a change does. ``no_default``: why a column that is added and must not be empty is refused."""
    if code:
        yield Statement(code, Effect.OTHER, Spot(file, line))
    for text in sql:
        read = parse_sql(text, file, line)
        if read.problems:
            yield Statement("SQL", Effect.OTHER, Spot(file, line))
            continue
        for each in read.statements:
            lacks = each.kind == "add column" and each.effect is Effect.CONTRACT and not each.new_table
            yield replace(each, spot=Spot(file, line), why=no_default if lacks and no_default else each.why)


def only_adds(done: Iterable[Statement]) -> bool:
    """Whether statements do nothing that needs a way back: the previous release runs on the schema."""
    return all(each.effect in _QUIET for each in done)
