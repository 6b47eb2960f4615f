"""The alarms that roll a deployment back, before it starts.

ECS ignores the alarms of a whole deployment if one of them is in ALARM when it starts, and cannot be rolled back by one
that does not exist (Amazon ECS Developer Guide, deployment alarms). So a release that would run without this net is
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

    from infra.release.services import Service

_PER_CALL: Final = 100


def faults(
    cloudwatch: CloudWatchClient, services: Mapping[str, Service], say: Callable[[str], None]
) -> Mapping[str, str]:
    """What is wrong with the services' deployment alarms, by alarm or service name. Empty: the net holds.

    An alarm without enough data yet is told, and is no fault: it was just made, or its service is idle, and ECS heeds
    it as soon as it goes off.
    """
    wrong = {name: "no alarm rolls its deployments back" for name, service in services.items() if not service.alarms}
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
        if state is None:
            wrong[name] = "does not exist"
        elif state == "ALARM":
            wrong[name] = "is in ALARM"
        elif state != "OK":
            say(f"alarm {name}: {state}")
    return wrong
