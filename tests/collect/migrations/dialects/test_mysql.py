"""MySQL's statements are read as PostgreSQL's, where they say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from checker.collect.migrations.sql import parse_sql
from tests.pipelines import load

CASES: Final = load(Path(__file__).with_name("mysql.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["sql"][:60] for case in CASES])
def test_what_a_statement_comes_to(case: dict[str, Any]) -> None:
    read = parse_sql(case["sql"], "a.sql")
    assert bool(read.problems) is case.get("unread", False)
    said = [
        " ".join(filter(None, (str(each.spot.line), each.effect.value, each.kind, each.table, *each.columns)))
        for each in read.statements
    ]
    assert said == case.get("reads", [])
