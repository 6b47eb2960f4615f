"""S8 of tasks that migrate as their definitions say, whatever the job calls them by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.model.settings import Settings
from checker.run.judging import gate
from checker.run.request import Request
from tests.pipelines import load, repository

CASES = load(Path(__file__).parent / "tasks_started.yaml")
FILES = {
    ".github/workflows/cd.yml": """
on: {push: {branches: [main]}}
jobs:
  ship:
    runs-on: ubuntu-latest
    environment: production
    timeout-minutes: 30
    steps: [{uses: actions/checkout@v4}, {run: python ship.py}]
""",
    "infra/app.yaml": """
Resources:
  Job:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: app-job
      ContainerDefinitions: [{Name: app, Image: app, Command: [npx, prisma, migrate, deploy]}]
""",
    "prisma/migrations/1_a/migration.sql": "CREATE TABLE a (id int);\n",
}
PROGRAM = """
import boto3
ecs = boto3.client("ecs")

def register(family):
    current = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    made = ecs.register_task_definition(**{key: current[key] for key in ("family", "containerDefinitions")})
    return made["taskDefinition"]["taskDefinitionArn"]

started = ecs.run_task(cluster="c", taskDefinition=TASK)
tasks = [started["tasks"][0]["taskArn"]]
ecs.get_waiter("tasks_stopped").wait(cluster="c", tasks=tasks, WaiterConfig={"Delay": 6, "MaxAttempts": 1000})
"""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    files = FILES | {"ship.py": PROGRAM.replace("TASK", case["task"])}
    run = gate(Request(project=repository(tmp_path, files), settings=Settings()))
    assert [str(each.outcome) for each in run.verdicts if (each.finding, each.sub) == ("S8", "waiter")] == case["right"]


@pytest.mark.parametrize(
    ("command", "right"),
    [
        ("alembic, upgrade, head", {"fail"}),
        ("npx, prisma, migrate, deploy", {"pass"}),
        ("python, -m, orders.report", {"not_applicable"}),
    ],
)
def test_definition_migrates_what_lies_in_another_repository(command: str, right: set[str], tmp_path: Path) -> None:
    definition = FILES["infra/app.yaml"].replace("npx, prisma, migrate, deploy", command)
    files = {
        ".github/workflows/cd.yml": FILES[".github/workflows/cd.yml"],
        "infra/app.yaml": definition,
        "ship.py": PROGRAM.replace("TASK", '"app-job"'),
    }
    run = gate(Request(project=repository(tmp_path, files), settings=Settings()))
    assert {str(each.outcome) for each in run.verdicts if each.finding == "W16" and each.sub in ("lock", None)} == right
