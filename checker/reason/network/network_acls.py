"""Network ACLs: what they let through between two places, and back.

Source: Amazon VPC User Guide, "Control subnet traffic with network access control lists": stateless, so answers need
entries of their own; the lowest rule number that matches decides, and what no entry allows is denied. A subnet without
an association has the VPC's default ACL, whose entries with number 100 let everything through, and which others may
come before (``DefaultNetworkAcl`` of ``AWS::EC2::VPC``).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from checker.model.answers import NO, YES, Answer, Open, every, yes_if
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Known, ResourceKey, as_bool, as_number
from checker.reason.network.routes import VPC, networks_of, vpc_resource
from checker.reason.network.security_groups import EVERYWHERE, Network, covers, parse_network

# Linux picks the client's port from here (net.ipv4.ip_local_port_range); answers go back to it.
_EPHEMERAL: Final = (32768, 60999)


_UNREAD: Final = Open("what one of its entries lets through is not known")
_DEFAULT_ENTRY: Final = 100
# How its entries name protocols: by IANA's numbers.
_NUMBERS: Final = {"tcp": 6, "udp": 17}


def _unnamed(subnet: Resource) -> Open:
    return Open(f"which network ACL {subnet.logical_id} has is not known")


class Passage(NamedTuple):
    """Whether traffic passes; where it does not, the ACL that stops it and why."""

    open: Answer
    acl: Resource | None = None
    why: str = ""


class NetworkAcls:
    """The ACLs of one environment, read when they are first asked for."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._acls: dict[ResourceKey, Resource | Open] | None = None
        self._entries: dict[ResourceKey, list[Resource]] = {}

    def _acl_of(self, subnet: Resource) -> Resource | Open | None:
        """The ACL of a subnet, ``None`` for one that lets everything through. A VPC stands for its default ACL."""
        if self._acls is None:
            self._acls = {}
            for association in self._environment.project.resources("AWS::EC2::SubnetNetworkAclAssociation"):
                acl = self._environment.referred(association.get("NetworkAclId"))
                for found in self._environment.project.all_referred(association.get("SubnetId")):
                    sure = acl if association.certain else None
                    self._acls[found.key] = sure if sure is not None else _unnamed(found)
            for entry in self._environment.project.resources("AWS::EC2::NetworkAclEntry"):
                owner = self._environment.referred(entry.get("NetworkAclId"))
                if owner is not None:
                    self._entries.setdefault(owner.key, []).append(entry)
        if subnet.key in self._acls:
            return self._acls[subnet.key]
        network = vpc_resource(self._environment, subnet)
        return network if network is not None and network.key in self._entries else None

    def allow(
        self, client: tuple[Resource, ...], server: tuple[Resource, ...], port: int, protocol: str = "tcp"
    ) -> Passage:
        """Both ways through the ACLs of both sides' subnets."""
        asked = _NUMBERS[protocol]
        hops = [(subnet, server, True) for subnet in client] + [(subnet, client, False) for subnet in server]
        sure: Answer = YES
        for subnet, others, outgoing in hops:
            acl = self._acl_of(subnet)
            if acl is None or isinstance(acl, Open):
                sure = acl if isinstance(acl, Open) and sure is YES else sure
                continue
            networks = networks_of(others)
            forth = self._allows(acl, networks, port, asked, egress=outgoing)
            back = [self._allows(acl, networks, each, asked, egress=not outgoing) for each in _EPHEMERAL]
            if forth is NO or back == [NO, NO]:
                what = f"port {port}" if forth is NO else "the answers' ports (32768 to 60999)"
                return Passage(NO, acl, f"the network ACL of {subnet.logical_id} does not let {what} through")
            if sure is YES and (forth is not YES or back != [YES, YES]):
                sure = Open(f"what the network ACL of {subnet.logical_id} lets through is not known")
        return Passage(sure)

    def _allows(self, acl: Resource, networks: tuple[Network, ...], port: int, asked: int, *, egress: bool) -> Answer:
        return every(self._decides(acl, each, port, asked, egress=egress) for each in networks or EVERYWHERE[:1])

    def _decides(self, acl: Resource, network: Network, port: int, asked: int, *, egress: bool) -> Answer:
        numbered: list[tuple[float, Resource | None]] = [(_DEFAULT_ENTRY, None)] if acl.type == VPC else []
        for entry in self._entries.get(acl.key, ()):
            direction, number = entry.get("Egress"), entry.get("RuleNumber")
            outgoing = as_bool(direction.value) if isinstance(direction, Known) else False
            order = as_number(number.value) if isinstance(number, Known) else None
            if outgoing is None or order is None:
                return _UNREAD
            if outgoing is egress:
                numbered.append((order, entry))
        for _, next_one in sorted(numbered, key=lambda each: each[0]):
            if next_one is None:
                return YES
            matches = self._matches(next_one, network, port, asked)
            if isinstance(matches, Open) or not next_one.certain:
                return _UNREAD
            if matches is YES:
                action = next_one.get("RuleAction")
                return yes_if(action.value == "allow") if isinstance(action, Known) else _UNREAD
        return NO

    def _matches(self, entry: Resource, network: Network, port: int, asked: int) -> Answer:
        protocol, block = entry.get("Protocol"), entry.get("CidrBlock")
        number = as_number(protocol.value) if isinstance(protocol, Known) else None
        if number is None:
            return _UNREAD
        if number not in (-1, asked):
            return NO
        if number == asked:
            ends = [entry.get(f"PortRange.{end}") for end in ("From", "To")]
            ports = [as_number(end.value) if isinstance(end, Known) else None for end in ends]
            if ports[0] is None or ports[1] is None:
                return _UNREAD
            if not ports[0] <= port <= ports[1]:
                return NO
        if isinstance(block, Absent):
            return NO  # an IPv6 entry
        parsed = parse_network(block.value) if isinstance(block, Known) else None
        if parsed is None:
            return _UNREAD
        if covers([parsed], [network]):
            return YES
        return _UNREAD if parsed.overlaps(network) else NO
