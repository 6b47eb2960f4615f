"""Availability Zones that a load balancer stands in, as far as templates tell them.

Sources: Elastic Load Balancing User Guide, "Subnets for your load balancer" (at least two Availability Zones, one
subnet each); AWS CloudFormation, ``Fn::GetAZs`` (a region's zones, in one order for one account, so that two places in
that list are two zones).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from typing import Final, TypeAlias

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Expression, Known, Resolved, Text, Unknown
from checker.reason.text.patterns import exact, match

_SUBNETS: Final = 2
_PLACES: Final = ("AvailabilityZone", "AvailabilityZoneId")
_HERE: Final = ({"Ref": "AWS::Region"}, "", None)

# A zone: how it is named, by its name or its id, and the name; ``None`` where nothing is said, so that AWS picks one.
_Zone: TypeAlias = "tuple[str, str | Text] | Unknown | None"


def few_zones(environment: Environment, balancer: Resource) -> str:
    """Why its subnets are too few, empty where they are enough or not known."""
    named = _named(balancer)
    if named is None:
        return ""
    if len(named) < _SUBNETS:
        return "It is in one subnet, and Elastic Load Balancing wants two, in two Availability Zones"
    where = all_in_one(environment, named)
    return f"Its subnets are all in one Availability Zone, {where}" if where else ""


def all_in_one(environment: Environment, subnets: Sequence[Resolved]) -> str:
    """The Availability Zone that all of several subnets are in; empty where there are more, or that is not known."""
    zones = [_zone(environment, each) for each in subnets]
    if len(zones) < _SUBNETS or not all(_same(*pair) is YES for pair in combinations(zones, 2)):
        return ""
    return str(zones[0][1]) if isinstance(zones[0], tuple) else "one"


def open_zones(environment: Environment, balancer: Resource) -> str:
    """Why it cannot be told whether its subnets are in two zones; empty where it can, or AWS picks their zones."""
    zones = [_zone(environment, each) for each in _named(balancer) or ()]
    pairs = [_same(*pair) for pair in combinations(zones, 2)]
    if None in zones or NO in pairs:
        return ""
    return next((each.why for each in pairs if isinstance(each, Open)), "")


def _named(balancer: Resource) -> Sequence[Resolved] | None:
    """The subnets that an application load balancer names, ``None`` where their number is not known."""
    kind = balancer.get("Type")
    if not isinstance(kind, Absent) and not (isinstance(kind, Known) and kind.value == "application"):
        return None
    values = [balancer.get(place) for place in ("Subnets", "SubnetMappings")]
    return next((each.value for each in values if isinstance(each, Known) and isinstance(each.value, list)), None)


def _zone(environment: Environment, subnet: Resolved) -> _Zone:
    found = next(iter(environment.project.all_referred(subnet)), None)
    if found is None or found.type != "AWS::EC2::Subnet":
        return None
    for place in _PLACES:
        value = found.get(place)
        if isinstance(value, Known) and isinstance(value.value, str | Text):
            return place, value.value
        if not isinstance(value, Absent):
            return value if isinstance(value, Unknown) else None
    return None


def _same(one: _Zone, other: _Zone) -> Answer:
    for each in (one, other):
        if isinstance(each, Unknown):
            return Open(each.why)
    if not isinstance(one, tuple) or not isinstance(other, tuple) or one[0] != other[0]:
        return Open("in which Availability Zones its subnets are")
    listed = [_listed(each[1]) for each in (one, other)]
    if listed[0] is not None and listed[1] is not None and listed[0][0] == listed[1][0]:
        return yes_if(listed[0][1] == listed[1][1])
    answer = match(exact(one[1]), exact(other[1]))
    if isinstance(answer, Open):
        return Open(f"whether {one[1]} and {other[1]} are two Availability Zones")
    return answer


def _listed(zone: str | Text) -> tuple[str, int] | None:
    """A region and the place of a zone in its list, ``None`` where the zone is not taken from such a list."""
    hole = zone.only_hole if isinstance(zone, Text) else None
    written = json.loads(hole.written) if isinstance(hole, Expression) and hole.written.startswith("{") else None
    selected = written.get("Fn::Select") if isinstance(written, dict) else None
    if not isinstance(selected, list) or len(selected) != 2 or not isinstance(selected[1], dict):
        return None
    place, zones = selected
    if zones.keys() != {"Fn::GetAZs"} or not str(place).isdecimal():
        return None
    region = zones["Fn::GetAZs"]
    return "" if region in _HERE else json.dumps(region), int(str(place))
