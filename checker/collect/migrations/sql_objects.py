"""What is done to a schema's objects by their names: drops, new names, domains and sequences.

Sources: PostgreSQL documentation, "CREATE DOMAIN", "ALTER DOMAIN", "ALTER SEQUENCE".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, Final

from msgspec.structs import replace

from checker.collect.migrations.constraints.empty_rows import is_empty, may_refuse
from checker.collect.migrations.sql_names import arguments_of, name_of, relation_of
from checker.model.migrations.folders import Effect, Statement
from checker.model.sources import Spot

_ALTERED: Final = {"T": "set domain default", "N": "drop domain not null", "O": "set domain not null",
                   "C": "add domain constraint", "X": "drop domain constraint", "V": "validate domain"}  # fmt: skip
_REFUSES: Final = frozenset({"set domain not null", "add domain constraint"})
# What of a sequence decides which numbers come next, or that none do.
_NUMBERS: Final = frozenset({"restart", "maxvalue", "minvalue", "as", "increment"})


def of_everybody(statements: Iterable[Statement], own: Set[str], body: Mapping[str, Any]) -> Iterator[Statement]:
    """The statements, with a table of the usual schema called by that where the session has its ``own`` of its name,
    which a bare name means then (PostgreSQL documentation, "Schemas", ``search_path``: ``pg_temp`` comes first)."""
    relations = [body.get("relation"), *(each.get("RangeVar") for each in body.get("relations", []))]
    dropped_so = [each.get("List", {}).get("items", []) for each in body.get("objects", [])]
    usual = any(each.get("schemaname") == "public" for each in relations if isinstance(each, dict)) or any(
        len(parts) > 1 and parts[0].get("String", {}).get("sval") == "public" for parts in dropped_so
    )
    for each in statements:
        table, name = (f"public.{said}" if usual and said in own else said for said in (each.table, each.name))
        yield replace(each, table=table, name=name) if (table, name) != (each.table, each.name) else each


def _named(body: Mapping[str, Any], key: str) -> str:
    return ".".join(name for part in body.get(key, []) if (name := name_of(part)) and name != "public")


def _asks_for_a_value(constraint: Mapping[str, Any]) -> bool:
    if constraint.get("contype") == "CONSTR_CHECK":
        return may_refuse(json.dumps(constraint.get("raw_expr")), {"value"})
    return constraint.get("contype") == "CONSTR_NOTNULL"


def domain_made(body: Mapping[str, Any], spot: Spot) -> Statement:
    """A new domain; its value is ``required`` where a column of it that is given nothing is refused."""
    parts = [each.get("Constraint", {}) for each in body.get("constraints", [])]
    filled = any(each.get("contype") == "CONSTR_DEFAULT" and not is_empty(each.get("raw_expr")) for each in parts)
    required = not filled and any(map(_asks_for_a_value, parts))
    name = _named(body, "domainname")
    return Statement("create domain", Effect.EXPAND, spot, name=name, value="required" if required else "")


def domain_altered(body: Mapping[str, Any], spot: Spot) -> Statement:
    """What is asked of a domain's values from then on, or no longer."""
    name, kind = _named(body, "typeName"), _ALTERED.get(str(body.get("subtype", "")), "")
    if not kind or (kind == "set domain default" and ("def" not in body or is_empty(body["def"]))):
        return Statement("alter domain", Effect.OTHER, spot, name=name)
    if kind not in _REFUSES:
        return Statement(kind, Effect.EXPAND, spot, name=name)
    asks = kind == "set domain not null" or _asks_for_a_value(body.get("def", {}).get("Constraint", {}))
    why = f"values of {name} that break it are refused then"
    return Statement(kind, Effect.CONTRACT, spot, name=name, value="required" if asks else "", why=why)


def enum_made(body: Mapping[str, Any], spot: Spot) -> Statement:
    """A new enumeration; its value are those that it has (JSON), as far as its author told them."""
    values = [name_of(each) for each in body.get("vals", [])]
    told = json.dumps(values) if values else ""
    return Statement("create type", Effect.EXPAND, spot, name=_named(body, "typeName"), value=told)


def enum_altered(body: Mapping[str, Any], spot: Spot) -> Statement:
    """A value more, or with another name: as JSON it, the one beside it or that it was, whether it stands behind."""
    name, new = _named(body, "typeName"), body.get("newVal", "")
    if "oldVal" in body:
        told = json.dumps([new, body["oldVal"], False])
        return Statement("rename value", Effect.CONTRACT, spot, name=name, value=told, why="a value is renamed")
    told = json.dumps([new, body.get("newValNeighbor", ""), bool(body.get("newValIsAfter"))])
    return Statement("add value", Effect.EXPAND, spot, name=name, value=told)


def sequence_altered(body: Mapping[str, Any], spot: Spot) -> Statement:
    """A sequence that is moved to a place of its own, or that ends elsewhere, may give numbers that are taken, or
    none."""
    told = {str(each.get("DefElem", {}).get("defname", "")) for each in body.get("options", [])}
    effect = Effect.OTHER if told & _NUMBERS else Effect.SETTING
    return Statement("alter seq", effect, spot, name=relation_of(body.get("sequence")))


# -- what goes, and what gets another name ----------------------------------------------------------

_DROPS: Final[Mapping[str, str]] = {
    "OBJECT_TABLE": "drop table", "OBJECT_VIEW": "drop view", "OBJECT_MATVIEW": "drop view",
    "OBJECT_SCHEMA": "drop schema", "OBJECT_TYPE": "drop type", "OBJECT_FUNCTION": "drop function",
    "OBJECT_SEQUENCE": "drop sequence", "OBJECT_EXTENSION": "drop extension", "OBJECT_TRIGGER": "drop trigger",
    "OBJECT_POLICY": "drop policy", "OBJECT_DOMAIN": "drop domain", "OBJECT_PROCEDURE": "drop function",
}  # fmt: skip


def dropped(body: Mapping[str, Any], spot: Spot) -> Iterator[Statement]:
    """What a DROP takes away, one statement for each name; its value says that more may go with it."""
    kind = str(body.get("removeType", ""))
    more = "cascade" if body.get("behavior") == "DROP_CASCADE" else ""
    objects = body.get("objects", [])
    together = tuple(map(name_of, objects)) if len(objects) > 1 else ()
    for each in objects:
        name = name_of(each)
        exists = bool(body.get("missing_ok"))
        if kind == "OBJECT_INDEX":
            concurrently = bool(body.get("concurrent"))
            # What runs now works without an index, if slowly.
            yield Statement("drop index", Effect.EXPAND, spot, name=name, concurrently=concurrently, if_exists=exists)
            continue
        shown = _DROPS.get(kind, "drop")
        table = name if kind in {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW"} else ""
        if name.startswith("pg_temp."):  # the session's own
            table = name = name.removeprefix("pg_temp.")
            yield Statement(shown, Effect.SETTING, spot, table, name=name, if_exists=exists)
            continue
        what = shown if kind in _DROPS else f"drop {kind.removeprefix('OBJECT_').replace('_', ' ').lower()}".strip()
        yield Statement(
            shown, Effect.CONTRACT, spot, table, name=name, value=more, if_exists=exists,
            why=f"{what} {name}".strip(), signature=arguments_of(each), beside=together,
        )  # fmt: skip


def new_name(body: Mapping[str, Any], spot: Spot) -> Statement:
    """What is called otherwise then; of an index, a constraint, a trigger or a policy no code knows the name."""
    kind = str(body.get("renameType", "")).removeprefix("OBJECT_").lower()
    table = relation_of(body.get("relation"))
    new, old = body.get("newname", ""), body.get("subname", "")
    whole = table or name_of(body.get("object"))
    if kind in {"index", "tabconstraint", "trigger", "policy"}:
        return Statement(f"rename {kind}", Effect.EXPAND, spot, table, name=new, was=old)
    columns, was = (old,) if kind == "column" else (), whole if kind == "type" else ""
    why = f"{old or whole} is called {new} then"
    return Statement(f"rename {kind}", Effect.CONTRACT, spot, table, columns, new, was=was, why=why)


# -- who may do what ---------------------------------------------------------------------------------


def rights(body: Mapping[str, Any], spot: Spot) -> Iterator[Statement]:
    """Rights that are given or taken away, object by object: its columns are the roles, its value the rights. Taken
    away they may be anybody's. An object that is no table is called by what it is, ``function f``."""
    kind, effect = ("grant", Effect.EXPAND) if body.get("is_grant") else ("revoke", Effect.OTHER)
    named = [str(each.get("AccessPriv", {}).get("priv_name", "")) for each in body.get("privileges", [])]
    sort = str(body.get("objtype", "")).removeprefix("OBJECT_").replace("_", " ").lower()
    every = body.get("targtype") != "ACL_TARGET_OBJECT"
    for each in body.get("objects", [{}]):
        name = relation_of(each.get("RangeVar")) or name_of(each)
        table = name if sort == "table" else f"{sort} {name}"
        if every:
            table = "" if sort == "table" else f"every {sort}"
        yield Statement(
            kind, effect, spot, table, _roles(body.get("grantees")), value=",".join(named),
            signature=arguments_of(each),
        )  # fmt: skip


def memberships(body: Mapping[str, Any], spot: Spot) -> Iterator[Statement]:
    """Roles that are given to other ones, or taken from them, with every right that they have."""
    kind, effect = ("grant", Effect.EXPAND) if body.get("is_grant") else ("revoke", Effect.OTHER)
    for each in body.get("granted_roles", []):
        table = f"role {each.get('AccessPriv', {}).get('priv_name', '')}"
        yield Statement(kind, effect, spot, table, _roles(body.get("grantee_roles")), value="member")


def _roles(grantees: Any) -> tuple[str, ...]:
    told = [each.get("RoleSpec", {}) for each in grantees or []]
    return tuple(str(each.get("rolename", "public")) for each in told)
