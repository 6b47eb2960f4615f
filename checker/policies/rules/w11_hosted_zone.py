"""No environment stack can take the hosted zone with it.

What the review found
    The zone belongs to the staging stack: deleting or rebuilding staging deletes the domain's zone, and a new one gets
    other name servers, so the domain is gone until the registrar is told.
What is checked
    Every public hosted zone, also one that a namespace of AWS Cloud Map makes, lives in a stack that no environment
    shares its life with (``home``) and is retained when its stack goes or a change replaces it (``retained``); the NS
    records that lead to a zone of another stack do not go with an environment's (``delegation``); and no environment's
    custom resource or state machine makes such a zone, or deletes one (``deleted-by``), by a call of its own.
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
from typing import Final

from checker.model.answers import YES, Answer, Open, yes_if
from checker.model.environments import Environment, EnvironmentKind
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Resolved, Unknown, Value
from checker.reason.templates.retention import lives_in_an_environment, must_be_retained, what_becomes_of
from checker.reason.templates.sdk_calls import sdk_calls

_ZONE: Final = "AWS::Route53::HostedZone"
# AWS Cloud Map makes a public hosted zone for it, and deletes the zone with it (AWS Cloud Map Developer Guide,
# "Creating an AWS Cloud Map namespace" and "Deleting an AWS Cloud Map namespace").
_NAMESPACE: Final = "AWS::ServiceDiscovery::PublicDnsNamespace"
_MAKES: Final = frozenset({("route53", "createhostedzone"), ("servicediscovery", "createpublicdnsnamespace")})
_FIX = "Move the zone into the shared stack, retained, and give its id to the environments as configuration."


def check(environment: Environment) -> Iterator[Judgement]:
    for zone in environment.resources(_ZONE, _NAMESPACE):
        private = _is_private(zone)
        if private is YES:
            yield zone.not_applicable(None, "A public zone: this one belongs to a network.")
            continue
        if isinstance(private, Open):
            yield zone.undecided("home", private.why, path="VPCs", fix=_FIX)
        elif lives_in_an_environment(zone, environment.project):
            home = f"{environment.name}'s stack {zone.stack.name}"
            violation = f"The hosted zone lives in {home}, {what_becomes_of(zone)}."
            yield zone.fails("home", violation, fix=_FIX, expected="a shared stack", actual=zone.stack.name)
        else:
            yield zone.passes("home", "The zone lives in a shared stack.")
        yield from must_be_retained(zone, "retained", "The hosted zone")
    yield from _delegations(environment)
    if environment.kind is not EnvironmentKind.SHARED:
        for call in sdk_calls(environment):
            if call.service == "route53" and call.action == "deletehostedzone":
                yield call.owner.fails(
                    "deleted-by",
                    "A call of its own deletes a hosted zone.",
                    fix="Leave the call out: an environment uses the zone and does not own it.",
                    path=call.path,
                )
            elif (call.service, call.action) in _MAKES and "vpc" not in call.parameters:
                made = f"A call of its own makes a hosted zone in {environment.name}'s stack."
                yield call.owner.fails("home", made, fix=_FIX, path=call.path, expected="a shared stack")


_RECORDS: Final = ("AWS::Route53::RecordSet", "AWS::Route53::RecordSetGroup")
_FIX_DELEGATION: Final = (
    "Move the NS record into the shared stack that the zone belongs to, or keep it with DeletionPolicy: Retain."
)


def _delegations(environment: Environment) -> Iterator[Judgement]:
    """NS records that lead to a zone of another stack: without them nobody finds it, though it is still there."""
    for record in environment.resources(*_RECORDS):
        for path, written in _ns_records(record):
            zones = {each.stack.id for each in environment.project.all_referred(written) if each.type == _ZONE}
            if record.stack.id in zones or not lives_in_an_environment(record, environment.project):
                continue
            said = f"The delegation to a hosted zone lives in {environment.name}'s stack {record.stack.name}"
            kept = record.attribute("DeletionPolicy")
            if isinstance(kept, Unknown) or (isinstance(kept, Known) and not isinstance(kept.value, str)):
                yield record.undecided("delegation", "whether it stays when its stack goes", fix=_FIX_DELEGATION)
            elif isinstance(kept, Known) and kept.value in ("Retain", "RetainExceptOnCreate"):
                yield record.passes("delegation", "The delegation stays when its stack goes.")
            else:
                violation = f"{said}, and goes with it."
                yield record.fails("delegation", violation, fix=_FIX_DELEGATION, path=path, expected="a shared stack")


def _ns_records(record: Resource) -> Iterator[tuple[str, Value | Resolved]]:
    """The NS records of a resource: where each stands, and the name servers that it leads to."""
    sets = record.get("RecordSets")
    if record.type.endswith("Group"):
        for index, each in enumerate(sets.value if isinstance(sets, Known) and isinstance(sets.value, list) else ()):
            if isinstance(each, dict) and each.get("Type") == "NS":
                yield f"RecordSets.{index}", each.get("ResourceRecords")
    elif record.get("Type") == Known("NS"):
        yield "Type", record.get("ResourceRecords")


def _is_private(zone: Resource) -> Answer:
    networks = zone.get("VPCs")
    if isinstance(networks, Unknown):
        return Open(f"whether the zone is private is not known: {networks.why}")
    return yes_if(not isinstance(networks, Absent) and networks.value != [])


RULE = Rule(
    id="W11",
    looked_for="hosted zone (AWS::Route53::HostedZone, AWS::ServiceDiscovery::PublicDnsNamespace)",
    check=check,
)
