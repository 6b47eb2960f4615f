"""What Amazon ECS refuses in a task definition: sizes and more that AWS Fargate does not have, containers that do not
fit into their task, ports of a host that there is not, or that two containers want.

Sources: Amazon ECS Developer Guide, "Task definition parameters for Fargate", Task size, and "Task definition
differences for Fargate" (no privileged containers, no paths of a host, the log drivers awslogs, splunk and
awsfirelens); API Reference, PortMapping (``hostPort``: in ``awsvpc`` and ``host`` mode left out, or the container's
own); https://github.com/aws/amazon-ecs-agent/issues/1220 ("TCP host port '3000' is mapped multiple times in task").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, Text, as_bool, as_list, as_number

_GB: Final = 1024
# CPU units -> the least and the most memory in MiB, and the step between.
_TAKEN: Final = {
    256: (512, 2 * _GB, 0),
    512: (1 * _GB, 4 * _GB, _GB),
    1024: (2 * _GB, 8 * _GB, _GB),
    2048: (4 * _GB, 16 * _GB, _GB),
    4096: (8 * _GB, 30 * _GB, _GB),
    8192: (16 * _GB, 60 * _GB, 4 * _GB),
    16384: (32 * _GB, 120 * _GB, 8 * _GB),
    32768: (60 * _GB, 244 * _GB, 1),
}
_SMALLEST: Final = (512, _GB, 2 * _GB)
# Amazon ECS API Reference, EphemeralStorage: 20 GiB come with the task, and are not asked for.
_LEAST_STORAGE: Final = 21
_MOST_STORAGE: Final = 200
_UNIT: Final = lazy_re.compile(r"\s*(\d*\.?\d+)\s*(vcpu|gb)\s*", re.IGNORECASE)


def on_fargate(task: Resource) -> Answer:
    """Whether a task definition is one for Fargate, as far as it says."""
    value = task.get("RequiresCompatibilities")
    if isinstance(value, Absent):
        return NO
    if isinstance(value, Known) and isinstance(value.value, list):
        return YES if "FARGATE" in value.value else NO
    return Open("whether it runs on Fargate is not known before deployment")


_FARGATE: Final = frozenset({"FARGATE", "FARGATE_SPOT"})


def runs_on_fargate(service: Resource) -> bool:
    """Whether a service surely starts its tasks on Fargate, whatever their definition says of it."""
    launch, strategy = service.get("LaunchType"), service.get("CapacityProviderStrategy")
    named = [launch.value] if isinstance(launch, Known) else []
    if isinstance(strategy, Known):
        named += [each.get("CapacityProvider") for each in as_list(strategy.value) if isinstance(each, dict)]
    return any(isinstance(each, str) and each in _FARGATE for each in named)


def units(value: Resolved) -> float | None:
    """CPU units or MiB, of a number or of a text such as ``1 vCPU`` and ``2 GB``."""
    number = as_number(value)
    if number is None and isinstance(value, str) and (found := _UNIT.fullmatch(value)):
        return float(found[1]) * 1024
    return number


def without_size(task: Resource) -> str:
    """The size that a task definition leaves out, which Fargate wants of the task itself; empty where none."""
    return next((name for name in ("Cpu", "Memory") if isinstance(task.get(name), Absent)), "")


def open_size(task: Resource) -> str:
    """The size that only the deployment tells; empty where both are known."""
    values = ((name, task.get(name)) for name in ("Cpu", "Memory"))
    return next((name for name, value in values if not isinstance(value, Known) or isinstance(value.value, Text)), "")


def wrong_size(task: Resource) -> tuple[str, str]:
    """Why Fargate refuses the task's size, and the property; empty where it takes it or nothing is known."""
    storage = task.get("EphemeralStorage.SizeInGiB")
    size = as_number(storage.value) if isinstance(storage, Known) else None
    if size is not None and not _LEAST_STORAGE <= size <= _MOST_STORAGE:
        said = f"Fargate takes {_LEAST_STORAGE} to {_MOST_STORAGE} GiB of ephemeral storage, and not {size:g}"
        return said, "EphemeralStorage.SizeInGiB"
    cpu, memory = (_given(task, name) for name in ("Cpu", "Memory"))
    if cpu is None or memory is None:
        return "", ""
    if int(cpu) != cpu or int(cpu) not in _TAKEN:
        return f"Fargate has no size of {cpu:g} CPU units", "Cpu"
    least, most, step = _TAKEN[int(cpu)]
    fits = memory in _SMALLEST if step == 0 else least <= memory <= most and (memory - least) % step == 0
    if not fits:
        return f"Fargate takes {least} to {most} MiB with {cpu:g} CPU units, and not {memory:g}", "Memory"
    return _too_large(task, cpu, memory)


def _too_large(task: Resource, cpu: float, memory: float) -> tuple[str, str]:
    """A container that wants more than its task has."""
    containers = task.get("ContainerDefinitions")
    listed = containers.value if isinstance(containers, Known) and isinstance(containers.value, list) else []
    for index, container in enumerate(listed):
        for name, most in (("Memory", memory), ("MemoryReservation", memory), ("Cpu", cpu)):
            wanted = as_number(container.get(name)) if isinstance(container, dict) else None
            if wanted is not None and wanted > most:
                path = f"ContainerDefinitions.{index}.{name}"
                return f"A container asks for {wanted:g} of {name}, and its task has {most:g}", path
    return "", ""


def other_host_port(task: Resource) -> tuple[str, str]:
    """Why a port mapping is refused, and where it stands; empty where none is."""
    mode, containers = task.get("NetworkMode"), task.get("ContainerDefinitions")
    listed = containers.value if isinstance(containers, Known) and isinstance(containers.value, list) else []
    if not isinstance(mode, Known) or mode.value not in ("awsvpc", "host"):
        return "", ""
    for index, container in enumerate(listed):
        mappings = container.get("PortMappings") if isinstance(container, dict) else None
        for place, mapping in enumerate(mappings if isinstance(mappings, list) else []):
            numbers = [as_number(mapping.get(each)) for each in _PORTS] if isinstance(mapping, dict) else [None, None]
            if None not in numbers and numbers[0] != numbers[1]:
                said = f"It maps port {numbers[0]:g} to {numbers[1]:g} of its host, and with {mode.value} both are one"
                return said, f"ContainerDefinitions.{index}.PortMappings.{place}.HostPort"
    return "", ""


def mapped_twice(task: Resource) -> tuple[str, str]:
    """Why two containers of a task cannot have their ports, and where the second stands; empty where they can."""
    mode, containers = task.get("NetworkMode"), task.get("ContainerDefinitions")
    listed = containers.value if isinstance(containers, Known) and isinstance(containers.value, list) else []
    if not isinstance(mode, Absent | Known):
        return "", ""
    # With addresses of its own, or its host's, a task has each port once; behind a bridge only what is mapped fixedly.
    named = "ContainerPort" if isinstance(mode, Known) and mode.value in ("awsvpc", "host") else "HostPort"
    taken: dict[tuple[float, str], int] = {}
    for index, container in enumerate(listed):
        mappings = container.get("PortMappings") if isinstance(container, dict) else None
        for place, mapping in enumerate(mappings if isinstance(mappings, list) else []):
            if not isinstance(mapping, dict):
                continue
            protocol, port = mapping.get("Protocol", "tcp"), as_number(mapping.get(named))
            if not port or not isinstance(protocol, str):
                continue
            first = taken.setdefault((port, protocol.lower()), index)
            if first != index:
                said = f"Two of its containers want port {port:g}, and it has one"
                return said, f"ContainerDefinitions.{index}.PortMappings.{place}"
    return "", ""


_PORTS: Final = ("ContainerPort", "HostPort")


def _given(task: Resource, name: str) -> float | None:
    value = task.get(name)
    return units(value.value) if isinstance(value, Known) else None


_LOG_DRIVERS: Final = ("awslogs", "splunk", "awsfirelens")


def not_on_fargate(task: Resource) -> Iterator[tuple[str, str]]:
    """What a task definition for Fargate asks for in vain, and where."""
    for index, container in enumerate(_listed(task, "ContainerDefinitions")):
        here = f"ContainerDefinitions.{index}"
        if not isinstance(container, dict):
            continue
        if as_bool(container.get("Privileged")) is True:
            yield "A container is privileged, and none is on Fargate", f"{here}.Privileged"
        logging = container.get("LogConfiguration")
        driver = logging.get("LogDriver") if isinstance(logging, dict) else None
        if isinstance(driver, str) and driver not in _LOG_DRIVERS:
            yield f"A container logs by {driver}, which Fargate has not", f"{here}.LogConfiguration.LogDriver"
    for index, volume in enumerate(_listed(task, "Volumes")):
        host = volume.get("Host") if isinstance(volume, dict) else None
        if isinstance(host, dict) and isinstance(host.get("SourcePath"), str):
            yield "A volume is a path of its host, and Fargate has none", f"Volumes.{index}.Host.SourcePath"


def _listed(task: Resource, path: str) -> list[Resolved]:
    value = task.get(path)
    return list(value.value) if isinstance(value, Known) and isinstance(value.value, list) else []
