"""What containers, functions and scripts of a template are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checker.model.environments import Environment
from checker.model.values import Unknown
from checker.reason.workloads.scripts import assignments
from checker.reason.workloads.told import all_told
from checker.reason.workloads.variables import environment_variables, with_unnamed_variables
from tests.projects import project_of


def environment(kind: str, properties: dict[str, Any], **more: Any) -> Environment:
    template = {**more, "Resources": {"It": {"Type": kind, "Properties": properties}}}
    return project_of(json.dumps(template)).environments[0]


def told(kind: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {each.path: (each.name, each.value) for each in all_told(environment(kind, properties, **more))}


TASK = "AWS::ECS::TaskDefinition"


def test_a_container_is_told_by_variables_secrets_words_and_labels() -> None:
    container = {
        "Name": "web",
        "Environment": [{"Name": "MODE", "Value": "live"}],
        "Secrets": [{"Name": "TOKEN", "ValueFrom": "arn:aws:secretsmanager:us-west-2:111122223333:secret:t"}],
        "Command": ["serve", "--password=hunter22"],
        "DockerLabels": {"team": "web"},
        "HealthCheck": {"Command": ["CMD", "curl", "-f", "http://localhost/"]},
    }
    found = told(TASK, {"ContainerDefinitions": [container]})
    here = "ContainerDefinitions.0"
    assert found[f"{here}.Environment.0.Value"] == ("MODE", "live")
    assert found[f"{here}.Secrets.0.ValueFrom"][0] == "TOKEN"
    assert found[f"{here}.Command.1"] == ("password", "hunter22")
    assert [name for path, (name, _) in found.items() if "DockerLabels" in path] == ["team"]


def test_a_secret_is_told_apart_from_a_value() -> None:
    container = {
        "Environment": [{"Name": "A", "Value": "b"}],
        "Secrets": [{"Name": "C", "ValueFrom": "d"}],
    }
    found = all_told(environment(TASK, {"ContainerDefinitions": [container]}))
    assert {each.name: each.secret for each in found} == {"A": False, "C": True}


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"ContainerDefinitions": {"Ref": "Open"}}, "ContainerDefinitions"),
        ({"ContainerDefinitions": [{"Ref": "Open"}]}, "ContainerDefinitions.0"),
        ({"ContainerDefinitions": [{"Environment": {"Ref": "Open"}}]}, "ContainerDefinitions.0.Environment"),
        (
            {"ContainerDefinitions": [{"Environment": [{"Name": {"Ref": "Open"}, "Value": "x"}]}]},
            "ContainerDefinitions.0.Environment.0",
        ),
    ],
)
def test_what_is_not_known_is_told_without_a_name(properties: dict[str, Any], path: str) -> None:
    name, value = told(TASK, properties, Parameters={"Open": {"Type": "String"}})[path]
    assert name == ""
    assert isinstance(value, Unknown)


def test_variables_that_have_no_known_name_are_their_container_s() -> None:
    containers = [
        {"Name": "web", "Environment": [{"Name": {"Ref": "Open"}, "Value": "x"}, {"Name": "A", "Value": "y"}]},
        {"Name": "side", "Environment": [{"Name": "B", "Value": "z"}]},
    ]
    made = environment(TASK, {"ContainerDefinitions": containers}, Parameters={"Open": {"Type": "String"}})
    assert [(each.container, each.name) for each in environment_variables(made)] == [("web", "A"), ("side", "B")]
    assert {container for _, container in with_unnamed_variables(made)} == {"web"}


def test_a_function_s_variables_and_code_are_told() -> None:
    properties = {
        "Environment": {"Variables": {"MODE": "live"}},
        "Code": {"ZipFile": "API_KEY = 'k3y-of-the-shop'\nprint(API_KEY)\n"},
    }
    found = dict(told("AWS::Lambda::Function", properties).values())
    assert found["MODE"] == "live"
    assert found["API_KEY"] == "k3y-of-the-shop"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("export DB_PASSWORD=hunter22", [("DB_PASSWORD", "hunter22")]),
        ("DB_PASSWORD=hunter22 ./start", [("DB_PASSWORD", "hunter22")]),
        ("docker run -e DB_PASSWORD=hunter22 shop", [("DB_PASSWORD", "hunter22")]),
        ("export DB_PASSWORD=$(aws secretsmanager get-secret-value --secret-id db)", []),
        ("export DB_PASSWORD=$FROM_ELSEWHERE", []),
        ("redis-cli -a hunter22 ping", [("password", "hunter22")]),
        ("mysql -phunter22 shop", [("password", "hunter22")]),
    ],
)
def test_what_a_script_assigns(line: str, expected: list[tuple[str, str]]) -> None:
    assert list(assignments(line, program=False)) == expected
