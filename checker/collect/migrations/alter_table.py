"""What ``ALTER TABLE`` comes to: a statement for each thing that it does to the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from checker import lazy_re
from checker.collect.migrations.constraints.check_trees import checks_of
from checker.collect.migrations.constraints.empty_rows import is_empty, may_refuse
from checker.collect.migrations.constraints.keys import keys_of
from checker.collect.migrations.sql_names import HUMPS, name_of, relation_of, type_of
from checker.model.migrations.folders import Effect, Statement
from checker.model.sources import Spot

_FIRED: Final = lazy_re.compile(
    r"AT_(?P<on>Enable|Disable)(?P<often>Always|Replica|)(?P<sort>Trig|Rule)(?P<value>All|User|)$"
)
# Where rows lie, in which order, and what the planner is told (PostgreSQL documentation, "ALTER TABLE"; of
# ``SET WITHOUT OIDS``: "this never has an effect").
_UNSEEN: Final = frozenset(
    {"AT_SetOptions", "AT_ResetOptions", "AT_ResetRelOptions", "AT_SetTableSpace", "AT_DropCluster", "AT_DropOids",
     "AT_SetLogged"}
)  # fmt: skip


def alter_table(body: Mapping[str, Any], spot: Spot, line: Callable[[int], int]) -> Iterator[Statement]:
    """The statements of one ``ALTER TABLE``. ``line`` gives the line of an offset in the text."""
    table = relation_of(body.get("relation"))
    exists = bool(body.get("missing_ok"))
    for command in body.get("cmds", []):
        each = command.get("AlterTableCmd", {})
        kind = str(each.get("subtype", ""))
        name = each.get("name", "")
        at = spot
        location = _location(each)
        if location is not None:
            at = Spot(spot.file, line(location))
        column = (name,) if name else ()
        if kind == "AT_AddColumn":
            yield replace(_add_column(each, at, table), if_exists=bool(each.get("missing_ok")) or exists)
        elif kind == "AT_DropColumn":
            yield Statement("drop column", Effect.CONTRACT, at, table, column, why=f"column {name} is gone then")
        elif kind == "AT_AlterColumnType":
            why = f"column {name} has another type then"
            yield Statement("alter type", Effect.CONTRACT, at, table, column, why=why, types=_new_type(name, each))
        elif kind == "AT_SetNotNull":
            why = f"rows without {name} are refused then"
            yield Statement("set not null", Effect.CONTRACT, at, table, column, why=why)
        elif kind == "AT_DropNotNull":
            yield Statement("drop not null", Effect.EXPAND, at, table, column)
        elif kind == "AT_ColumnDefault":
            removes = "def" not in each or is_empty(each["def"])
            effect = Effect.CONTRACT if removes else Effect.EXPAND
            why = f"rows without {name} get no default then" if removes else ""
            yield Statement("drop default" if removes else "set default", effect, at, table, column, why=why)
        elif kind == "AT_AddConstraint":
            yield _add_constraint(each, at, table)
        elif kind == "AT_DropConstraint":
            yield Statement("drop constraint", Effect.EXPAND, at, table, name=name)
        elif kind == "AT_ValidateConstraint":
            yield Statement("validate constraint", Effect.EXPAND, at, table, name=name)
        elif kind in {
            "AT_AttachPartition",
            "AT_SetStatistics",
            "AT_SetRelOptions",
            "AT_DisableRowSecurity",
            "AT_NoForceRowSecurity",
            "AT_SetStorage",
            "AT_SetCompression",
            "AT_ReplicaIdentity",
            "AT_ClusterOn",
            *_UNSEEN,
        }:
            yield Statement(HUMPS.sub(" ", kind.removeprefix("AT_")).lower(), Effect.EXPAND, at, table, column)
        elif kind in {"AT_ChangeOwner", "AT_AlterConstraint"}:
            yield _set_anew(each, Statement("", Effect.OTHER, at, table, name=name), of=body.get("objtype", ""))
        elif kind in {"AT_EnableRowSecurity", "AT_ForceRowSecurity"}:
            # PostgreSQL documentation, "Row Security Policies": what no policy allows is refused.
            why = "rows are hidden and refused then, but for what a policy allows"
            yield Statement(HUMPS.sub(" ", kind.removeprefix("AT_")).lower(), Effect.CONTRACT, at, table, why=why)
        elif kind in {"AT_AddIdentity", "AT_SetIdentity", "AT_DropIdentity"}:
            yield _identity(each, Statement("", Effect.OTHER, at, table, column))
        elif kind in {"AT_DetachPartition", "AT_DropInherit"}:
            shown = "detach partition" if kind == "AT_DetachPartition" else "no inherit"
            yield Statement(shown, Effect.CONTRACT, at, table, why="rows leave the table")
        elif (left_out := _left_out(kind, Statement("", Effect.OTHER, at, table, name=name))) is not None:
            yield left_out
        else:
            yield Statement(
                HUMPS.sub(" ", kind.removeprefix("AT_")).lower() or "alter", Effect.OTHER, at, table, column
            )


def _left_out(subtype: str, bare: Statement) -> Statement | None:
    """What is no longer done to rows by itself, or is done again: a column that is computed, triggers and rules. Its
    value is ``all`` or ``user`` where it is every trigger that there is, or that somebody has made."""
    if subtype == "AT_DropExpression":
        # "ALTER TABLE": existing data is retained, but future changes no longer apply the generation expression.
        why = f"rows that are written get no {bare.name} then, but what code gives them"
        return replace(bare, kind="drop expression", effect=Effect.CONTRACT, columns=(bare.name,), name="", why=why)
    told = _FIRED.match(subtype)
    if told is None:
        return None
    on, often, sort, value = told["on"] == "Enable", told["often"], told["sort"], told["value"].lower()
    kind = f"{'enable' if on else 'disable'} {'rule' if sort == 'Rule' else 'trigger'}"
    if on:
        return replace(bare, kind=f"{kind} for replicas" if often == "Replica" else kind, value=value)
    what = f"what {bare.name} does" if bare.name else "what its triggers do and its foreign keys ask"
    return replace(bare, kind=kind, value=value, effect=Effect.CONTRACT, why=f"{what} is left out then")


def _set_anew(command: Mapping[str, Any], bare: Statement, *, of: str) -> Statement:
    """Another owner, or another time at which a constraint is checked: what waits for the end refuses no more rows."""
    if command["subtype"] == "AT_AlterConstraint":
        part = command.get("def", {})
        told = part.get("ATAlterConstraint", part.get("Constraint", {}))
        late = told.get("deferrable") and not told.get("alterEnforceability")
        return replace(bare, kind="alter constraint", effect=Effect.EXPAND if late else Effect.OTHER)
    if of != "OBJECT_TABLE":
        return replace(bare, kind="change owner", effect=Effect.EXPAND)
    why = "code may connect as the role that owned it, whose rights go with that"
    return replace(bare, kind="change owner", why=why, name="")


def _identity(command: Mapping[str, Any], bare: Statement) -> Statement:
    """A column that numbers its rows by itself, or no longer does. One that has been given its values until now, and
    ``ALWAYS`` makes them then, refuses those (PostgreSQL documentation, "CREATE TABLE", ``GENERATED ... AS IDENTITY``).
    """
    (name,) = bare.columns
    if command["subtype"] == "AT_DropIdentity":
        return replace(bare, kind="drop identity", effect=Effect.CONTRACT, why=f"rows without {name} are refused then")
    if command["subtype"] == "AT_AddIdentity":
        always = command.get("def", {}).get("Constraint", {}).get("generated_when") == "a"
        why = f"rows that bring their {name} are refused then" if always else ""
        return replace(bare, kind="add identity", effect=Effect.CONTRACT if always else Effect.EXPAND, why=why)
    told = [each.get("DefElem", {}) for each in command.get("def", {}).get("List", {}).get("items", [])]
    ways = [each.get("arg", {}).get("Integer", {}).get("ival") for each in told if each.get("defname") == "generated"]
    by_default = ways == [ord("d")] and len(told) == 1
    return replace(bare, kind="set identity", effect=Effect.EXPAND if by_default else Effect.OTHER)


def _new_type(name: str, command: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The type that a column gets. ``USING`` may compute other values, but for a cast of the column to that type, by
    way of its text or not."""
    definition = command.get("def", {}).get("ColumnDef", {})
    made = definition.get("raw_default", {}).get("TypeCast", {})
    written = made.get("arg", {})
    if (by_text := written.get("TypeCast", {})) and type_of(by_text) in {"text", "text[]"}:
        written = by_text.get("arg", {})
    fields = written.get("ColumnRef", {}).get("fields", [])
    plain = [name_of(part) for part in fields] == [name] and type_of(made) == type_of(definition)
    known = type_of(definition) if plain or "raw_default" not in definition else ""
    return ((name, known),) if known else ()


def _location(command: Mapping[str, Any]) -> int | None:
    """The offset of a command's own text, where the tree keeps one."""
    definition = command.get("def", {})
    for node in definition.values() if isinstance(definition, dict) else ():
        if isinstance(node, dict) and isinstance(node.get("location"), int):
            return int(node["location"])
    return None


def _add_column(each: Mapping[str, Any], spot: Spot, table: str) -> Statement:
    column = each.get("def", {}).get("ColumnDef", {})
    constraints = [part.get("Constraint", {}) for part in column.get("constraints", [])]
    kinds = {part.get("contype") for part in constraints}
    default = next((part for part in constraints if part.get("contype") == "CONSTR_DEFAULT"), None)
    serial = any(str(name_of(part)).endswith("serial") for part in column.get("typeName", {}).get("names", []))
    given = default is not None and not is_empty(default.get("raw_expr"))
    filled = given or serial or bool(kinds & {"CONSTR_IDENTITY", "CONSTR_GENERATED"})
    required = bool(kinds & {"CONSTR_NOTNULL", "CONSTR_PRIMARY"})
    name = str(column.get("colname", ""))
    checks = tuple(checks_of([each.get("def", {})], table))
    refuses = not filled and (required or any(may_refuse(tree, {name}) for _, tree in checks))
    return Statement(
        "add column",
        Effect.CONTRACT if refuses else Effect.EXPAND,
        spot,
        table,
        (name,),
        has_default=filled,
        unique=bool(kinds & {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}),
        value="required" if required else "",
        why=f"rows without {name} are refused then" if refuses else "",
        checks=checks,
        keys=keys_of([each.get("def", {})], table),
        types=((name, type_of(column)),),
    )


def _mentioned(expression: Any) -> Iterator[str]:
    """The columns that an expression names."""
    if isinstance(expression, dict):
        if "ColumnRef" in expression:
            yield from (name_of(part) for part in expression["ColumnRef"].get("fields", [])[-1:])
            return
        expression = list(expression.values())
    if isinstance(expression, list):
        for each in expression:
            yield from _mentioned(each)


def _add_constraint(each: Mapping[str, Any], spot: Spot, table: str) -> Statement:
    constraint = each.get("def", {}).get("Constraint", {})
    kind = str(constraint.get("contype", "")).removeprefix("CONSTR_").lower()
    keys = constraint.get("keys", []) or constraint.get("fk_attrs", [])
    columns = tuple(name_of(part) for part in keys) or tuple(_mentioned(constraint.get("raw_expr")))
    validated = not constraint.get("skip_validation", False)
    return Statement(
        f"add {kind} constraint",
        Effect.CONTRACT,
        spot,
        table,
        columns,
        str(constraint.get("conname", "")),
        unique=kind in {"unique", "primary"},
        validated=validated,
        why="rows that break it are refused then",
        checks=tuple(checks_of([each.get("def", {})], table)),
        keys=keys_of([each.get("def", {})], table),
    )
