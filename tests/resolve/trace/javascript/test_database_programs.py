"""Programs for Node.js that talk to a database and to nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import load, trace_of

GIVEN: Any = load(Path(__file__).with_name("database_programs.yaml"))
LOGGED_IN = {"permissions": {"id-token": "write"}}


def _is_open(root: Path, run: str, files: dict[str, str]) -> bool:
    login = {"uses": "aws-actions/configure-aws-credentials@v4", "with": {"role-to-assume": "r", "aws-region": "r"}}
    return not trace_of(root, run, files, steps=[login, {"run": run}], **LOGGED_IN).complete


@pytest.mark.parametrize("run", GIVEN["stays"])
def test_nothing_else_is_left_open(tmp_path: Path, run: str) -> None:
    assert not _is_open(tmp_path, run, GIVEN["files"])


@pytest.mark.parametrize("run", GIVEN["open"])
def test_another_program_leaves_all_open(tmp_path: Path, run: str) -> None:
    assert _is_open(tmp_path, run, GIVEN["files"])


@pytest.mark.parametrize("file", ["ops/migrate.ts", "ops/lib/settings.ts"])
@pytest.mark.parametrize("line", GIVEN["reaching"])
def test_one_that_reaches_further_leaves_all_open(tmp_path: Path, line: str, file: str) -> None:
    files = {**GIVEN["files"], file: f"{GIVEN['files'][file]}{line}\n"}
    assert _is_open(tmp_path, "npx tsx ops/migrate.ts", files)
