"""What containers migrate with: surely by their images, or because a task is told to."""

from __future__ import annotations

from pathlib import Path

from checker.model.pipeline.pipeline import Pipeline
from checker.model.settings import Settings
from checker.reason.migrations.migrating import migrating
from checker.reason.migrations.started.steps import by_images, by_scripts, by_tasks, read_into
from checker.run.pipeline import pipeline_of
from tests.pipelines import repository, workflow

_IMAGE = "FROM x\nWORKDIR /app\nCOPY . .\n"
_TASK = workflow(
    "aws ecs run-task --cluster c --task-definition a --overrides"
    """ '{"containerOverrides":[{"name":"a","command":["./migrate.sh"]}]}'"""
)


def _pipeline(root: Path, start: str, script: str) -> Pipeline:
    files = {
        ".github/workflows/d.yml": _TASK,
        "Dockerfile": _IMAGE + start,
        "migrate.sh": script,
        "migrations/0001_a.sql": "CREATE TABLE a (id int);",
    }
    found = pipeline_of(repository(root, files), Settings(), ())
    assert found is not None
    return found


def test_a_condition_is_for_one_task_perhaps(tmp_path: Path) -> None:
    script = '#!/bin/sh\nif [ "$MIGRATE" = 1 ]; then\n  psql "$URL" -f migrations/0001_a.sql\nfi\n'
    found = _pipeline(tmp_path, 'CMD ["./migrate.sh"]', script)
    assert by_images(found) == ()
    assert [each.action.spot.line for each in by_tasks(found)] == [3]


def test_what_a_task_does_stands_for_the_call(tmp_path: Path) -> None:
    found = _pipeline(tmp_path, "", '#!/bin/sh\npsql "$URL" -f migrations/0001_a.sql\n')
    assert [each.action.spot.file for each in read_into(migrating(found), found)] == ["migrate.sh"]


def test_the_call_stays_beside_what_was_not_followed(tmp_path: Path) -> None:
    found = _pipeline(tmp_path, "", '#!/bin/sh\npsql "$URL" -f migrations/0001_a.sql\n./bin/more.sh\n')
    files = [each.action.spot.file for each in read_into(migrating(found), found)]
    assert files == [".github/workflows/d.yml", "migrate.sh"]


def test_a_tool_that_is_found_by_its_command_is_told_once(tmp_path: Path) -> None:
    found = _pipeline(tmp_path, 'CMD ["./migrate.sh"]', "#!/bin/sh\nalembic upgrade head\n")
    assert [each.tool.name for each in by_images(found) if each.tool] == ["alembic"]
    assert by_scripts(found) == []
