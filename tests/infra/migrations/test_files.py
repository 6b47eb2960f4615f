"""What is accepted as a migration, and what is refused before any database is touched."""

from pathlib import Path

import pytest

from infra.migrations import files
from infra.migrations.errors import SetupError
from infra.migrations.headers import Contract, Header

UP, DOWN = "CREATE TABLE a (x int);", "DROP TABLE a;"
ALONE = "-- migrate: no-transaction\n"


def folder(path: Path, **texts: str) -> Path:
    for key, text in texts.items():
        stem, _, direction = key.removeprefix("_").rpartition("__")
        (path / f"{stem}.{direction}.sql").write_text(text)
    return path


def test_the_examples_are_sound() -> None:
    labels = [migration.label for migration in files.discover(Path(__file__).parent / "examples")]
    assert labels == ["0001_deployments", "0002_deployments_by_time"]


def test_an_empty_folder_has_no_migrations(tmp_path: Path) -> None:
    assert files.discover(tmp_path) == ()


def test_line_ends_do_not_change_a_checksum_and_anything_else_does(tmp_path: Path) -> None:
    path = tmp_path / "0001_a.up.sql"
    sums = []
    for content in (b"SELECT 1;\n", b"SELECT 1;\r\n", b"SELECT 1; \n", b"SELECT 1;\n-- b\n"):
        path.write_bytes(content)
        sums.append(files.read(path, "up").checksum)
    assert sums[0] == sums[1]
    assert len(set(sums)) == 3


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (UP, Header()),
        ("-- migrate: expand\n" + UP, Header(change="expand")),
        ("--migrate:expand\r\n" + UP, Header(change="expand")),
        ("-- about it\n\n-- Migrate: contract of 0007 released in v1.2.0\n" + UP, Header(change=Contract(7, "v1.2.0"))),
        (
            "-- migrate: statement-timeout 30min\n-- migrate: lock-timeout 500ms\n" + UP,
            Header(statement_timeout=1800, lock_timeout=0.5),
        ),
        (ALONE + "-- migrate: rerunnable\nVACUUM a;", Header(no_transaction=True, rerunnable=True)),
        ("-- migrated: expand is only a remark\n" + UP, Header()),
    ],
)
def test_headers(tmp_path: Path, text: str, header: Header) -> None:
    path = tmp_path / "0001_a.up.sql"
    path.write_text(text)
    assert header == files.read(path, "up").header


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no statement"),
        ("-- only a remark", "no statement"),
        ("-- migrate: no-transactions\n" + UP, "line 1: unknown directive"),
        ("-- migrate: contract of 7 released in v1\n" + UP, "line 1: unknown directive"),
        ("-- migrate: expand\n-- migrate: expand\n" + UP, "line 2: a second directive"),
        ("-- migrate: expand\n-- migrate: contract of 0001 released in v1.0.0\n" + UP, "line 2: a second directive"),
        ("-- migrate: lock-timeout 0s\n" + UP, "no timeout"),
        (UP + "\n-- migrate: no-transaction\n", "line 2: .* below the first statement"),
        ("SELECT 1;\nCOMMIT;", "line 2: COMMIT would take the transaction"),
        ("DISCARD ALL;", "DISCARD ALL would take"),
        ("CREATE INDEX CONCURRENTLY i ON a (x);", "inside a transaction"),
        ("-- migrate: rerunnable\n" + UP, "without `no-transaction`"),
        (ALONE + "DROP INDEX CONCURRENTLY i;\nDROP INDEX CONCURRENTLY j;", "line 3: a second statement"),
        (ALONE + "VACUUM a;", "cannot tell how far"),
        (ALONE + "CREATE INDEX CONCURRENTLY ON a (x);", "without a name"),
        (ALONE + "COMMIT;", "COMMIT would take"),
        ("SELECT 'a", "unterminated"),
    ],
)
def test_unsound_files_are_refused_by_name(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "0001_a.up.sql").write_text(text)
    (tmp_path / "0001_a.down.sql").write_text(DOWN)
    with pytest.raises(SetupError, match=rf"0001_a\.up\.sql: .*{problem}"):
        files.discover(tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_a.up.sql").write_bytes(b"SELECT '\xff';")
    with pytest.raises(SetupError, match="UTF-8"):
        files.discover(tmp_path)


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ({"_0001_a__up": UP}, "no way back"),
        ({"_0001_a__down": DOWN}, "without its up file"),
        ({"_0001_a__up": UP, "_0001_b__down": DOWN}, "is called 0001_a.up.sql"),
        ({"_0001_a__up": UP, "_0001_b__up": UP}, "0001 is also 0001_a.up.sql"),
        ({"_0002_a__up": UP, "_0002_a__down": DOWN}, "0001 is missing before 0002_a"),
        ({"_0001_A__up": UP}, "not a migration's name"),
        ({"_1_a__up": UP}, "not a migration's name"),
        ({"_0001_a__sideways": UP}, "not a migration's name"),
        ({"_0001_a__up": UP, "_0001_a__down": "-- migrate: expand\n" + DOWN}, "a down file says"),
        (
            {"_0001_a__up": "-- migrate: contract of 0001 released in v1.0.0\n" + UP, "_0001_a__down": DOWN},
            "no earlier migration",
        ),
    ],
)
def test_unsound_folders_are_refused(tmp_path: Path, texts: dict[str, str], problem: str) -> None:
    with pytest.raises(SetupError, match=problem):
        files.discover(folder(tmp_path, **texts))


def test_a_migration_that_only_expands_needs_no_down_file(tmp_path: Path) -> None:
    [migration] = files.discover(folder(tmp_path, _0001_a__up="-- migrate: expand\n" + UP))
    assert migration.down is None


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        files.discover(tmp_path / "nowhere")
