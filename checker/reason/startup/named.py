"""What Amazon ECS refuses of a service: ports that its task does not name, and roles that ECS itself may not assume.

Sources: Amazon ECS API Reference, ServiceConnectService and VpcLatticeConfiguration (``portName`` is the name of one of
the task definition's port mappings); Developer Guide, "Amazon ECS infrastructure IAM role" and "Lifecycle hooks for
Amazon ECS service deployments" (the service ``ecs.amazonaws.com`` assumes them).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.values import Known, Resolved, as_bool, as_list
from checker.reason.network.services import Service
from checker.reason.startup.execution_roles import shut_out

_ECS: Final = "ecs.amazonaws.com"
# Where a service names a port of its task.
_PORTS: Final = ("VpcLatticeConfigurations", "GatewayConnectors", "ServiceConnectConfiguration.Services")
# Where it names roles for ECS to assume: in each of these, or in a part of it.
_ROLES: Final = (
    "LoadBalancers", "DeploymentConfiguration.LifecycleHooks", "VolumeConfigurations", "VpcLatticeConfigurations",
)  # fmt: skip
_PARTS: Final = ("AdvancedConfiguration", "ManagedEBSVolume")
# Other resources that have one such role.
_INFRASTRUCTURE: Final = (
    ("AWS::ECS::CapacityProvider", "ManagedInstancesProvider.InfrastructureRoleArn"),
    ("AWS::ECS::ExpressGatewayService", "InfrastructureRoleArn"),
    ("AWS::ECS::Gateway", "InfrastructureRoleArn"),
)
_FIX_PORT: Final = "Give the port mapping of the task definition this Name, or name one that it has."
_FIX_ROLE: Final = f"Let {_ECS} assume the role."


def unnamed_ports(service: Service) -> Iterator[Judgement]:
    """The ports that a service names and its task does not."""
    names = _port_names(service.task) if service.task is not None else None
    switched = service.resource.get("ServiceConnectConfiguration.Enabled")
    off = isinstance(switched, Known) and as_bool(switched.value) is False
    for place in _PORTS:
        for path, entry in _entries(service.resource, place):
            port = entry.get("PortName")
            if names is None or not isinstance(port, str) or port in names or (off and place.startswith("Service")):
                continue
            known = ", ".join(sorted(names)) or "none"
            said = f"It names the port {port}, and its task definition names {known}: Amazon ECS refuses that."
            related = (service.task,) if service.task is not None else ()
            yield service.resource.fails("port-name", said, fix=_FIX_PORT, path=f"{path}.PortName", related=related)


def _port_names(task: Resource) -> frozenset[str] | None:
    """The names of a task's port mappings, ``None`` where one of them is not known."""
    containers = task.get("ContainerDefinitions")
    found: set[str] = set()
    for container in containers.value if isinstance(containers, Known) and isinstance(containers.value, list) else [0]:
        mappings = container.get("PortMappings", []) if isinstance(container, dict) else None
        for mapping in mappings if isinstance(mappings, list) else [None]:
            name = mapping.get("Name", "") if isinstance(mapping, dict) else None
            if not isinstance(name, str):
                return None
            found.add(name)
    return frozenset(found - {""})


def closed_roles(environment: Environment) -> Iterator[Judgement]:
    """The roles that ECS is told to assume, and may not."""
    for kind, path in _INFRASTRUCTURE:
        for owner in environment.resources(kind):
            value = owner.get(path)
            yield from _closed(environment, owner, path, value.value if isinstance(value, Known) else None)
    for service in environment.resources("AWS::ECS::Service"):
        for place in _ROLES:
            for path, entry in _entries(service, place):
                yield from _closed(environment, service, f"{path}.RoleArn", entry.get("RoleArn"))
                for part in _PARTS:
                    inner = entry.get(part)
                    named = inner.get("RoleArn") if isinstance(inner, dict) else None
                    yield from _closed(environment, service, f"{path}.{part}.RoleArn", named)


def _closed(environment: Environment, owner: Resource, path: str, value: Resolved) -> Iterator[Judgement]:
    role = environment.referred(value)
    if role is not None and role.type == "AWS::IAM::Role" and shut_out(role, environment.project, _ECS):
        said = f"Its role {role.logical_id} does not let Amazon ECS assume it: what ECS does in its name is refused."
        yield owner.fails("infrastructure-role", said, fix=_FIX_ROLE, path=path, related=(role,))


def _entries(resource: Resource, place: str) -> Iterator[tuple[str, dict[str, Resolved]]]:
    value = resource.get(place)
    for index, entry in enumerate(as_list(value.value) if isinstance(value, Known) else ()):
        if isinstance(entry, dict):
            yield f"{place}.{index}", entry
