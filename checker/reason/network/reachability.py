"""Whether one thing can open a connection to another: security groups on both sides, network ACLs, and the way out.

Sources: Amazon VPC User Guide, "Control traffic to your AWS resources using security groups" (stateful: the answer
needs no rule), "Control subnet traffic with network access control lists" (stateless, lowest rule number first, what no
entry allows is denied) and "NAT gateways"; Amazon ECS Developer Guide, "Connect Amazon ECS applications to the
internet".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cached_property
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open, either, every, yes_if
from checker.model.environments import Environment
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Absent, Known, ResourceKey
from checker.reason.names.physical import references
from checker.reason.network.network_acls import NetworkAcls
from checker.reason.network.routes import (
    SUBNET_GROUP_OF,
    SUBNETS_OF,
    Endpoint,
    Exit,
    endpoints,
    networks_of,
    subnets_in,
    table_of,
    tables_named,
    vpc_resource,
    way_out,
)
from checker.reason.network.security_groups import (
    SECURITY_GROUP,
    Direction,
    GroupId,
    Peer,
    Side,
    admits,
    group_ids,
    side_of,
)

# Where each type says which security groups it is in and which subnets.
GROUPS_OF: Final = {
    "AWS::ECS::Service": "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups",
    **dict.fromkeys(FUNCTIONS, "VpcConfig.SecurityGroupIds"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "SecurityGroups",
    "AWS::RDS::DBInstance": "VPCSecurityGroups",
    "AWS::RDS::DBCluster": "VpcSecurityGroupIds",
    "AWS::RDS::DBProxy": "VpcSecurityGroupIds",
    "AWS::ElastiCache::CacheCluster": "VpcSecurityGroupIds",
    "AWS::ElastiCache::ReplicationGroup": "SecurityGroupIds",
    "AWS::ElastiCache::ServerlessCache": "SecurityGroupIds",
    "AWS::MemoryDB::Cluster": "SecurityGroupIds",
    **dict.fromkeys(("AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster"), "VpcSecurityGroupIds"),
    "AWS::Redshift::Cluster": "VpcSecurityGroupIds",
    "AWS::OpenSearchService::Domain": "VPCOptions.SecurityGroupIds",
    **dict.fromkeys(("AWS::EC2::VPCEndpoint", "AWS::ApiGatewayV2::VpcLink"), "SecurityGroupIds"),
    "AWS::EFS::MountTarget": "SecurityGroups",
}
HTTPS: Final = 443


class Member(Struct, frozen=True):
    """Something with a place in the network. ``groups`` is empty where it has none of its own (the VPC's default group,
    whose rules nothing here says), ``None`` where they are not known; likewise ``subnets``."""

    resource: Resource
    groups: tuple[GroupId, ...] | None
    subnets: tuple[Resource, ...] | None


class Cause(StrEnum):
    """What kind of thing stops a connection: it says where the remedy is."""

    RULES = "rules"  # security groups, network ACLs, routes
    PORT = "port"
    NAME = "name"
    PLACE = "place"  # one side is outside of the network that the other is in


class Connection(Struct, frozen=True):
    """Whether a connection can be made; where it cannot, ``stopped`` says by what, and ``at`` where.

    ``culprit`` is what is at fault by itself, whoever calls: a subnet, a NAT gateway, a network ACL. Build it with
    :func:`stopped` and :func:`untold`.
    """

    made: Answer
    stopped: str = ""
    at: tuple[Resource, ...] = ()
    cause: Cause = Cause.RULES
    culprit: Resource | None = None

    @property
    def why(self) -> str:
        """What stops it, or what would have to be known."""
        return self.made.why if isinstance(self.made, Open) else self.stopped


MADE: Final = Connection(YES)


def stopped(
    why: str, at: tuple[Resource, ...] = (), cause: Cause = Cause.RULES, culprit: Resource | None = None
) -> Connection:
    return Connection(NO, why, at, cause, culprit)


def _whence(resource: Resource) -> str:
    """Where subnets come from that are not known, for a person: whose value would tell."""
    path = SUBNETS_OF.get(resource.type) or SUBNET_GROUP_OF.get(resource.type) or ""
    written = resource.raw_at(path) if path else None
    declared = resource.stack.template.get("Parameters")
    names = [each for each in references(written) if isinstance(declared, dict) and each in declared]
    if "Fn::ImportValue" in str(written):
        return ": they are imported from another stack"
    if names:
        return f": the parameter {', '.join(dict.fromkeys(names))} gives them"
    return ""


def untold(why: str, cause: Cause = Cause.RULES) -> Connection:
    return Connection(Open(why), cause=cause)


def worst(connections: Iterable[Connection]) -> Connection:
    """The gravest of several, where all of them must be made; made where there is none."""
    found = MADE
    for each in connections:
        if each.made is NO:
            return each
        if found.made is YES:
            found = each
    return found


class Reach:
    """Answers for one environment; each group, network ACL and endpoint is read once."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._sides: dict[tuple[GroupId, Direction], Side | None] = {}
        self._acls = NetworkAcls(environment)
        self._ways: dict[ResourceKey, Connection] = {}

    # -- who is where ------------------------------------------------------------------------------

    def member(self, resource: Resource) -> Member:
        groups_path = GROUPS_OF.get(resource.type)
        groups = group_ids(self.environment, resource.get(groups_path)) if groups_path else None
        return Member(resource, None if groups is None else tuple(groups), self._subnets(resource))

    def _subnets(self, resource: Resource) -> tuple[Resource, ...] | None:
        path, group_path = SUBNETS_OF.get(resource.type), SUBNET_GROUP_OF.get(resource.type)
        found = None
        if path is not None:
            value = resource.get(path)
            if isinstance(value, Absent) and resource.type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
                mappings = resource.get("SubnetMappings")
                items = mappings.value if isinstance(mappings, Known) and isinstance(mappings.value, list) else []
                each = [item.get("SubnetId") if isinstance(item, dict) else None for item in items]
                found = subnets_in(self.environment, each)
            else:
                found = subnets_in(self.environment, value)
        elif group_path is not None:
            group = self.environment.referred(resource.get(group_path))
            found = subnets_in(self.environment, group.get("SubnetIds")) if group is not None else None
        return tuple(found) if found else None

    def _side(self, group: GroupId, direction: Direction) -> Side | None:
        """``None`` for a group that is not part of the project."""
        if (group, direction) not in self._sides:
            resource = self.environment.project.resource(group) if isinstance(group, ResourceKey) else None
            if resource is None or resource.type != SECURITY_GROUP:
                self._sides[group, direction] = None
            else:
                self._sides[group, direction] = side_of(self.environment, resource, direction)
        return self._sides[group, direction]

    # -- one connection ----------------------------------------------------------------------------

    def connects(self, client: Member, server: Member, port: int, protocol: str = "tcp") -> Connection:
        """Whether ``client`` gets through to ``server`` on ``port``."""
        if client.groups is None or server.groups is None:
            return untold("the security groups of one side are not known")
        if not client.groups or not server.groups:
            return untold("one side is in its VPC's default security group, whose rules are not part of this")
        there = Peer(server.groups, networks_of(server.subnets or ()))
        here = Peer(client.groups, networks_of(client.subnets or ()))
        leaves = self._any(client.groups, Direction.OUT, port, there, protocol)
        if leaves is NO:
            return stopped(f"no egress rule of its own groups lets port {port} out to it", self._named(client))
        enters = self._any(server.groups, Direction.IN, port, here, protocol)
        if enters is NO:
            return stopped(f"no ingress rule of the groups there lets it in on port {port}", self._named(server))
        passed, acl, why = self._acls.allow(client.subnets or (), server.subnets or (), port, protocol)
        if passed is NO:
            return stopped(why, culprit=acl)
        for side, answer in (("egress", leaves), ("ingress", enters)):
            if isinstance(answer, Open):
                return untold(f"the {side} rules for port {port} are not known: {answer.why}")
        return Connection(passed)

    def arrives(self, subnets: tuple[Resource, ...], server: Member, port: int, protocol: str) -> Connection:
        """Whether ``server`` lets in what comes from addresses of these subnets, and from no group."""
        if not server.groups:
            return untold("its security groups are not known")
        enters = self._any(server.groups, Direction.IN, port, Peer((), networks_of(subnets)), protocol)
        if enters is NO:
            return stopped(f"no ingress rule of the groups there lets it in on port {port}", self._named(server))
        passed, acl, why = self._acls.allow(subnets, server.subnets or (), port, protocol)
        if passed is NO:
            return stopped(why, culprit=acl)
        return Connection(every([enters, passed]))

    def _any(
        self, groups: Iterable[GroupId], direction: Direction, port: int, peer: Peer, protocol: str = "tcp"
    ) -> Answer:
        def answers() -> Iterator[Answer]:
            for group in groups:
                side = self._side(group, direction)
                away = Open(f"{group} is not part of this project")
                yield away if side is None else admits(side, port, [peer], protocol)

        return either(answers())

    def accepts_anyone(self, server: Member, port: int, *, public: bool = False, protocol: str = "tcp") -> Connection:
        """Whether anything at all is let in on ``port``: for what stands at the edge, any source will do, though with
        ``public`` only one of the internet's addresses."""
        if server.groups is None:
            return untold("its security groups are not known")
        if not server.groups:
            return untold("it is in its VPC's default security group, whose rules are not part of this")
        unsure = False
        for group in server.groups:
            side = self._side(group, Direction.IN)
            unsure = unsure or side is None or bool(side.why)
            for each in side.permissions if side is not None else ():
                if each.protocol in {protocol, "-1"} and each.first <= port <= each.last:
                    if public and each.networks and all(network.is_private for network in each.networks):
                        continue
                    if each.certain and (each.networks or each.groups):
                        return MADE
                    unsure = True
        if unsure:
            return untold(f"the ingress rules for port {port} are not known")
        return stopped(f"no ingress rule of its groups lets anybody in on port {port}", self._named(server))

    def _named(self, member: Member) -> tuple[Resource, ...]:
        keys = [group for group in member.groups or () if isinstance(group, ResourceKey)]
        return tuple(found for key in keys if (found := self.environment.project.resource(key)) is not None)

    # -- to and from the internet ------------------------------------------------------------------

    def from_internet(self, subnet: Resource) -> Connection:
        """Whether a subnet is public: its default route leads to an internet gateway that its VPC has."""
        if subnet.key not in self._ways:
            self._ways[subnet.key] = self._public(subnet)
        return self._ways[subnet.key]

    def _public(self, subnet: Resource) -> Connection:
        way, route = way_out(self.environment, subnet)
        if way is Exit.UNKNOWN:
            return untold(f"the routes of {subnet.logical_id} are not known")
        if way is not Exit.INTERNET:
            return stopped(f"the default route of {subnet.logical_id} leads to {way.value}, not to an IGW", (subnet,))
        gateway = route.target if route is not None else None
        if gateway is None:
            return MADE
        if gateway not in self._attached:
            return stopped(f"the internet gateway {gateway.logical_id} is attached to no VPC", (gateway,))
        own, attached = vpc_resource(self.environment, subnet), self._attached[gateway]
        if own is None or own in attached:
            return MADE
        if None in attached:
            return untold(f"to which VPC the internet gateway {gateway.logical_id} is attached is not known")
        return stopped(f"the internet gateway {gateway.logical_id} is attached to another VPC", (gateway,))

    @cached_property
    def _attached(self) -> dict[Resource, list[Resource | None]]:
        """Internet gateway -> the VPCs that it is attached to, ``None`` for one that is not known."""
        found: dict[Resource, list[Resource | None]] = {}
        for each in self.environment.project.resources("AWS::EC2::VPCGatewayAttachment"):
            gateway = self.environment.referred(each.get("InternetGatewayId"))
            if gateway is not None:
                found.setdefault(gateway, []).append(vpc_resource(self.environment, each))
        return found

    @cached_property
    def _endpoints(self) -> dict[Resource, list[Endpoint]]:
        """VPC -> its endpoints."""
        found: dict[Resource, list[Endpoint]] = {}
        for endpoint in endpoints(self.environment):
            vpc = self.environment.referred(endpoint.resource.get("VpcId"))
            if vpc is not None:
                found.setdefault(vpc, []).append(endpoint)
        return found

    def pulls_images(self, member: Member, *, public_ip: Answer, from_ecr: Answer) -> Connection:
        """Whether a task in these subnets can fetch its image: through a NAT gateway, with a public address of its own,
        or from ECR through endpoints (Amazon ECR User Guide, "Amazon ECR interface VPC endpoints")."""
        if not member.subnets:
            return untold(f"its subnets are not known{_whence(member.resource)}")
        answers = [self._pulls_from(subnet, public_ip, from_ecr) for subnet in member.subnets]
        return worst([worst(answers), self._https_out(member)])

    def _pulls_from(self, subnet: Resource, public_ip: Answer, from_ecr: Answer) -> Connection:
        way, route = way_out(self.environment, subnet)
        if way is Exit.NAT:
            return self._through_nat(route.target if route is not None else None)
        if way is Exit.INTERNET and public_ip is YES:
            return self.from_internet(subnet)
        if way is Exit.OTHER or way is Exit.UNKNOWN:
            return untold(f"where {subnet.logical_id} sends traffic for the internet is not known")
        private = self._ecr_endpoints(subnet)
        if private is YES and from_ecr is not NO:
            return Connection(from_ecr)
        if way is Exit.INTERNET:
            if isinstance(public_ip, Open):
                return Connection(public_ip)
            why = f"{subnet.logical_id} leads to an internet gateway, but tasks get no public address there"
            return stopped(why, (subnet,))
        if isinstance(private, Open):
            return Connection(private)
        return stopped(f"{subnet.logical_id} has no way out, and no endpoints for ECR and S3", culprit=subnet)

    def _through_nat(self, gateway: Resource | None) -> Connection:
        if gateway is None or gateway.type != "AWS::EC2::NatGateway":
            return MADE
        kind = gateway.get("ConnectivityType")
        if isinstance(kind, Known) and kind.value == "private":
            return stopped(f"the NAT gateway {gateway.logical_id} is a private one", culprit=gateway)
        mode = gateway.get("AvailabilityMode")
        if isinstance(mode, Known) and str(mode.value).lower() == "regional":
            return self._through_regional(gateway)
        subnet = self.environment.referred(gateway.get("SubnetId"))
        if subnet is None:
            return untold("the subnet of the NAT gateway is not known")
        answer = self.from_internet(subnet)
        if answer.made is NO:
            why = f"the NAT gateway {gateway.logical_id} is in no public subnet: {answer.why}"
            return stopped(why, answer.at, culprit=gateway)
        return answer

    def _through_regional(self, gateway: Resource) -> Connection:
        """A regional NAT gateway stands in no subnet, and has routes of its own to its VPC's internet gateway (Amazon
        VPC User Guide, "Regional NAT gateways for automatic multi-AZ expansion")."""
        network = vpc_resource(self.environment, gateway)
        attached = [each for several in self._attached.values() for each in several]
        if network is None or None in attached:
            return untold(f"whether the network of {gateway.logical_id} has an internet gateway is not known")
        if network in attached:
            return MADE
        return stopped(f"the network of the NAT gateway {gateway.logical_id} has no internet gateway", culprit=gateway)

    def _ecr_endpoints(self, subnet: Resource) -> Answer:
        """Whether the subnet's VPC has the endpoints to pull an image from ECR."""
        vpc = self.environment.referred(subnet.get("VpcId"))
        if vpc is None:
            return Open("which VPC endpoints its VPC has is not known")
        table = table_of(self.environment, subnet).resource
        here = self._endpoints.get(vpc, [])
        interfaces = {each.service for each in here if not each.gateway}
        to_s3 = "s3" in interfaces or any(
            each.service == "s3" and each.gateway and table is not None and table.key in self._tables(each)
            for each in here
        )
        return yes_if({"ecr.api", "ecr.dkr"} <= interfaces and to_s3)

    def _tables(self, endpoint: Endpoint) -> set[ResourceKey]:
        return tables_named(self.environment, endpoint.resource)[0]

    def _https_out(self, member: Member) -> Connection:
        if not member.groups:
            return MADE if member.groups is not None else untold("its security groups are not known")
        answer = self._any(member.groups, Direction.OUT, HTTPS, Peer())
        if answer is YES:
            return MADE
        somewhere = False
        for group in member.groups:
            side = self._side(group, Direction.OUT)
            if side is None or side.why:
                somewhere = True
                continue
            somewhere = somewhere or any(
                each.protocol in {"tcp", "-1"} and each.first <= HTTPS <= each.last and (each.groups or each.networks)
                for each in side.permissions
            )
        if somewhere:
            return untold(f"whether its egress rules for port {HTTPS} reach the registry is not known")
        return stopped(f"no egress rule of its groups lets port {HTTPS} out", self._named(member))
