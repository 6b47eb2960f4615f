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
    found = _origin(trace, call)
    family = family_made(trace, call)
    if found is not None and found[1].operation == "DescribeTaskDefinition":
        family = _asked_for(found[1])
    return frozenset({family}) if family is not None else frozenset()


def family_made(trace: Trace, call: AwsCall) -> str | None:
    """The family in which the job registers the revision that a call names; ``None`` where it does not, or that is not
    told."""
    found = _origin(trace, call)
    made = found is not None and found[1].operation == "RegisterTaskDefinition"
    return registered_family(trace, *found) if found is not None and made else None


def _origin(trace: Trace, call: AwsCall) -> tuple[int, AwsCall] | None:
    """The call whose answer names the revision that a call runs."""
    origin = call_behind(call.text("taskDefinition"))
    at = next((index for index, each in enumerate(trace.actions) if each is call), 0)
    return answered_by(trace, at, origin) if origin is not None else None


def registered_family(trace: Trace, at: int, call: AwsCall) -> str | None:
    """The family of the registration at this place of a trace; ``None`` where it is not told."""
    named = call.text("family")
    if isinstance(named, str):
        return named
    if (read := read_definition(named)) is not None:
        asked = answered_by(trace, at, read)
        return _asked_for(asked[1]) if asked is not None else None
    given = call.text("cliInputJson")
    if not isinstance(named, Absent) or not isinstance(given, str | Text):
        return None
    if (found := _FAMILY.search(shown(given))) is not None:
        return found[1]
    if _RENAMES.search(shown(given)):
        return None
    if shown(given).startswith(_FILE):
        described = _read_into(trace, at, shown(given).removeprefix(_FILE))
        return _asked_for(described) if described is not None else None
    origin = call_behind(given)
    asked = answered_by(trace, at, origin) if origin is not None else None
    return _asked_for(asked[1]) if asked is not None else None


def read_definition(value: object) -> CallPlace | None:
    """The call that has answered with a task definition of which a value is one field, whole."""
    hole = value.only_hole if isinstance(value, Text) else None
    read = hole.call if isinstance(hole, Answered) else None
    return read if read is not None and plain_name(read.operation) == "describetaskdefinition" else None


def _asked_for(call: AwsCall) -> str | None:
    named = call.text("taskDefinition")
    return plain_family(named) if isinstance(named, str) else None


def _read_into(trace: Trace, at: int, file: str, depth: int = 0) -> AwsCall | None:
    """The call whose answer a file holds, through programs that read files and write others: ``aws ... > now.json``,
    ``jq FILTER now.json > next.json``, ``jq FILTER <<< "$answer" > next.json``."""
    for index in range(at - 1, -1, -1) if depth < _MOST_FILES else ():
        command = trace.actions[index]
        if not isinstance(command, Command) or not _writes(command, file):
            continue
        if command.program == "aws":
            return _made_by(trace, index)
        if _RENAMES.search(command.text()):
            return None
        given = [*(each.target for each in command.writes if each.operator == "<<<"), *command.words[1:]]
        told = [answered_by(trace, index, origin) for each in given if (origin := call_behind(each)) is not None]
        found = [each[1] for each in told if each is not None]
        read = (_read_into(trace, index, shown(each), depth + 1) for each in given if _is_file(each))
        found += [each for each in (*read, *_piped_into(trace, index)) if each is not None]
        return found[0] if len({id(each) for each in found}) == 1 else None
    return None


_MOST_FILES: Final = 4
# A filter that assigns the family by one of jq's operators (jq manual, "Assignment"), or makes an object in which it is
# another one than that which was read, `.family` as it is.
_RENAMES: Final = lazy_re.compile(
    r"[.\"']family[\"']?\]?\s*(?://|[|+*/%-])?=(?!=)|\bfamily[\"']?\s*:(?!\s*\.family\s*(?:[,}]|$))"
)


def _writes(command: Command, file: str) -> bool:
    return any(each.operator.startswith(">") and shown(each.target) == file for each in command.writes)


def _is_file(word: object) -> bool:
    return isinstance(word, str | Text) and shown(word).rpartition("/")[2].count(".") == 1


def _made_by(trace: Trace, index: int) -> AwsCall | None:
    """The call that a command line of the AWS CLI makes, which stands right behind it."""
    call = trace.actions[index + 1] if index + 1 < len(trace.actions) else None
    return call if isinstance(call, AwsCall) and call.spot == trace.actions[index].spot else None


def _piped_into(trace: Trace, index: int) -> Iterator[AwsCall]:
    """The calls whose answers a command reads through a pipe."""
    command = trace.actions[index]
    for before in range(index - 1, -1, -1) if command.handling.fed_by else ():
        call = trace.actions[before]
        if isinstance(call, AwsCall) and call.spot in command.handling.fed_by:
            yield call
            return


def answered_by(trace: Trace, before: int, origin: CallPlace) -> tuple[int, AwsCall] | None:
    """The last call before a place of a trace whose answer that is, and its own place."""
    for index in range(before - 1, -1, -1):
        action = trace.actions[index]
        if isinstance(action, AwsCall) and action.is_behind(origin):
            return index, action
    return None
