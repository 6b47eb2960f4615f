"""What is read of Django's operations, against the SQL that Django itself makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from checker.collect.migrations.frameworks.django import django_folder
from checker.collect.migrations.sql import parse_sql
from checker.model.migrations.folders import Effect, Statement
from tests.pipelines import load

CASES: Final = load(Path(__file__).with_name("sent.yaml"))
HEAD: Final = (
    "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    operations = [\n"
)
FIRST: Final = """
migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())]),
migrations.CreateModel(name="Note", fields=[
    ("id", models.BigAutoField(primary_key=True)), ("text", models.CharField(max_length=20)),
    ("size", models.IntegerField(null=True)), ("kind", models.CharField(max_length=10, db_index=True)),
    ("tags", models.ManyToManyField("shop.Tag")),
]),
migrations.CreateModel(name="Seen", fields=[("id", models.IntegerField(primary_key=True))], options={"managed": False}),
]
"""


def _breaks(statements: Iterable[Statement]) -> bool:
    """Whether code that runs on the schema notices it."""
    return any(each.effect is Effect.CONTRACT and not each.new_table for each in statements)


def _alone(statements: Iterable[Statement]) -> list[str]:
    return [each.kind for each in statements if each.alone]


@pytest.mark.parametrize("case", CASES, ids=[case["does"] for case in CASES])
def test_is_what_django_sends(case: dict[str, Any]) -> None:
    texts = {"m/0001_a.py": HEAD + FIRST, "m/0002_b.py": f"{HEAD}{case['does']}]\n"}
    found = django_folder("shop/migrations", {f"shop/{name}": text for name, text in texts.items()})
    assert found is not None
    migration = found.migrations[1]
    for file, sent in ((migration.up, case["sends"]), (migration.down, case.get("back"))):
        if sent is None or file is None:
            continue
        told = parse_sql("\n".join(each.rstrip(";") + ";" for each in sent), "x")
        assert not told.problems
        assert all(each.effect is not Effect.OTHER for each in file.statements)
        assert _breaks(file.statements) is _breaks(told.statements)
        assert _alone(file.statements) == _alone(told.statements)
