"""Which families of task definitions a job names, and of which one a call's revision is: of the one that it was
registered in, which keeps that of the definition that was read, changed and handed on.

Source: Amazon ECS API Reference, "RegisterTaskDefinition", ``family``; "DescribeTaskDefinition", ``taskDefinition``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Trace, plain_name
from checker.model.possible import call_behind, options, shown
from checker.model.values import Absent, Answered, CallPlace, Text

_FAMILY: Final = lazy_re.compile(r'"family"\s*:\s*"([^"]+)"')
_FILE: Final = "file://"


def families_named(calls: Iterable[AwsCall]) -> Iterator[str]:
    """The families of task definitions that a job names."""
    for call in calls:
        if call.service != "ecs":
            continue
        for name in ("family", "familyprefix", "taskdefinition"):
            value = call.text(name)
            for each in (() if isinstance(value, Absent) else options(value)) or ():
                if isinstance(each, str):
                    yield plain_family(each)


def plain_family(named: str) -> str:
    """Of ``FAMILY``, ``FAMILY:REVISION`` or an ARN."""
    return named.rpartition("/")[2].partition(":")[0]


def family_run(trace: Trace, call: AwsCall | CdkCommand) -> frozenset[str]:
    """The family of a task that a call runs by a revision that its job registers or asks for; empty where that is not
    told."""
    if not isinstance(call, AwsCall) or call.service != "ecs" or call.operation not in ("RunTask", "StartTask"):
        return frozenset()
    origin = call_behind(call.text("taskDefinition"))
    at = next((index for index, each in enumerate(trace.actions) if each is call), 0)
    found = _behind(trace, at, origin) if origin is not None else None
    family: str | None = None
    if found is not None and found[1].operation == "RegisterTaskDefinition":
        family = registered_family(trace, *found)
    elif found is not None and found[1].operation == "DescribeTaskDefinition":
        family = _asked_for(found[1])
    return frozenset({family}) if family is not None else frozenset()


def registered_family(trace: Trace, at: int, call: AwsCall) -> str | None:
    """The family of the registration at this place of a trace; ``None`` where it is not told."""
    named = call.text("family")
    if isinstance(named, str):
        return named
    if (read := read_definition(named)) is not None:
        asked = _behind(trace, at, read)
        return _asked_for(asked[1]) if asked is not None else None
    given = call.text("cliInputJson")
    if not isinstance(named, Absent) or not isinstance(given, str | Text):
        return None
    if (found := _FAMILY.search(shown(given))) is not None:
        return found[1]
    origin = call_behind(given)
    if origin is None and shown(given).startswith(_FILE):
        origin = _read_for(trace, at, shown(given).removeprefix(_FILE))
    asked = _behind(trace, at, origin) if origin is not None and ".family" not in shown(given) else None
    return _asked_for(asked[1]) if asked is not None else None


def read_definition(value: object) -> CallPlace | None:
    """The call that has answered with a task definition of which a value is one field, whole."""
    hole = value.only_hole if isinstance(value, Text) else None
    read = hole.call if isinstance(hole, Answered) else None
    return read if read is not None and plain_name(read.operation) == "describetaskdefinition" else None


def _asked_for(call: AwsCall) -> str | None:
    named = call.text("taskDefinition")
    return plain_family(named) if isinstance(named, str) else None


def _read_for(trace: Trace, at: int, file: str) -> CallPlace | None:
    """The answer that the program is given which writes a file last: ``jq FILTER <<< "$answer" > FILE``."""
    for action in reversed(trace.actions[:at]):
        if not isinstance(action, Command):
            continue
        if any(each.operator.startswith(">") and shown(each.target) == file for each in action.writes):
            given = [*(each.target for each in action.writes if each.operator == "<<<"), *action.words[1:]]
            found = [origin for each in given if (origin := call_behind(each)) is not None]
            return found[0] if len(found) == 1 and ".family" not in action.text() else None
    return None


def _behind(trace: Trace, before: int, origin: CallPlace) -> tuple[int, AwsCall] | None:
    """The last call before a place of a trace whose answer that is."""
    for index in range(before - 1, -1, -1):
        action = trace.actions[index]
        if isinstance(action, AwsCall) and action.is_behind(origin):
            return index, action
    return None
