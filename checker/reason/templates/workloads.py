"""What runs: containers and functions, and what they are told through their environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Resolved


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable of a container or function. ``value`` is resolved; ``path`` is where it stands."""

    owner: Resource
    container: str
    name: str
    value: Resolved
    path: str


def environment_variables(environment: Environment) -> Iterator[Variable]:
    """Every plain environment variable of every ECS container and Lambda function (secrets are not among them)."""
    for task in environment.resources("AWS::ECS::TaskDefinition"):
        containers = task.get("ContainerDefinitions")
        if not isinstance(containers, Known) or not isinstance(containers.value, list):
            continue
        for index, container in enumerate(containers.value):
            entries = container.get("Environment") if isinstance(container, dict) else None
            name = str(container.get("Name", index)) if isinstance(container, dict) else str(index)
            for position, entry in enumerate(entries if isinstance(entries, list) else []):
                if isinstance(entry, dict) and isinstance(entry.get("Name"), str):
                    path = f"ContainerDefinitions.{index}.Environment.{position}.Value"
                    yield Variable(task, name, str(entry["Name"]), entry.get("Value"), path)
    for function in environment.resources("AWS::Lambda::Function", "AWS::Serverless::Function"):
        variables = function.get("Environment.Variables")
        if isinstance(variables, Known) and isinstance(variables.value, dict):
            for name, value in variables.value.items():
                yield Variable(function, function.logical_id, name, value, f"Environment.Variables.{name}")
