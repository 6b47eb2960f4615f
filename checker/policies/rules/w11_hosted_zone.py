"""No environment stack can take the hosted zone with it.

What the review found
    The zone belongs to the staging stack: deleting or rebuilding staging deletes the domain's zone, and a new one gets
    other name servers, so the domain is gone until the registrar is told.
What is checked
    Every public hosted zone lives in a stack that no environment shares its life with (``home``) and is retained when
    its stack goes or a change replaces it (``retained``); and no environment's custom resource or state machine makes
    such a zone, or deletes one (``deleted-by``), by a call of its own.
When it does not apply
    No hosted zone in the environment. Private zones belong to a network and go with it.
What cannot be decided
    A zone whose kind or deletion policy is not known before deployment.
Fix
    Move the zone into the shared stack with ``DeletionPolicy`` and ``UpdateReplacePolicy`` set to Retain, and give its
    id to the environments as configuration.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.answers import YES, Answer, Open, yes_if
from checker.model.environments import Environment, EnvironmentKind
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Unknown
from checker.reason.templates.retention import lives_in_an_environment, must_be_retained
from checker.reason.templates.sdk_calls import sdk_calls

_FIX = "Move the zone into the shared stack, retained, and give its id to the environments as configuration."


def check(environment: Environment) -> Iterator[Judgement]:
    for zone in environment.resources("AWS::Route53::HostedZone"):
        private = _is_private(zone)
        if private is YES:
            yield zone.not_applicable(None, "A public zone: this one belongs to a network.")
            continue
        if isinstance(private, Open):
            yield zone.undecided("home", private.why, path="VPCs", fix=_FIX)
        elif lives_in_an_environment(zone, environment.project):
            violation = f"The hosted zone lives in {environment.name}'s stack {zone.stack.name}, and dies with it."
            yield zone.fails("home", violation, fix=_FIX, expected="a shared stack", actual=zone.stack.name)
        else:
            yield zone.passes("home", "The zone lives in a shared stack.")
        yield from must_be_retained(zone, "retained", "The hosted zone")
    if environment.kind is not EnvironmentKind.SHARED:
        for call in sdk_calls(environment):
            if call.service == "route53" and call.action == "deletehostedzone":
                yield call.owner.fails(
                    "deleted-by",
                    "A call of its own deletes a hosted zone.",
                    fix="Leave the call out: an environment uses the zone and does not own it.",
                    path=call.path,
                )
            elif call.service == "route53" and call.action == "createhostedzone" and "vpc" not in call.parameters:
                made = f"A call of its own makes a hosted zone in {environment.name}'s stack."
                yield call.owner.fails("home", made, fix=_FIX, path=call.path, expected="a shared stack")


def _is_private(zone: Resource) -> Answer:
    networks = zone.get("VPCs")
    if isinstance(networks, Unknown):
        return Open(f"whether the zone is private is not known: {networks.why}")
    return yes_if(not isinstance(networks, Absent) and networks.value != [])


RULE = Rule(
    id="W11",
    looked_for="hosted zone (AWS::Route53::HostedZone)",
    check=check,
)
