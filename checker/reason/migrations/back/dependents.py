"""What a way back drops while something else still needs it: the database refuses that, and nothing is taken back.

A foreign key needs the table that it refers to, a column its type, a trigger its function. Sources: PostgreSQL
documentation, "Dependency Tracking" ("PostgreSQL makes sure that you cannot drop objects that other objects still
depend on"), "DROP TABLE" ("to drop a table that is referenced by a view or a foreign-key constraint of another table,
CASCADE must be specified"; "DROP TABLE always removes any indexes, rules, triggers, and constraints that exist for the
target table"); MySQL error 3730 for tables, where CASCADE does nothing ("DROP TABLE").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.migrations.folders import Effect, Migration, SqlFile, Statement

_CODE = frozenset({"do", "call", "SQL"})  # what may drop or make anything


class Need(Struct, frozen=True):
    """Something that another thing needs: ``of`` is the kind of that, ``table``, ``type`` or ``function``, by the word
    of the statement that drops it. It stands in a ``table``, under its own name (a constraint, a column, a trigger)."""

    of: str
    what: str
    table: str
    name: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.of == "table":
            return f"{self.table} refers to it"
        return f"{self.table}.{self.name} is of it" if self.of == "type" else f"trigger {self.name} calls it"


class _Schema(Struct):
    """What needs what, as far as migrations tell."""

    needs: set[Need] = field(default_factory=set)
    types: set[str] = field(default_factory=set)  # that they make

    def after(self, statement: Statement) -> None:
        kind, table, name = statement.kind, _last(statement.table), _last(statement.name)
        match kind:
            case "create type":
                self.types.add(name)
            case "create trigger":
                called = {_last(each) for each in statement.calls}
                self.needs |= {Need("function", each, table, name) for each in called}
            case "drop table":
                self._keep(lambda need: table not in {need.table, need.what if need.of == "table" else ""})
            case "drop type" | "drop function":
                of = kind.removeprefix("drop ")
                self._keep(lambda need: (need.of, need.what) != (of, name))
            case "drop constraint" | "drop trigger":
                on = table or _last(statement.name.rpartition(".")[0])
                self._keep(lambda need: need.name != name or (bool(on) and need.table != on))
            case "drop column":
                gone = set(statement.columns)
                self._keep(lambda need: need.table != table or not gone & set(need.columns))
            case "alter type":
                changed = set(statement.columns)
                self._keep(lambda need: need.of != "type" or need.table != table or not changed & set(need.columns))
            case "rename table":
                self._rename(lambda need: replace(
                    need,
                    table=name if need.table == table else need.table,
                    what=name if (need.of, need.what) == ("table", table) else need.what,
                ))  # fmt: skip
        for key in statement.keys if kind.startswith(("create table", "add ")) else ():
            if key.kind == "foreign":
                self.needs.add(Need("table", _last(key.target), table, _last(key.name), key.columns))
        for column, of in statement.types:
            if (plain := _last(of.removesuffix("[]"))) in self.types:
                self.needs.add(Need("type", plain, table, column, (column,)))

    def _keep(self, stays: Callable[[Need], bool]) -> None:
        self.needs = set(filter(stays, self.needs))

    def _rename(self, renamed: Callable[[Need], Need]) -> None:
        self.needs = set(map(renamed, self.needs))


def refused(migration: Migration, earlier: Sequence[Migration]) -> tuple[Statement, Need] | None:
    """The first thing that a way back drops too early, and what needs it then; ``None`` where all is in order, or code
    may have changed what needs what."""
    down = migration.down
    if down is None or _asks_for_no_keys(down):
        return None
    schema = _Schema()
    for each in (each for one in (*earlier, migration) for each in one.up.statements):
        if each.effect is Effect.OTHER and each.kind in _CODE:
            schema = _Schema()
        schema.after(each)
    for each in down.statements:
        if each.kind in _CODE or each.inside:
            return None
        if (need := _needs(each, schema, down)) is not None:
            return each, need
        schema.after(each)
    return None


def _needs(dropped: Statement, schema: _Schema, down: SqlFile) -> Need | None:
    """What needs a thing that is dropped and stays itself: ``DROP TABLE a, b`` drops both at once."""
    verb, _, of = dropped.kind.partition(" ")
    if verb != "drop" or (dropped.value == "cascade" and not (down.system and of == "table")):
        return None
    gone = set(map(_last, dropped.beside)) if of == "table" else set[str]()
    what = _last(dropped.name)
    left = (
        need
        for need in schema.needs
        if (need.of, need.what) == (of, what) and need.table not in gone and (of, need.table) != ("table", what)
    )
    return min(left, key=str, default=None)


def _asks_for_no_keys(file: SqlFile) -> bool:
    """Whether the database is asked not to look at foreign keys (MySQL's ``foreign_key_checks``, a replica's role)."""
    return any(each.name.lower() in {"foreign_key_checks", "session_replication_role"} for each in file.statements)


def _last(name: str) -> str:
    return name.rpartition(".")[2]
