"""What is refused, or cannot begin, before anything is reached: sizes, roles, zones, rules, networks and names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import YES, Open
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Pseudo, Text, Unknown, Value
from checker.model.verdicts import Surface
from checker.reason.network.reachability import Reach
from checker.reason.network.services import Forwarding, Service
from checker.reason.startup.balancers import rules_at_odds, wrong_check, wrong_listeners
from checker.reason.startup.execution_roles import in_doubt, needs_one, refused, shut_out, trust_unread
from checker.reason.startup.functions import refused_functions
from checker.reason.startup.keys import locked, missing_keys, wrong_logins
from checker.reason.startup.named import closed_roles, unnamed_ports
from checker.reason.startup.networks import misplaced, unmounted, without_names
from checker.reason.startup.refused import refused_to_make
from checker.reason.startup.rollouts import made_too_soon, never_begins, not_its_clusters, refused_service
from checker.reason.startup.shut_off import shut_off, surest
from checker.reason.startup.sizes import (
    mapped_twice,
    not_on_fargate,
    on_fargate,
    open_size,
    other_host_port,
    runs_on_fargate,
    without_size,
    wrong_size,
)
from checker.reason.startup.told_of import told_in_vain
from checker.reason.startup.zones import few_zones, open_zones

_TASK: Final = "AWS::ECS::TaskDefinition"
_ROLE: Final = "AWS::IAM::Role"
_FIX_WORKER: Final = "Let ecs-tasks.amazonaws.com assume the role."
_FIX_KEY: Final = "Allow kms:Decrypt on the secret's key to the execution role, in its policy and in the key's."
_FIX_POLICY: Final = (
    "Leave the execution role out of what the policy denies, or deny without the calls that start tasks."
)
_FIX_ZONES: Final = "Name subnets of two Availability Zones."
_FIX_SIZE: Final = "Take a pair of Cpu and Memory from the table for Fargate in the Amazon ECS Developer Guide."
_FIX_ROLE: Final = (
    "Give the task an ExecutionRoleArn whose role ECS tasks may assume, and that may pull the image, fetch the secrets "
    "and write the logs."
)


def startup(reach: Reach, services: list[Service], forwarding: Forwarding) -> Iterator[Judgement]:
    """What the templates say that cannot be started, or may not: nothing is said of what can."""
    environment = reach.environment
    launched = {each.task for each in services if each.task is not None and runs_on_fargate(each.resource)}
    for task in environment.resources(_TASK):
        if task.surface is Surface.TEMPLATE:
            yield from _task(environment, task, fargate=on_fargate(task) is YES or task in launched)
    for balancer in environment.resources("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        if why := few_zones(environment, balancer):
            yield balancer.fails("zones", f"{why}.", fix=_FIX_ZONES, path="Subnets")
        elif (why := open_zones(environment, balancer)) and balancer.surface is Surface.TEMPLATE:
            yield balancer.undecided("zones", why, path="Subnets", fix=_FIX_ZONES)
    for group in environment.resources("AWS::ElasticLoadBalancingV2::TargetGroup"):
        said, path = wrong_check(group)
        if said and group.surface is Surface.TEMPLATE:
            fix = "Let the check wait less long than it pauses, and speak what the targets speak."
            yield group.fails("check", f"{said}.", fix=fix, path=path)
    for listener, said, path, others in wrong_listeners(environment, forwarding):
        fix = "Give each listener a port of its own, and a protocol that its load balancer and its target groups take."
        yield listener.fails("listener", f"{said}.", fix=fix, path=path, related=others)
    for rule, sub, said, others in rules_at_odds(environment):
        fix = "Give each rule a priority of its own, the ones for everything last."
        yield rule.fails(sub, f"{said}.", fix=fix, path="Priority", related=others)
    for each_service in services:
        yield from unnamed_ports(each_service)
        said, path = refused_service(each_service.resource)
        if said and each_service.resource.surface is Surface.TEMPLATE:
            fix = "Leave out what does not go with the rest."
            yield each_service.resource.fails("deployment", f"{said}: Amazon ECS refuses it.", fix=fix, path=path)
    for each in environment.resources("AWS::ECS::Service"):
        if why := never_begins(each):
            fix = "Let a task more run, or one less: MaximumPercent 200, or MinimumHealthyPercent 0."
            yield each.fails("deployment", f"{why}: no roll-out can begin.", fix=fix, path="DeploymentConfiguration")
        if why := not_its_clusters(environment, each):
            fix = "Name the capacity provider in the cluster's CapacityProviders, or take one that it has."
            yield each.fails("deployment", f"{why}: Amazon ECS refuses it.", fix=fix, path="CapacityProviderStrategy")
    for service, group, places, path in made_too_soon(environment, services, forwarding):
        said = f"It does not wait for {places[0].logical_id}, which forwards to {group.logical_id}"
        refused_so = "Amazon ECS refuses a service whose target group no load balancer has yet"
        fix = "Let the service depend on the listener or the rule that forwards to its target group (DependsOn)."
        yield service.fails("made-first", f"{said}: {refused_so}.", fix=fix, path=path, related=(group, *places))
    yield from closed_roles(environment)
    yield from refused_functions(environment)
    yield from refused_to_make(environment)
    yield from told_in_vain(environment)
    yield from misplaced(reach, services)
    yield from unmounted(reach, services)
    yield from without_names(environment, services)


def _task(environment: Environment, task: Resource, *, fargate: bool) -> Iterator[Judgement]:
    if fargate and (missing := without_size(task)):
        said = f"It has no {missing}, and Fargate wants Cpu and Memory of the task itself."
        yield task.fails("size", said, fix=_FIX_SIZE, path=missing)
    elif fargate and (missing := open_size(task)):
        why = f"whether Fargate has its size: only the deployment tells its {missing}"
        yield task.undecided("size", why, path=missing, fix=_FIX_SIZE)
    elif fargate and (wrong := wrong_size(task))[0]:
        yield task.fails("size", f"{wrong[0]}.", fix=_FIX_SIZE, path=wrong[1])
    for said, path in not_on_fargate(task) if fargate else ():
        fix = "Take what Fargate has, or run the task on instances."
        yield task.fails("container", f"{said}: Amazon ECS refuses the task definition.", fix=fix, path=path)
    refused_port = other_host_port(task)
    if refused_port[0]:
        fix = "Leave HostPort out."
        yield task.fails("host-port", f"{refused_port[0]}.", fix=fix, path=refused_port[1])
    refused_port = mapped_twice(task)
    if refused_port[0]:
        fix = "Give each container a port of its own."
        yield task.fails("host-port", f"{refused_port[0]}.", fix=fix, path=refused_port[1])
    for each in missing_keys(environment, task):
        has = f"has {', '.join(each.has)}" if each.has else "is a plain text"
        said = f"It takes {each.key} out of {each.secret.logical_id}, which {has}: no task starts with it."
        fix = "Name a key that the secret has, or put the key into the secret's template."
        yield task.fails("secret-key", said, fix=fix, path=each.path, related=(each.secret,))
    for login in wrong_logins(environment, task):
        fix = "Take user and password out of one secret: the one that the server has its password or token from."
        yield task.fails("login", f"{login.why}.", fix=fix, path=login.path, related=login.related)
    yield from _execution_role(environment, task, fargate=fargate)
    worker = environment.referred(task.get("TaskRoleArn"))
    if worker is not None and worker.type == _ROLE and shut_out(worker, environment.project):
        said = f"Its task role {worker.logical_id} does not let ECS tasks assume it: no task starts with it."
        yield task.fails("task-role", said, fix=_FIX_WORKER, path="TaskRoleArn", related=(worker,))
    elif worker is not None and worker.type == _ROLE and (unread := trust_unread(worker, environment.project)):
        why = f"whether {worker.logical_id} lets ECS tasks assume it: {unread}"
        yield task.undecided("task-role", why, path="TaskRoleArn", fix=_FIX_WORKER)


def _execution_role(environment: Environment, task: Resource, *, fargate: bool) -> Iterator[Judgement]:
    value, project = task.get("ExecutionRoleArn"), environment.project
    sub, path = "execution-role", "ExecutionRoleArn"
    role = environment.referred(value)
    if isinstance(value, Absent):
        if fargate and needs_one(task, project):
            said = "It has no execution role: nobody may pull its image, fetch its secrets or write its logs."
            yield task.fails(sub, said, fix=_FIX_ROLE, path=path)
    elif role is None or role.type != _ROLE:
        if (given := _given(value)) and needs_one(task, project):
            yield task.undecided(sub, f"what its execution role may do: {given}", path=path, fix=_FIX_ROLE)
    elif shut_out(role, project):
        said = f"Its execution role {role.logical_id} does not let ECS tasks assume it."
        yield task.fails(sub, said, fix=_FIX_ROLE, path=path, related=(role,))
    elif (need := refused(task, role, project)) is not None:
        said = f"Its execution role {role.logical_id} cannot {need.what}: {need.action} is not allowed."
        yield task.fails(sub, said, fix=_FIX_ROLE, path=need.path, related=(role,))
    elif (kept := surest(shut_off(environment, task, role))) is not None:
        does = f"{role.logical_id} cannot {kept.what}: the policy of {kept.by.logical_id} denies it"
        if kept.denied is YES:
            yield task.fails(sub, f"Its execution role {does}.", fix=_FIX_POLICY, path=kept.path, related=(kept.by,))
        elif isinstance(kept.denied, Open):
            why = f"whether the policy of {kept.by.logical_id} denies {role.logical_id} to {kept.what}: "
            yield task.undecided(sub, f"{why}{kept.denied.why}", path=kept.path, fix=_FIX_POLICY)
    elif why := in_doubt(task, role, project):
        yield task.undecided(sub, why, path=path, fix=_FIX_ROLE)
    else:
        yield from _keys(environment, task, role)


def _keys(environment: Environment, task: Resource, role: Resource) -> Iterator[Judgement]:
    found = list(locked(environment, task, role))
    first = next((each for each in found if each.decision.denied), next(iter(found), None))
    if first is None:
        return
    secret, why = first.secret.logical_id, first.decision.why
    if first.decision.denied:
        said = f"Its execution role {role.logical_id} cannot decrypt {secret}: {why}."
        yield task.fails("execution-role", said, fix=_FIX_KEY, path=first.path, related=(role, first.secret))
    else:
        asked = f"whether {role.logical_id} may decrypt {secret}: {why}"
        yield task.undecided("execution-role", asked, path=first.path, fix=_FIX_KEY)


def _given(value: Value) -> str:
    """Why it is not known which role a value names; empty where it names one that is there already."""
    if isinstance(value, Unknown):
        return value.why
    written = value.value if isinstance(value, Known) else None
    named = (isinstance(written, str) and "{{resolve:" not in written) or (
        isinstance(written, Text) and all(isinstance(each, Pseudo) for each in written.holes)
    )
    return "" if named else f"only the deployment tells {written}"
