"""The alarms that roll a deployment back, before it starts.

ECS ignores the alarms of a whole deployment if one of them is in ALARM when it starts, and cannot be rolled back by one
that does not exist (Amazon ECS Developer Guide, deployment alarms). So a release that would run without this net is
refused, with two ways through. An alarm of a service that the release replaces may be what the release puts right, and
is a warning. For all others, whoever approves the release says why: the reason stands in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

    from infra.release.services import Service

_PER_CALL: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    subject: str
    """An alarm, or a service that has none."""
    problem: str
    services: Sequence[str]
    """Whose deployments it would have rolled back."""
    firing: bool = False

    def __str__(self) -> str:
        return f"{self.subject} {self.problem}"


def refusing(
    found: Sequence[Fault], replaced: Collection[str], despite: str, say: Callable[[str], None]
) -> Sequence[Fault]:
    """The faults that stop a release of new versions of some services. Tells of those that do not.

    `despite` is the reason why it may go on all the same; empty if there is none.
    """
    stopping = []
    for fault in found:
        mended = [name for name in fault.services if name in replaced] if fault.firing else []
        if mended:
            say(f"warning: alarm {fault}; this release replaces {', '.join(mended)}, and no alarm watches it meanwhile")
        elif despite:
            say(f"warning: {fault}; going on all the same: {despite}")
        else:
            stopping.append(fault)
    return stopping


def faults(
    cloudwatch: CloudWatchClient, services: Mapping[str, Service], say: Callable[[str], None]
) -> Sequence[Fault]:
    """What is wrong with the services' deployment alarms. Empty: the net holds.

    An alarm without enough data yet is told, and is no fault: it was just made, or its service is idle, and ECS heeds
    it as soon as it goes off.
    """
    wrong = [
        Fault(name, "has no alarm that rolls its deployments back", (name,))
        for name, service in services.items()
        if not service.alarms
    ]
    names = sorted({alarm for service in services.values() for alarm in service.alarms})
    states: dict[str, str] = {}
    for start in range(0, len(names), _PER_CALL):
        answer = cloudwatch.describe_alarms(
            AlarmNames=names[start : start + _PER_CALL], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        states.update({a.get("AlarmName", ""): a.get("StateValue", "") for a in answer["MetricAlarms"]})
        states.update({a.get("AlarmName", ""): a.get("StateValue", "") for a in answer["CompositeAlarms"]})
    for name in names:
        state = states.get(name)
        guarded = [service.name for service in services.values() if name in service.alarms]
        if state is None:
            wrong.append(Fault(name, "does not exist", guarded))
        elif state == "ALARM":
            wrong.append(Fault(name, "is in ALARM", guarded, firing=True))
        elif state != "OK":
            say(f"alarm {name}: {state}")
    return wrong
