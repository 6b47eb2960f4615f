"""Who is told to call what: addresses in environment variables, and what they lead to.

An address is a URL or a host. It leads to a service of the project by its service-discovery name (AWS Cloud Map
Developer Guide; Amazon ECS Developer Guide, "Use service discovery" and "Service Connect"), or by a reference to the
endpoint of a database, a cache or a load balancer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Absent, Attribute, Known, Text, Unknown, as_bool, as_list, pieces
from checker.reason.network.directory import Directory, Registration, namespace_of
from checker.reason.network.reachability import Cause, Connection, Reach, stopped, untold
from checker.reason.network.security_groups import own_port, whole
from checker.reason.workloads.variables import Variable

_URL: Final = lazy_re.compile(
    r"^(?:jdbc:)?(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^@/?#]*@)?(?P<host>[^:/?#\s]+)(?::(?P<port>[^/?#\s]+))?"
)
_HOST: Final = lazy_re.compile(r"^(?P<host>[A-Za-z0-9\x00_-]+(?:\.[A-Za-z0-9\x00_-]+)+)(?::(?P<port>\d+))?$")
_SCHEME_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
# Where an address names no port and nothing beside it does: IANA, "Service Name and Transport Protocol Port Number
# Registry" (postgresql, mysql, redis), which their clients go by.
_CLIENT_PORTS: Final = {
    **dict.fromkeys(("postgres", "postgresql"), 5432),
    **dict.fromkeys(("mysql", "mariadb"), 3306),
    **dict.fromkeys(("redis", "rediss", "valkey", "valkeys"), 6379),
}
_SEARCH: Final = "AWS::OpenSearchService::Domain"
# What can be called by a reference to its address: type -> how the attribute begins that holds the address.
SERVERS: Final = {
    "AWS::RDS::DBInstance": ("Endpoint.Address",),
    "AWS::RDS::DBCluster": ("Endpoint.Address", "ReadEndpoint.Address"),
    "AWS::RDS::DBProxy": ("Endpoint",),
    "AWS::ElastiCache::CacheCluster": ("RedisEndpoint.Address", "ConfigurationEndpoint.Address"),
    "AWS::ElastiCache::ReplicationGroup": (
        "PrimaryEndPoint.Address",
        "ReaderEndPoint.Address",
        "ConfigurationEndPoint.Address",
    ),
    "AWS::ElastiCache::ServerlessCache": ("Endpoint.Address", "ReaderEndpoint.Address"),
    "AWS::MemoryDB::Cluster": ("ClusterEndpoint.Address",),
    "AWS::DocDB::DBCluster": ("Endpoint", "ReadEndpoint"),
    "AWS::Neptune::DBCluster": ("Endpoint", "ReadEndpoint"),
    "AWS::Redshift::Cluster": ("Endpoint.Address",),
    _SEARCH: ("DomainEndpoint",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("DNSName",),
}


class Call(Struct, frozen=True):
    """One address that a workload is given. Either ``server`` (by reference) or ``host`` (by name) is set.

    ``port`` is ``None`` where the address names none.
    """

    variable: Variable
    server: Resource | None
    host: str
    port: int | None


def calls(variable: Variable, variables: dict[str, Variable], environment: Environment) -> Iterator[Call]:
    """What ``variable`` tells its workload to call. ``variables`` are those of the same container, by name."""
    value = variable.value
    if not isinstance(value, str | Text):
        return
    servers = []
    spelled = ""
    for part in pieces(value):
        if isinstance(part, str):
            spelled += part
            continue
        target = environment.project.resource(part.target) if isinstance(part, Attribute) else None
        if not isinstance(part, Attribute) or target is None:
            spelled += "\0"
            continue
        if part.name in SERVERS.get(target.type, ()):
            servers.append((target, len(spelled)))
        number = own_port(target) if part.name.endswith("Port") else None
        spelled += _discovered_name(target, part.name) or (str(number) if number is not None else "\0")
    url = _URL.match(spelled)
    for server, at in servers:
        after = re.match(r"\0:(\d*)", spelled[at:])
        usual = _usual_port(url, variable, variables) if url is not None and after is None else None
        port = int(after[1]) if after is not None and after[1] else usual
        yield Call(variable, server, "", port if port is not None else _port_beside(variable, variables))
    if servers:
        return
    found = url or _HOST.match(spelled)
    if found is None or "\0" in found["host"]:
        return
    port = whole(found["port"]) if found["port"] else None
    if port is None and url is not None and not url["port"]:
        port = _usual_port(url, variable, variables)
    yield Call(
        variable,
        None,
        found["host"].lower().rstrip("."),
        port if port is not None else _port_beside(variable, variables),
    )


def _usual_port(url: re.Match[str], variable: Variable, variables: dict[str, Variable]) -> int | None:
    """The port that a URL without one leads to. libpq takes the one of ``?port=`` and ``PGPORT`` (PostgreSQL
    documentation, "Connection Strings"), and a program may put a variable of its own in."""
    scheme = url["scheme"].lower().partition("+")[0]  # SQLAlchemy: dialect+driver
    if scheme in _SCHEME_PORTS:
        return _SCHEME_PORTS[scheme]
    names = [name.upper() for name in (*variables, *_kept_apart(variable))]
    elsewhere = any(name.endswith("PORT") and name != "PORT" for name in names)
    return None if elsewhere or "port=" in url.string.lower() else _CLIENT_PORTS.get(scheme)


def _kept_apart(variable: Variable) -> Iterator[str]:
    """The names that a task's containers take from secrets; what a file of variables holds may be a port, too."""
    containers = variable.owner.get("ContainerDefinitions")
    for container in as_list(containers.value) if isinstance(containers, Known) else ():
        for key in ("Secrets", "EnvironmentFiles"):
            for entry in as_list(container.get(key)) if isinstance(container, dict) else ():
                name = entry.get("Name") if isinstance(entry, dict) and key == "Secrets" else "PGPORT"
                yield name if isinstance(name, str) else "PGPORT"


def _port_beside(variable: Variable, variables: dict[str, Variable]) -> int | None:
    """``DB_PORT`` beside ``DB_HOST``: the port that goes with a bare host."""
    for ending in ("_HOST", "_HOSTNAME", "_HOST_NAME", "_ADDRESS", "_ADDR", "_ENDPOINT", "_SERVER"):
        if variable.name.upper().endswith(ending):
            beside = variables.get(variable.name[: -len(ending)] + ("_PORT" if variable.name.isupper() else "_port"))
            return whole(beside.value) if beside is not None else None
    return None


def _discovered_name(target: Resource, attribute: str) -> str | None:
    """The name behind a reference to a registered service's ``Name``."""
    if target.type == "AWS::ServiceDiscovery::Service" and attribute == "Name":
        name = target.get("Name")
        return name.value if isinstance(name, Known) and isinstance(name.value, str) else None
    return None


# -- whether it leads there ------------------------------------------------------------------------


def connection(reach: Reach, directory: Directory, call: Call, client: Resource, *, awsvpc: bool) -> Connection | None:
    """Whether ``client`` can make ``call``; ``None`` where the address leads out of this environment. ``awsvpc`` is
    false for a client whose tasks share their host's network."""
    if call.server is None:
        found = directory.find(call.host)
        if found is not None and found.connected:
            outside = _outside(reach.environment, client, found, call.host)
            if isinstance(outside, Connection) and directory.discovered(call.host) is None:
                return None if directory.has_record(call.host) else outside
            found = found if outside is None else directory.discovered(call.host)
        if found is not None and _without_vpc(client):
            why = f"the function runs outside of any VPC, and {call.host} is a name inside of one"
            return stopped(why, (found.place,), Cause.PLACE)
        another = _in_another_network(reach, client, found) if found is not None else NO
        if found is not None and isinstance(another, Open):
            return untold(another.why, cause=Cause.NAME)
        if found is not None and another is YES:
            why = f"{call.host} is a name of another VPC's namespace, which is not resolved in this one"
            return stopped(why, (found.place,), Cause.NAME)
        if found is not None:
            return _to_service(reach, call, client, found, awsvpc=awsvpc)
        ours = directory.answers_for(call.host)
        if isinstance(ours, Open):
            return untold(ours.why, cause=Cause.NAME)
        why = f"no service of this environment is registered under {call.host}"
        return stopped(why, cause=Cause.NAME) if ours is YES else None
    if call.server.type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
        return _to_balancer(reach, call, client, call.server, awsvpc=awsvpc)
    if call.server.type == _SEARCH and isinstance(call.server.get("VPCOptions"), Absent):
        return None  # a domain in no network has a public name
    return _to_data(reach, call, client, call.server, awsvpc=awsvpc)


def proxied(reach: Reach) -> Iterator[tuple[Resource, Resource, Connection]]:
    """Each database that a proxy passes calls on to, with the proxy, and whether it gets there (Amazon RDS User Guide,
    "Setting up network prerequisites for RDS Proxy")."""
    environment = reach.environment
    for group in environment.resources("AWS::RDS::DBProxyTargetGroup"):
        proxy = environment.referred(group.get("DBProxyName"))
        for path in ("DBInstanceIdentifiers", "DBClusterIdentifiers"):
            for server in environment.project.all_referred(group.get(path)):
                port = own_port(server)
                if proxy is not None and proxy.type == "AWS::RDS::DBProxy" and server.type in SERVERS:
                    untold_port = untold(f"on which port {server.logical_id} listens is not known", cause=Cause.PORT)
                    ends = (reach.member(proxy), reach.member(server))
                    yield proxy, server, reach.connects(*ends, port) if port is not None else untold_port


def linked(reach: Reach) -> Iterator[tuple[Resource, Resource, Connection]]:
    """Each load balancer that an API calls through a link into its network, with the link, and whether it gets there
    (Amazon API Gateway Developer Guide, "Set up VPC links V2 in API Gateway": by the groups of both)."""
    environment = reach.environment
    seen: set[tuple[Resource, Resource]] = set()
    for integration in environment.resources("AWS::ApiGatewayV2::Integration"):
        link = environment.referred(integration.get("ConnectionId"))
        listener = environment.referred(integration.get("IntegrationUri"))
        if link is None or listener is None or link.type != "AWS::ApiGatewayV2::VpcLink" or (link, listener) in seen:
            continue
        seen.add((link, listener))
        port, member = listener.get("Port"), reach.member(link)
        balancer = environment.referred(listener.get("LoadBalancerArn"))
        number = whole(port.value) if isinstance(port, Known) else None
        # Without groups of its own it is in the default one of its VPC.
        if balancer is not None and member.groups != () and not isinstance(port, Absent):
            untold_port = untold(f"on which port {listener.logical_id} listens is not known", cause=Cause.PORT)
            connected = reach.connects(member, reach.member(balancer), number) if number is not None else untold_port
            yield link, balancer, connected


def _outside(environment: Environment, client: Resource, found: Registration, host: str) -> Connection | None:
    """Why a client has not got the alias ``host`` of Service Connect; ``None`` where nothing says so."""
    uses = client.get("ServiceConnectConfiguration.Enabled")
    if isinstance(uses, Unknown):
        return untold(f"whether {client.logical_id} uses Service Connect is not known: {uses.why}", cause=Cause.NAME)
    if not isinstance(uses, Known) or as_bool(uses.value) is False:
        why = f"{host} is an alias of Service Connect, which {client.logical_id} does not use"
        return stopped(why, (found.place,), Cause.NAME)
    own = namespace_of(environment, client)
    if own is not None and own == found.namespace:
        return None
    if any(not isinstance(each, str) or each.startswith("arn:") for each in (own, found.namespace)):
        return untold(f"in which namespace {client.logical_id} finds {host} is not known", cause=Cause.NAME)
    why = f"{host} is an alias of Service Connect in the namespace {found.namespace}, and its client is in {own}"
    return stopped(why, (found.place,), Cause.NAME)


def _without_vpc(client: Resource) -> bool:
    return client.type in FUNCTIONS and isinstance(client.get("VpcConfig"), Absent)


def _in_another_network(reach: Reach, client: Resource, found: Registration) -> Answer:
    """Whether the name's namespace belongs to a VPC that is not the client's (AWS Cloud Map API Reference,
    CreatePrivateDnsNamespace: its names are resolved in the VPC that it is made for)."""
    if found.vpc is None or isinstance(found.vpc, Open):
        return NO if found.vpc is None else found.vpc
    subnets = reach.member(client).subnets or ()
    networks = {reach.environment.referred(each.get("VpcId")) for each in subnets}
    return yes_if(bool(networks) and not networks & {found.vpc, None})


_SHARED_HOST: Final = untold("its tasks share their host's network, which is not followed")


def _to_data(reach: Reach, call: Call, client: Resource, server: Resource, *, awsvpc: bool) -> Connection:
    # An instance of a cluster leaves port and groups to the cluster.
    cluster = reach.environment.referred(server.get("DBClusterIdentifier"))
    placed = cluster if cluster is not None and isinstance(server.get("VPCSecurityGroups"), Absent) else server
    listens = own_port(server) or (own_port(cluster) if cluster is not None else None)
    if listens is None and not isinstance(server.get("Port"), Absent):
        return untold(f"on which port {server.logical_id} listens is not known", cause=Cause.PORT)
    if call.port is not None and listens is not None and call.port != listens:
        why = f"the address leads to port {call.port}, and {server.logical_id} listens on {listens}"
        return stopped(why, (server,), Cause.PORT)
    port = listens or call.port
    if port is None:
        return untold(f"on which port {server.logical_id} listens is not known", cause=Cause.PORT)
    if _without_vpc(client):
        return _from_outside(server)
    return reach.connects(reach.member(client), reach.member(placed), port) if awsvpc else _SHARED_HOST


def _from_outside(server: Resource) -> Connection:
    """A function without a VPC calls from the internet. Whether an instance is public without saying so depends on its
    subnets (Amazon RDS API Reference, CreateDBInstance)."""
    public = server.get("PubliclyAccessible")
    decided = as_bool(public.value) if isinstance(public, Known) else None
    by_default = isinstance(public, Absent) and server.type not in {"AWS::RDS::DBInstance", "AWS::RDS::DBCluster"}
    if decided is False or by_default:
        why = f"the function runs outside of any VPC, and {server.logical_id} can be reached inside of its own only"
        return stopped(why, (server,), Cause.PLACE)
    return untold(f"whether {server.logical_id} can be reached from outside of its VPC is not known")


def _to_balancer(reach: Reach, call: Call, client: Resource, server: Resource, *, awsvpc: bool) -> Connection | None:
    scheme = server.get("Scheme")
    if not (isinstance(scheme, Known) and scheme.value == "internal") or call.port is None:
        return None  # a public name leads out of the VPC, and in again
    listeners = list(reach.environment.children(server, "AWS::ElasticLoadBalancingV2::Listener"))
    values = [listener.get("Port") for listener in listeners]
    ports = [whole(value.value) if isinstance(value, Known) else None for value in values]
    if listeners and call.port not in ports and None not in ports:
        why = f"{server.logical_id} has no listener on port {call.port}"
        return stopped(why, (server,), Cause.PORT)
    if not awsvpc:
        return _SHARED_HOST
    reply = reach.connects(reach.member(client), reach.member(server), call.port)
    if reply.made is YES and call.port not in ports:
        return untold(f"on which ports {server.logical_id} listens is not known", cause=Cause.PORT)
    return reply


def _to_service(reach: Reach, call: Call, client: Resource, found: Registration, *, awsvpc: bool) -> Connection:
    if not found.services:
        if found.others:
            return untold(f"what stands behind {call.host} is not known")
        return stopped(f"no service registers its tasks under {call.host}", (found.place,), Cause.NAME)
    if found.undiscovered:
        why = f"{call.host} has no DNS record: its instances are found through DiscoverInstances alone"
        return stopped(why, (found.place,), Cause.NAME)
    if found.connected and call.port is not None and call.port not in found.ports:
        answers = ", ".join(map(str, sorted(found.ports)))
        why = f"the address leads to port {call.port}, and Service Connect answers {call.host} on {answers}"
        return stopped(why, (found.place,), Cause.PORT)
    port = found.ports.get(call.port, call.port) if call.port is not None else None
    if port is None or found.records == {"SRV"}:
        return untold(f"on which port {call.host} is called is not known", cause=Cause.PORT)
    server = found.services[0]
    if server.listens and port not in server.listens:
        listens = ", ".join(map(str, sorted(server.listens)))
        why = f"the address leads to port {port}, and {server.label} listens on {listens}"
        return stopped(why, (server.resource,), Cause.PORT)
    if not awsvpc or server.awsvpc is not YES:
        return _SHARED_HOST
    return reach.connects(reach.member(client), reach.member(server.resource), port)
