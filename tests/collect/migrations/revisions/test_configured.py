"""Where Alembic's configuration says that its revisions lie."""

from __future__ import annotations

from pathlib import Path

from checker.collect.migrations.revisions.configured import revision_folders
from checker.model.sources import Problem
from tests.pipelines import repository

_DEEP = "[alembic]\nversion_locations = db/history\nrecursive_version_locations = true\n"


def test_more_folders_than_are_looked_at_are_told_of(tmp_path: Path) -> None:
    repository(tmp_path, {"alembic.ini": _DEEP})
    for number in range(1_001):
        (tmp_path / f"db/history/{number:04}").mkdir(parents=True)
    problems: list[Problem] = []
    found = revision_folders(tmp_path, tmp_path / "alembic.ini", problems)
    assert len(found) == 1_000
    assert [each.spot.file for each in problems] == ["alembic.ini"]


def test_as_many_folders_as_are_looked_at_leave_nothing_open(tmp_path: Path) -> None:
    repository(tmp_path, {"alembic.ini": _DEEP})
    for number in range(999):
        (tmp_path / f"db/history/{number:04}").mkdir(parents=True)
    problems: list[Problem] = []
    assert len(revision_folders(tmp_path, tmp_path / "alembic.ini", problems)) == 1_000
    assert problems == []
