"""What runs: containers and functions, and what they are told through their environment."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Resolved


class Variable(Struct, frozen=True):
    """One environment variable of a container or function. ``value`` is resolved; ``path`` is where it stands."""

    owner: Resource
    container: str
    name: str
    value: Resolved
    path: str


def environment_variables(environment: Environment) -> Iterator[Variable]:
    """Every plain environment variable of every ECS container and Lambda function (secrets are not among them)."""
    for task, container, path, entry in _of_containers(environment):
        if isinstance(entry, dict) and isinstance(entry.get("Name"), str):
            yield Variable(task, container, str(entry["Name"]), entry.get("Value"), f"{path}.Value")
    for function in environment.resources("AWS::Lambda::Function", "AWS::Serverless::Function"):
        variables = function.get("Environment.Variables")
        if isinstance(variables, Known) and isinstance(variables.value, dict):
            for name, value in variables.value.items():
                yield Variable(function, function.logical_id, name, value, f"Environment.Variables.{name}")


def with_unnamed_variables(environment: Environment) -> frozenset[tuple[Resource, str]]:
    """The containers (task definition and name, as in :class:`Variable`) that have variables whose names are open."""
    return frozenset(
        (task, container)
        for task, container, _, entry in _of_containers(environment)
        if not (isinstance(entry, dict) and isinstance(entry.get("Name"), str))
    )


def _of_containers(environment: Environment) -> Iterator[tuple[Resource, str, str, Resolved]]:
    """Each entry of a container's variables: task definition, the container's name (its place where it has none), path,
    and the entry as it came."""
    for task in environment.resources("AWS::ECS::TaskDefinition"):
        containers = task.get("ContainerDefinitions")
        if not isinstance(containers, Known) or not isinstance(containers.value, list):
            continue
        for index, container in enumerate(containers.value):
            entries = container.get("Environment") if isinstance(container, dict) else None
            name = str(container.get("Name", index)) if isinstance(container, dict) else str(index)
            for position, entry in enumerate(entries if isinstance(entries, list) else []):
                yield task, name, f"ContainerDefinitions.{index}.Environment.{position}", entry
