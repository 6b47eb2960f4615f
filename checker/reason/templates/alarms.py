"""Alarms: which of them can stop a deployment, and whom the rest tell.

Sources: Amazon ECS Developer Guide, "How CloudWatch alarms detect Amazon ECS deployment failures"; AWS CodeDeploy User
Guide, "Monitoring deployments with CloudWatch alarms"; Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms";
Amazon SageMaker AI Developer Guide, "Auto-Rollback Configuration and Monitoring"; AWS AppConfig User Guide, "Monitoring
deployments for automatic rollback".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.environments import Environment, EnvironmentKind
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, Text, Unknown, Value, as_bool, as_number, split, text

METRIC_ALARM: Final = "AWS::CloudWatch::Alarm"
COMPOSITE_ALARM: Final = "AWS::CloudWatch::CompositeAlarm"
LOG_ALARM: Final = "AWS::CloudWatch::LogAlarm"  # of what a query of logs finds
ALARM_TYPES: Final = (METRIC_ALARM, COMPOSITE_ALARM, LOG_ALARM)
# ALARM("name"), OK(name) or an ARN: the name is what stands in the brackets, quoted or not.
_NAME_IN_RULE: Final = lazy_re.compile(r"(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*+[\"']?([^\"')]++)[\"']?\s*\)")


class DeploymentAlarm(Struct, frozen=True):
    """One alarm name as a service or a deployment group lists it. ``name`` is ``Unknown`` where it cannot be told."""

    owner: Resource
    path: str
    name: Resolved
    by_arn: bool = False  # it is listed by its ARN, where others take its name


def deployment_alarms(environment: Environment) -> Iterator[DeploymentAlarm]:
    """Every alarm whose state can roll a deployment back. A list that is switched off, or only stops, is not one."""
    for service in environment.resources("AWS::ECS::Service"):
        yield from _listed(service, "DeploymentConfiguration.Alarms", "AlarmNames", "Enable", "Rollback")
    for daemon in environment.resources("AWS::ECS::Daemon"):
        # What fails is rolled back: there is no switch for that (CloudFormation, DaemonDeploymentConfiguration).
        yield from _listed(daemon, "DeploymentConfiguration.Alarms", "AlarmNames", "Enable")
    for group in environment.resources("AWS::CodeDeploy::DeploymentGroup"):
        rollback = group.get("AutoRollbackConfiguration.Events")
        events = rollback.value if isinstance(rollback, Known) else rollback
        if isinstance(events, Absent) or (isinstance(events, list) and "DEPLOYMENT_STOP_ON_ALARM" not in events):
            continue
        if not switched_off(group.get("AutoRollbackConfiguration.Enabled")):
            yield from _listed(group, "AlarmConfiguration", "Alarms", "Enabled")
    for function in environment.resources("AWS::Serverless::Function"):
        # On where it is there; SAM makes a deployment group of it that rolls back when an alarm stops a deployment (AWS
        # SAM Developer Guide, "DeploymentPreference" and "Deploying serverless applications gradually").
        enabled = function.get("DeploymentPreference.Enabled")
        if isinstance(enabled, Absent) or not switched_off(enabled):
            yield from _listed(function, "DeploymentPreference", "Alarms")
    for endpoint in environment.resources("AWS::SageMaker::Endpoint"):
        yield from _listed(endpoint, "DeploymentConfig.AutoRollbackConfiguration", "Alarms")
    for place in environment.resources("AWS::AppConfig::Environment"):
        yield from _listed(place, "", "Monitors")


def _listed(owner: Resource, path: str, names: str, *switches: str) -> Iterator[DeploymentAlarm]:
    if isinstance(owner.get(path), Absent) or any(switched_off(owner.get(f"{path}.{each}")) for each in switches):
        return
    at = f"{path}.{names}" if path else names
    value = owner.get(at)
    if isinstance(value, Unknown):
        yield DeploymentAlarm(owner, at, value)
        return
    items = value.value if isinstance(value, Known) else []
    for index, item in enumerate(items if isinstance(items, list) else [items]):
        told = item if isinstance(item, dict) else {"Name": item}
        key = next((each for each in ("Name", "AlarmName", "AlarmArn") if each in told), "Name")
        name, by_arn = told.get(key), key == "AlarmArn"
        if by_arn and isinstance(name, str | Text):
            name = text(split(name, ":alarm:")[-1])
        yield DeploymentAlarm(owner, f"{at}.{index}", name, by_arn)


def switched_off(value: Value) -> bool:
    """Whether a flag is certainly false, or not there and so false by default."""
    return isinstance(value, Absent) or (isinstance(value, Known) and as_bool(value.value) is False)


class AlarmNames:
    """Finds an alarm by the name that something lists it under: a reference, or the same name written twice."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._own: dict[str | Text, Resource] | None = None
        self._others: dict[str | Text, Resource] | None = None

    def find(self, name: Resolved) -> Resource | None:
        """The alarm of this name in the same environment, or in a shared one."""
        if self._own is None:
            self._own = _by_name(
                [
                    each
                    for each in self._environment.project.environments
                    if each is self._environment or each.kind is EnvironmentKind.SHARED
                ]
            )
        own = self._own.get(name) if isinstance(name, str | Text) else None
        if own is not None or isinstance(name, str):
            return own  # one name may stand for an alarm of each environment: its own counts
        if isinstance(name, Text) and name.only_hole is None:
            return None  # what stands around a name makes another one of it
        found = self._environment.referred(name)
        return found if found is not None and found.type in ALARM_TYPES else None

    def elsewhere(self, name: Resolved) -> Resource | None:
        """The alarm of this name in another environment."""
        if self._others is None:
            self._others = _by_name(
                [each for each in self._environment.project.environments if each is not self._environment]
            )
        return self._others.get(name) if isinstance(name, str | Text) else None


def _by_name(environments: list[Environment]) -> dict[str | Text, Resource]:
    found: dict[str | Text, Resource] = {}
    for environment in environments:
        for alarm in environment.resources(*ALARM_TYPES):
            name = alarm.get("AlarmName")
            if isinstance(name, Known) and isinstance(name.value, str | Text):
                found.setdefault(name.value, alarm)
    return found


def listened_to(environment: Environment) -> dict[Resource, list[Resource]]:
    """Alarm -> the composite alarms whose rule reads its state."""
    composites = list(environment.resources(COMPOSITE_ALARM))
    found: dict[Resource, list[Resource]] = {}
    if not composites:
        return found
    names = {
        name.value: alarm
        for alarm in environment.resources(*ALARM_TYPES)
        if isinstance(name := alarm.get("AlarmName"), Known) and isinstance(name.value, str) and name.value
    }
    for composite in composites:
        rule = composite.get("AlarmRule")
        for alarm in environment.project.all_referred(rule):
            found.setdefault(alarm, []).append(composite)
        literal = str(rule.value) if isinstance(rule, Known) else ""
        for quoted in _NAME_IN_RULE.findall(literal):
            alarm_named = names.get(quoted.strip().rpartition(":")[2])
            if alarm_named is not None:
                found.setdefault(alarm_named, []).append(composite)
    return found


def alarms_read(composite: Resource) -> Iterator[str]:
    """The names of alarms that a composite alarm's rule reads the state of, as far as they are written out."""
    rule = composite.get("AlarmRule")
    for quoted in _NAME_IN_RULE.findall(str(rule.value)) if isinstance(rule, Known) else ():
        yield quoted.strip().rpartition(":")[2]


# Metrics that count what goes wrong: a healthy system has none of it.
_WRONG: Final = lazy_re.compile(r"5XX|4XX|Error|Fault|Fail|Reject|Throttle|Unhealthy|Dropped", re.IGNORECASE)
_SHARES: Final = lazy_re.compile(r"Utilization$|Utilized$|Percent")


_USED: Final = frozenset({"CPUUtilization", "MemoryUtilization"})


def never_changes(alarm: Resource) -> str:
    """Why an alarm holds whatever happens, or while all is well, or can never hold; empty where it can tell.

    Counts are not negative, and a utilization is a share of 100 (Amazon CloudWatch User Guide, "Statistics"; Amazon ECS
    Developer Guide, "CloudWatch metrics": above a soft limit a service may use more than its reservation).
    """
    metric, operator, threshold = (alarm.get(name) for name in ("MetricName", "ComparisonOperator", "Threshold"))
    number = as_number(threshold.value) if isinstance(threshold, Known) else None
    if number is None or not (isinstance(metric, Known) and isinstance(metric.value, str)):
        return ""
    named, how = metric.value, str(operator.value) if isinstance(operator, Known) else ""
    share = _SHARES.search(named) is not None
    if (how == "GreaterThanThreshold" and number < 0) or (how == "GreaterThanOrEqualToThreshold" and number <= 0):
        return f"{named} is never below 0: the alarm holds whatever happens, and rolls every deployment back."
    if how == "GreaterThanThreshold" and number == 0 and named in _USED:
        return f"{named} is above 0 while anything runs: the alarm holds then, and rolls every deployment back."
    above = (how == "LessThanThreshold" and number > 100) or (how == "LessThanOrEqualToThreshold" and number >= 100)
    if share and above:
        return f"{named} is a share of 100: the alarm holds whatever happens, and rolls every deployment back."
    if named in _USED and how.startswith("LessThan") and number > 0:
        return f"{named} is low where little is asked of what runs: the alarm holds then, and rolls a deployment back."
    if share and how == "GreaterThanThreshold" and number >= 200:
        return f"{named} is a share of 100: the alarm never holds, and rolls nothing back."
    falling = how.startswith("LessThan") and (number > 0 or how == "LessThanOrEqualToThreshold")
    if falling and number >= 0 and _WRONG.search(named):
        return f"{named} counts what goes wrong: the alarm holds while nothing does, and rolls every deployment back."
    return ""
