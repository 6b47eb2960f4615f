"""A task definition of a repository's own is a resource like a template's, with the lines of its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.collect.templates.own import read_own
from checker.collect.templates.task_definitions import read_task_definition
from checker.errors import InputError
from checker.model.settings import Settings

TEXT = """{
  "family": "shop",
  "revision": 4,
  "containerDefinitions": [
    {
      "name": "web",
      "image": "shop:latest",
      "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/shop"}},
      "environment": [
        {"name": "DB_PASSWORD", "value": "x"}
      ],
      "dockerLabels": {"com.example.team": "a"}
    }
  ]
}
"""


def test_its_properties_are_those_of_the_resource(tmp_path: Path) -> None:
    path = tmp_path / "task.json"
    path.write_text(TEXT)
    stack, _ = read_task_definition(path, "task.json")
    assert stack.name == "shop"
    assert stack.template == {
        "Resources": {
            "TaskDefinition": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {
                    "Family": "shop",
                    "ContainerDefinitions": [
                        {
                            "Name": "web",
                            "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "/shop"}},
                            "Environment": [{"Name": "DB_PASSWORD", "Value": "x"}],
                            "DockerLabels": {"com.example.team": "a"},
                        }
                    ],
                },
            }
        }
    }
    inside = ("Resources", "TaskDefinition", "Properties", "ContainerDefinitions", 0)
    assert stack.source.line_of((*inside, "Environment", 0, "Value")) == 10
    assert stack.source.line_of((*inside, "LogConfiguration", "Options", "awslogs-group")) == 8
    assert stack.source.line_of((*inside, "Secrets")) == 5


def test_what_ecs_described_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "described.json"
    path.write_text(json.dumps({"taskDefinition": json.loads(TEXT)}))
    assert read_task_definition(path, "described.json")[0].name == "shop"


def test_a_file_without_a_family_is_called_after_itself(tmp_path: Path) -> None:
    path = tmp_path / "worker.yaml"
    path.write_text("containerDefinitions: []\n")
    assert read_task_definition(path, "worker.yaml")[0].name == "worker"


def test_what_is_none_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"containerDefinitions": [\n')
    (tmp_path / "task.json").write_text(TEXT)
    own = read_own(tmp_path, Settings(), lambda _: None)
    assert [stack.name for assembly in own.assemblies for stack in assembly.stacks] == ["shop"]
    assert [each.what.partition(":")[0] for each in own.unread] == ["bad.json"]
    (tmp_path / "odd.json").write_text('{"containerDefinitions": {}}')
    with pytest.raises(InputError, match="not a task definition"):
        read_task_definition(tmp_path / "odd.json", "odd.json")
