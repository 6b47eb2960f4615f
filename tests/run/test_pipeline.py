"""A glance tells whether a folder has a pipeline: what it overlooks is not judged at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.settings import Settings
from checker.run.pipeline import pipeline_of
from tests.pipelines import repository


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("db/migrations/20260101000000_nick.php", "<?php class Nick extends AbstractMigration {}"),
        ("Migrations/20260101000000_Nick.cs", "public partial class Nick : Migration {}"),
        ("priv/repo/migrations/20260101000000_nick.exs", "use Ecto.Migration"),
        ("src/db/migration/V2__Nick.java", "public class V2__Nick extends BaseJavaMigration {}"),
        ("src/db/migration/V2__Nick.kt", "class V2__Nick : BaseJavaMigration() {}"),
        ("db/changelog/db.changelog-master.xml", '<databaseChangeLog><changeSet id="1"/></databaseChangeLog>'),
    ],
)
def test_migrations_alone_are_seen_whatever_they_are_written_in(file: str, text: str, tmp_path: Path) -> None:
    found = pipeline_of(repository(tmp_path, {file: text}), Settings(), ())
    assert found is not None
    assert [[each.spot.file for each in folder.problems] for folder in found.migrations] == [[file]]


def test_a_folder_of_templates_has_none(tmp_path: Path) -> None:
    assert pipeline_of(repository(tmp_path, {"template.yaml": "Resources: {}"}), Settings(), ()) is None
