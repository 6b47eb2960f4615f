"""What runs: containers and functions, and what they are told through their environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Expression, Known, Resolved, Text, Unknown, Value
from checker.reason.templates.scripts import assignments


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


# Where other types are told variables: lists of names and values, or maps (AWS CloudFormation User Guide, each type).
_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::Amplify::App": ("EnvironmentVariables",),
    "AWS::Amplify::Branch": ("EnvironmentVariables",),
    "AWS::AppRunner::Service": (
        "SourceConfiguration.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables",
        "SourceConfiguration.CodeRepository.CodeConfiguration.CodeConfigurationValues.RuntimeEnvironmentVariables",
    ),
    "AWS::Batch::JobDefinition": ("ContainerProperties.Environment",),
    "AWS::BedrockAgentCore::Runtime": ("EnvironmentVariables",),
    "AWS::CodeBuild::Project": ("Environment.EnvironmentVariables",),
    "AWS::ECS::ExpressGatewayService": ("PrimaryContainer.Environment",),
    "AWS::ElasticBeanstalk::ConfigurationTemplate": ("OptionSettings",),
    "AWS::ElasticBeanstalk::Environment": ("OptionSettings",),
    "AWS::Glue::Job": ("DefaultArguments",),
    "AWS::SageMaker::Model": ("PrimaryContainer.Environment",),
}
# Text that runs: a function's own code, what an instance does at its first start.
_SCRIPTS: Final[Mapping[str, str]] = {
    "AWS::AutoScaling::LaunchConfiguration": "UserData",
    "AWS::EC2::Instance": "UserData",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateData.UserData",
    "AWS::Lambda::Function": "Code.ZipFile",
}


def told_elsewhere(environment: Environment) -> Iterator[Variable]:
    """The variables of builds, jobs, apps and models, and what scripts in the template assign as a literal.

    One without a name says that it is not known what is told there.
    """
    for kind, places in _VARIABLES.items():
        for owner in environment.resources(kind):
            for place in places:
                yield from _given_at(owner, place)
    for kind, place in _SCRIPTS.items():
        for owner in environment.resources(kind):
            yield from _assigned_at(owner, place)


def _assigned_at(owner: Resource, place: str) -> Iterator[Variable]:
    script = owner.get(place)
    written = script.value if isinstance(script, Known) else script
    if not isinstance(written, str | Text):
        yield from _nothing_known(owner, script, place)
        return
    if isinstance(written, Text) and isinstance(written.only_hole, Expression):
        yield from _nothing_known(owner, Unknown(f"{written} cannot be evaluated here"), place)
    for name, value in assignments(written, program=place == "Code.ZipFile"):
        yield Variable(owner, owner.logical_id, name or place.rpartition(".")[2], value, place)


def _nothing_known(owner: Resource, value: Value | Resolved, place: str) -> Iterator[Variable]:
    """A variable without a name, where it is not known before deployment what is told."""
    why = value.why if isinstance(value, Unknown) else f"{place} is not known before deployment"
    if isinstance(value, Unknown | Text):
        yield Variable(owner, owner.logical_id, "", Unknown(why), place)


def _given_at(owner: Resource, place: str) -> Iterator[Variable]:
    found = owner.get(place)
    value = found.value if isinstance(found, Known) else found
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield Variable(owner, owner.logical_id, key.lstrip("-"), inner, f"{place}.{key}")
        return
    if not isinstance(value, list):
        yield from _nothing_known(owner, value, place)
        return
    for index, entry in enumerate(value):
        here = f"{place}.{index}"
        if not isinstance(entry, dict):
            yield from _nothing_known(owner, entry, here)
            continue
        name, kind = entry.get("Name", entry.get("OptionName")), entry.get("Type", "PLAINTEXT")
        yield from _nothing_known(owner, name, f"{here}.Name")
        # CodeBuild's other types are references (AWS CloudFormation User Guide, ProjectEnvironmentVariable).
        if isinstance(name, str) and (kind == "PLAINTEXT" or not isinstance(kind, str)):
            told = entry.get("Value") if kind == "PLAINTEXT" else Unknown(f"{here}.Type is not known before deployment")
            yield Variable(owner, owner.logical_id, name, told, f"{here}.Value")
