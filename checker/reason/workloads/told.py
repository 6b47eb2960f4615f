"""Everything that containers and functions are told: variables, commands, labels, log options, hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from checker.model.environments import Environment, Project
from checker.model.resources import Resource
from checker.model.values import Known, Resolved, Text, Unknown
from checker.reason.workloads.elsewhere import told_elsewhere
from checker.reason.workloads.scripts import arguments
from checker.reason.workloads.variables import environment_variables


class Told(Struct, frozen=True):
    """One thing that a container or function is told. ``secret``: only a reference, which ECS resolves at the start."""

    owner: Resource
    name: str
    value: Resolved
    path: str
    secret: bool = False


def all_told(environment: Environment) -> Iterator[Told]:
    """Everything that containers and functions are told; an entry without a name where it cannot be listed."""
    for variable in (*environment_variables(environment), *told_elsewhere(environment)):
        yield Told(variable.owner, variable.name, variable.value, variable.path)
    for kind, path in (
        ("AWS::ECS::TaskDefinition", "ContainerDefinitions"),
        ("AWS::Lambda::Function", "Environment.Variables"),
        ("AWS::Serverless::Function", "Environment.Variables"),
    ):
        for owner in environment.resources(kind):
            value = owner.get(path)
            if isinstance(value, Unknown) or (isinstance(value, Known) and isinstance(value.value, Text | Unknown)):
                why = f"{path} is not known before deployment"
                raw = owner.raw_at(path.rpartition(".")[0]) if "." in path else None
                if isinstance(raw, str | int | float):
                    why = f"{path.rpartition('.')[0]} is a single value where an object is expected"
                yield Told(owner, "", Unknown(why), path)
            elif isinstance(value, Known) and kind == "AWS::ECS::TaskDefinition":
                yield from _of_containers(owner, value.value)
                yield from _of_volumes(owner)


def written_out(project: Project) -> Iterator[tuple[str, str]]:
    """The names and values that stand in templates and in files of task definitions."""
    for environment in project.environments:
        yield from ((told.name, told.value) for told in all_told(environment) if isinstance(told.value, str))


_Container: TypeAlias = Mapping[str, Resolved]
# Where a container is told something, as a list or a map.
_PLACES: Final = (
    "Environment",
    "Secrets",
    "EnvironmentFiles",
    "Command",
    "EntryPoint",
    "DockerLabels",
    "DnsSearchDomains",
)


def _of_containers(task: Resource, containers: Resolved) -> Iterator[Told]:
    for index, container in enumerate(containers if isinstance(containers, list) else []):
        here = f"ContainerDefinitions.{index}"
        if isinstance(container, Unknown | Text):
            yield _open(task, here)
        elif isinstance(container, dict):
            for tells in (_open_places, _referred_to, _words, _labels, _hosts, _log_options):
                yield from tells(task, container, here)


def _open(task: Resource, path: str) -> Told:
    return Told(task, "", Unknown(f"{path} is not known before deployment"), path)


def _open_places(task: Resource, container: _Container, here: str) -> Iterator[Told]:
    for place in _PLACES:
        if isinstance(container.get(place), Unknown | Text):
            yield _open(task, f"{here}.{place}")
    for place in ("Environment", "Secrets"):
        for position, entry in enumerate(_list(container.get(place))):
            name = entry.get("Name") if isinstance(entry, dict) else entry
            if isinstance(name, Unknown) or (isinstance(name, Text) and place == "Environment"):
                yield _open(task, f"{here}.{place}.{position}")


def _referred_to(task: Resource, container: _Container, here: str) -> Iterator[Told]:
    for position, entry in enumerate(_list(container.get("Secrets"))):
        if isinstance(entry, dict):
            path = f"{here}.Secrets.{position}.ValueFrom"
            yield Told(task, str(entry.get("Name", "")), entry.get("ValueFrom"), path, secret=True)
    for position, entry in enumerate(_list(container.get("EnvironmentFiles"))):
        if isinstance(entry, dict):
            path = f"{here}.EnvironmentFiles.{position}.Value"
            yield Told(task, "EnvironmentFiles", entry.get("Value"), path, secret=True)


def _words(task: Resource, container: _Container, here: str) -> Iterator[Told]:
    """The words of its commands, of the one that asks for its health too."""
    for place in ("Command", "EntryPoint"):
        for name, word, position in arguments(place, _list(container.get(place))):
            yield Told(task, name, word, f"{here}.{place}.{position}")
    check = container.get("HealthCheck")
    asked = check.get("Command") if isinstance(check, dict) else check
    if isinstance(asked, Unknown | Text):
        yield _open(task, f"{here}.HealthCheck")
    for name, word, position in arguments("HealthCheck", _list(asked)):
        yield Told(task, name, word, f"{here}.HealthCheck.Command.{position}")


def _labels(task: Resource, container: _Container, here: str) -> Iterator[Told]:
    labels = container.get("DockerLabels")
    for label, value in labels.items() if isinstance(labels, dict) else ():
        yield Told(task, label, value, f"{here}.DockerLabels.{label}")


def _hosts(task: Resource, container: _Container, here: str) -> Iterator[Told]:
    for position, domain in enumerate(_list(container.get("DnsSearchDomains"))):
        yield Told(task, "DnsSearchDomains", domain, f"{here}.DnsSearchDomains.{position}", secret=True)
    for position, host in enumerate(_list(container.get("ExtraHosts"))):
        if isinstance(host, dict):
            path = f"{here}.ExtraHosts.{position}.Hostname"
            yield Told(task, "ExtraHosts", host.get("Hostname"), path, secret=True)


def _log_options(task: Resource, container: _Container, here: str) -> Iterator[Told]:
    logging = container.get("LogConfiguration")
    options = logging.get("Options") if isinstance(logging, dict) else logging
    if isinstance(options, Unknown):
        yield Told(task, "", options, f"{here}.LogConfiguration")
    for option, value in options.items() if isinstance(options, dict) else ():
        # Of what awslogs is told the group alone may be another environment's; none of it is a secret.
        if option == "awslogs-group" or not option.startswith("awslogs-"):
            path = f"{here}.LogConfiguration.Options.{option}"
            yield Told(task, option, value, path, secret=option == "awslogs-group")


def _of_volumes(task: Resource) -> Iterator[Told]:
    volumes = task.get("Volumes")
    for index, volume in enumerate(_list(volumes.value) if isinstance(volumes, Known) else []):
        docker = volume.get("DockerVolumeConfiguration") if isinstance(volume, dict) else volume
        options = docker.get("DriverOpts") if isinstance(docker, dict) else docker
        if isinstance(options, Unknown | Text):
            here = f"Volumes.{index}"
            yield Told(task, "", Unknown(f"{here} is not known before deployment"), here)
        for option, value in options.items() if isinstance(options, dict) else ():
            yield Told(task, option, value, f"Volumes.{index}.DockerVolumeConfiguration.DriverOpts.{option}")


def _list(value: Resolved) -> list[Resolved]:
    return value if isinstance(value, list) else []
