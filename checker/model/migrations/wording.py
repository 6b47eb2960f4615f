"""How each tool's migrations are spoken of: what a way back is called there, and how its language writes a comment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from checker.model.judgements import Judgement
from checker.model.migrations.folders import Migration, is_program

# The ways back of frameworks that make them of what the migration does, and what helps where they cannot.
MADE_BACK: Final[Mapping[str, tuple[str, str, str]]] = {
    "django": (
        "Django undoes it by its operations.",
        "Django cannot undo it",
        "Give RunSQL its reverse_sql, and RunPython its reverse_code",
    ),
    "rails": (
        "Rails undoes it, or its `down` does.",
        "Rails cannot undo it",
        "Write a `down`, or what it undoes with `reversible`",
    ),
    "ecto": (
        "Ecto undoes it, or its `down` does.",
        "Ecto cannot undo it",
        "Write a `down`, or what a command needs to be undone",
    ),
    "phinx": (
        "Phinx undoes it, or its `down` does.",
        "Phinx cannot undo it",
        "Write `up` and `down` in place of `change`",
    ),
    "node-pg-migrate": (
        "node-pg-migrate undoes it, or its `down` does.",
        "node-pg-migrate cannot undo it",
        "Write a `down` that undoes it",
    ),
}
# What others call a way back that is written.
CALLED_BACK: Final = {
    "liquibase": "rollback", "flyway": "undo script", "sqitch": "revert script", "goose": "section that goes down",
    "dbmate": "section that goes down",
}  # fmt: skip


def worded(judgement: Judgement, migration: Migration, tool: str) -> Judgement:
    """Comments are written as the migration's language has them, and ways back called as its tool does."""
    if word := CALLED_BACK.get(tool):
        said, fix = (each.replace("down file", word) for each in (judgement.violation, judgement.fix))
        judgement = replace(judgement, violation=said, fix=fix)
    if not is_program(migration.file):
        return judgement
    fix = judgement.fix.replace(
        "-- migrate:", f"{'#' if migration.file.endswith(('.py', '.rb', '.exs')) else '//'} migrate:"
    )
    if tool not in MADE_BACK:
        word = "downgrade" if tool == "alembic" else "`down`"
        said = judgement.violation if tool == "alembic" else judgement.violation.replace("down file", word)
        return replace(judgement, violation=said, fix=fix.replace("down file", word))
    undoes, cannot, how = MADE_BACK[tool]
    said = judgement.violation.replace("Its down file undoes it.", undoes)
    fix = fix.replace("Write a down file that undoes it", how)
    return replace(judgement, violation=said.replace("it has no down file", cannot), fix=fix)
