"""The code of a repository is gone through for what applies migrations, however large it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.migrations import migration_code
from checker.collect.migrations.migration_code import read_migration_code
from tests.pipelines import repository

RUNNER = """
import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
const client = new pg.Client();
for (const file of readdirSync('migrations')) await client.query(readFileSync(`migrations/${file}`, 'utf8'));
"""


def test_a_repository_of_many_packages_is_read_to_its_end(tmp_path: Path) -> None:
    packages = {f"packages/p{number}/package.json": '{"scripts": {"build": "tsc"}}' for number in range(250)}
    code = read_migration_code(repository(tmp_path, packages))
    assert code.problems == ()
    assert len(code.scripts) == 250


@pytest.mark.parametrize("kept", [0, 200, 1_000_000])
def test_what_is_not_kept_is_read_again(kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration_code, "_MOST_KEPT", kept)
    files = {f"src/f{number}.ts": f"import './f{number + 1}';\nexport const y = {number};\n" for number in range(9)}
    files |= {"db/migrate.ts": RUNNER, "db/start.ts": "import './migrate';\n"}
    code = read_migration_code(repository(tmp_path, files))
    (runner,) = code.runners
    assert runner.entry.file == "db/migrate.ts"
    assert list(runner.callers) == ["db/start.ts"]


@pytest.mark.parametrize(
    ("between", "runs"),
    [
        ("import pg from 'pg';", True),
        ("// import pg from 'pg';", False),
        ("/* new pg.Client().query('x') */", False),
    ],
)
def test_a_driver_that_only_a_comment_names_drives_nothing(between: str, runs: bool, tmp_path: Path) -> None:
    files = {"db/migrate.ts": RUNNER.replace("import pg from 'pg';", between)}
    assert [each.entry.file for each in read_migration_code(repository(tmp_path, files)).runners] == (
        ["db/migrate.ts"] if runs else []
    )
