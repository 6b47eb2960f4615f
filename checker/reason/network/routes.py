"""Subnets and their routes: where traffic that leaves a subnet goes.

Sources: Amazon VPC User Guide, "Configure route tables" (a subnet without an association of its own uses the VPC's main
route table, which in a template holds nothing but the local route), "Internet gateways", "NAT gateways" and "Gateway
endpoints".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final, TypeAlias

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Environment
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Absent, Known, Resolved, ResourceKey, Text, Unknown, Value
from checker.model.verdicts import Surface
from checker.reason.network.security_groups import EVERYWHERE, Network, covers, parse_network

SUBNET: Final = "AWS::EC2::Subnet"
VPC: Final = "AWS::EC2::VPC"


# Where each type says which subnets it is in, or which group of them.
SUBNETS_OF: Final = {
    "AWS::ECS::Service": "NetworkConfiguration.AwsvpcConfiguration.Subnets",
    **dict.fromkeys(FUNCTIONS, "VpcConfig.SubnetIds"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Subnets",
    "AWS::RDS::DBProxy": "VpcSubnetIds",
    "AWS::ElastiCache::ServerlessCache": "SubnetIds",
    **dict.fromkeys(("AWS::EC2::VPCEndpoint", "AWS::ApiGatewayV2::VpcLink"), "SubnetIds"),
    "AWS::EFS::MountTarget": "SubnetId",
    "AWS::OpenSearchService::Domain": "VPCOptions.SubnetIds",
}
SUBNET_GROUP_OF: Final = {
    "AWS::RDS::DBInstance": "DBSubnetGroupName",
    **dict.fromkeys(("AWS::RDS::DBCluster", "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster"), "DBSubnetGroupName"),
    "AWS::Redshift::Cluster": "ClusterSubnetGroupName",
    "AWS::ElastiCache::CacheCluster": "CacheSubnetGroupName",
    "AWS::ElastiCache::ReplicationGroup": "CacheSubnetGroupName",
    "AWS::MemoryDB::Cluster": "SubnetGroupName",
}


class Exit(Enum):
    """Where a subnet's traffic to the internet goes."""

    INTERNET = "an internet gateway"
    NAT = "a NAT gateway"
    OTHER = "another network"  # a transit gateway, a peering, an appliance: what is behind it is not known here
    NOWHERE = "nowhere"
    UNKNOWN = "not known"


# How a route names what it leads to. Ids of the account tell their kind by their prefix, as in igw-0abc.
_TARGETS: Final = (
    "GatewayId",
    "NatGatewayId",
    "EgressOnlyInternetGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "InstanceId",
    "NetworkInterfaceId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "CoreNetworkArn",
    "VpcEndpointId",
)
_EXITS_BY_TYPE: Final = {"AWS::EC2::InternetGateway": Exit.INTERNET, "AWS::EC2::NatGateway": Exit.NAT}
_EXITS_BY_PREFIX: Final = {"igw-": Exit.INTERNET, "nat-": Exit.NAT}


class Route(Struct, frozen=True):
    """One route that leads out of the VPC. ``network`` is ``None`` where its destination is not known."""

    place: Resource
    network: Network | None
    exit: Exit
    target: Resource | None


class Table(Struct, frozen=True):
    """The route table that a subnet uses. ``resource`` is ``None`` for the main one and for one from elsewhere, which
    ``why`` then says."""

    resource: Resource | None
    why: str = ""


VpcId: TypeAlias = "ResourceKey | str | Text | None"


def subnets_in(environment: Environment, value: Value | Resolved) -> list[Resource] | None:
    """The subnets that a property names, ``None`` where one of them is not a resource of the project."""
    if isinstance(value, Known):
        value = value.value
    if not isinstance(value, list):
        value = [] if isinstance(value, Absent) or value is None else [value] if isinstance(value, str | Text) else None
    if value is None:
        return None
    found = [environment.referred(item) for item in value]
    known = [each for each in found if each is not None and each.type == SUBNET]
    return known if len(known) == len(found) else None


def networks_of(subnets: Iterable[Resource]) -> tuple[Network, ...]:
    """Where the addresses of these subnets are; empty where that is not known of one of them."""
    found = []
    for subnet in subnets:
        block = subnet.get("CidrBlock")
        network = parse_network(block.value) if isinstance(block, Known) else None
        if network is None:
            return ()
        found.append(network)
    return tuple(found)


def table_of(environment: Environment, subnet: Resource) -> Table:
    """The route table that ``subnet`` really uses."""
    for association in environment.children(subnet, "AWS::EC2::SubnetRouteTableAssociation"):
        value = association.get("RouteTableId")
        found = environment.referred(value)
        if found is not None and found.type == "AWS::EC2::RouteTable":
            return Table(found, "" if association.certain else "its route table association may not exist")
        why = value.why if isinstance(value, Unknown) else "its route table is not part of this project"
        return Table(None, why)
    if vpc_resource(environment, subnet) is None:
        return Table(None, "its VPC, whose main route table it uses, is not part of this project")
    stray = next(environment.strays(subnet, "AWS::EC2::SubnetRouteTableAssociation"), None)
    return Table(None, f"whether {stray.logical_id} gives it a route table" if stray is not None else "")


def vpc_resource(environment: Environment, place: Resource) -> Resource | None:
    found = environment.referred(place.get("VpcId"))
    return found if found is not None and found.type == VPC else None


def routes_of(environment: Environment, table: Resource) -> Iterator[Route]:
    for route in environment.children(table, "AWS::EC2::Route"):
        destinations = [route.get("DestinationCidrBlock"), route.get("DestinationIpv6CidrBlock")]
        networks = [parse_network(value.value) for value in destinations if isinstance(value, Known)]
        if not networks:
            if all(isinstance(value, Absent) for value in destinations):
                continue  # a prefix list: some service's addresses, never the way to the internet
            networks = [None]
        way, target = _exit(environment, route)
        for network in networks:
            yield Route(route, network, way if route.certain else Exit.UNKNOWN, target)
    for route in environment.strays(table, "AWS::EC2::Route"):
        yield Route(route, None, Exit.UNKNOWN, None)


def _exit(environment: Environment, route: Resource) -> tuple[Exit, Resource | None]:
    for name in _TARGETS:
        value = route.get(name)
        if isinstance(value, Absent):
            continue
        target = environment.referred(value)
        if target is not None:
            return _EXITS_BY_TYPE.get(target.type, Exit.OTHER), target
        if isinstance(value, Known) and isinstance(value.value, str):
            return _EXITS_BY_PREFIX.get(value.value[:4], Exit.OTHER), None
        if name == "NatGatewayId":
            return Exit.NAT, None
        return (Exit.UNKNOWN if name == "GatewayId" else Exit.OTHER), None
    return Exit.UNKNOWN, None


def way_out(environment: Environment, subnet: Resource) -> tuple[Exit, Route | None]:
    """Where ``subnet`` sends IPv4 traffic for the internet, and by which route. Routes that split the default route in
    parts count when together they hold every address."""
    table = table_of(environment, subnet)
    if table.why:
        return Exit.UNKNOWN, None
    if table.resource is None:
        # The main route table: a template cannot write to it; a live account shows what it holds.
        return (Exit.NOWHERE if subnet.surface is Surface.TEMPLATE else Exit.UNKNOWN), None
    by_exit: dict[Exit, list[Route]] = {}
    for route in routes_of(environment, table.resource):
        by_exit.setdefault(route.exit, []).append(route)
    for way in (Exit.INTERNET, Exit.NAT, Exit.OTHER):
        routes = by_exit.get(way, [])
        if covers([route.network for route in routes if route.network is not None], EVERYWHERE[:1]):
            return way, routes[0]
    open_routes = [route for routes in by_exit.values() for route in routes if route.network is None]
    if open_routes or Exit.UNKNOWN in by_exit:
        return Exit.UNKNOWN, None
    return Exit.NOWHERE, None


def is_private(environment: Environment, subnet: Resource) -> Answer:
    """Whether no route of the subnet leads to an internet gateway."""
    table = table_of(environment, subnet)
    if table.why:
        return Open(table.why)
    if table.resource is None:
        return YES if subnet.surface is Surface.TEMPLATE else Open(f"which route table {subnet.logical_id} uses")
    routes = list(routes_of(environment, table.resource))
    if any(route.exit is Exit.INTERNET for route in routes):
        return NO
    unknown = any(route.exit is Exit.UNKNOWN for route in routes)
    return Open(f"where a route of {subnet.logical_id} leads") if unknown else YES


class Endpoint(Struct, frozen=True):
    """A VPC endpoint. ``service`` is the part of its service's name that says which, e.g. ``s3`` or ``ecr.dkr``."""

    resource: Resource
    service: str
    gateway: bool


def endpoints(environment: Environment) -> Iterator[Endpoint]:
    """The VPC endpoints whose service can be told, of whichever stack: each names its VPC."""
    for endpoint in environment.project.resources("AWS::EC2::VPCEndpoint"):
        name = endpoint.get("ServiceName")
        if not isinstance(name, Known):
            continue
        # com.amazonaws.us-west-2.s3, with the region literal or open; aws.api.us-west-2.x and cn.com... likewise.
        service = _service(name.value)
        kind = endpoint.get("VpcEndpointType")
        gateway = isinstance(kind, Absent) or (isinstance(kind, Known) and kind.value == "Gateway")
        if service:
            yield Endpoint(endpoint, service, gateway)


def _service(name: Resolved) -> str:
    if isinstance(name, Text):
        last = name.parts[-1]
        if not isinstance(last, str):
            return ""
        # "com.amazonaws." + ${AWS::Region} + ".s3", or a region spelled out behind another hole
        name = "x.x.x" + last if last.startswith(".") else "x.x." + last.removeprefix("com.amazonaws.")
    if not isinstance(name, str):
        return ""
    labels = name.removeprefix("cn.").split(".", 3)
    return labels[3] if len(labels) == 4 else ""


def tables_named(environment: Environment, endpoint: Resource) -> tuple[set[ResourceKey], bool]:
    """The route tables of a gateway endpoint, and whether that is all of them."""
    value = endpoint.get("RouteTableIds")
    if isinstance(value, Absent):
        return set(), True
    if not isinstance(value, Known) or not isinstance(value.value, list):
        return set(), False
    found = [environment.referred(item) for item in value.value]
    return {each.key for each in found if each is not None}, None not in found
