"""Liquibase's change logs in XML, YAML and JSON as the statements that they come to, and their ways back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from checker.collect.migrations.schema_code.liquibase import change_logs
from checker.model.migrations.folders import MigrationFolder, SqlFile
from tests.pipelines import load

CASES: Final = load(Path(__file__).with_name("liquibase.yaml"))
AROUND: Final = (
    '<?xml version="1.0"?>\n<databaseChangeLog xmlns="http://x">\n<changeSet id="1" author="a">{}</changeSet>\n'
    "</databaseChangeLog>"
)


def _read(texts: dict[str, str], root: Path) -> MigrationFolder:
    (found,) = change_logs("db", texts, root)
    return found


def _said(file: SqlFile | None) -> list[str] | None:
    if file is None:
        return None
    return [problem.message for problem in file.problems] or [
        " ".join(filter(None, (each.effect.value, each.kind, each.table, *each.columns))) for each in file.statements
    ]


@pytest.mark.parametrize("case", CASES, ids=[case["does"][:60] for case in CASES])
def test_what_a_change_set_comes_to(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "more.sql").write_text("DROP TABLE other;\n")
    name = f"db/changelog.{case.get('in', 'xml')}"
    text = case["does"] if "in" in case else AROUND.format(case["does"])
    (read,) = _read({name: text}, tmp_path).migrations
    assert _said(read.up) == case["up"]
    assert _said(read.down) == case.get("down")


def test_change_logs_come_in_the_order_in_which_they_are_included(tmp_path: Path) -> None:
    includes = '<include file="b.xml" relativeToChangelogFile="true"/><include file="classpath:db/a.xml"/>'
    master = f"<databaseChangeLog>{includes}</databaseChangeLog>"
    one = '<databaseChangeLog><changeSet id="{0}"><dropTable tableName="t"/></changeSet></databaseChangeLog>'
    found = _read({"db/a.xml": one.format("a"), "db/b.xml": one.format("b"), "db/main.xml": master}, tmp_path)
    assert [each.number for each in found.migrations] == ["b", "a"]


@pytest.mark.parametrize(
    "text", ["<!DOCTYPE x []><databaseChangeLog/>", "<databaseChangeLog>", "<x>databaseChangeLog</x>"]
)
def test_what_is_not_understood_is_on_record(text: str, tmp_path: Path) -> None:
    found = _read({"db/changelog.xml": text}, tmp_path)
    assert found.migrations == ()
    assert [each.unread for each in found.problems] == [True]


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_a_change_stands_where_it_is_written(ending: str, tmp_path: Path) -> None:
    changes = {
        "yaml": "databaseChangeLog:\n- changeSet:\n    id: 1\n    changes:\n    - dropTable: {tableName: a}\n",
        "json": '{"databaseChangeLog": [{"changeSet":\n{"changes": [\n\n\n{"dropTable": {"tableName": "a"}}]}}]}',
    }
    (read,) = _read({f"db/changelog.{ending}": changes[ending]}, tmp_path).migrations
    assert [each.spot.line for each in read.up.statements] == [5]
