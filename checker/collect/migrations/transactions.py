"""What a statement has to do with transactions: whether it begins or ends one, and whether it may stand in one.

Also what lies beside a file and asks its tool to run that outside of a transaction. Sources: PostgreSQL documentation,
"SQL Commands", the notes of each command ("cannot be executed inside a transaction block"); Flyway documentation,
"Script Config Files" and "Execute In Transaction"; Diesel's documentation, crate ``diesel_migrations``, "Transactions".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from checker import lazy_re
from checker.collect.documents import read_text
from checker.errors import InputError
from checker.model.migrations.folders import Effect, SqlFile, Statement

_ALWAYS_ALONE: Final = frozenset(
    {"CreatedbStmt", "DropdbStmt", "AlterSystemStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt"}
)
_WHOLE: Final = frozenset({"REINDEX_OBJECT_DATABASE", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_SCHEMA"})
_BEGINS: Final = frozenset({"BEGIN", "START"})
_ENDS: Final = frozenset({"COMMIT", "ROLLBACK", "PREPARE"})
_SAVES: Final[Mapping[str, str]] = {"SAVEPOINT": "savepoint", "ROLLBACK_TO": "back"}


def in_transactions(
    node: str, body: Mapping[str, Any], statements: Iterable[Statement], *, together: bool
) -> Iterator[Statement]:
    """What one statement does, with what it has to do with transactions. ``together``: others stand in its text."""
    alone = _stands_alone(node, body)
    control = _control(body) if node == "TransactionStmt" else ""
    for each in statements:
        ends = "rollback" if control and body.get("kind") == "TRANS_STMT_ROLLBACK" else body.get("savepoint_name", "")
        ends = ends or each.name
        told = {"alone": alone, "together": alone and together, "value": control or each.value, "name": ends}
        yield replace(each, **told) if alone or control else each


def _control(body: Mapping[str, Any]) -> str:
    """``begin``, ``end``, ``savepoint``, ``back`` to one; nothing for an end that begins the next (``AND CHAIN``)."""
    kind = str(body.get("kind", "")).removeprefix("TRANS_STMT_")
    if kind in _SAVES:
        return _SAVES[kind]
    if kind in _BEGINS:
        return "begin"
    return "end" if kind in _ENDS and not body.get("chain") else ""


def not_rolled_back(statements: Iterable[Statement]) -> list[Statement]:
    """The statements without those that a ROLLBACK of the same file takes back: with the transaction that they are in,
    or to a savepoint before them."""
    kept: list[Statement] = []
    began: int | None = None
    for each in statements:
        if each.value == "begin":
            began = len(kept)
        elif each.value == "end":
            if each.name == "rollback" and began is not None:
                kept[began:] = _settings(kept[began:])
            began = None
        elif each.value == "back":
            saved = [at for at, one in enumerate(kept) if one.value == "savepoint" and one.name == each.name]
            if saved:
                kept[saved[-1] :] = _settings(kept[saved[-1] :])
        kept.append(each)
    return kept


def _settings(statements: Iterable[Statement]) -> list[Statement]:
    return [each for each in statements if each.effect is Effect.SETTING]


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


# -- what lies beside a file ---------------------------------------------------------------------

_LONGEST: Final = 65_536
_ASKS: Final = lazy_re.compile(
    r"^[ \t]*(?:executeInTransaction|run_in_transaction)[ \t]*=[ \t]*\"?false\b", re.IGNORECASE | re.MULTILINE
)
_File = TypeVar("_File", bound=SqlFile | None)


def as_told_beside(file: _File, path: Path | None) -> _File:
    """The file as what lies beside it has it run: Flyway's ``V1__x.sql.conf``, Diesel's ``metadata.toml``."""
    if file is None or path is None:
        return file
    for each in (path.with_name(f"{path.name}.conf"), path.with_name("metadata.toml")):
        try:
            asks = each.is_file() and _ASKS.search(read_text(each, each.name, _LONGEST)) is not None
        except InputError:
            continue  # whoever runs it cannot read it either
        if asks:
            return replace(file, outside=True)
    return file
