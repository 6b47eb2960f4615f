"""Runners for Node.js, by what they make of a migration that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.collect.migrations.source_code import source_file
from checker.model.migrations.folders import MigrationRunner
from checker.reason.migrations.ends.script_ends import ends_well

_CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("script_ends.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", [pytest.param(each, id=each["name"]) for each in _CASES])
def test_how_it_ends(case: dict[str, Any]) -> None:
    file = source_file("migrate.mjs", case["code"])
    assert ends_well(MigrationRunner(file, (file,))) is case["well"]


def test_a_long_file_of_brackets_is_read_quickly() -> None:
    file = source_file("migrate.mjs", "try {" * 20_000 + "x.catch(() => " * 3_000)
    assert not ends_well(MigrationRunner(file, (file,)))
