"""What a statement has to do with transactions: whether it begins or ends one, and whether it may stand in one.

Source: PostgreSQL documentation, "SQL Commands", the notes of each command ("cannot be executed inside a transaction
block").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from checker.model.migrations.folders import Effect, Statement

_ALWAYS_ALONE: Final = frozenset(
    {"CreatedbStmt", "DropdbStmt", "AlterSystemStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt"}
)
_WHOLE: Final = frozenset({"REINDEX_OBJECT_DATABASE", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_SCHEMA"})
_BEGINS: Final = frozenset({"BEGIN", "START"})
_ENDS: Final = frozenset({"COMMIT", "ROLLBACK", "PREPARE"})


def in_transactions(node: str, body: Mapping[str, Any], statements: Iterable[Statement]) -> Iterator[Statement]:
    """What one statement does, with what it has to do with transactions."""
    alone = _stands_alone(node, body)
    control = _control(body) if node == "TransactionStmt" else ""
    for each in statements:
        ends = "rollback" if control and body.get("kind") == "TRANS_STMT_ROLLBACK" else each.name
        yield replace(each, alone=alone, value=control or each.value, name=ends) if alone or control else each


def _control(body: Mapping[str, Any]) -> str:
    """``begin``, ``end``, or nothing for a savepoint and for an end that begins the next (``AND CHAIN``)."""
    kind = str(body.get("kind", "")).removeprefix("TRANS_STMT_")
    if kind in _BEGINS:
        return "begin"
    return "end" if kind in _ENDS and not body.get("chain") else ""


def not_rolled_back(statements: Iterable[Statement]) -> Iterator[Statement]:
    """The statements without those that a ROLLBACK of the same file takes back with the transaction they are in."""
    held: list[Statement] | None = None  # since the transaction began
    for each in statements:
        if each.value == "begin":
            yield from held or ()
            held = [each]
        elif held is None:
            yield each
        elif each.value != "end":
            held.append(each)
        else:
            kept = (one for one in held if one.effect is Effect.SETTING) if each.name == "rollback" else held
            yield from (*kept, each)
            held = None
    yield from held or ()


def _stands_alone(node: str, body: Mapping[str, Any]) -> bool:
    if node in {"IndexStmt", "DropStmt"}:
        return bool(body.get("concurrent"))
    if node == "ReindexStmt":
        named = (each.get("DefElem", {}).get("defname") for each in body.get("params", []))
        return body.get("kind") in _WHOLE or "concurrently" in named
    if node == "VacuumStmt":
        return bool(body.get("is_vacuumcmd"))
    if node == "AlterTableStmt":
        parts = (each.get("AlterTableCmd", {}).get("def", {}) for each in body.get("cmds", []))
        return any(part.get("PartitionCmd", {}).get("concurrent") for part in parts)
    return node in _ALWAYS_ALONE
