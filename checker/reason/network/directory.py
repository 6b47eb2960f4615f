"""The names under which an environment's services can be called.

Sources: AWS Cloud Map Developer Guide, "Using DNS queries to discover instances"; Amazon ECS Developer Guide, "Use
service discovery" and "Use Service Connect"; Amazon ECS API Reference, ServiceConnectClientAlias (an alias answers the
tasks of services that use Service Connect in the same namespace, on its own port and no other).
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, Text, Unknown
from checker.reason.network.security_groups import whole
from checker.reason.network.services import Service

# Top-level names that no public DNS has: who resolves them is inside.
_PRIVATE: Final = (".internal", ".local", ".private", ".lan", ".corp")
# ... and names under them that AWS and Docker resolve themselves.
_NOT_OURS: Final = (".compute.internal", ".ec2.internal", ".docker.internal", ".google.internal", "metadata.internal")


class DefaultOf(Struct, frozen=True):
    """The namespace that a cluster of elsewhere gives its services, whichever it is."""

    cluster: str | Text


# A namespace of Service Connect, by its name or by what refers to it.
Namespace: TypeAlias = "str | Text | DefaultOf"


class Registration(Struct, frozen=True):
    """A service-discovery name. ``services`` register their tasks under it; ``records`` are its DNS record types.

    ``ports`` are those that Service Connect listens on in the client, mapped to the container's, and ``namespace`` is
    the one whose clients it listens in, ``None`` where that is not known. ``vpc`` is whose names these are: ``None``
    where the namespace belongs to none, or to one that is not of this project.
    """

    place: Resource
    vpc: Resource | Open | None
    services: tuple[Service, ...]
    others: bool
    records: frozenset[str]
    ports: dict[int, int]
    namespace: Namespace | None = None

    @property
    def connected(self) -> bool:
        """Whether this is an alias of Service Connect."""
        return self.records == frozenset({"connect"})

    @property
    def undiscovered(self) -> bool:
        """Whether no DNS record is made for it (AWS Cloud Map API Reference, CreateService, ``Type``)."""
        kind = None if self.connected else self.place.get("Type")
        return isinstance(kind, Known) and kind.value == "HTTP"


class Directory:
    """The names that an environment's private namespaces answer."""

    def __init__(self, environment: Environment, services: list[Service]) -> None:
        self._names: dict[str, Registration] = {}
        self._aliases: dict[str, Registration] = {}
        self._zones: dict[str, bool] = {}
        self.open = False
        # Names that somebody gave a record of their own.
        self._records = {
            name.rstrip(".")
            for record in environment.project.resources("AWS::Route53::RecordSet")
            if (name := _text_of(record, "Name")) is not None
        }
        self._read_zones(environment)
        self._read_registered(environment, services)
        self._read_connected(environment, services)

    def _read_zones(self, environment: Environment) -> None:
        for namespace in environment.near(
            "AWS::ServiceDiscovery::PrivateDnsNamespace", "AWS::ServiceDiscovery::HttpNamespace"
        ):
            name = _text_of(namespace, "Name")
            if name is None:
                self.open = True
            else:
                self._zones[name] = True
        for zone in environment.near("AWS::Route53::HostedZone"):
            name = _text_of(zone, "Name")
            if isinstance(zone.get("VPCs"), Absent):
                continue  # a public zone: whoever has no record here has one elsewhere, or none
            if name is not None:
                self._zones.setdefault(name.rstrip("."), False)
            elif not isinstance(zone.get("VPCs"), Absent):
                self.open = True

    def _read_registered(self, environment: Environment, services: list[Service]) -> None:
        by_registry: dict[Resource, list[Service]] = {}
        for service in services:
            for found in environment.project.all_referred(service.resource.get("ServiceRegistries")):
                by_registry.setdefault(found, []).append(service)
        instances = {
            found.key
            for instance in environment.project.resources("AWS::ServiceDiscovery::Instance")
            for found in environment.project.all_referred(instance.get("ServiceId"))
        }
        for place in environment.near("AWS::ServiceDiscovery::Service"):
            namespace = environment.referred(place.get("NamespaceId")) or environment.referred(
                place.get("DnsConfig.NamespaceId")
            )
            name = _text_of(place, "Name")
            zone = _text_of(namespace, "Name")
            if name is None or zone is None:
                self.open = True
                continue
            records = place.get("DnsConfig.DnsRecords")
            listed = records.value if isinstance(records, Known) and isinstance(records.value, list) else []
            self._names[f"{name}.{zone}"] = Registration(
                place,
                _vpc_of(environment, namespace),
                tuple(by_registry.get(place, ())),
                place.key in instances,
                frozenset(str(each.get("Type")) for each in listed if isinstance(each, dict)),
                {},
            )

    def _read_connected(self, environment: Environment, services: list[Service]) -> None:
        for service in services:
            value = service.resource.get("ServiceConnectConfiguration.Services")
            if isinstance(value, Unknown):
                self.open = True
            for entry in value.value if isinstance(value, Known) and isinstance(value.value, list) else []:
                if not isinstance(entry, dict):
                    self.open = True
                    continue
                self._connected(environment, service, entry)

    def _connected(self, environment: Environment, service: Service, entry: dict[str, Resolved]) -> None:
        port_name = entry.get("PortName")
        inside = next(
            (each.port_names[str(port_name)] for each in service.containers or () if port_name in each.port_names), None
        )
        aliases = entry.get("ClientAliases")
        for alias in aliases if isinstance(aliases, list) else []:
            port = whole(alias.get("Port")) if isinstance(alias, dict) else None
            if not isinstance(alias, dict) or port is None:
                self.open = True
                continue
            zone = namespace_of(environment, service.resource)
            name = alias.get("DnsName")
            discovered = entry.get("DiscoveryName", port_name)
            host = name if isinstance(name, str) else f"{discovered}.{zone}" if isinstance(zone, str) else None
            if host is None:
                self.open = True
                continue
            host = host.lower()
            known = self._aliases.get(host)
            before = known.ports if known is not None and known.services == (service,) else {}
            self._aliases[host] = Registration(
                service.resource,
                None,
                (service,),
                False,
                frozenset({"connect"}),
                {**before, port: inside or port},
                zone,
            )

    def find(self, host: str) -> Registration | None:
        """Who answers to a name. A task that uses Service Connect finds its aliases before any other name."""
        return self._aliases.get(host) or self._names.get(host)

    def discovered(self, host: str) -> Registration | None:
        """Who answers to a name by service discovery, which is for every client in the VPC."""
        return self._names.get(host)

    def has_record(self, host: str) -> bool:
        """Whether somebody gave the name a DNS record of its own."""
        return host in self._records

    def answers_for(self, host: str) -> Answer:
        """Whether a name that nobody registered should be one of this environment's: its namespace is here (yes), or
        it is private and some namespace is (open: it may be resolved elsewhere)."""
        elsewhere = Open(f"who answers for {host} is not known")
        if host in self._records or host.endswith(_NOT_OURS):
            return NO
        zone = host
        while "." in zone:
            zone = zone.partition(".")[2]
            if zone in self._zones:
                return YES if self._zones[zone] and not self.open else elsewhere
        if (self._zones or self.open) and host.endswith(_PRIVATE):
            return elsewhere if self.open or not any(self._zones.values()) else YES
        return NO


def namespace_of(environment: Environment, service: Resource) -> Namespace | None:
    """The namespace in which a service uses Service Connect: its own, or its cluster's default. ``None``: not known."""
    value = service.get("ServiceConnectConfiguration.Namespace")
    if isinstance(value, Absent):
        named = service.get("Cluster")
        cluster = environment.referred(named)
        if cluster is None and not isinstance(named, Unknown):
            written = named.value if isinstance(named, Known) else "default"
            return DefaultOf(written) if isinstance(written, str | Text) else None
        value = cluster.get("ServiceConnectDefaults.Namespace") if cluster is not None else named
    name = _text_of(environment.referred(value), "Name")
    written = value.value if isinstance(value, Known) else None
    return name or (written.lower() if isinstance(written, str) else written if isinstance(written, Text) else None)


def _vpc_of(environment: Environment, namespace: Resource | None) -> Resource | Open | None:
    value = namespace.get("Vpc") if namespace is not None else None
    if isinstance(value, Unknown):
        return Open(f"which VPC the namespace belongs to is not known: {value.why}")
    return environment.referred(value) if value is not None else None


def _text_of(resource: Resource | None, path: str) -> str | None:
    value = resource.get(path) if resource is not None else None
    return value.value.lower() if isinstance(value, Known) and isinstance(value.value, str) else None
