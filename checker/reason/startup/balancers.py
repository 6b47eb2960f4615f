"""What keeps a load balancer from being made, or from passing requests on to where they belong.

Sources: Elastic Load Balancing User Guide, "Listener rules" (evaluated in the order of their priority, which each has
for itself; the first that matches decides) and API Reference, CreateTargetGroup ("Health check interval must be greater
than the timeout", as it answers otherwise: https://github.com/aws/aws-cdk/pull/29075; the range of each number; its
``Protocol`` for each kind of load balancer), "Listeners for your Network Load Balancers" (a TCP_UDP listener has groups
of TCP_UDP). A listener and a group that do not fit are refused as IncompatibleProtocols
(https://github.com/hashicorp/terraform-provider-aws/issues/4955), so is a protocol of the other kind of load balancer
(issue 6173 there), and a second listener of one port (https://github.com/hashicorp/terraform/issues/26407).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import ABSENT, Absent, Known, Resolved, ResourceKey, Unknown, as_bool, as_list, as_number
from checker.model.verdicts import Surface
from checker.reason.network.reachability import Connection, Member, Reach, untold, worst
from checker.reason.network.services import Container, Forwarding, Service, transports

_RULE: Final = "AWS::ElasticLoadBalancingV2::ListenerRule"
# Where a condition of a rule has its values.
_CONFIGS: Final = ("PathPatternConfig", "HostHeaderConfig", "SourceIpConfig", "HttpRequestMethodConfig")


_PAUSE: Final = 30.0
"""Seconds between two health checks where a target group of HTTP says nothing."""


_RANGES: Final = {
    "HealthCheckIntervalSeconds": (5, 300),
    "HealthCheckTimeoutSeconds": (2, 120),
    "HealthyThresholdCount": (2, 10),
    "UnhealthyThresholdCount": (2, 10),
}


# Elastic Load Balancing API Reference, "CreateTargetGroup" (HealthCheckEnabled; an instance is the default target).
_CHECKED_ALWAYS: Final = ("instance", "ip", "alb")


def wrong_check(group: Resource) -> tuple[str, str]:
    """Why a target group's health check is refused, or never answered, and the property; empty where neither is so."""
    enabled, kind = group.get("HealthCheckEnabled"), group.get("TargetType")
    checked_always = isinstance(kind, Absent) or (isinstance(kind, Known) and kind.value in _CHECKED_ALWAYS)
    if checked_always and isinstance(enabled, Known) and as_bool(enabled.value) is False:
        return "Its health checks are switched off, which ELB does for functions alone", "HealthCheckEnabled"
    for name, (least, most) in _RANGES.items():
        number = _seconds(group, name)
        if number is not None and not least <= number <= most:
            return f"Its {name} is {number:g}, and ELB takes {least} to {most}", name
    timeout, interval = _seconds(group, "HealthCheckTimeoutSeconds"), _seconds(group, "HealthCheckIntervalSeconds")
    protocol, checked = (group.get(name) for name in ("Protocol", "HealthCheckProtocol"))
    speaks = protocol.value if isinstance(protocol, Known) else None
    if interval is None and isinstance(group.get("HealthCheckIntervalSeconds"), Absent) and speaks in ("HTTP", "HTTPS"):
        interval = _PAUSE
    if timeout is not None and interval is not None and timeout >= interval:
        said = f"Its health check waits {timeout:g} seconds for an answer and asks every {interval:g}: ELB refuses that"
        return said, "HealthCheckTimeoutSeconds"
    port = group.get("HealthCheckPort")
    same = isinstance(port, Absent) or (isinstance(port, Known) and port.value == "traffic-port")
    asks = checked.value if isinstance(checked, Known) else None
    if same and speaks == "HTTP" and asks == "HTTPS":
        said = (
            "Its health check speaks TLS to the port on which targets are spoken to in plain HTTP, and gets no answer"
        )
        return said, "HealthCheckProtocol"
    return "", ""


def _seconds(group: Resource, name: str) -> float | None:
    value = group.get(name)
    return as_number(value.value) if isinstance(value, Known) else None


# Source: Elastic Load Balancing API Reference, "CreateRule" (Priority: 1 to 50000).
_LAST_PRIORITY: Final = 50_000


def rules_at_odds(environment: Environment) -> Iterator[tuple[Resource, str, str, tuple[Resource, ...]]]:
    """Rules that ELB refuses, or that take what others are for: the rule, its sub-id, what is wrong, and the others."""
    by_listener: dict[object, list[tuple[float, Resource]]] = {}
    for rule in environment.resources(_RULE):
        priority, listener = rule.get("Priority"), rule.get("ListenerArn")
        number = as_number(priority.value) if isinstance(priority, Known) else None
        if number is not None and not 1 <= number <= _LAST_PRIORITY:
            yield rule, "priority", f"Its priority is {number:g}, and ELB takes 1 to {_LAST_PRIORITY}", ()
        if number is not None and isinstance(listener, Known) and rule.certain:
            owner = environment.referred(listener)
            by_listener.setdefault(owner.key if owner is not None else str(listener.value), []).append((number, rule))
    for rules in by_listener.values():
        rules.sort(key=lambda each: each[0])
        for (number, twin), (again, rule) in pairwise(rules):
            if number == again:
                said = f"It has the priority {number:g} of another rule of its listener, and ELB refuses the second"
                yield rule, "priority", said, (twin,)
        yield from islice(_hiding(rules), 1)  # what is behind the first one is behind it, whatever hides it besides


def _hiding(rules: Sequence[tuple[float, Resource]]) -> Iterator[tuple[Resource, str, str, tuple[Resource, ...]]]:
    """The rules of a listener that take what those after them are for."""
    for number, rule in rules:
        taken = _takes(rule)
        hidden = tuple(each for later, each in rules if later > number and _differs(rule, each))
        if taken == _GETS:
            hidden = tuple(each for each in hidden if _may_get(each)) if not _forwards(rule) else ()
        if hidden and taken:
            names = ", ".join(each.logical_id for each in hidden[:4])
            yield rule, "order", f"It takes every {taken} before rules that come after it can: {names}", hidden


def _differs(rule: Resource, other: Resource) -> bool:
    mine, others = rule.get("Actions"), other.get("Actions")
    return isinstance(mine, Known) and isinstance(others, Known) and mine.value != others.value


def _takes(rule: Resource) -> str:
    """What of all requests a rule takes before those that come after it, empty where it is less than every GET."""
    conditions = rule.get("Conditions")
    listed = conditions.value if isinstance(conditions, Known) else None
    if not isinstance(listed, list) or not listed:
        return ""
    some = [each for each in listed if not _matches_all(each)]
    if not some:
        return "request"
    return _GETS if all("GET" in _written(each) and _field(each) == _METHOD for each in some) else ""


_METHOD: Final = "http-request-method"
_GETS: Final = "GET request"


def _may_get(rule: Resource) -> bool:
    """Whether a rule is for requests that read, too: one for POST alone goes without them."""
    conditions = rule.get("Conditions")
    listed = conditions.value if isinstance(conditions, Known) else None
    methods = [each for each in listed if _field(each) == _METHOD] if isinstance(listed, list) else []
    return all("GET" in _written(each) for each in methods)


def _forwards(rule: Resource) -> bool:
    """Whether it passes requests on: what reads may have targets of its own, and what writes others."""
    actions = rule.get("Actions")
    listed = actions.value if isinstance(actions, Known) else None
    return any(isinstance(each, dict) and each.get("Type") == "forward" for each in as_list(listed))


def _field(condition: Resolved) -> Resolved:
    return condition.get("Field") if isinstance(condition, dict) else None


def _matches_all(condition: Resolved) -> bool:
    written, field = _written(condition), _field(condition)
    if field in ("path-pattern", "host-header"):
        return any(each.strip("*") == "" and each for each in written) or (field == "path-pattern" and "/*" in written)
    return field == "source-ip" and _everywhere(written)


def _written(condition: Resolved) -> list[str]:
    """The values of a condition."""
    if not isinstance(condition, dict):
        return []
    values = list(as_list(condition.get("Values")))
    for name in _CONFIGS:
        config = condition.get(name)
        values += as_list(config.get("Values")) if isinstance(config, dict) else []
    return [each for each in values if isinstance(each, str)]


def _everywhere(written: Sequence[str]) -> bool:
    """Whether ranges of addresses together are all of IPv4's."""
    ranges = []
    for each in written:
        try:
            network = ipaddress.ip_network(each, strict=False)
        except ValueError:
            return False
        if isinstance(network, ipaddress.IPv4Network):
            ranges.append(network)
    return [str(each) for each in ipaddress.collapse_addresses(ranges)] == ["0.0.0.0/0"]


# -- what stands behind a target group ---------------------------------------------------------------------------------


def maps(container: Container, group: Resource | None, port: int) -> Answer:
    """Whether a container maps a port for what a target group sends to it: for both where that is TCP and UDP."""
    ports, spoken = container.ports or frozenset(), transports(group)
    if spoken is not None:
        return yes_if(all(port in (container.datagrams if each == "udp" else ports) for each in spoken))
    if port in ports and (group is None or port in container.datagrams):
        return YES
    return Open("what the target group speaks is not known") if port in ports | container.datagrams else NO


def sent(container: Container, group: Resource | None, port: int) -> str:
    """What a target group sends to a port that its container does not map for it, and what is mapped instead."""
    ports = container.ports or frozenset()
    spoken = " and ".join(each.upper() for each in transports(group) or ())
    mapped = [*map(str, sorted(ports)), *(f"{each}/udp" for each in sorted(container.datagrams))]
    kind = f"{spoken} " if port in ports | container.datagrams else ""
    return f"{kind}to port {port} of {container.name}, which maps {', '.join(mapped) or 'none'}"


def open_kind(service: Service, group: Resource | None) -> str:
    """Why it is not known whether the target group takes tasks with addresses of their own; empty where it is."""
    kind = group.get("TargetType") if group is not None and service.awsvpc is YES else ABSENT
    known = isinstance(kind, Absent) or (isinstance(kind, Known) and isinstance(kind.value, str))
    return "" if known or group is None else f"what {group.logical_id} takes (TargetType)"


def wrong_kind(service: Service, group: Resource | None) -> str:
    """What is wrong with the target group for these tasks, empty where nothing is.

    Its own port is no matter: Amazon ECS registers each task with its container's port, which takes the place of the
    group's (Elastic Load Balancing API Reference, TargetDescription).
    """
    if group is None:
        return ""
    kind = group.get("TargetType")
    if service.awsvpc is NO and isinstance(kind, Known) and kind.value in ("ip", "lambda", "alb"):
        # Amazon ECS API Reference, LoadBalancer: addresses are registered of awsvpc tasks alone.
        return f"The target group {group.logical_id} takes no instances ({kind.value}), and these tasks have no \
addresses of their own"
    if service.awsvpc is not YES:
        return ""
    if isinstance(kind, Absent) or (isinstance(kind, Known) and kind.value in ("instance", "lambda")):
        return f"The target group {group.logical_id} takes instances, and these tasks have addresses of their own (ip)"
    return ""


_WEB: Final = frozenset({"HTTP", "HTTPS"})
# The protocol of a listener -> those of the groups that it can forward to.
_FORWARDS_TO: Final = {
    **dict.fromkeys(_WEB, _WEB),
    "TCP": frozenset({"TCP", "TCP_UDP", "TCP_QUIC"}),
    "TLS": frozenset({"TCP", "TLS"}),
    "UDP": frozenset({"UDP", "TCP_UDP"}),
    "TCP_UDP": frozenset({"TCP_UDP"}),
    "QUIC": frozenset({"QUIC", "TCP_QUIC"}),
    "TCP_QUIC": frozenset({"TCP_QUIC"}),
}


# The protocols of listeners by the kind of load balancer that they are of.
_OF_KIND: Final = {"application": _WEB, "network": frozenset(_FORWARDS_TO) - _WEB}


def wrong_listeners(
    environment: Environment, forwarding: Forwarding
) -> Iterator[tuple[Resource, str, str, tuple[Resource, ...]]]:
    """The listeners that ELB refuses, for their load balancer, another listener or a group that they forward to: what
    is wrong, where, and the others."""
    taken: dict[tuple[ResourceKey, float], Resource] = {}
    for listener in environment.resources("AWS::ElasticLoadBalancingV2::Listener"):
        balancer, port = environment.referred(listener.get("LoadBalancerArn")), _seconds(listener, "Port")
        if balancer is None or listener.surface is not Surface.TEMPLATE:
            continue
        kind = balancer.get("Type")
        named = "application" if isinstance(kind, Absent) else str(kind.value) if isinstance(kind, Known) else ""
        speaks, fitting = _protocol(listener), _OF_KIND.get(named)
        if fitting is not None and speaks in _FORWARDS_TO and speaks not in fitting:
            said = f"It speaks {speaks}, and {balancer.logical_id} is {named}: ELB refuses the listener"
            yield listener, said, "Protocol", (balancer,)
        if port is not None and listener.certain:
            twin = taken.setdefault((balancer.key, port), listener)
            if twin is not listener:
                said = (
                    f"It listens on port {port:g} of {balancer.logical_id}, as {twin.logical_id} does: ELB refuses it"
                )
                yield listener, said, "Port", (twin, balancer)
    for group in environment.resources("AWS::ElasticLoadBalancingV2::TargetGroup"):
        for listener in forwarding.to(group):
            speaks, takes = (_protocol(each) for each in (listener, group))
            fitting = _FORWARDS_TO.get(speaks)
            if fitting is not None and takes and takes not in fitting:
                said = f"It speaks {speaks} and forwards to {group.logical_id}, which takes {takes}: ELB refuses that"
                yield listener, said, "DefaultActions", (group,)


def _protocol(place: Resource) -> str:
    value = place.get("Protocol")
    return value.value.upper() if isinstance(value, Known) and isinstance(value.value, str) else ""


def lets_in(reach: Reach, member: Member, listener: Resource, port: int) -> Connection:
    """Whether somebody on the internet gets in to a listener, by what it speaks."""
    return by_each(listener, lambda spoken: reach.accepts_anyone(member, port, public=True, protocol=spoken))


def from_balancer(reach: Reach, balancer: Resource, server: Member, port: int, group: Resource) -> Connection:
    """Whether a load balancer gets through to the tasks behind one of its target groups."""
    kind, source = balancer.get("Type"), reach.member(balancer)
    if not (isinstance(kind, Known) and kind.value == "network") or source.groups or source.groups is None:
        return by_each(group, lambda spoken: reach.connects(source, server, port, spoken))
    # Without groups it comes from addresses of its subnets: its health checks always do, traffic where it does not
    # hand on whose it is.
    own = by_each(group, lambda spoken: reach.arrives(source.subnets or (), server, port, spoken))
    handed = _keeps_addresses(group)
    if own.made is NO or handed is NO:
        return own
    theirs = by_each(group, lambda spoken: reach.arrives((), server, port, spoken))
    return theirs if theirs.made is YES else untold("from which addresses it calls is not known")


_KEEPS: Final = "preserve_client_ip.enabled"


def _keeps_addresses(group: Resource) -> Answer:
    """Whether targets see the clients' own addresses (User Guide for Network Load Balancers, "Edit target group
    attributes": by default those of instances do, and addresses behind anything but TCP and TLS)."""
    kind, attributes = group.get("TargetType"), group.get("TargetGroupAttributes")
    listed = as_list(attributes.value) if isinstance(attributes, Known) else []
    for each in listed:
        if isinstance(each, dict) and each.get("Key") == _KEEPS:
            said = each.get("Value")
            return yes_if(said in ("true", True)) if isinstance(said, str | bool) else Open(f"what {_KEEPS} is")
    if isinstance(attributes, Unknown) or any(not isinstance(each, dict) for each in listed):
        return Open("what the target group's attributes are")
    if not isinstance(kind, Known):
        return YES if isinstance(kind, Absent) else Open("what the target group takes")
    return yes_if(kind.value != "ip" or _protocol(group) not in ("TCP", "TLS"))


def by_each(place: Resource | None, connects: Callable[[str], Connection]) -> Connection:
    """The connection by all that a listener or target group speaks; by any of it, where that is not known."""
    spoken = transports(place)
    if spoken is not None:
        return worst(map(connects, spoken))
    by_tcp, by_udp = connects("tcp"), connects("udp")
    return by_tcp if by_tcp.made is by_udp.made else untold("whether TCP or UDP is spoken is not known")
