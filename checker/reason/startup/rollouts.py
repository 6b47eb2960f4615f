"""Roll-outs of Amazon ECS that can never begin, and services that it refuses to make.

No roll-out begins where no task may be stopped, and none started beside those that run. A service is refused whose
target group no load balancer has yet; CloudFormation makes at the same time what does not wait for another. Sources:
Amazon ECS API Reference, DeploymentConfiguration: ``minimumHealthyPercent`` of the tasks that are wanted is rounded up,
``maximumPercent`` is rounded down; by default they are 100 and 200, and 0 and 100 for a daemon; CloudFormation User
Guide, "DependsOn attribute"; the refusal itself ("does not have an associated load balancer"), as aws/aws-cdk#1160 has
it, since which the CDK's services depend on their listeners and rules; likewise a capacity provider "that is not
associated with the cluster", as dask/dask-cloudprovider#328 has it; API Reference, CreateService
(with a capacity provider strategy the launch type is left out; Fargate has no ``DAEMON``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Reference, Resolved, Text, Unknown, as_list, as_number
from checker.model.verdicts import Surface
from checker.reason.network.services import Forwarding, Service, targets_of
from checker.reason.templates.order import Order, root_of

_ROLLING: Final = (("DeploymentController.Type", "ECS"), ("DeploymentConfiguration.Strategy", "ROLLING"))
_DEFAULTS: Final = {"REPLICA": (100.0, 200.0), "DAEMON": (0.0, 100.0)}


def never_begins(service: Resource) -> str:
    """Why no roll-out of the service replaces a task; empty where one does, or that is not known."""
    if not all(_is(service, path, default) for path, default in _ROLLING):
        return ""
    kind = service.get("SchedulingStrategy")
    named = "REPLICA" if isinstance(kind, Absent) else kind.value if isinstance(kind, Known) else None
    defaults = _DEFAULTS.get(named) if isinstance(named, str) else None
    if defaults is None:
        return ""
    least = _number(service, "DeploymentConfiguration.MinimumHealthyPercent", defaults[0])
    most = _number(service, "DeploymentConfiguration.MaximumPercent", defaults[1])
    if least is None or most is None:
        return ""
    if most <= 100 <= least:
        return f"At least {least:g} percent of its tasks have to run, and at most {most:g} may"
    wanted = _number(service, "DesiredCount", 0) if named == "REPLICA" else None
    if not wanted:
        return ""
    may, must = math.floor(wanted * most / 100), math.ceil(wanted * least / 100)
    if may <= wanted <= must:
        return f"Of {wanted:g} task(s) {must} have to run, and {may} may: {least:g} percent rounded up, {most:g} down"
    return ""


def _is(service: Resource, path: str, default: str) -> bool:
    value = service.get(path)
    return isinstance(value, Absent) or (isinstance(value, Known) and value.value == default)


def _number(service: Resource, path: str, default: float) -> float | None:
    value = service.get(path)
    if isinstance(value, Absent):
        return default
    return as_number(value.value) if isinstance(value, Known) else None


def refused_service(service: Resource) -> tuple[str, str]:
    """Why a service is refused, and the property; empty where it is not, or that is not known."""
    controller = service.get("DeploymentController.Type")
    if not isinstance(controller, Absent) and controller not in (Known("ECS"), Known("CODE_DEPLOY")):
        return "", ""  # what another one rolls out, its task sets say
    launch, strategy = service.get("LaunchType"), service.get("CapacityProviderStrategy")
    if isinstance(launch, Known) and isinstance(strategy, Known) and as_list(strategy.value):
        return "It names a launch type and a capacity provider strategy, and may name one of them", "LaunchType"
    if launch == Known("FARGATE") and service.get("SchedulingStrategy") == Known("DAEMON"):
        return "It is a daemon, and Fargate runs none", "SchedulingStrategy"
    return "", ""


_OF_FARGATE: Final = ("FARGATE", "FARGATE_SPOT")


def not_its_clusters(environment: Environment, service: Resource) -> str:
    """Which capacity provider of Fargate's the service's cluster surely does not have; empty where it has each.

    Of a cluster of another stack nobody knows what it is given there, or has been given by hand.
    """
    strategy, cluster = service.get("CapacityProviderStrategy"), environment.referred(service.get("Cluster"))
    if service.surface is not Surface.TEMPLATE or cluster is None or cluster.type != "AWS::ECS::Cluster":
        return ""
    if root_of(cluster) is not root_of(service):
        return ""
    # An association with a cluster that is not known may be with this one.
    associated = environment.resources("AWS::ECS::ClusterCapacityProviderAssociations")
    giving = [each for each in associated if environment.referred(each.get("Cluster")) in (cluster, None)]
    given = [each.get("CapacityProviders") for each in (cluster, *giving)]
    if any(
        isinstance(each, Unknown) or (isinstance(each, Known) and not isinstance(each.value, list)) for each in given
    ):
        return ""
    has = [name for each in given if isinstance(each, Known) for name in as_list(each.value)]
    if not all(isinstance(each, str) or _is_of_stack(each) for each in has):
        return ""
    for entry in as_list(strategy.value) if isinstance(strategy, Known) else []:
        name = entry.get("CapacityProvider") if isinstance(entry, dict) else None
        if name in _OF_FARGATE and name not in has:
            return f"Its tasks run on {name}, which its cluster {cluster.logical_id} does not have"
    return ""


def _is_of_stack(name: Resolved) -> bool:
    """Whether a name is that of a capacity provider which a template makes: never one of Fargate's."""
    return isinstance(name, Text) and isinstance(name.only_hole, Reference)


def made_too_soon(
    environment: Environment, services: Sequence[Service], forwarding: Forwarding
) -> Iterator[tuple[Resource, Resource, list[Resource], str]]:
    """The services of templates that do not wait for what forwards to their target groups: each with the group, what
    forwards to it, and where the service names it."""
    order = Order()
    for service in services:
        made = service.resource
        targets = targets_of(environment, made) if made.surface is Surface.TEMPLATE else None
        for target in targets or ():
            group = target.group
            places = forwarding.places(group) if group is not None and group.certain else []
            if group is None or not places or root_of(group) is not root_of(made):
                continue
            # Another stack's may be there already; so may one that is only perhaps in this one.
            if any(root_of(each) is not root_of(made) or order.comes_after(made, each) for each in places):
                continue
            yield made, group, places, target.path
