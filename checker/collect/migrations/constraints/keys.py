"""What must be unique and what must be there in another table, over the migrations of a folder: a key in place of one
that was in force before its file takes nothing away where it refuses no row which that allowed.

Sources: PostgreSQL documentation, "CREATE TABLE" (``UNIQUE``, ``REFERENCES``), "CREATE INDEX"; its source,
``ChooseConstraintName`` and ``ChooseIndexName``, for the names of what has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.collect.migrations.constraints.check_trees import bare
from checker.collect.migrations.sql_names import name_of, relation_of
from checker.model.migrations.folders import Effect, Key, Migration, Statement
from checker.model.sources import Spot

_KINDS: Final = {"CONSTR_PRIMARY": "primary", "CONSTR_UNIQUE": "unique", "CONSTR_FOREIGN": "foreign"}


def keys_of(elements: Sequence[Any], table: str) -> tuple[Key, ...]:
    """The keys among a table's elements, or of a column's or a constraint's definition."""
    found: list[Key] = []
    for element in elements:
        column = element.get("ColumnDef", {})
        parts = [part.get("Constraint", {}) for part in [*column.get("constraints", []), element]]
        for at, part in enumerate(parts):
            if part.get("contype") in _KINDS:
                # ``DEFERRABLE`` behind a column's constraint stands beside it.
                later = {each.get("contype") for each in parts[at + 1 :]}
                found.append(_key(part, column.get("colname", ""), table, later))
    return tuple(found)


def _key(part: Mapping[str, Any], column: str, table: str, beside: set[str | None]) -> Key:
    kind = _KINDS[part["contype"]]
    named = part.get("keys") or part.get("fk_attrs") or []
    columns = tuple(name_of(each) for each in named) or ((column,) if column else ())
    own, bare_table = ("pkey" if kind == "primary" else "key"), table.rpartition(".")[2]
    made = [bare_table, *(() if kind == "primary" else columns), "fkey" if kind == "foreign" else own]
    late = bool(part.get("deferrable")) or "CONSTR_ATTR_DEFERRABLE" in beside
    if kind == "foreign":
        told = {name: part.get(name, "") for name in ("fk_matchtype", "fk_upd_action", "fk_del_action")}
        told |= {"late": late, "set": [name_of(each) for each in part.get("fk_del_set_cols", [])]}
        other = tuple(name_of(each) for each in part.get("pk_attrs", []))
        target = relation_of(part.get("pktable"))
        name = part.get("conname") or "_".join(made)
        return Key(name, kind, columns, json.dumps(told, sort_keys=True), target, other)
    told = {"late": late, "nulls": bool(part.get("nulls_not_distinct")), "of": part.get("indexname", "")}
    return Key(part.get("conname") or "_".join(made), kind, columns, json.dumps(told, sort_keys=True))


def index_made(body: Mapping[str, Any], spot: Spot) -> Statement:
    """What ``CREATE INDEX`` comes to."""
    elements = [part.get("IndexElem", {}) for part in body.get("indexParams", [])]
    columns = tuple(each["name"] for each in elements if "name" in each)
    unique, table = bool(body.get("unique")), relation_of(body.get("relation"))
    made = [table.rpartition(".")[2], *(each.get("name", "expr") for each in elements), "idx"]
    name = body.get("idxname", "")
    # Which way an index is sorted says nothing of what it refuses.
    each_of = tuple(
        each["name"] if set(each) <= {"name", "ordering", "nulls_ordering"} else json.dumps(bare(each), sort_keys=True)
        for each in elements
    )
    where = bare(body["whereClause"]) if "whereClause" in body else None
    told = {
        "late": False,
        "nulls": bool(body.get("nulls_not_distinct")),
        "of": "",
        **({"where": where} if where else {}),
    }
    key = Key(name or "_".join(made), "unique" if unique else "", each_of, json.dumps(told, sort_keys=True))
    return Statement(
        "create index", Effect.CONTRACT if unique else Effect.EXPAND, spot, table, columns, name,
        concurrently=bool(body.get("concurrent")), unique=unique, if_exists=bool(body.get("if_not_exists")),
        why="rows that repeat a value are refused then" if unique else "", keys=(key,),
    )  # fmt: skip


# --- history ----------------------------------------------------------------------------------------


# What makes another table, or other columns, of those that a key speaks of: which keys still do is not looked into.
_OTHERWISE: Final = frozenset(
    {"drop table", "rename table", "drop column", "rename column", "alter type", "set schema"}
)


class _InForce(Struct):
    """The keys of each table by their names, indexes that refuse nothing among them."""

    of: dict[str, dict[str, Key]] = field(default_factory=dict)

    def copy(self) -> _InForce:
        return _InForce({table: dict(keys) for table, keys in self.of.items()})

    def keys(self, table: str) -> Iterable[Key]:
        return self.of.get(table, {}).values()

    def without(self, name: str, table: str = "") -> None:
        """A constraint or an index is gone; which one, where its name is not known, is not told."""
        last = name.rpartition(".")[2]
        held = {each: keys for each, keys in self.of.items() if not table or each == table}
        found = {each: keys.pop(last) for each, keys in held.items() if last in keys}
        for each, key in found.items():
            if key.kind in {"primary", "unique"}:
                self.forget_references(each)  # those to what is gone are gone with it
        for keys in () if found else held.values():
            keys.clear()

    def forget(self, table: str) -> None:
        """What a table's keys, and those that refer to it, speak of is not known any more."""
        self.of.pop(table, None)
        self.forget_references(table)

    def forget_references(self, table: str) -> None:
        for keys in self.of.values():
            for name in [name for name, key in keys.items() if key.target == table]:
                del keys[name]

    def renamed(self, old: str, new: str) -> None:
        last = old.rpartition(".")[2]
        for keys in self.of.values():
            if last in keys:
                keys[new] = replace(keys.pop(last), name=new)


_LETS_GO: Final = frozenset({"drop default", "drop constraint", "drop index"})
_GIVES: Final = frozenset({"set default", "add identity"})


def with_keys(migrations: Iterable[Migration]) -> Iterator[Migration]:
    """The same migrations; what refuses nothing that was not refused before is marked as expanding, and so is a default
    that goes and comes back in one file."""
    now = _InForce()
    for each in migrations:
        statements = each.up.statements
        before = now.copy()
        for one in statements:
            _apply(one, now)
        if any(one.keys or one.kind in _LETS_GO for one in statements):
            judged = _all_judged(statements, before)
            yield replace(each, up=replace(each.up, statements=tuple(_with_what_goes(judged, before, now))))
        else:
            yield each
        if not each.up.readable:
            now.of.clear()


def _with_what_goes(statements: Iterable[Statement], before: _InForce, after: _InForce) -> Iterator[Statement]:
    """The statements; what drops a unique key has it, where none is in force then that an insert could name for it."""
    for each in statements:
        found = (
            (table, keys[last])
            for table, keys in before.of.items()
            if each.kind in {"drop constraint", "drop index"}
            and (last := each.name.rpartition(".")[2]) in keys
            and each.table in {"", table}
        )
        table, key = next(found, ("", None))
        if key is None or key.kind not in {"primary", "unique"} or any(_serves(one, key) for one in after.keys(table)):
            yield each
        else:
            yield replace(each, table=each.table or table, keys=(key,))


def _serves(other: Key, key: Key) -> bool:
    """Whether an insert that names the columns of ``key`` finds the other: a key that may be checked late is none for
    it (PostgreSQL documentation, "INSERT", ``conflict_target``)."""
    told = _told(other)
    alike = {*other.columns} == {*key.columns} and told.get("where") == _told(key).get("where")
    return other.kind in {"primary", "unique"} and alike and not told["late"]


def _all_judged(statements: Sequence[Statement], before: _InForce) -> Iterator[Statement]:
    gone = {each.name.rpartition(".")[2] for each in statements if each.kind in {"drop constraint", "drop index"}}
    again = {(each.table, each.columns): at for at, each in enumerate(statements) if each.kind in _GIVES}
    ungiven = {(each.table, each.columns): at for at, each in enumerate(statements) if each.kind == "drop default"}
    other = set[str]()
    for at, each in enumerate(statements):
        if each.kind in _OTHERWISE:
            other.add(each.table or each.name)
        if each.kind == "drop default":
            refuses_nothing = again.get((each.table, each.columns), -1) > at
        else:
            refuses_nothing = _is_known(each, other, gone, before)
        if each.kind == "add identity" and ungiven.get((each.table, each.columns), at) < at:
            # What gave its values is gone: whether somebody brings them all the same is not told.
            yield replace(each, effect=Effect.OTHER) if each.effect is Effect.CONTRACT else each
            continue
        yield replace(each, effect=Effect.EXPAND, why="") if refuses_nothing else each


def _is_known(statement: Statement, other: set[str], gone: set[str], before: _InForce) -> bool:
    """Whether a statement adds a key in place of one that is ``gone``. ``other``: tables that are new or changed."""
    adds = statement.kind.startswith("add ") and statement.kind.endswith(" constraint")
    if not (adds or statement.kind == "create index") or len(statement.keys) != 1:
        return False
    (key,) = statement.keys
    if key.kind == "unique" and _told(key)["of"]:
        return True  # it is made of a unique index that is there
    if other & {statement.table, key.target}:
        return False
    replaced = [each for each in before.keys(statement.table) if each.name in gone]
    return any(_asks_for_all_of(each, key, before) for each in replaced)


def _told(key: Key) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(key.told)
    return found


def _asks_for_all_of(old: Key, new: Key, before: _InForce) -> bool:
    """Whether the old key refuses every row that the new one refuses."""
    if "foreign" in {old.kind, new.kind}:
        one, other = ({*zip(each.columns, _others(each, before), strict=False)} for each in (old, new))
        alike = (old.kind, old.target, old.told) == (new.kind, new.target, new.told)
        return alike and one == other and len(one) == len(old.columns) == len(new.columns)
    if not old.kind or not new.columns or (new.kind == "primary" and old.kind != "primary"):
        return False
    first, then = _told(old), _told(new)
    if old.kind == "primary":
        first["nulls"] = True  # there are none
    if first["late"] != then["late"] or (then["nulls"] and not first["nulls"]):
        return False
    if first.get("where") not in (None, then.get("where")):
        return False
    # Nulls in a further column are no repetition; of a primary key that would be a column that may not be empty.
    return {*old.columns} == {*new.columns} if new.kind == "primary" else {*old.columns} <= {*new.columns}


def _others(key: Key, before: _InForce) -> tuple[str, ...]:
    """The columns that a key refers to: those of the other table's primary key where none are named."""
    primary = next((each for each in before.keys(key.target) if each.kind == "primary"), None)
    return key.others or (primary.columns if primary is not None else ("",) * len(key.columns))


def _apply(each: Statement, now: _InForce) -> None:
    if each.kind in _OTHERWISE:
        now.forget(each.table or each.name)
    elif each.kind == "create table":
        if not (each.if_exists and each.table in now.of):
            now.of[each.table] = {key.name: key for key in each.keys}
    elif each.kind == "drop constraint":
        now.without(each.name, each.table)
    elif each.kind == "drop index":
        now.without(each.name)
    elif each.kind in {"rename index", "rename tabconstraint"}:
        now.renamed(each.was or each.table, each.name)
    elif each.kind in {"do", "call", "drop schema", "drop owned"}:
        now.of.clear()
    elif each.keys and each.validated:
        held = now.of.setdefault(each.table, {})
        held |= {key.name: key for key in _named(each, held)}


def _named(statement: Statement, held: Mapping[str, Key]) -> Iterator[Key]:
    """The keys that a statement makes; what is there under its name stays, where it only makes what is not there."""
    for each in statement.keys:
        of = str(_told(each).get("of", ""))
        if of in held:  # an index becomes a constraint, which speaks of what that spoke of
            yield replace(each, columns=held[of].columns)
        elif not of and not (statement.if_exists and each.name in held):
            yield each
