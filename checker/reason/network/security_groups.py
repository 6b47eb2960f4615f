"""Security groups: what they let through, in sum, and whether one thing may open a connection to another.

Sources: Amazon VPC User Guide, "Security group rules"; AWS CloudFormation, ``AWS::EC2::SecurityGroup`` and
``AWS::EC2::SecurityGroupEgress`` (a group in a template without any egress rule keeps the one that Amazon EC2 gives
every new group, which lets everything out; a rule of its own, inline or as a resource, takes its place).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from msgspec import Struct
from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, either, every
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import (
    ABSENT,
    Absent,
    Attribute,
    Known,
    Pseudo,
    Reference,
    Resolved,
    ResourceKey,
    Text,
    Unknown,
    Value,
    as_number,
)
from checker.model.verdicts import Surface

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
# A security group: a resource of the project, or whatever else names one (an id, a parameter).
GroupId: TypeAlias = "ResourceKey | str | Text"

EVERYWHERE: Final[tuple[Network, ...]] = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
PORTS: Final = 65536
# IANA protocol numbers, which security-group rules take for names.
_PROTOCOLS: Final = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
SECURITY_GROUP: Final = "AWS::EC2::SecurityGroup"


class Direction(StrEnum):
    """The two lists of a security group; the value is how its properties and types spell it."""

    IN = "Ingress"
    OUT = "Egress"


class Permission(Struct, frozen=True):
    """One rule of a group.

    ``protocol`` is ``tcp``, ``udp``, ... or ``-1`` for all; ``first`` and ``last`` bound the ports, inclusive. Where
    ``certain`` is false some of it is not known before a deployment, and it lets through this much at most; ``astray``
    is a rule that may be another group's.
    """

    protocol: str
    first: int
    last: int
    networks: tuple[Network, ...] = ()
    groups: tuple[GroupId, ...] = ()
    certain: bool = True
    astray: bool = False


class Side(Struct, frozen=True):
    """One direction of a group. ``why`` says what could not be read of it: there may be more rules than these."""

    permissions: tuple[Permission, ...]
    by_default: bool = False
    why: str = ""


class Peer(Struct, frozen=True):
    """The other end of a connection: the groups it is in, and where its addresses are (empty: not known)."""

    groups: tuple[GroupId, ...] = ()
    networks: tuple[Network, ...] = ()


# -- reading ---------------------------------------------------------------------------------------


# Several rules ask about the same groups: each is read once per environment (and so per world).
_SIDES: Final[WeakKeyDictionary[Environment, dict[tuple[ResourceKey, Direction], Side]]] = WeakKeyDictionary()


def side_of(environment: Environment, group: Resource, direction: Direction) -> Side:
    """Everything that ``group`` lets through in one direction: inline rules and rules that are resources."""
    read = _SIDES.setdefault(environment, {})
    key = (group.key, direction)
    if key not in read:
        read[key] = _side_of(environment, group, direction)
    return read[key]


def _side_of(environment: Environment, group: Resource, direction: Direction) -> Side:
    inline = group.get(f"SecurityGroup{direction}")
    why = inline.why if isinstance(inline, Unknown) else ""
    items = inline.value if isinstance(inline, Known) else []
    found: list[Permission] = []
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, dict):
            found.append(permission(environment, _reader(item)))
        elif item is not None:
            why = str(item.why if isinstance(item, Unknown) else "a rule is not an object")
    kind = f"AWS::EC2::SecurityGroup{direction}"
    children, strays = list(environment.children(group, kind)), list(environment.strays(group, kind))
    found += [permission(environment, child.get, certain=child.certain) for child in children]
    found += [replace(permission(environment, stray.get, certain=False), astray=True) for stray in strays]
    if direction is Direction.OUT and not found and not why and group.surface is Surface.TEMPLATE:
        # An empty inline list is the same as none (AWS CloudFormation, AWS::EC2::SecurityGroup, "Remove default rule").
        return Side((Permission("-1", 0, PORTS - 1, EVERYWHERE),), by_default=True)
    only_maybe = len(found) == len(children) + len(strays) and not any(child.certain for child in children)
    if direction is Direction.OUT and only_maybe and not why and group.surface is Surface.TEMPLATE:
        # A rule that is a resource takes the default rule's place, as an inline one does
        # (https://github.com/aws/aws-cdk/issues/987): where there is one.
        why = "without the egress rules that a condition makes, Amazon EC2's default rule stays in force"
        if strays:
            why = f"whether {strays[0].logical_id} is a rule of it, or Amazon EC2's default rule stays in force"
    return Side(tuple(found), why=why)


def permission(environment: Environment, get: Callable[[str], Value], *, certain: bool = True) -> Permission:
    """One rule, from whatever holds its properties."""
    protocol = _protocol(get("IpProtocol"))
    first, last, ports_known = _ports(environment, protocol, get("FromPort"), get("ToPort"))
    networks: list[Network] = []
    groups: list[GroupId] = []
    for name in ("CidrIp", "CidrIpv6"):
        read = _networks(environment, get(name), name)
        certain = certain and read is not None
        networks += EVERYWHERE if read is None else read
    for name in ("Source", "Destination"):
        prefix_list = get(f"{name}PrefixListId")
        if not isinstance(prefix_list, Absent):
            listed = _prefix_list(environment, prefix_list)
            certain = certain and listed is not None
            networks += EVERYWHERE if listed is None else listed
        for suffix in ("SecurityGroupId", "SecurityGroupName"):
            value = get(f"{name}{suffix}")
            if isinstance(value, Unknown):
                certain = False
                networks += EVERYWHERE
            elif isinstance(value, Known):
                groups += group_ids(environment, value) or []
    return Permission(
        protocol or "-1", first, last, tuple(networks), tuple(groups), certain and ports_known and bool(protocol)
    )


_RANGED: Final = ("AWS::EC2::VPC", "AWS::EC2::Subnet")


def _reader(item: dict[str, Resolved]) -> Callable[[str], Value]:
    def get(name: str) -> Value:
        value = item.get(name)
        if value is None:
            return ABSENT
        return value if isinstance(value, Unknown) else Known(value)

    return get


def _protocol(value: Value) -> str:
    """The protocol's name, empty where it is not known. A rule without one is refused by the service."""
    if not isinstance(value, Known) or not isinstance(value.value, str | int | float):
        return ""
    name = str(value.value).lower()
    return _PROTOCOLS.get(name, name)


def _ports(environment: Environment, protocol: str, first: Value, last: Value) -> tuple[int, int, bool]:
    """First and last port, and whether that is certain. Ports mean nothing to protocols other than TCP and UDP."""
    whole = (0, PORTS - 1)
    if protocol not in {"tcp", "udp", ""}:
        return (*whole, True)
    if isinstance(first, Absent) and isinstance(last, Absent):
        return (*whole, True)
    low, high = port_number(environment, first), port_number(environment, last)
    if low is None or high is None:
        return (*whole, False)
    if low < 0:  # -1 stands for all ports
        return (*whole, True)
    return low, min(high, PORTS - 1), True


def port_number(environment: Environment, value: Value | Resolved) -> int | None:
    """A port: a number, or a reference to a database's or a cache's own port."""
    if isinstance(value, Known):
        value = value.value
    if isinstance(value, Text):
        hole = value.only_hole
        if not isinstance(hole, Attribute) or not hole.name.endswith("Port"):
            return None
        server = environment.referred(value)
        return own_port(server) if server is not None else None
    return whole(value) if isinstance(value, str | int | float) else None


def whole(value: Resolved) -> int | None:
    """A whole number, ``None`` for anything else."""
    number = as_number(value)
    return int(number) if number is not None and number.is_integer() else None


# The port that a server takes where its template names none (Amazon RDS, Amazon ElastiCache and MemoryDB API
# references). Longer names first: `aurora-postgresql` is not `aurora`.
_ENGINE_PORTS: Final = (
    ("postgres", 5432),
    ("oracle", 1521),
    ("sqlserver", 1433),
    ("db2", 50000),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("aurora", 3306),
    ("memcached", 11211),
    ("redis", 6379),
    ("valkey", 6379),
)


# ... and the types that have one port whatever their engine is (their pages in the same references). A proxy takes that
# of its family.
_TYPE_PORTS: Final = {
    "AWS::DocDB::DBCluster": 27017,
    "AWS::Neptune::DBCluster": 8182,
    "AWS::OpenSearchService::Domain": 443,
    "AWS::Redshift::Cluster": 5439,
}


def own_port(server: Resource) -> int | None:
    """The port that a database or a cache listens on, ``None`` where its template leaves it open."""
    port = server.get("DBPort" if server.type == "AWS::Neptune::DBCluster" else "Port")
    if isinstance(port, Known):
        return whole(port.value)
    if isinstance(port, Unknown):
        return None
    if server.type in _TYPE_PORTS:
        return _TYPE_PORTS[server.type]
    engine = server.get("EngineFamily" if server.type == "AWS::RDS::DBProxy" else "Engine")
    name = engine.value if isinstance(engine, Known) else None
    if name is None and server.type.startswith(("AWS::ElastiCache::", "AWS::MemoryDB::")):
        name = "redis"
    if not isinstance(name, str):
        return None
    return next((number for known, number in _ENGINE_PORTS if known in name.lower()), None)


def _networks(environment: Environment, value: Value, name: str) -> list[Network] | None:
    """The network of a CIDR, ``None`` where it is not known."""
    if isinstance(value, Absent):
        return []
    hole = value.value.only_hole if isinstance(value, Known) and isinstance(value.value, Text) else None
    if isinstance(value, Known) and isinstance(hole, Attribute) and hole.name == "CidrBlock":
        # A VPC's or a subnet's own range: what its template says.
        owner = environment.referred(value.value)
        value = owner.get("CidrBlock") if owner is not None and owner.type in _RANGED else value
    parsed = parse_network(value.value) if isinstance(value, Known) else None
    if parsed is None or (parsed.version == 6) != (name == "CidrIpv6"):
        return None
    return [parsed]


def parse_network(value: Resolved) -> Network | None:
    """A CIDR as a network (host bits ignored, as Amazon EC2 does), ``None`` where it is none."""
    if not isinstance(value, str):
        return None
    try:
        return ipaddress.ip_network(value.strip(), strict=False)
    except ValueError:
        return None


def _prefix_list(environment: Environment, value: Value) -> list[Network] | None:
    """What a prefix list of this project holds; ``None`` for any other, whose entries nothing here says."""
    found = environment.referred(value)
    entries = found.get("Entries") if found is not None and found.type == "AWS::EC2::PrefixList" else ABSENT
    if not isinstance(entries, Known) or not isinstance(entries.value, list):
        return None
    networks = [parse_network(each.get("Cidr") if isinstance(each, dict) else None) for each in entries.value]
    known = [each for each in networks if each is not None]
    return known if len(known) == len(networks) else None


def group_ids(environment: Environment, value: Value | Resolved) -> list[GroupId] | None:
    """The groups that a property names, in order; ``None`` where it cannot be told how many there are."""
    if isinstance(value, Known):
        value = value.value
    if isinstance(value, Absent) or value is None:
        return []
    if isinstance(value, list):
        found: list[GroupId] = []
        for item in value:
            more = group_ids(environment, item)
            if more is None:
                return None
            found += more
        return found
    if not isinstance(value, str | Text):
        return None
    target = environment.referred(value)
    return [target.key if target is not None and target.type == SECURITY_GROUP else value]


def same_group(one: GroupId, other: GroupId) -> Answer:
    """Whether two names are the same group; open where a parameter or an import may turn out to be it."""
    if one == other:
        return YES
    for each in (one, other):
        if isinstance(each, Text) and not all(isinstance(hole, Reference | Pseudo) for hole in each.holes):
            return Open(f"which security group {each} is")
    return NO


# -- what gets through -----------------------------------------------------------------------------


def admits(side: Side, port: int, peers: Sequence[Peer], protocol: str = "tcp") -> Answer:
    """Whether a protocol on ``port`` gets through between this side and each of ``peers``."""
    return every(_admits(side, port, peer, protocol) for peer in peers)


def _admits(side: Side, port: int, peer: Peer, protocol: str) -> Answer:
    # What may let it through, where nothing surely does.
    maybe: list[Answer] = [Open(side.why)] if side.why else []
    networks: list[Network] = []
    for each in side.permissions:
        if each.protocol not in {protocol, "-1"} or not each.first <= port <= each.last:
            continue
        named = either(same_group(one, other) for one in each.groups for other in peer.groups)
        if not each.certain:
            maybe.append(Open("whether one of the rules is there at all"))
        elif named is YES:
            return YES
        else:
            maybe.append(named)
            networks += each.networks
    if networks and covers(networks, peer.networks or EVERYWHERE[:1]):
        return YES
    if networks and not peer.networks:
        maybe.append(Open("which addresses the other side has"))
    return either(maybe)


def covers(networks: Iterable[Network], wanted: Iterable[Network]) -> bool:
    """Whether ``networks`` together hold every address of ``wanted``."""
    merged = collapsed(networks)
    return all(any(_holds(big, each) for big in merged[each.version]) for each in wanted)


def _holds(big: Network, small: Network) -> bool:
    return int(big.network_address) <= int(small.network_address) and int(big.broadcast_address) >= int(
        small.broadcast_address
    )


def collapsed(networks: Iterable[Network]) -> dict[int, list[Network]]:
    """The same addresses in as few networks as possible, by IP version."""
    networks = list(networks)
    four = [each for each in networks if isinstance(each, ipaddress.IPv4Network)]
    six = [each for each in networks if isinstance(each, ipaddress.IPv6Network)]
    return {4: list(ipaddress.collapse_addresses(four)), 6: list(ipaddress.collapse_addresses(six))}
