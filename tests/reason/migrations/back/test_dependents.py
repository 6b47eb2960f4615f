"""What a database refuses to drop, by system and by what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from checker.collect.migrations.migrations import read_migrations
from checker.model.migrations.folders import Migration
from checker.model.settings import Settings
from checker.reason.migrations.back.dependents import dropped_too_early

_UP = "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (a int REFERENCES a (id));\n"


def read(folder: Path, *pairs: tuple[str, str], system: str = "") -> Sequence[Migration]:
    for number, (up, down) in enumerate(pairs):
        (folder / "migrations").mkdir(exist_ok=True)
        (folder / "migrations" / f"000{number}_x.up.sql").write_text(up)
        (folder / "migrations" / f"000{number}_x.down.sql").write_text(down)
    ((found,), _) = read_migrations(folder, Settings())
    return [replace(each, down=replace(each.down, system=system) if each.down else None) for each in found.migrations]


@pytest.mark.parametrize(
    ("down", "system", "said"),
    [
        ("DROP TABLE a; DROP TABLE b;", "", "b refers to it"),
        ("DROP TABLE a CASCADE; DROP TABLE b;", "", ""),
        ("DROP TABLE a CASCADE; DROP TABLE b;", "MySQL", "b refers to it"),
        ("SET foreign_key_checks = 0; DROP TABLE a; DROP TABLE b;", "MySQL", ""),
        ("DROP TABLE a, b;", "", ""),
        ("DROP TABLE b; DROP TABLE a;", "", ""),
        ("ALTER TABLE b DROP COLUMN a; DROP TABLE a; DROP TABLE b;", "", ""),
        ("ALTER TABLE b DROP COLUMN other; DROP TABLE a; DROP TABLE b;", "", "b refers to it"),
        ("ALTER TABLE b DROP CONSTRAINT b_a_fkey; DROP TABLE a; DROP TABLE b;", "", ""),
        ("ALTER TABLE c DROP CONSTRAINT b_a_fkey; DROP TABLE a; DROP TABLE b;", "", "b refers to it"),
        ("DO $$ BEGIN EXECUTE 'ALTER TABLE b DROP CONSTRAINT b_a_fkey'; END $$; DROP TABLE a; DROP TABLE b;", "", ""),
    ],
)
def test_a_table_that_is_referred_to(down: str, system: str, said: str, tmp_path: Path) -> None:
    found = dropped_too_early(read(tmp_path, (_UP, down), system=system)).values()
    assert [str(need) for _, need in found] == ([said] if said else [])


@pytest.mark.parametrize(("more", "is_refused"), [("", True), ("CALL tidy();\n", False)])
def test_what_earlier_migrations_have_made_counts_until_code_may_have_changed_it(
    more: str, is_refused: bool, tmp_path: Path
) -> None:
    second = "CREATE TABLE a (id int PRIMARY KEY);\nALTER TABLE b ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES a (id);\n"
    first = ("CREATE TABLE b (id int, a int);", "DROP TABLE b;")
    migrations = read(tmp_path, first, (second + more, "DROP TABLE a;"))
    assert list(dropped_too_early(migrations)) == (migrations[1:] if is_refused else [])


@pytest.mark.parametrize(
    ("up", "down", "said"),
    [
        ("CREATE TABLE audit.a (id int);", "DROP TABLE audit.a;", []),
        ("CREATE TABLE app.c (a int REFERENCES a (id));", "DROP SCHEMA app CASCADE; DROP TABLE b; DROP TABLE a;", []),
        ("ALTER TABLE b RENAME CONSTRAINT b_a_fkey TO k;", "ALTER TABLE b DROP CONSTRAINT k; DROP TABLE a;", []),
        ("ALTER TABLE b RENAME COLUMN a TO x;", "ALTER TABLE b DROP COLUMN x; DROP TABLE a;", []),
        ("ALTER TABLE b RENAME COLUMN a TO x;", "ALTER TABLE b DROP COLUMN a; DROP TABLE a;", ["b refers to it"]),
        (
            "CREATE TYPE m AS ENUM ('x'); ALTER TABLE b ADD m m; ALTER TYPE m RENAME TO n;",
            "DROP TYPE n;",
            ["b.m is of it"],
        ),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON b FOR EACH ROW EXECUTE FUNCTION f();",
            "DROP FUNCTION f(int); DROP FUNCTION f();",
            ["trigger t calls it"],
        ),
        ("CREATE TRIGGER t BEFORE UPDATE ON b FOR EACH ROW EXECUTE FUNCTION f();", "DROP FUNCTION f(int);", []),
    ],
)
def test_names_are_followed_as_they_are_written(up: str, down: str, said: list[str], tmp_path: Path) -> None:
    found = dropped_too_early(read(tmp_path, (_UP, "DROP TABLE b; DROP TABLE a;"), (up, down))).values()
    assert [str(need) for _, need in found] == said
