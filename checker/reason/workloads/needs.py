"""Which services need which others: by the addresses that their containers are told."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from checker.model.answers import Open
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Text, Unknown
from checker.reason.network.callers import calls
from checker.reason.network.directory import Directory
from checker.reason.network.services import Service, services
from checker.reason.workloads.variables import Variable, environment_variables


class Needs(Struct, frozen=True):
    """Service -> the services that it calls by a name that only the inside resolves; what is not known of that."""

    of: Mapping[str, frozenset[str]]
    untold: str


def needs(environment: Environment) -> Needs:
    found = list(services(environment))
    directory = Directory(environment, found)
    by_task: dict[Resource, list[Service]] = {}
    for service in found:
        if service.task is not None:
            by_task.setdefault(service.task, []).append(service)
    containers: dict[tuple[Resource, str], dict[str, Variable]] = {}
    for variable in environment_variables(environment):
        if variable.owner in by_task:
            containers.setdefault((variable.owner, variable.container), {})[variable.name] = variable
    wanted: dict[str, set[str]] = {service.label: set() for service in found}
    elsewhere = (each for each in found if each.task is None and _is_told_later(each.resource, "TaskDefinition"))
    untold = [f"what {each.label} calls" for each in elsewhere]
    for (owner, _), variables in containers.items():
        for variable in variables.values():
            for call in calls(variable, variables, environment):
                place = directory.find(call.host) if call.host else None
                servers = {each.label for each in place.services} if place is not None else set()
                if place is None and call.host and isinstance(ours := directory.answers_for(call.host), Open):
                    untold.append(ours.why)
                for client in by_task[owner]:
                    wanted[client.label] |= servers - {client.label}
    joined = {label for client, servers in wanted.items() if servers for label in (client, *servers)}
    unnamed = [each.label for each in found if each.label in joined and _is_told_later(each.resource, "ServiceName")]
    untold += [f"how {each} is called" for each in unnamed]
    return Needs({name: frozenset(servers) for name, servers in wanted.items()}, next(iter(untold), ""))


def _is_told_later(service: Resource, path: str) -> bool:
    value = service.get(path)
    return isinstance(value, Unknown) or (isinstance(value, Known) and isinstance(value.value, Text))
