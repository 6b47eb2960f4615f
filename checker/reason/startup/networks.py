"""What belongs into one network and is in several, networks in which no name is found, and volumes out of reach.

Sources: Amazon EC2 API Reference, "Error codes" (``InvalidGroup.NotFound`` and its kin: a security group is used in its
own VPC alone); Amazon VPC User Guide, "DNS attributes for your VPC" (private zones need host names too, which only a
default VPC has unless it says so); AWS CloudFormation, ``AWS::EC2::VPC``; AWS re:Post Knowledge Center, "How do I mount
an Amazon EFS file system on an Amazon ECS container or task running on Fargate?" (port 2049, both ways).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import NO, YES, Open
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.overlap import is_dynamic
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Absent, Known, ResourceKey, Text, Unknown, Value, as_bool, as_list, first_unknown
from checker.model.verdicts import Surface
from checker.reason.network.reachability import GROUPS_OF, Reach, worst
from checker.reason.network.routes import vpc_resource
from checker.reason.network.security_groups import SECURITY_GROUP
from checker.reason.network.services import Service, targets_of

_FIX: Final = "Name the network of the service's subnets."
_FIX_GROUP: Final = "Give it groups and subnets of one network."


def misplaced(reach: Reach, services: list[Service]) -> Iterator[Judgement]:
    for service in services:
        yield from _elsewhere(reach.environment, service)
    for resource in reach.environment.resources(*sorted(GROUPS_OF)):
        if resource.surface is Surface.TEMPLATE:
            yield from _of_several(reach, resource)


def _of_several(reach: Reach, resource: Resource) -> Iterator[Judgement]:
    """Subnets of two networks, or a security group of another network than the subnets'."""
    environment, member, path = reach.environment, reach.member(resource), GROUPS_OF[resource.type]
    found = {each.key: each for subnet in member.subnets or () if (each := vpc_resource(environment, subnet))}
    if len(found) > 1:
        names = " and ".join(each.logical_id for each in found.values())
        said = f"Its subnets are of different networks, {names}."
        yield resource.fails("network", said, fix=_FIX_GROUP, path=path, related=tuple(found.values()))
    elif found:
        (own,) = found.values()
        keys = [each for each in member.groups or () if isinstance(each, ResourceKey)]
        for group in filter(None, map(environment.project.resource, keys)):
            if group.type == SECURITY_GROUP:
                yield from _group(environment, resource, group, own, path)


def _group(
    environment: Environment, resource: Resource, group: Resource, own: Resource, path: str
) -> Iterator[Judgement]:
    value = group.get("VpcId")
    network = vpc_resource(environment, group)
    if network is not None and network.key != own.key:
        said = f"Its security group {group.logical_id} is of another network than its subnets: AWS refuses that."
        yield resource.fails("network", said, fix=_FIX_GROUP, path=path, related=(group, own))
    elif network is None and not isinstance(value, Absent):
        why = f"whether {_shown(value)}, the network of {group.logical_id}, is that of its subnets, {own.logical_id}"
        yield resource.undecided("network", why, path=path, fix=_FIX_GROUP)


def _shown(value: Value) -> str:
    shown = value.value if isinstance(value, Known) else None
    return str(shown) if isinstance(shown, str | Text) else "what is not known before deployment"


def _elsewhere(environment: Environment, service: Service) -> Iterator[Judgement]:
    """A target group, or a namespace that the service is registered in, of another network than its subnets'."""
    own = _network_of(environment, service)
    if own is None:
        return
    for target in targets_of(environment, service.resource) or ():
        said = "The target group is of another network than the tasks"
        if target.group is not None:
            yield from _in_network(environment, target.group, "VpcId", own, said, service)
    for registry in environment.project.all_referred(service.resource.get("ServiceRegistries")):
        place = "NamespaceId" if not isinstance(registry.get("NamespaceId"), Absent) else "DnsConfig.NamespaceId"
        space = environment.referred(registry.get(place))
        if space is not None and space.type == "AWS::ServiceDiscovery::PrivateDnsNamespace":
            said = "The namespace is of another network than the tasks: nobody beside them finds their names"
            yield from _in_network(environment, space, "Vpc", own, said, service)


def _in_network(
    environment: Environment, place: Resource, path: str, own: Resource, said: str, service: Service
) -> Iterator[Judgement]:
    value = place.get(path)
    found = environment.referred(value)
    if found is not None and found.key != own.key and found.type == own.type:
        yield place.fails("network", f"{said}.", fix=_FIX, path=path, related=(service.resource, own))
    elif found is None and not isinstance(value, Absent):
        why = f"whether {_shown(value)} is the network of the tasks, {own.logical_id}"
        yield place.undecided("network", why, path=path, fix="Refer to the network itself.")


def _network_of(environment: Environment, service: Service) -> Resource | None:
    """The network of the project that the service's subnets are in."""
    subnets = service.resource.get("NetworkConfiguration.AwsvpcConfiguration.Subnets")
    for subnet in environment.project.all_referred(subnets):
        network = environment.referred(subnet.get("VpcId"))
        if network is not None and network.type == "AWS::EC2::VPC":
            return network
    return None


def without_names(environment: Environment, services: list[Service]) -> Iterator[Judgement]:
    """A network whose own DNS is off: no name of AWS's or of a namespace is found in it (Amazon VPC User Guide, "DNS
    attributes for your VPC"; private zones need host names too)."""
    used = {found.key: found for each in services if (found := _network_of(environment, each)) is not None}
    private = {
        found.key
        for space in environment.resources("AWS::ServiceDiscovery::PrivateDnsNamespace")
        if (found := environment.referred(space.get("Vpc"))) is not None
    }
    for key, network in used.items():
        for name, matters in (("EnableDnsSupport", True), ("EnableDnsHostnames", key in private)):
            on = _switched(network.get(name), by_default=name == "EnableDnsSupport") if matters else True
            if on is None:
                why = f"whether {name} is on, without which names are not found in the network"
                yield network.undecided("dns", why, path=name, fix=_FIX_NAMES.format(name))
            elif not on:
                said = f"{name} is off: names are not found in the network, those of its own services among them."
                yield network.fails("dns", said, fix=_FIX_NAMES.format(name), path=name)


_FIX_NAMES: Final = "Switch {} on."


def _switched(value: Value, *, by_default: bool) -> bool | None:
    if isinstance(value, Absent):
        return by_default
    return as_bool(value.value) if isinstance(value, Known) else None


_TARGET: Final = "AWS::EFS::MountTarget"
_NFS: Final = 2049
_FIX_VOLUME: Final = (
    "Open port 2049 on both sides: out of the groups of what mounts it, into those of its mount targets."
)
_FIX_TARGET: Final = "Make a mount target of the file system in each subnet (AWS::EFS::MountTarget)."


def unmounted(reach: Reach, services: list[Service]) -> Iterator[Judgement]:
    """File systems of the project that tasks and functions cannot mount: without it none of them starts."""
    environment = reach.environment
    for service in services:
        if service.task is not None and service.awsvpc is YES and service.resource.surface is Surface.TEMPLATE:
            where = "Volumes", "EFSVolumeConfiguration", "FilesystemId"
            for system in _mounted(environment, service.task, *where):
                yield from _mounts(reach, service.resource, service.label, system)
            yield from _unread(environment, service.resource, service.task, *where)
    for function in environment.resources(*FUNCTIONS):
        for point in _mounted(environment, function, "FileSystemConfigs", "", "Arn"):
            behind = environment.referred(point.get("FileSystemId"))
            if behind is not None and function.surface is Surface.TEMPLATE:
                yield from _mounts(reach, function, function.logical_id, behind)
        if function.surface is Surface.TEMPLATE:
            yield from _unread(environment, function, function, "FileSystemConfigs", "", "Arn")


def _mounted(environment: Environment, owner: Resource, path: str, within: str, name: str) -> Iterator[Resource]:
    """What of the project is named in each item of a list."""
    listed = owner.get(path)
    for item in as_list(listed.value) if isinstance(listed, Known) else ():
        inner = item.get(within) if within and isinstance(item, dict) else item
        found = environment.referred(inner.get(name)) if isinstance(inner, dict) else None
        if found is not None and found.type.startswith("AWS::EFS::"):
            yield found


def _unread(
    environment: Environment, client: Resource, owner: Resource, path: str, within: str, name: str
) -> Iterator[Judgement]:
    """Where what is mounted cannot be read, and may be one of the project's file systems."""
    listed = owner.get(path)
    items = [listed] if isinstance(listed, Unknown) else as_list(listed.value) if isinstance(listed, Known) else []
    inner = [item.get(within) if within and isinstance(item, dict) else item for item in items]
    named = [each.get(name) if isinstance(each, dict) else each for each in inner]
    open_part = first_unknown(named)
    why = open_part.why if open_part is not None else ""
    for each in named:
        # A parameter's value, or another project's export, may be the id of one of these.
        told = isinstance(each, str) and not is_dynamic(each)
        if not why and not told and isinstance(each, str | Text) and environment.referred(each) is None:
            why = f"{each} is not known before deployment"
    if why and environment.types & {_TARGET, "AWS::EFS::FileSystem"}:
        yield client.undecided("volume→any", f"which file systems it mounts: {why}", fix=_FIX_VOLUME)


def _mounts(reach: Reach, client: Resource, label: str, system: Resource) -> Iterator[Judgement]:
    environment = reach.environment
    targets = list(environment.project.resources(_TARGET))
    own = [each for each in targets if environment.referred(each.get("FileSystemId")) is system]
    sub = f"volume→{system.logical_id}"
    if not own:
        if all(environment.referred(each.get("FileSystemId")) is not None for each in targets):
            said = f"{label} mounts {system.logical_id}, which has no mount target: nothing that mounts it starts."
            yield client.fails(sub, said, fix=_FIX_TARGET, related=(system,))
        else:
            yield client.undecided(sub, f"which mount targets {system.logical_id} has", fix=_FIX_TARGET)
        return
    reply = worst(reach.connects(reach.member(client), reach.member(each), _NFS) for each in own)
    if reply.made is NO:
        said = f"{label} cannot mount {system.logical_id}: {reply.why}."
        yield client.fails(sub, said, fix=_FIX_VOLUME, related=(system, *reply.at))
    elif isinstance(reply.made, Open):
        yield client.undecided(sub, f"whether {label} can mount {system.logical_id}: {reply.why}", fix=_FIX_VOLUME)
