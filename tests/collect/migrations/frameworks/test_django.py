"""Django's operations as the statements that they come to, and their ways back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.migrations.frameworks.django import django_folder
from checker.model.migrations.folders import Migration, SqlFile
from tests.pipelines import load

CASES = load(Path(__file__).with_name("operations.yaml"))
HEAD = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
NOTE = """    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("text", models.CharField(max_length=20)),
                ("tags", models.ManyToManyField("shop.Tag")),
            ],
        ),
        migrations.CreateModel(name="Seen", fields=[("id", models.IntegerField())], options={"managed": False}),
    ]
"""


def _second(body: str) -> Migration:
    texts = {"shop/migrations/0001_initial.py": HEAD + NOTE, "shop/migrations/0002_change.py": body}
    found = django_folder("shop/migrations", texts)
    assert found is not None
    return found.migrations[1]


def _said(file: SqlFile | None) -> list[str] | None:
    if file is None:
        return None
    return [
        " ".join(filter(None, (each.effect.value, each.kind, each.table, *each.columns))) for each in file.statements
    ]


@pytest.mark.parametrize("case", CASES, ids=[case["does"] for case in CASES])
def test_operation(case: dict[str, Any]) -> None:
    read = _second(f"{HEAD}    operations = [{case['does']}]\n")
    assert _said(read.up) == case["up"]
    assert _said(read.down) == case.get("down")


def test_what_stands_around_the_operations_is_not_read() -> None:
    body = "    def apply(self, *given):\n        boom()\n\n    operations += [migrations.DeleteModel('Note')]\n"
    said = _said(_second(f"boom()\n{HEAD}{body}").up)
    assert said == ["other code around it", "other code of its class", "other code of its class"]


def test_a_migration_outside_of_a_transaction_says_so() -> None:
    assert _second(f"{HEAD}    atomic = False\n    operations = []\n").up.outside


def test_a_comment_in_front_of_the_class_is_its_header() -> None:
    read = _second(f"# migrate: contract of 0001 released in v1.0.0\n{HEAD}    operations = []\n")
    assert [text for _, text in read.up.header] == ["migrate: contract of 0001 released in v1.0.0"]
    assert (read.number, read.name) == ("0002", "change")


def test_other_programs_of_the_folder_leave_it_unread() -> None:
    assert (
        django_folder("shop/migrations", {"shop/migrations/0001_x.py": "print('migrations.Migration operations')"})
        is None
    )
    assert django_folder("shop/migrations", {"shop/migrations/0001_x.py": "def ("}) is None
