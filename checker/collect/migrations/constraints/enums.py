"""PostgreSQL's enumerations over the migrations of a folder: what stands in for another one and has its values.

A value cannot be taken out of an enumeration, and an older PostgreSQL adds none inside of a transaction, so tools write
such a change as a new type under the old name: the old one is renamed, columns move over, and it is dropped. Source:
PostgreSQL documentation, "ALTER TYPE"; "Enumerated Types": their order is that of the list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from checker.model.migrations.folders import Effect, Statement

Types = dict[str, dict[str, str]]  # table -> column -> its type


class Enums(Struct):
    """The enumerations that there are, and their values by name."""

    values: dict[str, tuple[str, ...]]

    def widens(self, old: str, new: str) -> bool:
        """Whether one type is an enumeration that has every value of another, in the same order."""
        one, other = old.rstrip("[]"), new.rstrip("[]")
        known = one in self.values and other in self.values and old[len(one) :] == new[len(other) :]
        return known and _holds(self.values[other], self.values[one])

    def follow(self, each: Statement, types: Types) -> None:
        """Take over what a statement does to enumerations. ``types`` are the columns', which keep theirs under the
        name that it has then."""
        if each.kind == "create type":
            self.values.pop(each.name, None)
            if each.value:
                self.values[each.name] = tuple(json.loads(each.value))
        elif each.kind in {"add value", "rename value"} and each.name in self.values:
            self.values[each.name] = tuple(_changed([*self.values[each.name]], each))
        elif each.kind == "rename type":
            new = _beside(each.was, each.name)
            if (moved := self.values.pop(each.was, None)) is not None:
                self.values[new] = moved
            for columns in types.values():
                for column, kind in columns.items():
                    if (base := kind.rstrip("[]")) == each.was:
                        columns[column] = new + kind[len(base) :]
        elif each.kind == "drop type":
            self.values.pop(each.name, None)
        elif each.kind in {"do", "call", "set schema"}:
            self.values.clear()  # it may do anything
            types.clear()
        elif each.name == "search_path":
            self.values.clear()  # a name means another type from there on


def _changed(values: list[str], each: Statement) -> list[str]:
    """The values, with one more or with another name of one: what the statement's value says, as JSON."""
    new, beside, behind = json.loads(each.value)
    if each.kind == "rename value":
        return [new if value == beside else value for value in values]
    if new not in values:
        at = values.index(beside) + behind if beside in values else len(values)
        values.insert(at, new)
    return values


def _holds(more: Sequence[str], values: Sequence[str]) -> bool:
    return [each for each in more if each in values] == [*values]


def _beside(old: str, new: str) -> str:
    schema, dot, _ = old.rpartition(".")
    return f"{schema}{dot}{new}"


def stood_in_for(
    statements: Sequence[Statement], before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]
) -> list[Statement]:
    """A file's statements, where what renames and drops an enumeration takes nothing away: another one has its name
    and all of its values when the file has run, and no column can be left with it, or it could not be dropped."""
    origins: dict[str, str] = {name: name for name in before}
    of: dict[int, str] = {}  # statement -> the name that its type had before the file
    gone: set[str] = set()
    for at, each in enumerate(statements):
        if each.kind == "create type":
            origins[each.name] = ""
        elif each.kind in {"rename type", "drop type"}:
            origin = of[at] = origins.pop(each.was if each.kind == "rename type" else each.name, "?")
            if each.kind == "rename type":
                origins[_beside(each.was, each.name)] = origin
            elif each.value != "cascade":
                gone.add(origin)
    kept = {name for name in gone & before.keys() if name in after and _holds(after[name], before[name])}
    found = []
    for at, each in enumerate(statements):
        name = of.get(at, "?")
        if name in {"", *kept}:
            found.append(replace(each, effect=Effect.EXPAND, why=""))
            continue
        lacks = [value for value in before.get(name, ()) if name in after and value not in after[name]]
        why = f"{name} has no {', '.join(lacks)} then" if lacks and each.kind == "rename type" else each.why
        found.append(replace(each, why=why))
    return found
