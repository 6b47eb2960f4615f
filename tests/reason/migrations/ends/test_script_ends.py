"""Runners for Node.js, by what they make of a migration that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.collect.migrations.source_code import source_file
from checker.model.answers import YES, Open, yes_if
from checker.model.migrations.folders import MigrationRunner
from checker.reason.migrations.ends.script_ends import ends_well

_CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("script_ends.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", [pytest.param(each, id=each["name"]) for each in _CASES])
def test_how_it_ends(case: dict[str, Any]) -> None:
    file = source_file("migrate.mjs", case["code"])
    assert ends_well(MigrationRunner(file, (file,))) is yes_if(case["well"])


@pytest.mark.parametrize(
    ("code", "open_"),
    [
        ("try {" * 18_000 + "x.catch(() => " * 60, False),
        ("try {" * 18_000 + "x.catch(() => " * 61, True),
        ("try {" * 20_000 + "x.catch(() => " * 3_000, True),
        ("try { up() } catch (error) { throw error }\n" * 61, True),
    ],
)
def test_what_of_a_long_file_is_not_followed_is_not_said_to_end_with_a_failure(code: str, open_: bool) -> None:
    file = source_file("migrate.mjs", code)
    assert isinstance(ends_well(MigrationRunner(file, (file,))), Open) is open_


def test_a_failure_that_is_found_in_a_long_file_is_told() -> None:
    forgotten = "try { await client.query(text) } catch (error) { console.error(error) }\n"
    file = source_file("migrate.mjs", forgotten + "try { up() } catch (error) { throw error }\n" * 61)
    assert ends_well(MigrationRunner(file, (file,))) is YES
