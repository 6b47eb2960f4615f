"""What a way back drops while something else still needs it: the database refuses that, and nothing is taken back.

A foreign key needs the table that it refers to, a column its type, a trigger its function. Sources: PostgreSQL
documentation, "Dependency Tracking" ("PostgreSQL makes sure that you cannot drop objects that other objects still
depend on"), "DROP TABLE" ("to drop a table that is referenced by a view or a foreign-key constraint of another table,
CASCADE must be specified"; "DROP TABLE always removes any indexes, rules, triggers, and constraints that exist for the
target table"); MySQL error 3730 for tables, where CASCADE does nothing ("DROP TABLE").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.migrations.folders import Effect, Migration, SqlFile, Statement

_DROPS = frozenset({"drop table", "drop type", "drop function"})
_CODE = frozenset({"do", "call", "SQL"})  # what may drop or make anything
# What takes along nobody says here what, or moves it.
_AT_LARGE = frozenset({"drop schema", "drop owned", "drop extension", "drop database", "set schema"})


class Need(Struct, frozen=True):
    """Something that another thing needs: ``of`` is the kind of that, ``table``, ``type`` or ``function``, by the word
    of the statement that drops it. It stands in a ``table``, under its own name (a constraint, a column, a trigger).
    Names are told as they are written: with a schema in front, and without one, is not taken for the same."""

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
    """What needs what, as far as migrations tell: by the table that it stands in, and by what is needed."""

    inside: dict[str, dict[Need, None]] = field(default_factory=dict)
    needed: dict[tuple[str, str], dict[Need, None]] = field(default_factory=dict)
    types: set[str] = field(default_factory=set)  # that they make
    changes: list[tuple[bool, Need]] = field(default_factory=list)  # whether it came, in order

    def back_to(self, known: int) -> None:
        """As it was after so many changes: a copy of all for each way back would be too much."""
        for came, need in reversed(self.changes[known:]):
            if came:
                self._remove([need])
            else:
                self._add(need)
        del self.changes[known:]

    def after(self, statement: Statement) -> None:
        kind, table, name = statement.kind, statement.table, statement.name
        match kind:
            case "create type":
                self.types.add(name)
            case "create trigger":
                for each in statement.calls:
                    self._add(Need("function", each, table, name.rpartition(".")[2]))
            case "drop table":
                self._remove(self._of_table(name))
            case "drop function" if statement.signature:
                pass  # a trigger's function is given nothing: it is another one of the name
            case "drop type" | "drop function":
                self._remove([*self.needed.get((kind.removeprefix("drop "), name), ())])
            case "drop constraint":
                self._remove(self._in(table, lambda need: need.name == name))
            case "drop trigger":
                on, _, own = name.rpartition(".")
                self._remove(self._in(on, lambda need: need.of == "function" and need.name == own))
            case "drop column":
                gone = set(statement.columns)
                self._remove(self._in(table, lambda need: not gone.isdisjoint(need.columns)))
            case "alter type":
                changed = set(statement.columns)
                self._remove(self._in(table, lambda need: need.of == "type" and not changed.isdisjoint(need.columns)))
            case _ if kind.startswith("rename "):
                self._rename(statement)
        self._take_in(statement, table)

    def _rename(self, statement: Statement) -> None:
        table, new = statement.table, statement.name
        match statement.kind:
            case "rename table":
                for need in self._taken(self._of_table(table)):
                    what = new if (need.of, need.what) == ("table", table) else need.what
                    self._add(replace(need, table=new if need.table == table else need.table, what=what))
            case "rename type" if statement.was in self.types:
                self.types.add(new)
                for need in self._taken([*self.needed.get(("type", statement.was), ())]):
                    self._add(replace(need, what=new))
            case "rename column" if statement.columns:
                old = statement.columns[0]
                for need in self._taken(self._in(table, lambda need: old in need.columns)):
                    columns = tuple(new if each == old else each for each in need.columns)
                    self._add(replace(need, columns=columns, name=new if need.of == "type" else need.name))
            case "rename tabconstraint" | "rename trigger":
                for need in self._taken(self._in(table, lambda need: need.name == statement.was)):
                    self._add(replace(need, name=new))

    def _take_in(self, statement: Statement, table: str) -> None:
        for key in statement.keys if statement.kind.startswith(("create table", "add ")) else ():
            if key.kind == "foreign":
                self._add(Need("table", key.target, table, key.name, key.columns))
        for column, of in statement.types:
            if (plain := of.removesuffix("[]")) in self.types:
                self._add(Need("type", plain, table, column, (column,)))

    def _of_table(self, table: str) -> list[Need]:
        """Those that stand in a table, and those that refer to it."""
        return [*dict.fromkeys((*self.inside.get(table, ()), *self.needed.get(("table", table), ())))]

    def _taken(self, needs: list[Need]) -> list[Need]:
        self._remove(needs)
        return needs

    def _in(self, table: str, fits: Callable[[Need], bool]) -> list[Need]:
        """Those of a table that fit; of all tables where it is not told which."""
        tables = (table,) if table else tuple(self.inside)
        return [need for each in tables for need in self.inside.get(each, ()) if fits(need)]

    def _add(self, need: Need) -> None:
        if need in self.inside.get(need.table, ()):
            return
        self.changes.append((True, need))
        self.inside.setdefault(need.table, {})[need] = None
        self.needed.setdefault((need.of, need.what), {})[need] = None

    def _remove(self, needs: Iterable[Need]) -> None:
        for need in needs:
            self.changes.append((False, need))
            self.inside[need.table].pop(need, None)
            self.needed[need.of, need.what].pop(need, None)


def dropped_too_early(migrations: Sequence[Migration]) -> Mapping[Migration, tuple[Statement, Need]]:
    """By migration the first thing that its way back drops too early, and what needs it then. Nothing is said where
    code may have changed what needs what."""
    return dict(_found(migrations))


def _found(migrations: Sequence[Migration]) -> Iterator[tuple[Migration, tuple[Statement, Need]]]:
    schema = _Schema()
    for migration in migrations:
        for each in migration.up.statements:
            if (each.effect is Effect.OTHER and each.kind in _CODE) or each.kind in _AT_LARGE:
                schema = _Schema()
            schema.after(each)
        down = migration.down
        if down is None or not any(each.kind in _DROPS for each in down.statements):
            continue
        known = len(schema.changes)
        found = _first(down, schema)
        schema.back_to(known)
        if found is not None:
            yield migration, found


def _first(down: SqlFile, schema: _Schema) -> tuple[Statement, Need] | None:
    # The database may be asked not to look at foreign keys (MySQL's ``foreign_key_checks``, a replica's role).
    if any(each.name.lower() in {"foreign_key_checks", "session_replication_role"} for each in down.statements):
        return None
    for each in down.statements:
        if each.kind in _CODE | _AT_LARGE or each.inside:
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
    needs = schema.needed.get((of, dropped.name), {})
    if not needs or (of == "function" and dropped.signature):
        return None
    gone = {dropped.name, *dropped.beside} if of == "table" else set[str]()
    return min((need for need in needs if need.table not in gone), key=str, default=None)
