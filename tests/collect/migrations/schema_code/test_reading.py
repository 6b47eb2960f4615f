"""Calls of migrations in Ruby, JavaScript, TypeScript and PHP as the statements that they come to, and their ways
back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from checker.collect.migrations.schema_code.reading import coded_folder
from checker.model.migrations.folders import Migration, SqlFile
from tests.pipelines import load

CASES: Final = load(Path(__file__).with_name("operations.yaml"))
AROUND: Final = {
    "rb": "class Change < ActiveRecord::Migration[7.1]\n{}\nend\n",
    "js": "exports.up = async (knex) => {{\n{}\n}};\n",
    "ts": "export class A1 implements MigrationInterface {{\n{}\n}}\n",
    "exs": "defmodule A do\nuse Ecto.Migration\n{}\nend\n",
    "cs": "namespace A\n{{\npublic partial class B : Migration\n{{\n{}\n}}\n}}\n",
    "php": "<?php\nreturn new class extends Migration\n{{\n{}\n}};\n",
}


def _read(case: dict[str, Any]) -> Migration:
    ending = case["in"]
    does = case["does"]
    text = AROUND[ending].format(does) if case.get("around", True) else does
    found = coded_folder("m", {f"m/20260102000000_change.{ending}": text}, lambda _: True)
    assert found is not None
    assert found.tool == case["tool"]
    return found.migrations[0]


def _said(file: SqlFile | None) -> list[str] | None:
    if file is None:
        return None
    return [problem.message for problem in file.problems] or [
        " ".join(filter(None, (each.effect.value, each.kind, each.table, *each.columns))) for each in file.statements
    ]


@pytest.mark.parametrize("case", CASES, ids=[f"{case['tool']}: {case['does'][:60]}" for case in CASES])
def test_what_a_migration_comes_to(case: dict[str, Any]) -> None:
    read = _read(case)
    assert _said(read.up) == case["up"]
    assert _said(read.down) == case.get("down")
    assert read.up.outside is case.get("outside", False)
    assert read.up.unlocked is case.get("unlocked", False)


def test_files_of_two_frameworks_are_of_none() -> None:
    rails = AROUND["rb"].format("def change\nend")
    laravel = AROUND["php"].format("public function up() {}")
    assert coded_folder("m", {"m/1_a.rb": rails, "m/2_b.php": laravel}, lambda _: True) is None
    assert coded_folder("m", {"m/1_a.rb": rails, "m/helper.rb": "module A\nend\n"}, lambda _: True) is None
    assert coded_folder("m", {"m/1_a.rb": rails, "m/helper.rb": "module A\nend\n"}, lambda _: False) is not None
