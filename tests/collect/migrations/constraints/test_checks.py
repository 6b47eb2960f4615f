"""Conditions that are dropped and made again: what of them refuses no more than was refused before."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.migrations.migrations import read_migrations
from checker.model.migrations.folders import Effect
from checker.model.settings import Settings
from tests.pipelines import repository

TABLE = "CREATE TABLE t (kind text, n int, m int, day date, CONSTRAINT c CHECK ({}));\n"


@pytest.mark.parametrize(
    ("before", "then", "expands"),
    [
        # lists, however they are written
        ("kind IN ('a', 'b')", "kind = ANY ('{a,\"b\",c}')", True),
        ("kind IN ('a', 'b')", "kind = ANY ('{a,b,c}'::text[])", True),
        ("kind IN ('a', 'b')", "kind = ANY ('{a,NULL}')", False),
        ("kind IN ('a', 'b')", "kind = ANY ('{{a},{b}}')", False),
        ("kind IN ('a', 'b')", "kind = ANY ('{a}')", False),
        # what is left out
        ("kind IN ('a', 'b')", "kind NOT IN ('c', 'd')", True),
        ("kind IN ('a', 'b')", "kind <> ''", True),
        ("kind IN ('a', 'b')", "'c' <> kind", True),
        ("kind IN ('a', 'B')", "kind <> 'b '", False),  # of a type that knows no case, or pads
        ("kind IN ('a', 'nan')", "kind <> 'nan'", False),
        ("kind <> ALL (ARRAY['c', 'd'])", "kind NOT IN ('c')", True),
        ("kind NOT IN ('c')", "kind NOT IN ('c', 'd')", False),
        ("kind NOT IN ('c')", "kind IN ('a')", False),
        ("kind <> ANY (ARRAY['c', 'd'])", "kind <> 'c'", False),
        ("n IN (1, 2)", "n <> 2.0", False),
        ("n > 0", "n <> 0", True),
        ("n > 0", "n <> 1", False),
        # what is empty
        ("kind IN ('a') OR kind IS NULL", "kind IN ('a', 'b')", True),
        ("kind IN ('a') OR n IS NULL", "kind IN ('a', 'b')", False),
        ("kind IN ('a') OR kind IS NOT NULL", "kind IN ('a', 'b')", False),
        # two columns
        ("n < m", "n <= m", True),
        ("n < m", "m >= n", True),
        ("n = m", "m <= n", True),
        ("n <= m", "n < m", False),
        ("n < m", "m <= n", False),
        # the other way round
        ("NOT (n < 0)", "n >= 0", True),
        ("n >= 0", "NOT n < 0", True),
        ("n >= 0", "NOT (n > 0)", False),
        ("NOT (kind IN ('a') OR n < 0)", "kind <> 'a' AND n >= -1", True),
        ("NOT (kind IN ('a') AND n < 0)", "kind <> 'a'", False),
        ("NOT kind LIKE 'a%'", "NOT kind LIKE 'a%' OR n > 0", True),
        ("NOT kind LIKE 'a%'", "kind LIKE 'a%'", False),
        # days
        ("day >= '2020-01-01'", "day >= DATE '2019-06-30'", True),
        ("day >= '2020-01-01'", "day >= '2020-02-01'", False),
        ("day >= '2020-01-01'", "day > 'yesterday'", False),
    ],
)
def test_a_condition_in_place_of_another(before: str, then: str, expands: bool, tmp_path: Path) -> None:
    files = {
        "migrations/001_a.sql": TABLE.format(before),
        "migrations/002_b.sql": f"ALTER TABLE t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK ({then});\n",
    }
    ((folder,), _) = read_migrations(repository(tmp_path, files), Settings())
    effects = {each.effect for each in folder.migrations[1].statements}
    assert (effects == {Effect.EXPAND}) is expands
