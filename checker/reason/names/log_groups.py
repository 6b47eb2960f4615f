"""Log groups that are declared where something logs, by the names that the templates fix."""

from __future__ import annotations

from typing import TypeAlias

from checker.model.environments import Environment, EnvironmentKind
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Text, as_number
from checker.reason.names.physical import settled

Name: TypeAlias = "str | Text"


def named(environment: Environment, kind: str) -> dict[Name, Resource]:
    """Resources that name a log group -> by that name, as far as the templates fix it; of two, the first.

    A group of another environment, account or region is none of this one's, whatever it is called.
    """
    found: dict[Name, Resource] = {}
    own = {(stack.account, stack.region) for stack in environment.stacks}
    for resource in environment.project.resources(kind):
        name, home = resource.get("LogGroupName"), environment.project.environment(resource.environment_name)
        shared = home is None or home is environment or home.kind is EnvironmentKind.SHARED
        if shared and isinstance(name, Known) and isinstance(name.value, str | Text) and _same_place(resource, own):
            found.setdefault(settled(name.value, environment.project), resource)
    return found


def _same_place(resource: Resource, places: set[tuple[str, str]]) -> bool:
    """Whether a resource may be of one of these accounts and regions, as far as they are known."""
    region = resource.get("LogGroupRegion")  # of LogRetention
    own = region.value if isinstance(region, Known) and isinstance(region.value, str) else resource.stack.region
    return any(
        (not account or not resource.stack.account or account == resource.stack.account)
        and (not there or not own or there == own)
        for account, there in places
    )


def sets_days(keeper: Resource) -> bool:
    """Whether a custom resource gives its group a retention: 0 days are for ever."""
    days = keeper.get("RetentionInDays")
    return not isinstance(days, Absent) and not (isinstance(days, Known) and as_number(days.value) == 0)
