"""No security group of a service lets everything out.

What the review found
    Every security group is made with ``allowAllOutbound: true``: whoever gets code to run in a task may send what it
    reads to anywhere.
What is checked
    Every security group, by what its egress rules let out in sum, not by how they are spelled. A group without any
    egress rule lets everything out, since Amazon EC2 gives it a rule that does. So do ``-1`` or all ports to
    ``0.0.0.0/0`` or ``::/0``, and several narrow rules that together come to half of all ports of all addresses or
    more. One port to anywhere is bounded, and so is any port to another group or to the VPC's own addresses. A group
    that nothing in the templates attaches is judged too: one-off tasks get theirs from whoever starts them; one of
    databases, caches, file systems or endpoints alone is not, for no code of a service runs there. Whatever
    runs in a network (services, functions, instances, scheduled tasks, builds) is in a group of its own, not in the
    network's default one.
When it does not apply
    No security group in the environment, or none but those of databases and their kin.
What cannot be decided
    All ports to a prefix list whose entries are not in the project; a CIDR or port from a parameter without a default;
    the group that Amazon ECS makes for an express service.
Fix
    Give the group egress rules for what it calls: other groups on their ports, and 443 for AWS services. In CDK,
    ``allow_all_outbound=False``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent
from checker.model.verdicts import Outcome
from checker.reason.network.default_groups import on_default_group, only_answers
from checker.reason.network.openness import openness
from checker.reason.network.security_groups import SECURITY_GROUP, Direction, Side, permission, side_of

_FIX: Final = "List what it calls in SecurityGroupEgress: other groups on their ports, 443 for AWS services."
# From this share of all ports of all addresses on, what stays closed hinders nobody: 0.0.0.0/1, or ports above 1023.
_EVERYTHING: Final = 0.5
_ANSWERS: Final = "Nothing that calls anybody is in the group, which is that of {}."
_EGRESS: Final = "AWS::EC2::SecurityGroupEgress"
_EXPRESS: Final = "AWS::ECS::ExpressGatewayService"
_EXPRESS_GROUPS: Final = "NetworkConfiguration.SecurityGroups"


def check(environment: Environment) -> Iterator[Judgement]:
    for group in environment.resources(SECURITY_GROUP):
        judged = _judged(group, side_of(environment, group, Direction.OUT))
        answering = only_answers(group, environment.project) if judged.outcome is not Outcome.PASS else None
        yield judged if answering is None else group.not_applicable(None, _ANSWERS.format(answering.logical_id))
    for rule in environment.resources(_EGRESS):
        # A rule for a group that is not in this project: of that group, this much is known.
        if not any(found.type == SECURITY_GROUP for found in environment.project.all_referred(rule.get("GroupId"))):
            yield _judged(rule, Side((permission(environment, rule.get),)))
    for service in environment.resources(_EXPRESS):
        if isinstance(service.get(_EXPRESS_GROUPS), Absent):
            # Amazon ECS Developer Guide, "Resources created by Amazon ECS Express Mode services".
            why = "what the security group lets out that Amazon ECS makes for it"
            yield service.undecided(None, why, fix=_FIX_DEFAULT, path="NetworkConfiguration")
    yield from _on_default_group(environment)


def _on_default_group(environment: Environment) -> Iterator[Judgement]:
    """What runs on a network's default group, which lets everything out (Amazon VPC User Guide, "Default security
    groups"), unless CDK's custom resource empties it."""
    if any(True for _ in environment.project.resources("Custom::VpcRestrictDefaultSG")):
        return
    for owner, path in on_default_group(environment):
        why = "It runs on its network's default group, which lets everything out."
        yield owner.fails(None, why, fix=_FIX_DEFAULT, path=path, expected="a security group of its own")


_FIX_DEFAULT: Final = "Give it a security group of its own, with the egress that it needs."


def _judged(place: Resource, side: Side) -> Judgement:
    path = "SecurityGroupEgress" if place.type == SECURITY_GROUP else ""
    if side.by_default:
        absent = isinstance(place.get(path), Absent)
        return place.fails(
            None,
            "The group has no egress rule, so it keeps the one that lets everything out.",
            fix=_FIX,
            path="" if absent else path,
            expected="egress rules for what it calls",
            actual="not set (default: everything)" if absent else "an empty list (default: everything)",
        )
    if openness(side, at_most=False) >= _EVERYTHING:
        return place.fails(
            None,
            "Its egress rules together let everything out.",
            fix=_FIX,
            path=path,
            expected="egress rules for what it calls",
            actual="(nearly) all ports of all addresses",
        )
    if side.why:
        return place.undecided(None, side.why, path=path, fix=_FIX)
    if openness(side, at_most=True) >= _EVERYTHING:
        why = "an egress rule's port, protocol or destination is not known before deployment"
        return place.undecided(None, why, path=path, fix=_FIX)
    return place.passes(None, "What it lets out is bounded.", path=path)


RULE = Rule(
    id="W8",
    looked_for="security group (AWS::EC2::SecurityGroup)",
    check=check,
)
