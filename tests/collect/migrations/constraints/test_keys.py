"""Keys that are dropped and made again: what of them refuses no more than was refused before."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.migrations.migrations import read_migrations
from checker.model.migrations.folders import Effect
from checker.model.settings import Settings
from tests.pipelines import repository

FIRST = (
    "CREATE TABLE b (id bigint PRIMARY KEY, code text UNIQUE);"
    "CREATE TABLE a (id bigint PRIMARY KEY, x int UNIQUE DEFERRABLE, y bigint REFERENCES b, s text,"
    " CONSTRAINT pair UNIQUE NULLS NOT DISTINCT (y, s));"
    "CREATE UNIQUE INDEX part ON a (s) WHERE x > 0;"
)


@pytest.mark.parametrize(
    ("then", "expands"),
    [
        ("ALTER TABLE a DROP CONSTRAINT pair, ADD UNIQUE (y, s)", True),
        ("ALTER TABLE a DROP CONSTRAINT pair, ADD UNIQUE NULLS NOT DISTINCT (s, y, id)", True),
        ("ALTER TABLE a DROP CONSTRAINT pair, ADD UNIQUE (s)", False),
        ("ALTER TABLE a DROP CONSTRAINT pair, ADD PRIMARY KEY (s, y)", False),
        ("ALTER TABLE a DROP CONSTRAINT pair, ADD UNIQUE (y, s) DEFERRABLE", False),
        ("ALTER TABLE a DROP CONSTRAINT a_x_key, ADD UNIQUE (x) DEFERRABLE", True),
        ("ALTER TABLE a DROP CONSTRAINT a_x_key, ADD UNIQUE (x)", False),
        ("ALTER TABLE a ADD UNIQUE (y, s)", False),  # in place of none
        ("DROP INDEX part; CREATE UNIQUE INDEX part ON a (s) WHERE x > 0", True),
        ("DROP INDEX part; CREATE UNIQUE INDEX part ON a (s) WHERE x > 1", False),
        ("DROP INDEX part; CREATE UNIQUE INDEX part ON a (s)", False),
        ("ALTER TABLE a DROP CONSTRAINT a_y_fkey, ADD FOREIGN KEY (y) REFERENCES b (id)", True),
        ("ALTER TABLE a DROP CONSTRAINT a_y_fkey, ADD FOREIGN KEY (y) REFERENCES b (id) ON UPDATE CASCADE", False),
        ("ALTER TABLE a DROP CONSTRAINT a_y_fkey, ADD FOREIGN KEY (s) REFERENCES b (code)", False),
        ("ALTER TABLE a RENAME y TO z; ALTER TABLE a DROP CONSTRAINT pair, ADD UNIQUE (y, s)", False),
    ],
)
def test_in_place_of_what_was_there(then: str, expands: bool, tmp_path: Path) -> None:
    root = repository(tmp_path, {"migrations/1_first.sql": FIRST, "migrations/2_then.sql": then + ";"})
    (folder,), _ = read_migrations(root, Settings())
    last = folder.migrations[-1].up.statements[-1]
    assert (last.effect is Effect.EXPAND) is expands
