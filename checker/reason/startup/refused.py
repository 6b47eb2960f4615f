"""What AWS refuses to make: task definitions that contradict themselves, subnets that do not fit, groups of one zone,
alarms whose numbers go together nowhere.

Sources: Amazon ECS API Reference, ContainerDefinition (``essential``: all tasks must have at least one;
``mountPoints``, ``volumesFrom``, ``stopTimeout``), HealthCheck (the range of each number) and ContainerDependency
(``HEALTHY`` needs a health check in the task definition; ``SUCCESS`` and ``COMPLETE`` are refused for an essential
container), https://github.com/aws/aws-cdk/issues/1422 ("Fargate requires log configuration options to include
awslogs-stream-prefix"), https://github.com/aws/amazon-ecs-cli/issues/1145 ("Fargate
only supports network mode 'awsvpc'"); Amazon VPC User Guide, "Subnet CIDR blocks" (a subset of the VPC's, and none of
them overlaps another); Amazon RDS User Guide, "Working with DB subnet groups" (subnets in at least two Availability
Zones), as Amazon Neptune and Amazon DocumentDB have it too; Amazon CloudWatch API Reference, "PutMetricAlarm"
(``Period``: 10, 20, 30 and any multiple of 60; periods of less than an hour end within a day, others within seven;
``DatapointsToAlarm`` is M out of N).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from checker import lazy_re
from checker.model.answers import YES
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, ResourceKey, Text, Value, as_bool, as_list, as_number
from checker.model.verdicts import Surface
from checker.reason.startup.sizes import on_fargate
from checker.reason.startup.zones import all_in_one

_SUBNET: Final = "AWS::EC2::Subnet"
_GROUP: Final = "AWS::Logs::LogGroup"
_VPC: Final = "AWS::EC2::VPC"
_GROUPS: Final = ("AWS::RDS::DBSubnetGroup", "AWS::Neptune::DBSubnetGroup", "AWS::DocDB::DBSubnetGroup")
_FIX_ZONES: Final = "Name subnets of two Availability Zones."
_FIX_ADDRESSES: Final = "Give each subnet a range of its own within the VPC's."
_FIX_CONTAINER: Final = "Name containers and volumes that the task definition has, and let one container be essential."


def refused_to_make(environment: Environment) -> Iterator[Judgement]:
    for task in environment.resources("AWS::ECS::TaskDefinition"):
        if task.surface is Surface.TEMPLATE:
            for said, path in _of_containers(task):
                fails = f"{said}: Amazon ECS refuses the task definition."
                yield task.fails("container", fails, fix=_FIX_CONTAINER, path=path)
            yield from _never_healthy(task)
            yield from _logs_elsewhere(environment, task)
    for group in environment.resources(*_GROUPS):
        value = group.get("SubnetIds")
        named = value.value if isinstance(value, Known) and isinstance(value.value, list) else None
        if group.surface is Surface.TEMPLATE and named and (zone := all_in_one(environment, named)):
            said = f"Its subnets are all in one Availability Zone, {zone}: AWS refuses a group for databases with one."
            yield group.fails("zones", said, fix=_FIX_ZONES, path="SubnetIds")
    yield from _addresses(environment)
    for alarm in environment.resources("AWS::CloudWatch::Alarm"):
        said, path = _wrong_numbers(alarm)
        if said and alarm.surface is Surface.TEMPLATE:
            fix = "Take a period of 10, 20, 30 or a multiple of 60 seconds, over a day at most, or a week by the hour."
            yield alarm.fails("alarm", f"{said}: Amazon CloudWatch refuses the alarm.", fix=fix, path=path)
    yield from _servers(environment)


# -- databases and caches ----------------------------------------------------------------------------------------------

_FIX_DATABASE: Final = "Let the storage grow beyond what is allocated, and keep the two windows apart."
_FIX_CACHE: Final = "Add a replica (NumCacheClusters 2 or more), or switch the failover off."
_WINDOW: Final = lazy_re.compile(
    r"(?:(?P<from>[a-z]{3}):)?(\d\d):(\d\d)-(?:(?P<to>[a-z]{3}):)?(\d\d):(\d\d)", re.IGNORECASE
)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK: Final = 7 * 24 * 60


def _servers(environment: Environment) -> Iterator[Judgement]:
    """Sources: Amazon RDS API Reference, "CreateDBInstance" (``PreferredBackupWindow`` must not conflict with the
    maintenance window; ``MaxAllocatedStorage`` is an upper limit), Amazon ElastiCache API Reference,
    "CreateReplicationGroup" (with ``AutomaticFailoverEnabled`` ``NumCacheClusters`` is at least 2)."""
    for database in environment.resources("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
        if database.surface is not Surface.TEMPLATE:
            continue
        allocated, most = (_number(database.get(name)) for name in ("AllocatedStorage", "MaxAllocatedStorage"))
        if allocated is not None and most is not None and most < allocated:
            said = f"Its storage may grow to {most:g} GiB, and has {allocated:g} already: Amazon RDS refuses it."
            yield database.fails("database", said, fix=_FIX_DATABASE, path="MaxAllocatedStorage")
        path = "PreferredBackupWindow"
        if _meet(database.get(path), database.get("PreferredMaintenanceWindow")):
            said = "Its backups are made while it is maintained: Amazon RDS refuses windows that overlap."
            yield database.fails("database", said, fix=_FIX_DATABASE, path=path)
    for cache in environment.resources("AWS::ElastiCache::ReplicationGroup"):
        fails_over, nodes = cache.get("AutomaticFailoverEnabled"), _number(cache.get("NumCacheClusters"))
        on = isinstance(fails_over, Known) and as_bool(fails_over.value) is True
        if on and nodes is not None and nodes < 2 and cache.surface is Surface.TEMPLATE:
            said = "It fails over by itself, and has no replica to fail over to: Amazon ElastiCache refuses it."
            yield cache.fails("cache", said, fix=_FIX_CACHE, path="NumCacheClusters")


def _meet(daily: Value, weekly: Value) -> bool:
    """Whether a window of each day and one of the week overlap, in minutes of the week."""
    matches = [
        _WINDOW.fullmatch(each.value) if isinstance(each, Known) and isinstance(each.value, str) else None
        for each in (daily, weekly)
    ]
    day, week = matches
    if day is None or week is None or not week["from"] or not week["to"] or day["from"]:
        return False
    if week["from"].lower() not in _DAYS or week["to"].lower() not in _DAYS:
        return False
    first, last = (_DAYS.index(week[name].lower()) * 1440 for name in ("from", "to"))
    begin, end = first + _minutes(week[2], week[3]), last + _minutes(week[5], week[6])
    end += _WEEK if end <= begin else 0
    opens, closes = _minutes(day[2], day[3]), _minutes(day[5], day[6])
    closes += 1440 if closes <= opens else 0
    return any(at + opens < end and begin < at + closes for at in range(-1440, 2 * _WEEK, 1440))


def _minutes(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes)


# -- alarms ------------------------------------------------------------------------------------------------------------

_DAY: Final = 86_400
_HOUR: Final = 3_600
# 1 and 5 seconds are accepted for some of them too, which no page of the API's says yet.
_SHORT: Final = frozenset({1, 5, 10, 20, 30})


def _wrong_numbers(alarm: Resource) -> tuple[str, str]:
    """What of an alarm's numbers is refused, and where; empty texts where nothing is, as far as they are known."""
    periods, datapoints = (_number(alarm.get(name)) for name in ("EvaluationPeriods", "DatapointsToAlarm"))
    if periods is not None and periods < 1:
        return "It has less than one evaluation period", "EvaluationPeriods"
    if periods is not None and datapoints is not None and datapoints > periods:
        of = f"{datapoints:g} datapoints out of {periods:g} evaluation periods"
        return f"It wants {of}", "DatapointsToAlarm"
    metrics = alarm.get("Metrics")
    given = [("Period", _number(alarm.get("Period")))]
    for index, each in enumerate(as_list(metrics.value) if isinstance(metrics, Known) else ()):
        stat = each.get("MetricStat") if isinstance(each, dict) else None
        for holder, path in ((stat, "MetricStat.Period"), (each, "Period")):
            written = holder.get("Period") if isinstance(holder, dict) else None
            given.append((f"Metrics.{index}.{path}", as_number(written)))
    for path, period in given:
        if period is not None and period not in _SHORT and (period <= 0 or period % 60):
            return f"Its period of {period:g} seconds is none of 10, 20 and 30, and no multiple of 60", path
        bound = _DAY if period is not None and period < _HOUR else 7 * _DAY
        if period is not None and periods is not None and period * periods > bound:
            day = "a day" if bound == _DAY else "seven days"
            return f"Its {periods:g} periods of {period:g} seconds are longer than {day}", "EvaluationPeriods"
    return "", ""


def _number(value: Value) -> float | None:
    return as_number(value.value) if isinstance(value, Known) else None


# -- containers --------------------------------------------------------------------------------------------------------


_LONGEST_STOP: Final = 120
_OF_INSTANCES: Final = ("bridge", "host", "none")
_ENDED: Final = ("SUCCESS", "COMPLETE")
_CHECKED: Final = {"Interval": (5, 300), "Timeout": (2, 60), "Retries": (1, 10), "StartPeriod": (0, 300)}


def _of_containers(task: Resource) -> Iterator[tuple[str, str]]:
    """What is wrong with a task definition's containers, and where; nothing where one of them is not known."""
    value = task.get("ContainerDefinitions")
    listed = value.value if isinstance(value, Known) and isinstance(value.value, list) else []
    containers = [each for each in listed if isinstance(each, dict)]
    names = [name for each in containers if isinstance(name := each.get("Name"), str)]
    if not containers or len(names) != len(listed):
        return
    if all(as_bool(each.get("Essential")) is False for each in containers):
        yield "None of its containers is essential", "ContainerDefinitions"
    mode = task.get("NetworkMode")
    if isinstance(mode, Known) and mode.value in _OF_INSTANCES and on_fargate(task) is YES:
        yield f"It is for Fargate, which has no network mode {mode.value}", "NetworkMode"
    volumes = task.get("Volumes")
    declared = _names_of(volumes.value if isinstance(volumes, Known) else [], "Name")
    open_volumes = not isinstance(volumes, Absent | Known) or declared is None
    waits: dict[str, set[str]] = {}
    for index, container in enumerate(containers):
        here, name = f"ContainerDefinitions.{index}", str(container["Name"])
        stops = as_number(container.get("StopTimeout"))
        if stops is not None and stops > _LONGEST_STOP and on_fargate(task) is YES:
            yield f"{name} takes {stops:g} seconds to stop, and Fargate gives 120", f"{here}.StopTimeout"
        yield from _of_check(name, container.get("HealthCheck"), here)
        if on_fargate(task) is YES and _without_prefix(container.get("LogConfiguration")):
            options = f"{here}.LogConfiguration.Options"
            yield f"The log of {name} has no awslogs-stream-prefix, which Fargate wants", options
        for number, entry in enumerate(as_list(container.get("MountPoints"))):
            source = entry.get("SourceVolume") if isinstance(entry, dict) else None
            if isinstance(source, str) and not open_volumes and source not in (declared or ()):
                yield f"{name} mounts the volume {source}, which the task does not have", f"{here}.MountPoints.{number}"
        for number, entry in enumerate(as_list(container.get("VolumesFrom"))):
            source = entry.get("SourceContainer") if isinstance(entry, dict) else None
            if isinstance(source, str) and source not in names:
                yield (
                    f"{name} takes volumes from {source}, which the task does not have",
                    f"{here}.VolumesFrom.{number}",
                )
        for number, entry in enumerate(as_list(container.get("DependsOn"))):
            other = entry.get("ContainerName") if isinstance(entry, dict) else None
            path = f"{here}.DependsOn.{number}"
            if not isinstance(entry, dict) or not isinstance(other, str):
                continue
            if other not in names:
                yield f"{name} waits for the container {other}, which the task does not have", path
                continue
            waits.setdefault(name, set()).add(other)
            awaited, condition = containers[names.index(other)], entry.get("Condition")
            if condition == "HEALTHY" and awaited.get("HealthCheck") is None:
                yield f"{name} waits until {other} is healthy, and nothing checks the health of that", path
            elif condition in _ENDED and _is_essential(awaited):
                yield f"{name} waits until {other} has ended, and with an essential container the task ends", path
    if (turned := _in_a_circle(waits)) and not any(each not in names for others in waits.values() for each in others):
        yield f"Containers wait for each other ({', '.join(turned)})", "ContainerDefinitions"


def _is_essential(container: Mapping[str, Resolved]) -> bool:
    """Whether a container surely is, as each is that does not say otherwise."""
    return container.get("Essential") is None or as_bool(container["Essential"]) is True


def _without_prefix(logging: Resolved) -> bool:
    options = logging.get("Options") if isinstance(logging, dict) and logging.get("LogDriver") == "awslogs" else None
    return isinstance(options, dict) and options.get("awslogs-stream-prefix") in (None, "")


def _of_check(name: str, check: Resolved, path: str) -> Iterator[tuple[str, str]]:
    """The numbers of a container's health check that are out of range."""
    for each, (least, most) in _CHECKED.items():
        number = as_number(check.get(each)) if isinstance(check, dict) else None
        if number is not None and not least <= number <= most:
            said = f"The health check of {name} has the {each} {number:g}, and Amazon ECS takes {least} to {most}"
            yield said, f"{path}.HealthCheck.{each}"


def _never_healthy(task: Resource) -> Iterator[Judgement]:
    """Essential containers whose health check is a command that nothing can pass."""
    value = task.get("ContainerDefinitions")
    for index, container in enumerate(as_list(value.value) if isinstance(value, Known) else []):
        if not isinstance(container, dict) or not _always_fails(container.get("HealthCheck")):
            continue
        essential = container.get("Essential")
        said = f"The health check of {container.get('Name')} fails whatever answers"
        path = f"ContainerDefinitions.{index}.HealthCheck.Command"
        if essential is None or as_bool(essential) is True:
            yield task.fails("container", f"{said}: no task becomes healthy.", fix=_FIX_CHECK, path=path)
        elif as_bool(essential) is None:
            why = f"whether {container.get('Name')} is essential, whose health check fails whatever answers"
            yield task.undecided("container", why, fix=_FIX_CHECK, path=path)


_FIX_LOGS: Final = "Let awslogs-region be the region of the log group."


def _logs_elsewhere(environment: Environment, task: Resource) -> Iterator[Judgement]:
    """Containers that log to a group of the project in a region where the project makes none of that name.

    Source: Amazon ECS Developer Guide, "Send Amazon ECS logs to CloudWatch" (a group that is not there is not made
    unless awslogs-create-group says so; then the container does not start).
    """
    value = task.get("ContainerDefinitions")
    for index, container in enumerate(as_list(value.value) if isinstance(value, Known) else []):
        logging = container.get("LogConfiguration") if isinstance(container, dict) else None
        options = (
            logging.get("Options") if isinstance(logging, dict) and logging.get("LogDriver") == "awslogs" else None
        )
        if not isinstance(options, dict) or as_bool(options.get("awslogs-create-group")) not in (None, False):
            continue
        named, region = options.get("awslogs-group"), options.get("awslogs-region")
        group = environment.referred(named) if isinstance(named, Text) else None
        if group is None or group.type != _GROUP or not isinstance(region, str) or group.stack.region in ("", region):
            continue
        name = group.get("LogGroupName")
        namesakes = [each for each in environment.project.resources(_GROUP) if each.get("LogGroupName") == name]
        alike = [group] if isinstance(name, Absent) else namesakes
        if any(each.stack.region in ("", region) for each in alike):
            continue
        said = f"It logs to {group.logical_id} in {region}, and that is in {group.stack.region}: no task starts"
        path = f"ContainerDefinitions.{index}.LogConfiguration.Options.awslogs-region"
        yield task.fails("container", f"{said}.", fix=_FIX_LOGS, path=path, related=(group,))


_FIX_CHECK: Final = "Let it end with 0 where the service answers."
_FALSE: Final = lazy_re.compile(r"(?:(?:/usr)?/bin/)?false")
_EXIT: Final = lazy_re.compile(r"exit +(\d+)")
# Signs with which a line says more than commands one after the other.
_MORE: Final = lazy_re.compile(r"[|&\"'`$(){}#\\<]")
# Words after which a shell does not go on with the next command as it stands there, or may not.
_TURNS: Final = frozenset(
    {"exit", "exec", "return", "if", "then", "else", "elif", "fi", "while", "until", "for", "do", "done", "case",
     "esac", "trap", "set", "eval", ".", "source", "alias", "kill", "!"}
)  # fmt: skip


def _always_fails(check: Resolved) -> bool:
    """Whether a health check's command surely ends with anything but 0.

    Sources: Amazon ECS API Reference, HealthCheck (an exit code of 0 is success, any other is failure; ``CMD-SHELL``
    runs one line with the container's shell); POSIX, "exit" (what is greater than 255 is cut to eight bits).
    """
    given = as_list(check.get("Command")) if isinstance(check, dict) else []
    words = [each for each in given if isinstance(each, str)]
    if len(words) != len(given) or len(words) < 2:
        return False
    if words[0] == "CMD":
        return _FALSE.fullmatch(words[1]) is not None
    if words[0] != "CMD-SHELL" or len(words) > 2 or _MORE.search(words[1]):
        return False
    commands = [each.strip() for each in re.split(r"[;\n]", words[1]) if each.strip()]
    for each in commands:
        if (ends := _EXIT.fullmatch(each)) is not None:
            return int(ends[1]) % 256 != 0
        if each.split()[0] in _TURNS:
            return False
    return bool(commands) and _FALSE.fullmatch(commands[-1]) is not None


def _names_of(listed: Resolved, key: str) -> list[str] | None:
    """The names in a list of objects, ``None`` where one is not known."""
    named = [each.get(key) if isinstance(each, dict) else None for each in as_list(listed)]
    names = [each for each in named if isinstance(each, str)]
    return names if len(names) == len(named) else None


def _in_a_circle(waits: Mapping[str, set[str]]) -> Sequence[str]:
    """Those that are left when, again and again, all are taken away that wait for none of the others."""
    left = {name: set(others) for name, others in waits.items()}
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


# -- subnets -----------------------------------------------------------------------------------------------------------


def _addresses(environment: Environment) -> Iterator[Judgement]:
    """Subnets outside of their VPC's range, and those that share addresses with another."""
    by_vpc: dict[ResourceKey, list[tuple[ipaddress.IPv4Network, Resource]]] = {}
    further = {
        each.key
        for block in environment.resources("AWS::EC2::VPCCidrBlock")
        for each in environment.project.all_referred(block.get("VpcId"))
    }
    for subnet in environment.resources(_SUBNET):
        vpc, own = environment.referred(subnet.get("VpcId")), _range(subnet)
        if vpc is None or vpc.type != _VPC or own is None or subnet.surface is not Surface.TEMPLATE:
            continue
        whole = _range(vpc)
        if whole is not None and vpc.key not in further and not own.subnet_of(whole):
            said = f"Its addresses {own} are not among those of {vpc.logical_id}, {whole}: AWS refuses the subnet."
            yield subnet.fails("addresses", said, fix=_FIX_ADDRESSES, path="CidrBlock", related=(vpc,))
        elif subnet.certain:
            by_vpc.setdefault(vpc.key, []).append((own, subnet))
    for found in by_vpc.values():
        found.sort(key=lambda each: (each[0].network_address, each[0].prefixlen, each[1].logical_id))
        for (before, first), (after, second) in pairwise(found):
            if before.overlaps(after):
                said = f"Its addresses {after} are those of {first.logical_id} too, {before}: AWS refuses the second."
                yield second.fails("addresses", said, fix=_FIX_ADDRESSES, path="CidrBlock", related=(first,))


def _range(place: Resource) -> ipaddress.IPv4Network | None:
    value = place.get("CidrBlock")
    try:
        return ipaddress.IPv4Network(value.value) if isinstance(value, Known) and isinstance(value.value, str) else None
    except ValueError:
        return None
