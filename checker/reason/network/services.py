"""ECS services as what runs in them: containers, the ports they listen on, and how they are put before clients.

Sources: Amazon ECS Developer Guide, "Task networking" (tasks in ``awsvpc`` mode have an address and security groups of
their own, and share them between their containers) and "Use load balancing to distribute Amazon ECS service traffic"
(the service registers each task with the container's port, so the target group's own port is not used).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, Text, Unknown, as_list, pieces
from checker.reason.network.security_groups import whole

_LOCAL: Final = r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])"
_LOCAL_URL: Final = lazy_re.compile(rf"https?://{_LOCAL}(?::(\d{{1,5}}))?(?=[/'\"\s?)]|$)")
# An address without a scheme, as curl and wget take it; a bare connection, as netcat and bash make it.
_LOCAL_PLACE: Final = lazy_re.compile(
    rf"\b(?:curl|wget)\b[^;|&]*?\s['\"]?{_LOCAL}(?::(\d{{1,5}}))?(?=[/'\"\s?)]|$)"
    rf"|\b(?:nc|ncat|netcat)\b[^;|&]*?\s{_LOCAL}\s+(\d{{1,5}})\b|/dev/tcp/{_LOCAL}/(\d{{1,5}})\b"
)


TASK_DEFINITION: Final = "AWS::ECS::TaskDefinition"


NO_IMAGE: Final = Open("where its image comes from is not known")


class Container(Struct, frozen=True):
    """One container of a task definition. ``path`` is where it stands.

    ``ports`` are the TCP ports it maps (``None`` where that is not known), ``datagrams`` those of UDP; ``told`` the
    port that its command or its variable ``PORT`` tells it to listen on, ``told_open`` whether it may be told one that
    is not known; ``told_others`` those of other variables of it that end in ``PORT``; ``checked`` the ports that its
    health check calls; ``inward`` whether it is told to listen on its loopback address, where nobody reaches it.
    """

    name: Resolved
    path: str
    ports: frozenset[int] | None
    port_names: dict[str, int]
    told: int | None
    told_open: bool
    told_others: frozenset[int]
    checked: tuple[int, ...]
    image: Resolved
    inward: bool
    datagrams: frozenset[int] = frozenset()

    @property
    def from_ecr(self) -> Answer:
        """Whether its image comes from Amazon ECR."""
        if not isinstance(self.image, str | Text):
            return NO_IMAGE
        if ".dkr.ecr" in str(self.image):
            return YES
        known = isinstance(self.image, str)
        return NO if known else Open(f"whether {self.image} is in ECR is not known before deployment")

    @property
    def listens(self) -> frozenset[int]:
        """The ports on which something may answer, as far as the template says."""
        return (self.ports or frozenset()) | self.told_others | (frozenset() if self.told is None else {self.told})


class Service(Struct, frozen=True, eq=False):
    """One ECS service. ``task`` is ``None`` where its task definition is not part of the project."""

    resource: Resource
    label: str
    task: Resource | None
    containers: tuple[Container, ...] | None
    awsvpc: Answer

    def container(self, name: Resolved) -> Container | None:
        return next((each for each in self.containers or () if each.name == name), None)

    @property
    def listens(self) -> frozenset[int] | None:
        """The ports on which a task may answer, ``None`` where that is not known."""
        if self.containers is None or any(each.ports is None for each in self.containers):
            return None
        return frozenset(port for each in self.containers for port in each.listens)


def services(environment: Environment) -> Iterator[Service]:
    for resource in environment.resources("AWS::ECS::Service"):
        task = environment.referred(resource.get("TaskDefinition"))
        if task is not None and task.type != TASK_DEFINITION:
            task = None
        yield Service(
            resource,
            label_of(resource, "ServiceName"),
            task,
            containers_of(task) if task is not None else None,
            _awsvpc(resource, task),
        )


def label_of(resource: Resource, name_path: str) -> str:
    """What people call it: its own name where the template writes one, else its logical id."""
    value = resource.get(name_path)
    return value.value if isinstance(value, Known) and isinstance(value.value, str) else resource.logical_id


def _awsvpc(service: Resource, task: Resource | None) -> Answer:
    """Whether its tasks have network interfaces of their own."""
    undecided = Open("whether its tasks have network interfaces of their own is not known")
    if task is not None:
        mode = task.get("NetworkMode")
        if isinstance(mode, Known):
            return yes_if(mode.value == "awsvpc") if isinstance(mode.value, str) else undecided
        return NO if isinstance(mode, Absent) else undecided
    return undecided if isinstance(service.get("NetworkConfiguration.AwsvpcConfiguration"), Absent) else YES


def host_ports(task: Resource) -> frozenset[int] | None:
    """The ports of their host that the containers take by number, where they share its address; ``None``: not known.

    Source: Amazon ECS API Reference, PortMapping (``hostPort``): left out or 0, a bridge's container gets a free one.
    """
    mode, containers = task.get("NetworkMode"), task.get("ContainerDefinitions")
    said = mode.value if isinstance(mode, Known) else None
    name = "bridge" if isinstance(mode, Absent) else said if isinstance(said, str) else None
    if name not in {"bridge", "host"} or not isinstance(containers, Known) or not isinstance(containers.value, list):
        return frozenset() if name in {"awsvpc", "none"} else None
    found: set[int] = set()
    for container in containers.value:
        mappings = container.get("PortMappings", []) if isinstance(container, dict) else None
        for mapping in mappings if isinstance(mappings, list) else [None]:
            place = mapping.get("HostPort", 0) if isinstance(mapping, dict) else None
            number = whole(mapping.get("ContainerPort") if name == "host" and isinstance(mapping, dict) else place)
            if number is None:
                return None
            found.add(number)
    return frozenset(found - {0})


def containers_of(task: Resource) -> tuple[Container, ...] | None:
    """The containers of a task definition, ``None`` where they are not known."""
    value = task.get("ContainerDefinitions")
    if not isinstance(value, Known) or not isinstance(value.value, list):
        return None
    found = []
    for index, item in enumerate(value.value):
        if not isinstance(item, dict):
            return None
        found.append(_container(item, index))
    return tuple(found)


def _container(item: dict[str, Resolved], index: int) -> Container:
    ports: set[int] | None = set()
    datagrams: set[int] = set()
    names: dict[str, int] = {}
    mappings = item.get("PortMappings")
    if isinstance(mappings, Unknown):
        ports = None
    for mapping in mappings if isinstance(mappings, list) else []:
        number = whole(mapping.get("ContainerPort")) if isinstance(mapping, dict) else None
        protocol = mapping.get("Protocol", "tcp") if isinstance(mapping, dict) else None
        if not isinstance(mapping, dict) or number is None or not isinstance(protocol, str):
            ports = None
        elif protocol.lower() == "udp":
            datagrams.add(number)
        else:
            if ports is not None:
                ports.add(number)
            if isinstance(mapping.get("Name"), str):
                names[str(mapping["Name"])] = number
    told, others = _told(item.get("Environment"))
    commanded, given = _commanded(item)
    told = commanded if commanded is not None or given else told
    return Container(
        item.get("Name"),
        f"ContainerDefinitions.{index}",
        None if ports is None else frozenset(ports),
        names,
        told,
        given or (told is None and _may_be_told(item.get("Environment"))),
        frozenset(others),
        tuple(_checked(item.get("HealthCheck"))),
        item.get("Image"),
        _listens_inward(item),
        frozenset(datagrams),
    )


# How servers are told on their command line where to listen: the last program's own options.
_LISTEN: Final = lazy_re.compile(
    r"(?:^|\s)(?:--(?:http-)?port|--listen|--bind|--addr(?:ess)?|--server[.-]port|-b)(?:=|\s+)"
    r"(?:[\w.*\[\]:-]*:)?(\d{2,5})(?=\s|$)|(?:^|\s)PORT=(\d{2,5})(?=\s)"
)
_LISTEN_OPEN: Final = lazy_re.compile(
    r"(?:^|\s)(?:--(?:http-)?port|--listen|--bind|--addr(?:ess)?|--server[.-]port|-b)(?:=|\s+)"
    r"(?:[\w.*\[\]:\0-]*:)?\0|(?:^|\s)PORT=\0"
)
_OF_OTHER_HOST: Final = lazy_re.compile(
    r"(?:^|\s)(?:--host(?:name)?|-h)(?:=|\s+)(?!0\.0\.0\.0|127\.|localhost|::|\[::)\S"
)


# The same for the address, and the variables that servers take it from.
_INWARD: Final = lazy_re.compile(
    r"(?:^|\s)(?:--host(?:name)?|--listen|--bind|--addr(?:ess)?|--server[.-](?:host|address)|-b)(?:=|\s+)"
    r"(?:\w+://)?(?:127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)(?::\d{2,5})?(?=\s|$)"
)
_ADDRESS: Final = lazy_re.compile(r"(?:127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)(?::\d{2,5})?")
_LISTENS_AT: Final = frozenset({
    "BIND", "BIND_ADDR", "BIND_ADDRESS", "BIND_HOST", "FLASK_RUN_HOST", "HOST", "LISTEN", "LISTEN_ADDR",
    "LISTEN_ADDRESS", "LISTEN_HOST", "SERVER_ADDRESS", "SERVER_HOST", "UVICORN_HOST",
})  # fmt: skip


def _listens_inward(item: dict[str, Resolved]) -> bool:
    """Whether a command or a variable tells a container's server to listen on its loopback address alone."""
    entries = [each for each in as_list(item.get("Environment")) if isinstance(each, dict)]
    told = (each.get("Value") for each in entries if str(each.get("Name")) in _LISTENS_AT)
    return _INWARD.search(_last_program(item)) is not None or any(
        isinstance(value, str) and _ADDRESS.fullmatch(value) for value in told
    )


def _last_program(item: dict[str, Resolved]) -> str:
    """The last program of a container's command, a zero byte for each part that only the deployment tells."""
    words = [_word(word) for place in ("EntryPoint", "Command") for word in as_list(item.get(place))]
    return re.split(r"&&|\|\||[;&|]", " ".join(words))[-1]


def _word(word: Resolved) -> str:
    if isinstance(word, str | Text):
        return "".join(piece if isinstance(piece, str) else "\0" for piece in pieces(word))
    return "\0"


def _commanded(item: dict[str, Resolved]) -> tuple[int | None, bool]:
    """The port that a container's command tells its server to listen on; whether it tells one that is not known."""
    last = _last_program(item)
    if _OF_OTHER_HOST.search(last):
        return None, False
    found = _LISTEN.search(last)
    return (int(found[1] or found[2]), False) if found else (None, _LISTEN_OPEN.search(last) is not None)


def _told(variables: Resolved) -> tuple[int | None, set[int]]:
    """The value of ``PORT``, and of other variables that may say on what the container listens: ``DB_PORT`` beside a
    ``DB_HOST`` is somebody else's."""
    entries = [each for each in variables if isinstance(each, dict)] if isinstance(variables, list) else []
    values = {str(each["Name"]): each.get("Value") for each in entries if isinstance(each.get("Name"), str)}
    others = set()
    for name, value in values.items():
        number = whole(value)
        stem = name[: -len("PORT")] if name.upper().endswith("PORT") else ""
        if stem and number is not None and not any(stem + each in values for each in _OF_ANOTHER):
            others.add(number)
    return whole(values.get("PORT")), others


def _may_be_told(variables: Resolved) -> bool:
    """Whether ``PORT`` has a value that is not known, or a variable without a known name may be it."""
    if not isinstance(variables, list):
        return isinstance(variables, Unknown | Text)
    for entry in variables:
        name = entry.get("Name") if isinstance(entry, dict) else entry
        if isinstance(name, Unknown | Text) or (name == "PORT" and isinstance(entry, dict)):
            return True
    return False


_OF_ANOTHER: Final = ("HOST", "HOSTNAME", "ADDRESS", "ENDPOINT", "SERVER", "Host", "host")


def _checked(health: Resolved) -> Iterator[int]:
    command = health.get("Command") if isinstance(health, dict) else None
    words = [str(part) for part in as_list(command) if isinstance(part, str | Text)]
    for word in words:
        for match in _LOCAL_URL.finditer(word):
            yield int(match.group(1) or (443 if match.group(0).startswith("https") else 80))
    for match in _LOCAL_PLACE.finditer(" ".join(words)):
        yield int(match.group(1) or match.group(2) or match.group(3) or 80)


# -- how traffic comes in --------------------------------------------------------------------------


class Target(Struct, frozen=True):
    """One entry of a service's load balancers, or the other group of it that a deployment moves its traffic to."""

    path: str
    container: Resolved
    port: Resolved
    group: Resource | None


# What a target group sends by its Protocol, where that is not TCP (CreateTargetGroup of the same reference).
_SENDS: Final = {"UDP": ("udp",), "QUIC": ("udp",), "TCP_UDP": ("tcp", "udp"), "TCP_QUIC": ("tcp", "udp")}


def transports(group: Resource | None) -> tuple[str, ...] | None:
    """What a target group sends to its targets: ``tcp``, ``udp`` or both; ``None`` where that is not known."""
    value = group.get("Protocol") if group is not None else None
    if isinstance(value, Known) and isinstance(value.value, str):
        return _SENDS.get(value.value.upper(), ("tcp",))
    return ("tcp",) if isinstance(value, Absent) else None


def targets_of(environment: Environment, service: Resource) -> list[Target] | None:
    """What the service registers its tasks with, ``None`` where that is not known."""
    value = service.get("LoadBalancers")
    if isinstance(value, Absent):
        return []
    if not isinstance(value, Known) or not isinstance(value.value, list):
        return None
    found = []
    for index, item in enumerate(value.value):
        if not isinstance(item, dict):
            return None
        for place, named in _groups(f"LoadBalancers.{index}", item):
            group = environment.referred(named)
            if group is not None and group.type != "AWS::ElasticLoadBalancingV2::TargetGroup":
                group = None
            found.append(Target(place, item.get("ContainerName"), item.get("ContainerPort"), group))
    return found


def _groups(path: str, item: dict[str, Resolved]) -> Iterator[tuple[str, Resolved]]:
    """The target groups of an entry, none for a classic load balancer: blue, green, linear and canary deployments
    register new tasks with the one that has no traffic (Amazon ECS API Reference, AdvancedConfiguration)."""
    advanced = item.get("AdvancedConfiguration")
    other = advanced.get("AlternateTargetGroupArn") if isinstance(advanced, dict) else None
    for place, named in ((path, item.get("TargetGroupArn")), (f"{path}.AdvancedConfiguration", other)):
        if named is not None:
            yield place, named


def _pairs(environment: Environment, service: Resource) -> Iterator[list[Resource]]:
    """Two target groups that a service's deployments move traffic between."""
    by_entry: dict[str, list[Resource]] = {}
    for target in targets_of(environment, service) or ():
        if target.group is not None:
            by_entry.setdefault(target.path.removesuffix(".AdvancedConfiguration"), []).append(target.group)
    yield from (groups for groups in by_entry.values() if len(groups) > 1)


class Forwarding:
    """Which listeners forward to which target groups, read once for an environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.incomplete = False
        self._listeners: dict[Resource, dict[Resource, None]] = {}
        self._places: dict[Resource, list[Resource]] = {}
        for listener in environment.project.resources("AWS::ElasticLoadBalancingV2::Listener"):
            self._read(listener, listener.get("DefaultActions"), listener)
        for rule in environment.project.resources("AWS::ElasticLoadBalancingV2::ListenerRule"):
            owner = environment.referred(rule.get("ListenerArn"))
            self._read(rule, rule.get("Actions"), owner)
        for service in environment.project.resources("AWS::ECS::Service"):
            for pair in _pairs(environment, service):
                # ECS points the listeners of the one at the other.
                shared = {each: None for group in pair for each in self._listeners.get(group, ())}
                self._listeners.update({group: dict(shared) for group in pair if shared})

    def _read(self, place: Resource, actions: object, listener: Resource | None) -> None:
        if not isinstance(actions, Known):
            self.incomplete = self.incomplete or isinstance(actions, Unknown)
            return
        for found in self._environment.project.all_referred(actions):
            if found.type == "AWS::ElasticLoadBalancingV2::TargetGroup":
                self._listeners.setdefault(found, {})[listener or place] = None
                self._places.setdefault(found, []).append(place)

    def to(self, group: Resource) -> list[Resource]:
        """The listeners that forward to ``group``; a rule stands for a listener that is not part of the project."""
        return list(self._listeners.get(group, ()))

    def places(self, group: Resource) -> list[Resource]:
        """The listeners and rules that say that they forward to ``group``."""
        return self._places.get(group, [])

    def balancers(self, group: Resource) -> list[Resource | None]:
        """The load balancers behind those listeners, ``None`` for one that is not part of the project."""
        found: dict[Resource | None, None] = {}
        for listener in self.to(group):
            balancer = self._environment.referred(listener.get("LoadBalancerArn"))
            kind = "AWS::ElasticLoadBalancingV2::LoadBalancer"
            found[balancer if balancer is not None and balancer.type == kind else None] = None
        return list(found)
