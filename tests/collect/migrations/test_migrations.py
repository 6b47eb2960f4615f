"""SQL migrations: found, ordered, paired, and what each statement does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.collect.migrations.migrations import read_migrations
from checker.collect.migrations.sql import parse_sql
from checker.model.migrations.folders import MigrationFolder
from checker.model.settings import Settings
from tests.pipelines import repository

SELECT = "SELECT 1;\n"


def folders(root: Path, *files: str, **named: str) -> tuple[MigrationFolder, ...]:
    repository(root, {**dict.fromkeys(files, SELECT), **named})
    found, problems = read_migrations(root, Settings())
    assert problems == ()
    return found


@pytest.mark.parametrize(
    ("files", "tool", "expected"),
    [
        (["db/10_b.up.sql", "db/9_a.up.sql", "db/9_a.down.sql"], "pairs", [("9", "a", True), ("10", "b", False)]),
        (["sql/V1.10__c.sql", "sql/V1.9__b.sql", "sql/U1.9__b.sql", "sql/R__views.sql"], "flyway",
         [("1.9", "b", True), ("1.10", "c", False), ("R", "views", False)]),
        (["db/migration/V10.sql", "db/migration/V9.sql", "db/migration/U9.sql"], "flyway",
         [("9", "", True), ("10", "", False)]),
        (["migrations/20240102_b.sql", "migrations/20240101_a.sql"], "numbered",
         [("20240101", "a", False), ("20240102", "b", False)]),
        (["prisma/migrations/20240101_a/migration.sql"], "prisma", [("20240101", "a", False)]),
        (["m/00001_a/up.sql", "m/00001_a/down.sql"], "diesel", [("00001", "a", True)]),
        (["drizzle/0000_a.sql", "drizzle/meta/_journal.json"], "drizzle", [("0000", "a", False)]),
        (["migrations/001_A.UP.SQL", "migrations/001_A.DOWN.SQL"], "pairs", [("001", "A", True)]),
        (["migrations/001_a.pgsql", "migrations/002_b.psql"], "numbered", [("001", "a", False), ("002", "b", False)]),
        (["migrations/m001.ddl", "migrations/patch-002-b.sql"], "numbered", [("001", "", False), ("002", "b", False)]),
    ],
)  # fmt: skip
def test_tools(files: list[str], tool: str, expected: list[tuple[str, str, bool]], tmp_path: Path) -> None:
    (found,) = folders(tmp_path, *files)
    assert found.tool == tool
    assert [(each.number, each.name, each.down is not None) for each in found.migrations] == expected
    assert found.problems == ()


def test_other_sql_is_left_alone(tmp_path: Path) -> None:
    assert folders(tmp_path, "queries/report.sql", "node_modules/x/migrations/1_a.sql", "seeds/1_users.sql") == ()


def test_a_folder_of_sql_without_an_order_is_told_of(tmp_path: Path) -> None:
    (found,) = folders(tmp_path, "db/migrations/first.sql", "db/migrations/second.sql")
    assert found.migrations == ()
    assert [each.spot.file for each in found.problems] == ["db/migrations/first.sql", "db/migrations/second.sql"]


def test_sql_beside_other_migrations_is_left_alone(tmp_path: Path) -> None:
    code = {"c/migrations/views.sql": SELECT, "c/migrations/20240101_a.js": "exports.up = k => k.raw('SELECT 1');\n"}
    found = folders(tmp_path, "db/migrations/views.sql", "db/migrations/2024_a/migration.sql", **code)
    assert [each.tool for each in found] == ["code", "prisma"]
    assert not any("named" in problem.message for each in found for problem in each.problems)


def test_both_directions_in_one_file(tmp_path: Path) -> None:
    text = "-- header\n-- +goose Up\nCREATE TABLE a (b int);\n-- +goose Down\nDROP TABLE a;\n"
    repository(
        tmp_path, {"migrations/1_a.sql": text, "migrations/2_b.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\n"}
    )
    ((folder,), _) = read_migrations(tmp_path, Settings())
    first, second = folder.migrations
    assert [(each.kind, each.spot.line) for each in first.statements] == [("create table", 3)]
    assert first.down is not None
    assert [(each.kind, each.spot.line) for each in first.down.statements] == [("drop table", 5)]
    assert second.down is None


def test_faults_are_said(tmp_path: Path) -> None:
    repository(
        tmp_path,
        {
            "m/1_a.up.sql": SELECT,
            "m/01_b.up.sql": "CREATE TABLE ok (a int);\nSELCT 1;\n",
            "m/1_c.up.sql": b"\xff\xfe",
            "m/7_x.down.sql": SELECT,
            "m/readme.sql": SELECT,
        },
    )
    ((folder,), _) = read_migrations(tmp_path, Settings())
    said = sorted(str(problem) for problem in folder.all_problems)
    assert any(each.startswith("m/01_b.up.sql:2: not PostgreSQL") for each in said), said
    assert any("a way back without the way there" in each for each in said)
    assert any("not named like the other migrations" in each for each in said)
    assert any("the number 1 is used twice" in each for each in said)
    assert any("not UTF-8" in each for each in said)
    assert not all(each.up.readable for each in folder.migrations)


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("ALTER TABLE `a` PARTITION BY HASH (id);", "MySQL"),
        ("CREATE TABLE [dbo].[a] (id int IDENTITY(1,1));", "SQL Server"),
        ("CREATE TABEL a (id int);", ""),
    ],
)
def test_what_is_written_for_another_system_is_said(text: str, system: str) -> None:
    (problem,) = parse_sql(text, "a.sql").problems
    assert (f"it is written for {system}" in problem.message) == bool(system)
    assert ("waive" in problem.fix) == bool(system)


CASES = [
    ("ALTER TABLE a ADD COLUMN b int", "add column", "expand"),
    ("ALTER TABLE a ADD COLUMN b int NOT NULL", "add column", "contract"),
    ("ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT 1", "add column", "expand"),
    ("ALTER TABLE a ADD COLUMN b serial NOT NULL", "add column", "expand"),
    ("ALTER TABLE a DROP COLUMN b", "drop column", "contract"),
    ("ALTER TABLE a ALTER COLUMN b TYPE bigint", "alter type", "contract"),
    ("ALTER TABLE a ALTER COLUMN b SET NOT NULL", "set not null", "contract"),
    ("ALTER TABLE a ALTER COLUMN b DROP NOT NULL", "drop not null", "expand"),
    ("ALTER TABLE a RENAME COLUMN b TO c", "rename column", "contract"),
    ("ALTER TABLE a RENAME TO c", "rename table", "contract"),
    ("DROP TABLE a", "drop table", "contract"),
    ("DROP INDEX CONCURRENTLY a_b", "drop index", "expand"),
    ("CREATE INDEX CONCURRENTLY i ON a (b)", "create index", "expand"),
    ("TRUNCATE a", "truncate", "contract"),
    ("DELETE FROM a", "delete", "data"),
    ("CREATE TABLE a (b int)", "create table", "expand"),
]


@pytest.mark.parametrize(("sql", "kind", "effect"), CASES)
def test_statements(sql: str, kind: str, effect: str) -> None:
    (statement,) = parse_sql(f"-- a comment\n\n{sql};\n", "m.sql").statements
    assert (statement.kind, statement.effect.value, statement.spot.line) == (kind, effect, 3)
    if effect == "contract":
        assert statement.why


def test_facts_of_statements() -> None:
    file = parse_sql(
        "-- migrate: expand\n"
        "-- and why\n"
        "CREATE TABLE fresh (a int);\n"
        "CREATE INDEX i ON fresh (a);\n"
        "ALTER TABLE old\n"
        "  ADD COLUMN x text DEFAULT now(),\n"
        "  ADD COLUMN y uuid DEFAULT gen_random_uuid();\n"
        "CREATE INDEX CONCURRENTLY j ON old (x, y);\n"
        "ALTER TABLE old ADD CONSTRAINT c CHECK (x > '') NOT VALID;\n"
        "SET lock_timeout = '5s';\n",
        "m.sql",
    )
    assert [text for _, text in file.header] == ["migrate: expand", "and why"]
    table, index, stable, volatile, concurrent, check, setting = file.statements
    assert (table.table, table.columns) == ("fresh", ("a",))
    assert (index.new_table, index.concurrently) == (True, False)
    assert (stable.columns, stable.spot.line) == (("x",), 6)
    assert (volatile.columns, volatile.spot.line) == (("y",), 7)
    assert (concurrent.concurrently, concurrent.columns, concurrent.table) == (True, ("x", "y"), "old")
    assert check.validated is False
    assert (setting.name, setting.value) == ("lock_timeout", "5s")


WORDS = st.sampled_from(
    [*("ALTER", "TABLE", "a", "ADD", "DROP", "COLUMN", "b", "int", "NOT", "NULL", "CREATE", "INDEX", "ON"),
     *(";", "(", ")", "'", '"', "--", "/*", "*/", "$$", "é", "\n")]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(WORDS | st.text(max_size=5), max_size=20))
def test_no_text_breaks_the_reader(words: list[str]) -> None:
    file = parse_sql(" ".join(words), "m.sql")
    assert file.readable or file.statements == ()


def test_large_and_deep_sql_ends() -> None:
    assert not parse_sql("SELECT " + "(" * 50_000 + "1" + ")" * 50_000, "m.sql").readable
    assert len(parse_sql("INSERT INTO a VALUES (1);\n" * 20_000, "m.sql").statements) == 20_000


@pytest.mark.parametrize("text", ["/*" * 100_000, "SELECT 1;\n" + "-+" * 100_000])
def test_signs_without_end_are_a_problem_at_their_line(text: str) -> None:
    """PostgreSQL's scanner takes a time that grows with the square of such a run."""
    (problem,) = parse_sql(text, "V1__a.sql").problems
    assert (problem.spot.line, problem.unread) == (1 + text.count("\n"), True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nick.py", "import yoyo\nsteps = [yoyo.step('DROP TABLE nicks')]\n"),
        ("nick.py", "def migrate(migrator, database, fake=False):\n    migrator.remove_fields('user', 'nick')\n"),
        ("nick.py", "from playhouse.migrate import migrate\nmigrate(m.drop_column('users', 'nick'))\n"),
        ("nick.py", "async def upgrade(db: BaseDBAsyncClient) -> str:\n    return 'DROP TABLE nicks'\n"),
        ("nick.js", "module.exports = {\n  async up(db, client) {},\n  async down() {},\n};\n"),
        ("nick.mjs", "export default { up: (db) => db.dropTable('nicks') };\n"),
        ("nick.rb", "Sequel.migration do\n  up { drop_table(:nicks) }\nend\n"),
        ("nick.go", "func init() { Migrations.MustRegister(up, down) }\n"),
        ("nick.cs", "[Migration(7)]\npublic class NoNick : ForwardOnlyMigration {}\n"),
        ("nick.rs", "impl MigrationTrait for Migration {}\n"),
    ],
)
def test_a_migration_in_code_is_seen_by_what_its_tool_asks_for(name: str, text: str, tmp_path: Path) -> None:
    folder = tmp_path / "db/migrations"
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    (found,), _ = read_migrations(tmp_path, Settings())
    assert [each.message for each in found.problems] == ["migrations written as code are not read"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.py", "def migrate(database):\n    database.execute(open('1.sql').read())\n"),
        ("run.js", "module.exports = { updated, upwards: 1 };\n"),
        ("run.go", "func init() { handlers.Register(up) }\n"),
    ],
)
def test_a_program_beside_migrations_is_none(name: str, text: str, tmp_path: Path) -> None:
    folder = tmp_path / "db/migrations"
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    assert read_migrations(tmp_path, Settings())[0] == ()


@pytest.mark.parametrize(
    "text",
    [
        "class Migration(migrations.Migration):\n    operations = []\n",
        "class AddNick < ActiveRecord::Migration[8.0]\nend\n",
        "export class AddNick1 implements MigrationInterface {}\n",
        "/** @implements {MigrationInterface} */\nmodule.exports = class AddNick {}\n",
        "exports.up = (knex) => knex.schema;\n",
        "func init() { goose.AddMigrationContext(up, down) }\n",
        "class V2__Nick : BaseJavaMigration() {}\n",
        "defmodule Repo.AddNick do\n  use Ecto.Migration\nend\n",
    ],
)
def test_a_program_that_declares_a_migration_is_one_and_one_that_names_it_is_none(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "db/migrations"
    folder.mkdir(parents=True)
    (folder / "nick.py").write_text(text)
    (found,), _ = read_migrations(tmp_path, Settings())
    read = "migrations.Migration" in text
    said = "took nick.py for Django's migrations: their operations are read"
    assert [each.message for each in found.problems] == [said if read else "migrations written as code are not read"]
    # A list of such words, as a reader of migrations has.
    words = [
        word for word in text.replace("(", " ").replace("{", " ").split() if "igration" in word or "exports" in word
    ]
    (folder / "nick.py").write_text(f"WORDS = {words!r}\nPATTERNS = [r'\\b{words[0]}\\b']\n")
    assert read_migrations(tmp_path, Settings())[0] == ()


REVISION = (
    "from alembic import op\nrevision = 'a'\ndown_revision = None\ndef upgrade(): op.drop_column('users', 'nick')\n"
)


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        ("alembic.ini", "[alembic]\nscript_location = app\nversion_locations = %(here)s/app/revs:%(here)s/more\n"),
        ("alembic.ini", "[alembic]\nversion_locations =\n  app/revs\n  more\n"),
        ("pyproject.toml", '[tool.alembic]\nversion_locations = ["app/revs", "more"]\n'),
        ("alembic.ini", "[alembic]\nversion_locations = app\nrecursive_version_locations = true\n"),
    ],
)
def test_revisions_lie_where_alembics_configuration_says(configuration: str, text: str, tmp_path: Path) -> None:
    for name, written in {configuration: text, "app/revs/nick.py": REVISION, "other/nick.py": REVISION}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(written)
    found, problems = read_migrations(tmp_path, Settings())
    assert ([each.folder for each in found], problems) == (["app/revs"], ())


def test_a_configuration_that_names_no_folder_names_none(tmp_path: Path) -> None:
    text = "[other]\nversion_locations = ../elsewhere\n"
    for name, written in {"alembic.ini": text, "pyproject.toml": text, "app/revs/nick.py": REVISION}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(written)
    assert read_migrations(tmp_path, Settings()) == ((), ())
