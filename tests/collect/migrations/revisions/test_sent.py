"""What is read of a revision's calls, against the SQL that Alembic itself makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import indent
from typing import Any, Final

import pytest

from checker.collect.migrations.revisions.reading import revisions
from checker.collect.migrations.sql import parse_sql
from checker.model.migrations.folders import Effect, Statement
from tests.pipelines import load

CASES: Final = load(Path(__file__).with_name("sent.yaml"))
HEAD: Final = (
    "from alembic import op\nimport sqlalchemy as sa\nrevision = 'a1'\ndown_revision = None\n\n\ndef upgrade():\n"
)


def _noticed(statements: Iterable[Statement]) -> set[tuple[str, str, frozenset[str]]]:
    """What code that runs on the schema notices: the effect, the table, the columns; of new rows that they are."""
    return {
        (each.effect.value, "" if each.kind == "insert" else each.table, frozenset(each.columns))
        for each in statements
        if each.effect in {Effect.CONTRACT, Effect.DATA} and not each.new_table
    }


def _alone(statements: Iterable[Statement]) -> list[str]:
    return [each.kind for each in statements if each.alone]


@pytest.mark.parametrize("case", CASES, ids=[case["does"][:60] for case in CASES])
def test_is_what_alembic_sends(case: dict[str, Any]) -> None:
    folder = revisions("v", {"v/a1_x.py": HEAD + indent(case["does"], "    ") + "\n"}, "")
    assert folder is not None
    read = folder.migrations[0].up
    told = parse_sql(";\n".join(each.rstrip(";") for each in case["sends"]) + ";", "x")
    assert not told.problems
    assert all(each.effect is not Effect.OTHER for each in read.statements)
    assert _noticed(read.statements) == _noticed(told.statements)
    assert _alone(read.statements) == _alone(told.statements)
