"""What runs: containers and functions, and what they are told through their environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Resolved, Text


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
_ASSIGNED: Final = re.compile(
    r"^[ \t]*(?:(?:export|const|let|var)[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*"
    r"(?P<quote>['\"]?)(?P<value>[^'\"\s$`{}()]+)(?P=quote)[ \t]*;?[ \t]*$",
    re.MULTILINE,
)


def told_elsewhere(environment: Environment) -> Iterator[Variable]:
    """The variables of builds, jobs, apps and models, and what scripts in the template assign as a literal."""
    for kind, places in _VARIABLES.items():
        for owner in environment.resources(kind):
            for place in places:
                yield from _given_at(owner, place)
    for kind, place in _SCRIPTS.items():
        for owner in environment.resources(kind):
            script = owner.get(place)
            written = script.value if isinstance(script, Known) else None
            parts = written.parts if isinstance(written, Text) else (written,)
            for part in parts:
                for found in _ASSIGNED.finditer(part) if isinstance(part, str) else ():
                    # Without quotes it is text to a shell, and another name to a program.
                    if found["quote"] or place != "Code.ZipFile":
                        yield Variable(owner, owner.logical_id, found["name"], found["value"], place)


def _given_at(owner: Resource, place: str) -> Iterator[Variable]:
    found = owner.get(place)
    value = found.value if isinstance(found, Known) else None
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield Variable(owner, owner.logical_id, key.lstrip("-"), inner, f"{place}.{key}")
    for index, entry in enumerate(value if isinstance(value, list) else []):
        if not isinstance(entry, dict):
            continue
        name = entry.get("Name", entry.get("OptionName"))
        # CodeBuild's other types are references (AWS CloudFormation User Guide, ProjectEnvironmentVariable).
        if isinstance(name, str) and entry.get("Type", "PLAINTEXT") == "PLAINTEXT":
            yield Variable(owner, owner.logical_id, name, entry.get("Value"), f"{place}.{index}.Value")
