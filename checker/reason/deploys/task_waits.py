"""How long a pipeline waits for a task that it has started: by a waiter, by polling, or by an option of a command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import inf
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import YES
from checker.model.pipeline.scripts import AwsCall, Command, How, Loop, Trace
from checker.model.possible import options, shown
from checker.model.values import Absent
from checker.reason.calls.rolling import of_action

# AWS CLI Command Reference, "ecs wait tasks-stopped": every 6 seconds, 100 times at most; boto3's waiter likewise.
_WAIT_DELAY: Final = 6
_WAIT_ATTEMPTS: Final = 100
_ACTION_MINUTES: Final = 30
_ACTION_MOST: Final = 360
_OPTION: Final = lazy_re.compile(r"--?(?:deadline|timeout|wait|max-wait|wait-timeout|timeout-seconds)")
_TIMEOUT: Final = lazy_re.compile(r"\btimeout\s+(?:-\S+\s+)*(\d+(?:\.\d+)?)([smhd]?)\b")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Wait(Struct, frozen=True):
    """One way of waiting. ``seconds`` is its bound, ``None`` where it has one that is not known; ``endless``: none."""

    place: Command | AwsCall
    seconds: float | None = None
    endless: bool = False


def waits_of(trace: Trace, start: AwsCall, command: Command | None) -> tuple[Wait, ...]:
    """How the step that began with ``command`` and started a task by ``start`` waits for it; empty if it does not."""
    if command is not None:
        told = _told(command)
        if told is not None:
            # What the option bounds is there to be seen, where all was followed.
            seen = tuple(_waits(trace, start))
            endless = tuple(each for each in seen if each.endless)
            return endless or ((Wait(command, told),) if seen or not trace.complete else ())
    return tuple(_waits(trace, start))


def _told(command: Command) -> float | None:
    words = [shown(word) if isinstance(word, str | int | float) else "" for word in command.words]
    for index, word in enumerate(words):
        name, _, value = word.partition("=")
        if _OPTION.fullmatch(name):
            number = value or (words[index + 1] if index + 1 < len(words) else "")
            if re.fullmatch(r"\d+(?:\.\d+)?", number):
                return float(number)
    return _timeout(command.source)


def _timeout(source: str) -> float | None:
    match = _TIMEOUT.search(source)
    return float(match[1]) * _UNITS[match[2]] if match is not None else None


def _waits(trace: Trace, start: AwsCall) -> Iterator[Wait]:
    """What comes after ``start``: who looks at tasks before it, or once for each that is started, waits for none."""
    around = {loop.spot for loop in start.reached.loops}
    begun = next((index for index, each in enumerate(trace.aws) if each is start), 0)
    for call in trace.aws[begun:]:
        if call.job is not start.job or call.service != "ecs" or call.handling.left_alone:
            continue
        if call.how in (How.CLI_WAITER, How.SDK_WAITER) and "stopped" in call.waiter.lower().replace("_", ""):
            yield _waiter(call)
        elif call.operation == "DescribeTasks" and of_action(call):
            yield _of_action(call)
        elif (
            call.operation == "DescribeTasks"
            and call.how in (How.CLI, How.SDK)
            and call.loop is not None
            and call.loop.spot not in around
        ):
            yield _poll(call, call.loop, trace)


def _of_action(call: AwsCall) -> Wait:
    """``wait-for-task-stopped`` of amazon-ecs-deploy-task-definition. Source: its action.yml, ``wait-for-minutes``: 30
    unless told otherwise, six hours at most."""
    given = call.step.with_.get("wait-for-minutes", "") if call.step is not None else ""
    each = options(given)
    if each is None or not all(re.fullmatch(r"\d+", shown(option)) for option in each if option != ""):
        return Wait(call)
    minutes = max((int(shown(option)) for option in each if option != ""), default=0) or _ACTION_MINUTES
    return Wait(call, 60.0 * min(minutes, _ACTION_MOST))


def _rehearsed(call: AwsCall) -> Wait | None:
    """As going through its script tells, ``None`` where that does not."""
    seconds = call.handling.waited
    if seconds is None:
        return None
    return Wait(call, endless=True) if seconds == inf else Wait(call, seconds)


def _waiter(call: AwsCall) -> Wait:
    found = _rehearsed(call)
    if found is not None:
        return found
    limit = _timeout(call.source)
    if limit is not None:
        return Wait(call, limit)
    delay, attempts = _WAIT_DELAY, _WAIT_ATTEMPTS
    configured = call.argument("WaiterConfig")
    if isinstance(configured, Mapping):
        given = {str(key).lower(): value for key, value in configured.items()}
        delay_given, attempts_given = given.get("delay", delay), given.get("maxattempts", attempts)
        if not isinstance(delay_given, int) or not isinstance(attempts_given, int):
            return Wait(call)
        delay, attempts = delay_given, attempts_given
    elif not isinstance(configured, Absent):
        return Wait(call)
    return _repeated(call, delay * attempts)


def _repeated(call: AwsCall, seconds: float) -> Wait:
    for loop in call.reached.loops:
        if not loop.bounded:
            return Wait(call, endless=True)
        if loop.kind != "each" and loop.attempts is None:
            return Wait(call)
        seconds *= loop.attempts or 1
    return Wait(call, seconds)


def _poll(call: AwsCall, loop: Loop, trace: Trace) -> Wait:
    found = _rehearsed(call)
    if found is not None:
        return found
    if not loop.bounded or call.handling.lasts is YES:
        return Wait(call, endless=True)
    if loop.seconds is not None:
        return Wait(call, loop.seconds)
    pause = next((s for each in trace.commands if (s := _sleep(each, loop)) is not None), None)
    if pause is None or loop.attempts is None:
        return Wait(call)
    return Wait(call, pause * loop.attempts)


def _sleep(command: Command, loop: Loop) -> float | None:
    if command.program != "sleep" or loop.spot not in {each.spot for each in command.reached.loops}:
        return None
    each = options(command.words[1]) if len(command.words) > 1 else None
    if each is None or len(each) != 1:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", shown(each[0]))
    return float(match[1]) * _UNITS[match[2]] if match is not None else None
