"""What is read of a migration's code, against the SQL that the tools themselves sent for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from checker.collect.migrations.schema_code.reading import coded_folder
from checker.collect.migrations.sql import parse_sql
from checker.model.migrations.folders import Effect, Statement
from tests.pipelines import load

CASES: Final = load(Path(__file__).with_name("sent.yaml"))
AROUND: Final = {
    "typeorm": "export class A1 implements MigrationInterface {{\nasync up(queryRunner) {{\n{}\n}}\n}}\n",
    "knex": "exports.up = async (knex) => {{\n{}\n}};\n",
    "sequelize": "module.exports = {{ up: async (queryInterface, Sequelize) => {{\n{}\n}} }};\n",
    "node-pg-migrate": "{}",
    "kysely": "import {{ Kysely, sql }} from 'kysely';\nexport async function up(db) {{\n{}\n}}\n",
}


def _noticed(statements: Iterable[Statement]) -> set[tuple[str, str, frozenset[str]]]:
    """What code that runs on the schema notices: the effect, the table, the columns."""
    return {
        (each.effect.value, each.table.removeprefix("public."), frozenset(each.columns))
        for each in statements
        if each.effect in {Effect.CONTRACT, Effect.DATA} and not each.new_table and each.kind != "rename sequence"
    }


def _made(statements: Iterable[Statement]) -> set[tuple[str, str]]:
    return {(each.kind, each.table) for each in statements if each.kind == "create table"}


def _alone(statements: Iterable[Statement]) -> list[str]:
    return [each.kind for each in statements if each.alone]


@pytest.mark.parametrize("case", CASES, ids=[f"{case['tool']} {number}" for number, case in enumerate(CASES, 1)])
def test_is_what_the_tool_sends(case: dict[str, Any]) -> None:
    found = coded_folder("m", {"m/20260102000000_a.js": AROUND[case["tool"]].format(case["does"])}, lambda _: True)
    assert found is not None
    assert found.tool == case["tool"]
    migration = found.migrations[0]
    for file, sent in ((migration.up, case["sends"]), (migration.down, case.get("back"))):
        if sent is None:
            assert file is None
            continue
        assert file is not None
        told = parse_sql(";\n".join(each.rstrip(";") for each in sent).replace("$1", "NULL").replace("$2", "NULL"), "x")
        assert not told.problems
        if any(each.effect is Effect.OTHER for each in file.statements):
            # What it leaves open may be anything, and takes nothing for harmless.
            assert _noticed(file.statements) <= _noticed(told.statements)
            continue
        assert _noticed(file.statements) == _noticed(told.statements)
        assert _made(file.statements) == _made(told.statements)
        assert _alone(file.statements) == _alone(told.statements)
