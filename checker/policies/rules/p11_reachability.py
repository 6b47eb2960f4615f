"""What must reach each other can.

What the review found
    Not in the review. A port changed in one of the places where it stands shows as a deployment that is rolled back.
What is checked
    Each hop, under a sub-id of its own. ``target``: the container that an ECS service puts behind a load balancer is in
    its task definition, maps that port and is told to listen there for others, and the target group takes tasks.
    ``health``: health checks call a port that the container listens on. ``listener``: some listener forwards to the
    target group, and the load balancer may reach the tasks. ``internet``: an internet-facing load balancer stands in
    public subnets and lets its listeners' ports in. ``registry``: tasks can fetch their image. And every address of a
    service, database, cache or load balancer that a container or function is given: the name is registered, the port is
    one on which somebody answers, and security groups and network ACLs let the call out and in; likewise what a
    database's proxy or an API's link passes on. Before all that: no size unknown to Fargate (``size``), no execution
    role that may not pull, fetch, log, or put a function into its network (``execution-role``), no role that ECS may
    not assume (``task-role``, ``infrastructure-role``), no port that the task does not name (``port-name``), no
    balancer of one zone (``zones``), no rules of one priority (``priority``) or behind one for all (``order``), no
    listener that is refused (``listener``), no group or namespace of another network (``network``), no network without
    DNS (``dns``), no check (``check``), port mapping (``host-port``),
    container (``container``), range of addresses (``addresses``), alarm (``alarm``), database (``database``) or cache
    (``cache``) that is refused, no key that its secret lacks (``secret-key``), no password of another login
    (``login``), nothing told of in vain (``may``), no volume out of reach (``volume``), no roll-out that cannot begin
    (``deployment``), no service before its listener (``made-first``).
When it does not apply
    Nothing behind a load balancer, or told an address of this environment. Who starts one-off tasks picks their groups.
What cannot be decided
    Subnets, groups, task definitions and ports from elsewhere; tasks in their host's network; routes through a gateway.
Fix
    The message names the hop. One port, one place: target group, container and rules take it from the same value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, every, yes_if
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import FUNCTIONS, Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Text, Unknown
from checker.model.verdicts import Outcome
from checker.reason.network.callers import calls, connection, linked, proxied
from checker.reason.network.directory import Directory
from checker.reason.network.reachability import Cause, Connection, Member, Reach, untold, worst
from checker.reason.network.security_groups import whole
from checker.reason.network.services import (
    NO_IMAGE,
    TASK_DEFINITION,
    Container,
    Forwarding,
    Service,
    Target,
    host_ports,
    services,
    targets_of,
)
from checker.reason.startup.balancers import from_balancer, lets_in, maps, open_kind, sent, wrong_kind
from checker.reason.startup.judged import startup
from checker.reason.workloads.variables import Variable, environment_variables, with_unnamed_variables

_FIX_PORT: Final = "Let target group, port mapping, PORT and security-group rules take the port from one value."
_FIX_GROUPS: Final = (
    "Open the port on both sides: an egress rule in the client's group, an ingress rule in the server's."
)
_FIXES: Final = {
    Cause.RULES: _FIX_GROUPS,
    Cause.PORT: "Give the client the port on which the server listens.",
    Cause.NAME: "Register the service under this name in its namespace, or give the client the registered name.",
    Cause.PLACE: "Give the function a VpcConfig with subnets, and a security group that the server lets in.",
}
_ACLS: Final = ("AWS::EC2::NetworkAcl", "AWS::EC2::VPC")
_FIX_ACL: Final = "Add entries to the network ACL, both ways, for the port and for the answers' ports (1024 to 65535)."


def check(environment: Environment) -> Iterator[Judgement]:
    reach = Reach(environment)
    found = list(services(environment))
    forwarding = Forwarding(environment)
    for balancer in environment.resources("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        yield from _internet(reach, balancer)
    for service in found:
        member = reach.member(service.resource)
        yield from _behind(reach, forwarding, service, member)
        yield from _self_checks(service)
        if service.awsvpc is YES:
            yield _registry(reach, service, member)
    yield from _calls(reach, found, Directory(environment, found))
    for between, server, reply in (*proxied(reach), *linked(reach)):
        violation = f"It cannot pass calls on to {server.logical_id}"
        yield _answered(between, f"{between.logical_id}→{server.logical_id}", reply, violation, _FIX_GROUPS)
    yield from startup(reach, found, forwarding)


# -- from the internet -----------------------------------------------------------------------------


def _internet(reach: Reach, balancer: Resource) -> Iterator[Judgement]:
    scheme, kind = balancer.get("Scheme"), balancer.get("Type")
    if (isinstance(scheme, Known) and scheme.value == "internal") or (
        isinstance(kind, Known) and kind.value == "gateway"
    ):
        return  # a gateway load balancer has no scheme: routes and endpoints lead to it
    if isinstance(scheme, Unknown) or (isinstance(scheme, Known) and scheme.value != "internet-facing"):
        yield balancer.undecided("internet→subnets", "whether it faces the internet is not known", path="Scheme")
        return
    member = reach.member(balancer)
    if member.subnets is None:
        yield balancer.undecided("internet→subnets", "the load balancer's subnets are not known")
    else:
        yield _answered(
            balancer,
            "internet→subnets",
            worst(reach.from_internet(subnet) for subnet in member.subnets),
            "The load balancer faces the internet from a subnet that has no way in",
            "Put it in subnets whose default route leads to the VPC's internet gateway.",
        )
    if isinstance(kind, Known) and kind.value != "application" and not member.groups:
        return  # a network load balancer needs no security group
    for listener in reach.environment.children(balancer, "AWS::ElasticLoadBalancingV2::Listener"):
        port = listener.get("Port")
        number = whole(port.value) if isinstance(port, Known) else None
        if number is not None:
            yield _answered(
                listener,
                f"internet→{number}",
                lets_in(reach, member, listener, number),
                "Nobody can reach the listener",
                f"Let port {number} into the load balancer's security group.",
            )
        elif not isinstance(port, Absent):
            yield listener.undecided("internet→port", "the port on which it listens is not known", path="Port")


def _answered(place: Resource, sub: str, reply: Connection, violation: str, fix: str, path: str = "") -> Judgement:
    if isinstance(reply.made, Open):
        return place.undecided(sub, reply.why, path=path, fix=fix)
    if reply.made is YES:
        return place.passes(sub, "Nothing stands in the way.", path=path)
    if reply.culprit is not None:
        # At fault whoever calls: said once, of the thing itself, and not of each that suffers from it.
        kind, remedy = ("acl", _FIX_ACL) if reply.culprit.type in _ACLS else ("way-out", fix)
        said = f"{violation}: {reply.why}."
        return reply.culprit.fails(kind, said, fix=remedy, related=(place, *reply.at))
    return place.fails(sub, f"{violation}: {reply.why}.", fix=fix, path=path, related=reply.at)


# -- behind a load balancer ------------------------------------------------------------------------


def _behind(reach: Reach, forwarding: Forwarding, service: Service, member: Member) -> Iterator[Judgement]:
    targets = targets_of(reach.environment, service.resource)
    if targets is None:
        why = "what the service registers its tasks with is not known"
        yield service.resource.undecided(f"target→{service.label}", why, path="LoadBalancers", fix=_FIX_PORT)
        return
    for target in targets:
        verdict, port = _target(service, target)
        yield verdict
        if port is not None and service.containers is not None:
            yield from _health(reach, forwarding, service, member, target, port)
            yield _listener(reach, forwarding, service, member, target, port)
        elif port is not None:
            way = _listener(reach, forwarding, service, member, target, port)
            yield from (way,) if way.outcome is Outcome.FAIL else ()  # closed, whatever task is registered there


def _target(service: Service, target: Target) -> tuple[Judgement, int | None]:
    """Whether the target is something that answers, and on which port (``None`` where following it further is idle)."""
    place, sub, path = service.resource, f"target→{service.label}", target.path
    port = whole(target.port)
    if service.containers is None:
        said = place.undecided(sub, "its task definition is not known", path=path, fix=_FIX_PORT)
        return said, port if service.awsvpc is YES else None
    if target.port is None:
        wrong = f"The load balancer sends to no port of {target.container or 'the task'}: none is named."
        return place.fails(sub, wrong, fix=_FIX_PORT, path=path), None
    if isinstance(target.container, Unknown | Text) or port is None:
        return place.undecided(sub, "the container's name or port is not known", path=path, fix=_FIX_PORT), None
    container = service.container(target.container)
    related = (service.task,) if service.task is not None else ()
    if target.container is None:
        wrong = "The load balancer sends to a container that it does not name"
    elif container is None:
        if any(not isinstance(each.name, str) for each in service.containers):
            return place.undecided(sub, "a container's name is not known", path=path, fix=_FIX_PORT), None
        wrong = f"The load balancer sends to the container {target.container}, which the task does not have"
    elif container.ports is None:
        return place.undecided(sub, "which ports the container maps is not known", path=path, fix=_FIX_PORT), None
    elif isinstance(mapped := maps(container, target.group, port), Open):
        return place.undecided(sub, mapped.why, path=path, fix=_FIX_PORT), None
    elif mapped is NO:
        wrong = f"The load balancer sends {sent(container, target.group, port)}"
    elif container.told is not None and container.told != port and container.ports == {port}:
        wrong = f"The load balancer sends to port {port}, but {target.container} is told to listen on {container.told}"
    elif container.told_open and container.ports == {port}:
        return place.undecided(sub, "which port it is told to take is not known", path=path, fix=_FIX_PORT), None
    elif container.inward:
        wrong = f"{target.container} is told to listen on its loopback address alone, where no load balancer reaches it"
    elif why := open_kind(service, target.group):
        return place.undecided(sub, why, path=path, fix=_FIX_PORT), None
    elif mismatch := wrong_kind(service, target.group):
        wrong, related = mismatch, (target.group,) if target.group is not None else ()
    else:
        return place.passes(sub, f"Tasks answer on port {port}.", path=path), port
    return place.fails(sub, f"{wrong}.", fix=_FIX_PORT, path=path, related=related), None


def _health(
    reach: Reach, forwarding: Forwarding, service: Service, member: Member, target: Target, port: int
) -> Iterator[Judgement]:
    """The target group's own health check, where it calls another port than the one that gets the traffic."""
    group = target.group
    named = group.get("HealthCheckPort") if group is not None else None
    if group is None or not isinstance(named, Known) or named.value == "traffic-port":
        return
    number = whole(named.value)
    sub = f"health→{service.label}"
    if number is None:
        yield group.undecided(sub, "the health check's port is not known", path="HealthCheckPort", fix=_FIX_PORT)
        return
    if service.awsvpc is NO and service.task is not None:
        on_host = host_ports(service.task)
        others = [each for each in reach.environment.resources(TASK_DEFINITION) if each is not service.task]
        # Whatever else is placed on the same host may answer there.
        if on_host is not None and not any(ports is None or number in ports for ports in map(host_ports, others)):
            if number in on_host:
                return
            taken = _listed(on_host, "any free one")
            yield group.fails(
                sub,
                f"The health check calls port {number} of the host, and the task takes {taken}.",
                fix="Leave HealthCheckPort out: the check then calls the port that each task was registered with.",
                path="HealthCheckPort",
                related=(service.resource, service.task),
            )
        return
    if number == port or service.awsvpc is not YES:
        return
    if service.listens is not None and number not in service.listens:
        yield group.fails(
            sub,
            f"The health check calls port {number}, and the task listens on {_listed(service.listens)}.",
            fix="Leave HealthCheckPort out: the check then calls the port that gets the traffic.",
            path="HealthCheckPort",
            related=(service.resource,),
        )
        return
    for balancer in forwarding.balancers(group):
        if balancer is not None:
            reply = reach.connects(reach.member(balancer), member, number)
            yield _answered(group, sub, reply, "The health check cannot reach the task", _FIX_GROUPS, "HealthCheckPort")


def _listed(ports: frozenset[int], none: str = "none that is known") -> str:
    return ", ".join(map(str, sorted(ports))) or none


def _listener(
    reach: Reach, forwarding: Forwarding, service: Service, member: Member, target: Target, port: int
) -> Judgement:
    place, sub, path = service.resource, f"listener→{service.label}", target.path
    if target.group is None:
        return place.undecided(sub, "its target group is not part of this project", path=path, fix=_FIX_GROUPS)
    listeners = forwarding.to(target.group)
    balancers = forwarding.balancers(target.group)
    if not listeners:
        if forwarding.incomplete or not any(
            True for _ in reach.environment.project.resources("AWS::ElasticLoadBalancingV2::Listener")
        ):
            return place.undecided(sub, "which listener forwards to its target group is not known", path=path)
        return place.fails(
            sub,
            f"No listener forwards to {target.group.logical_id}: Amazon ECS refuses a service behind it.",
            fix="Add a listener rule, or a default action, that forwards to the target group.",
            path=path,
            related=(target.group,),
        )
    if service.awsvpc is not YES:
        why = "its tasks share their host's network, whose security groups are not followed"
        return place.undecided(sub, why, path=path)
    answers = [
        untold("its load balancer is not part of this project")
        if balancer is None
        else from_balancer(reach, balancer, member, port, target.group)
        for balancer in balancers
    ]
    return _answered(
        place, sub, worst(answers), f"The load balancer cannot reach tasks of {service.label}", _FIX_GROUPS, path
    )


def _self_checks(service: Service) -> Iterator[Judgement]:
    """A container's own health check calls a port on which it listens."""
    for container in service.containers or ():
        for port in container.checked:
            yield _self_check(service, container, port)


def _self_check(service: Service, container: Container, port: int) -> Judgement:
    place = service.task or service.resource
    sub, path = f"health→{container.name or container.path}", f"{container.path}.HealthCheck.Command"
    listens = service.listens if service.awsvpc is not NO else container.listens
    if listens is not None and port in listens:
        return place.passes(sub, f"The health check calls port {port}, on which the task listens.", path=path)
    if container.told is None or listens is None:
        # Nothing says on which ports the process listens: an unmapped one may be its own for health.
        why = f"whether anything in the task listens on port {port} is not known"
        return place.undecided(sub, why, path=path, fix=_FIX_PORT)
    return place.fails(
        sub,
        f"The container's health check calls port {port}, and it is told to listen on {container.told}.",
        fix=_FIX_PORT,
        path=path,
        expected=str(container.told),
        actual=str(port),
    )


# -- the image -------------------------------------------------------------------------------------


def _registry(reach: Reach, service: Service, member: Member) -> Judgement:
    place, sub = service.resource, f"{service.label}→registry"
    path = "NetworkConfiguration.AwsvpcConfiguration"
    public = place.get(f"{path}.AssignPublicIp")
    address: Answer = Open("whether its tasks get public addresses is not known")
    if isinstance(public, Known) and isinstance(public.value, str):
        address = yes_if(public.value == "ENABLED")
    if isinstance(public, Absent):
        address = NO  # the default outside of the console (Amazon ECS API Reference, AwsVpcConfiguration)
    images = [each.from_ecr for each in service.containers or ()]
    from_ecr = every(images) if images else NO_IMAGE
    reply = reach.pulls_images(member, public_ip=address, from_ecr=from_ecr)
    fix = "Give its subnets a route through a NAT gateway (or ECR and S3 endpoints), and its group egress on 443."
    return _answered(place, sub, reply, f"Tasks of {service.label} cannot fetch their image", fix, path)


# -- who is told to call what ----------------------------------------------------------------------


def _calls(reach: Reach, found: list[Service], directory: Directory) -> Iterator[Judgement]:
    by_task: dict[Resource, list[Service]] = {}
    for service in found:
        if service.task is not None:
            by_task.setdefault(service.task, []).append(service)
    containers: dict[tuple[Resource, str], dict[str, Variable]] = {}
    for variable in environment_variables(reach.environment):
        containers.setdefault((variable.owner, variable.container), {})[variable.name] = variable
    said: set[tuple[Resource, str, int | None]] = set()
    unnamed = with_unnamed_variables(reach.environment)
    for (owner, container), variables in containers.items():
        for variable in variables.values():
            for call in calls(variable, variables, reach.environment):
                for label, client, awsvpc in _clients(owner, by_task):
                    sub = f"{label}→{call.host or (call.server.logical_id if call.server is not None else '')}"
                    reply = connection(reach, directory, call, client, awsvpc=awsvpc)
                    if reply is not None and reply.made is YES and call.port is None and (owner, container) in unnamed:
                        reply = untold("a variable whose name is not known may tell the port", cause=Cause.PORT)
                    if reply is not None and (owner, sub, call.port) not in said:
                        said.add((owner, sub, call.port))
                        violation = f"{label} cannot make the call that {variable.name} names"
                        yield _answered(owner, sub, reply, violation, _FIXES[reply.cause], variable.path)


def _clients(owner: Resource, by_task: dict[Resource, list[Service]]) -> list[tuple[str, Resource, bool]]:
    """Who runs with these variables, and whether it has a network place of its own: the services of a task definition,
    or the function itself."""
    if owner.type == "AWS::ECS::TaskDefinition":
        return [(each.label, each.resource, each.awsvpc is YES) for each in by_task.get(owner, ())]
    return [(owner.logical_id, owner, True)] if owner.type in FUNCTIONS else []


RULE = Rule(
    id="P11",
    looked_for="load balancer, ECS service or address of one (AWS::ECS::Service, AWS::ElasticLoadBalancingV2::*)",
    check=check,
)
