"""Whether one thing can open a connection to another: security groups on both sides, network ACLs, and the way out.

Sources: Amazon VPC User Guide, "Control traffic to your AWS resources using security groups" (stateful: the answer
needs no rule), "Control subnet traffic with network access control lists" (stateless, lowest rule number first, what no
entry allows is denied) and "NAT gateways"; Amazon ECS Developer Guide, "Connect Amazon ECS applications to the
internet".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from checker.model.resources import Environment, Resource
from checker.model.values import Absent, Known, ResourceKey, as_bool, as_number
from checker.reason.network import (
    EVERYWHERE,
    SECURITY_GROUP,
    Direction,
    GroupId,
    Network,
    Peer,
    Side,
    admits,
    covers,
    group_ids,
    parse_network,
    side_of,
)
from checker.reason.patterns import either, every
from checker.reason.routes import Endpoint, Exit, endpoints, networks_of, subnets_in, table_of, tables_named, way_out

# Where each type says which security groups it is in and which subnets.
_GROUPS_OF: Final = {
    "AWS::ECS::Service": "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups",
    "AWS::Lambda::Function": "VpcConfig.SecurityGroupIds",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "SecurityGroups",
    "AWS::RDS::DBInstance": "VPCSecurityGroups",
    "AWS::RDS::DBCluster": "VpcSecurityGroupIds",
    "AWS::RDS::DBProxy": "VpcSecurityGroupIds",
    "AWS::ElastiCache::CacheCluster": "VpcSecurityGroupIds",
    "AWS::ElastiCache::ReplicationGroup": "SecurityGroupIds",
    "AWS::ElastiCache::ServerlessCache": "SecurityGroupIds",
    "AWS::MemoryDB::Cluster": "SecurityGroupIds",
    "AWS::EC2::VPCEndpoint": "SecurityGroupIds",
}
_SUBNETS_OF: Final = {
    "AWS::ECS::Service": ("NetworkConfiguration.AwsvpcConfiguration.Subnets",),
    "AWS::Lambda::Function": ("VpcConfig.SubnetIds",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Subnets",),
    "AWS::RDS::DBProxy": ("VpcSubnetIds",),
    "AWS::ElastiCache::ServerlessCache": ("SubnetIds",),
    "AWS::EC2::VPCEndpoint": ("SubnetIds",),
}
_SUBNET_GROUP_OF: Final = {
    "AWS::RDS::DBInstance": "DBSubnetGroupName",
    "AWS::RDS::DBCluster": "DBSubnetGroupName",
    "AWS::ElastiCache::CacheCluster": "CacheSubnetGroupName",
    "AWS::ElastiCache::ReplicationGroup": "CacheSubnetGroupName",
    "AWS::MemoryDB::Cluster": "SubnetGroupName",
}
# Linux picks the client's port from here (net.ipv4.ip_local_port_range); answers go back to it.
_EPHEMERAL: Final = (32768, 60999)
HTTPS: Final = 443


@dataclass(frozen=True, slots=True)
class Member:
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


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a connection can be opened; ``why`` says what stops it, or what is not known. ``at`` is where."""

    open: bool | None
    why: str = ""
    at: tuple[Resource, ...] = ()
    cause: Cause = Cause.RULES


OPEN: Final = Answer(True)


def worst(answers: Iterable[Answer]) -> Answer:
    """The gravest of several answers, where all of them must hold; open where there is none."""
    return min(answers, key=lambda each: (each.open is not False, each.open is not None), default=OPEN)


class Reach:
    """Answers for one environment; each group, network ACL and endpoint is read once."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._sides: dict[tuple[GroupId, Direction], Side | None] = {}
        self._acls: dict[ResourceKey, Resource | None] | None = None
        self._entries: dict[ResourceKey, list[Resource]] = {}
        self._ways: dict[ResourceKey, Answer] = {}
        self._endpoints: list[Endpoint] | None = None

    # -- who is where ------------------------------------------------------------------------------

    def member(self, resource: Resource) -> Member:
        groups_path = _GROUPS_OF.get(resource.type)
        groups = group_ids(self.environment, resource.get(groups_path)) if groups_path else None
        return Member(resource, None if groups is None else tuple(groups), self._subnets(resource))

    def _subnets(self, resource: Resource) -> tuple[Resource, ...] | None:
        paths = _SUBNETS_OF.get(resource.type, ())
        found: list[Resource] = []
        for path in paths:
            value = resource.get(path)
            if isinstance(value, Absent) and resource.type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
                mappings = resource.get("SubnetMappings")
                items = mappings.value if isinstance(mappings, Known) and isinstance(mappings.value, list) else []
                read = subnets_in(
                    self.environment, [each.get("SubnetId") if isinstance(each, dict) else None for each in items]
                )
            else:
                read = subnets_in(self.environment, value)
            if not read:
                return None
            found += read
        group_path = _SUBNET_GROUP_OF.get(resource.type)
        if group_path:
            group = self.environment.referred(resource.get(group_path))
            read = subnets_in(self.environment, group.get("SubnetIds")) if group is not None else None
            if not read:
                return None
            found += read
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

    def connects(self, client: Member, server: Member, port: int) -> Answer:
        """Whether ``client`` can open a TCP connection to ``server`` on ``port``."""
        if client.groups is None or server.groups is None:
            return Answer(None, "the security groups of one side are not known")
        if not client.groups or not server.groups:
            return Answer(None, "one side is in its VPC's default security group, whose rules are not part of this")
        there = Peer(server.groups, networks_of(server.subnets or ()))
        here = Peer(client.groups, networks_of(client.subnets or ()))
        leaves = self._any(client.groups, Direction.OUT, port, there)
        if leaves is False:
            return Answer(False, f"no egress rule of its own groups lets port {port} out to it", self._named(client))
        enters = self._any(server.groups, Direction.IN, port, here)
        if enters is False:
            return Answer(False, f"no ingress rule of the groups there lets it in on port {port}", self._named(server))
        passed = self._acls_allow(client.subnets or (), server.subnets or (), port)
        if passed.open is False:
            return passed
        if leaves is None or enters is None:
            return Answer(None, f"the {'egress' if leaves is None else 'ingress'} rules for port {port} are not known")
        return passed

    def _any(self, groups: Iterable[GroupId], direction: Direction, port: int, peer: Peer) -> bool | None:
        def answers() -> Iterator[bool | None]:
            for group in groups:
                side = self._side(group, direction)
                yield None if side is None else admits(side, port, [peer])

        return either(answers())

    def accepts_anyone(self, server: Member, port: int) -> Answer:
        """Whether anything at all is let in on ``port``: for what stands at the edge, any source will do."""
        if server.groups is None:
            return Answer(None, "its security groups are not known")
        if not server.groups:
            return Answer(None, "it is in its VPC's default security group, whose rules are not part of this")
        unsure = False
        for group in server.groups:
            side = self._side(group, Direction.IN)
            unsure = unsure or side is None or bool(side.why)
            for each in side.permissions if side is not None else ():
                if each.protocol in {"tcp", "-1"} and each.first <= port <= each.last:
                    if each.certain and (each.networks or each.groups):
                        return OPEN
                    unsure = True
        if unsure:
            return Answer(None, f"the ingress rules for port {port} are not known")
        return Answer(False, f"no ingress rule of its groups lets anybody in on port {port}", self._named(server))

    def _named(self, member: Member) -> tuple[Resource, ...]:
        keys = [group for group in member.groups or () if isinstance(group, ResourceKey)]
        return tuple(found for key in keys if (found := self.environment.project.resource(key)) is not None)

    # -- network ACLs ------------------------------------------------------------------------------

    def _acl_of(self, subnet: Resource) -> Resource | None:
        if self._acls is None:
            self._acls = {}
            for association in self.environment.resources("AWS::EC2::SubnetNetworkAclAssociation"):
                acl = self.environment.referred(association.get("NetworkAclId"))
                for found in self.environment.project.all_referred(association.get("SubnetId")):
                    self._acls[found.key] = acl
            for entry in self.environment.resources("AWS::EC2::NetworkAclEntry"):
                owner = self.environment.referred(entry.get("NetworkAclId"))
                if owner is not None:
                    self._entries.setdefault(owner.key, []).append(entry)
        return self._acls.get(subnet.key)

    def _acls_allow(self, client: tuple[Resource, ...], server: tuple[Resource, ...], port: int) -> Answer:
        """Both ways through the ACLs of both sides' subnets. A subnet without an association has the VPC's default ACL,
        which lets everything through."""
        hops = [(subnet, server, True) for subnet in client] + [(subnet, client, False) for subnet in server]
        unsure = False
        for subnet, others, outgoing in hops:
            acl = self._acl_of(subnet)
            if acl is None:
                continue
            networks = networks_of(others)
            forth = self._allows(acl, networks, port, egress=outgoing)
            back = [self._allows(acl, networks, each, egress=not outgoing) for each in _EPHEMERAL]
            if forth is False or back == [False, False]:
                what = f"port {port}" if forth is False else "the answers' ports (32768 to 60999)"
                return Answer(False, f"the network ACL of {subnet.logical_id} does not let {what} through", (acl,))
            unsure = unsure or forth is None or back != [True, True]
        return Answer(None, "what the subnets' network ACLs let through is not known") if unsure else OPEN

    def _allows(self, acl: Resource, networks: tuple[Network, ...], port: int, *, egress: bool) -> bool | None:
        return every(self._decides(acl, each, port, egress=egress) for each in networks or EVERYWHERE[:1])

    def _decides(self, acl: Resource, network: Network, port: int, *, egress: bool) -> bool | None:
        numbered = []
        for entry in self._entries.get(acl.key, ()):
            direction, number = entry.get("Egress"), entry.get("RuleNumber")
            outgoing = as_bool(direction.value) if isinstance(direction, Known) else False
            order = as_number(number.value) if isinstance(number, Known) else None
            if outgoing is None or order is None:
                return None
            if outgoing is egress:
                numbered.append((order, entry))
        for _, entry in sorted(numbered, key=lambda each: each[0]):
            matches = self._matches(entry, network, port)
            if matches is None or not entry.certain:
                return None
            if matches:
                action = entry.get("RuleAction")
                return action.value == "allow" if isinstance(action, Known) else None
        return False

    def _matches(self, entry: Resource, network: Network, port: int) -> bool | None:
        protocol, block = entry.get("Protocol"), entry.get("CidrBlock")
        number = as_number(protocol.value) if isinstance(protocol, Known) else None
        if number is None:
            return None
        if number not in (-1, 6):
            return False
        if number == 6:
            ends = [entry.get(f"PortRange.{end}") for end in ("From", "To")]
            ports = [as_number(end.value) if isinstance(end, Known) else None for end in ends]
            if ports[0] is None or ports[1] is None:
                return None
            if not ports[0] <= port <= ports[1]:
                return False
        if isinstance(block, Absent):
            return False  # an IPv6 entry
        parsed = parse_network(block.value) if isinstance(block, Known) else None
        if parsed is None:
            return None
        if covers([parsed], [network]):
            return True
        return None if parsed.overlaps(network) else False

    # -- to and from the internet ------------------------------------------------------------------

    def from_internet(self, subnet: Resource) -> Answer:
        """Whether a subnet is public: its default route leads to an internet gateway that its VPC has."""
        if subnet.key not in self._ways:
            self._ways[subnet.key] = self._public(subnet)
        return self._ways[subnet.key]

    def _public(self, subnet: Resource) -> Answer:
        way, route = way_out(self.environment, subnet)
        if way is Exit.UNKNOWN:
            return Answer(None, f"the routes of {subnet.logical_id} are not known")
        if way is not Exit.INTERNET:
            return Answer(
                False, f"the default route of {subnet.logical_id} leads to {way.value}, not to an IGW", (subnet,)
            )
        gateway = route.target if route is not None else None
        if gateway is None:
            return OPEN
        attached = False
        for attachment in self.environment.resources("AWS::EC2::VPCGatewayAttachment"):
            value = attachment.get("InternetGatewayId")
            attached = attached or self.environment.referred(value) is gateway
        if attached:
            return OPEN
        return Answer(False, f"the internet gateway {gateway.logical_id} is attached to no VPC", (gateway,))

    def pulls_images(self, member: Member, *, public_ip: bool | None, from_ecr: bool | None) -> Answer:
        """Whether a task in these subnets can fetch its image: through a NAT gateway, with a public address of its own,
        or from ECR through endpoints (Amazon ECR User Guide, "Amazon ECR interface VPC endpoints")."""
        if not member.subnets:
            return Answer(None, "its subnets are not known")
        answers = [self._pulls_from(subnet, public_ip, from_ecr) for subnet in member.subnets]
        return worst([worst(answers), self._https_out(member)])

    def _pulls_from(self, subnet: Resource, public_ip: bool | None, from_ecr: bool | None) -> Answer:
        way, route = way_out(self.environment, subnet)
        if way is Exit.NAT:
            return self._through_nat(route.target if route is not None else None)
        if way is Exit.INTERNET and public_ip:
            return self.from_internet(subnet)
        if way is Exit.OTHER or way is Exit.UNKNOWN:
            return Answer(None, f"where {subnet.logical_id} sends traffic for the internet is not known")
        private = self._ecr_endpoints(subnet)
        if private and from_ecr is not False:
            return OPEN if from_ecr and private else Answer(None, "where its image comes from is not known")
        if way is Exit.INTERNET:
            if public_ip is None:
                return Answer(None, "whether its tasks get public addresses is not known")
            why = f"{subnet.logical_id} leads to an internet gateway, but tasks get no public address there"
            return Answer(False, why, (subnet,))
        if private is None:
            return Answer(None, "which VPC endpoints its VPC has is not known")
        return Answer(False, f"{subnet.logical_id} has no way out, and no endpoints for ECR and S3", (subnet,))

    def _through_nat(self, gateway: Resource | None) -> Answer:
        if gateway is None or gateway.type != "AWS::EC2::NatGateway":
            return OPEN
        kind = gateway.get("ConnectivityType")
        if isinstance(kind, Known) and kind.value == "private":
            return Answer(False, f"the NAT gateway {gateway.logical_id} is a private one", (gateway,))
        subnet = self.environment.referred(gateway.get("SubnetId"))
        if subnet is None:
            return Answer(None, "the subnet of the NAT gateway is not known")
        answer = self.from_internet(subnet)
        if answer.open is False:
            return Answer(
                False, f"the NAT gateway {gateway.logical_id} is in no public subnet: {answer.why}", (gateway,)
            )
        return answer

    def _ecr_endpoints(self, subnet: Resource) -> bool | None:
        """Whether the subnet's VPC has the endpoints to pull an image from ECR; ``None`` where that cannot be told."""
        vpc = self.environment.referred(subnet.get("VpcId"))
        if vpc is None:
            return None
        if self._endpoints is None:
            self._endpoints = list(endpoints(self.environment))
        table = table_of(self.environment, subnet).resource
        here = [each for each in self._endpoints if self.environment.referred(each.resource.get("VpcId")) is vpc]
        interfaces = {each.service for each in here if not each.gateway}
        to_s3 = "s3" in interfaces or any(
            each.service == "s3" and each.gateway and table is not None and table.key in self._tables(each)
            for each in here
        )
        return {"ecr.api", "ecr.dkr"} <= interfaces and to_s3

    def _tables(self, endpoint: Endpoint) -> set[ResourceKey]:
        return tables_named(self.environment, endpoint.resource)[0]

    def _https_out(self, member: Member) -> Answer:
        if not member.groups:
            return OPEN if member.groups is not None else Answer(None, "its security groups are not known")
        answer = self._any(member.groups, Direction.OUT, HTTPS, Peer())
        if answer:
            return OPEN
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
            return Answer(None, f"whether its egress rules for port {HTTPS} reach the registry is not known")
        return Answer(False, f"no egress rule of its groups lets port {HTTPS} out", self._named(member))
