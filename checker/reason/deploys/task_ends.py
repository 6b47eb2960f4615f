"""Whether a pipeline that waits for a task looks at how it ended, and whether a failure reaches the job.

A task that failed has stopped like one that worked: the waiter and ``lastStatus`` tell nothing else, nor does
``stopCode`` (Amazon ECS API Reference, "Task" and "Container": the exit code is a container's).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.pipeline.handling import Handling, Stream
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.scripts import AwsCall, Command, How, Trace
from checker.model.possible import options, shown, truth
from checker.model.values import Absent, Answered, Text
from checker.reason.calls.step_ends import ended_by_another
from checker.reason.deploys.paths import At

_STARTS: Final = frozenset({"RunTask", "StartTask"})
_EXIT_CODE: Final = "exitcode"
# Of a query: what picks among several, and what is a text.
_PICKS: Final = lazy_re.compile(r"\[\?.*?\]|'[^']*'|`[^`]*`|\"[^\"]*\"")
_NAME: Final = lazy_re.compile(r"[A-Za-z_]\w*")
# These hold a container with its exit code: a query that names nothing else has the exit code too.
_AROUND: Final = frozenset({"tasks", "containers"})
_JQ: Final = frozenset({"jq", "gojq", "jaq"})
_BY_STATUS: Final = lazy_re.compile(r"-[a-zA-Z]*e[a-zA-Z]*|--exit-status")
_ENDS_JQ: Final = lazy_re.compile(r"\b(?:error|halt_error|halt)\b")
_ENDS: Final = frozenset({"return", "exit"})


def waits_unseeing(trace: Trace) -> Iterator[AwsCall]:
    """The waits for tasks that the job has started, where nothing of it looks at how a task ended."""
    if looks(trace):
        return
    started = stopped = False
    for action in trace.actions:
        if not isinstance(action, AwsCall) or action.service != "ecs":
            continue
        started = started or action.operation in _STARTS
        stopped = stopped or (action.operation == "StopTask" and not action.reached.on_failure)
        if started and not stopped and _waits(action) and _for_own(action):
            yield action


def looks(trace: Trace) -> bool:
    """Whether something of a job may learn a task's exit code."""
    # What ends the function that made a call reads nothing of its answer.
    made = [each for each in trace.actions if not (isinstance(each, Command) and each.program in _ENDS)]
    followers = {id(call): after for call, after in pairwise(made)}
    return any(
        _tells(each, followers.get(id(each)), trace) if isinstance(each, AwsCall) else _EXIT_CODE in each.source.lower()
        for each in trace.actions
        if isinstance(each, AwsCall)
        or (isinstance(each, Command) and each.program != "aws" and not each.entered and not _only_says(each))
    )


def asked_by_program(trace: Trace) -> bool:
    """Whether a program has the AWS CLI tell it of tasks: what it reads of that answer is not followed."""
    return any(
        (each.service, each.operation, each.how) == ("ecs", "DescribeTasks", How.CLI)
        and each.spot.file.endswith((".py", ".js", ".mjs", ".ts"))
        for each in trace.aws
    )


def _only_says(command: Command) -> bool:
    """Whether it prints words for a person, and nothing else has them."""
    taken = command.handling
    kept = any(write.operator not in {">&", "<&"} for write in command.writes)
    others = kept or taken.piped or taken.captured or taken.inside
    says = command.program in {"echo", "printf", "cat"} or (command.program in _JQ and not _may_end(command))
    return says and not others


def _may_end(command: Command) -> bool:
    """Whether jq may fail by what its filter finds (jq manual, ``--exit-status``, ``error``, ``halt_error``)."""
    return any(_BY_STATUS.fullmatch(shown(each)) or _ENDS_JQ.search(shown(each)) for each in command.words[1:])


def failure_goes_through(at: At) -> Answer:
    """Whether a command that fails fails its job: through its script, the programs around it and its step.

    Of an AWS call only what is around it is asked: what it answers is looked at elsewhere.
    """
    step = at.action.step
    goes_on = truth(step.continue_on_error) if step is not None else NO
    if goes_on is not NO and not ended_by_another(at.trace, at.index):
        return Open("its continue-on-error is not known before the run") if isinstance(goes_on, Open) else NO
    around = [
        each
        for each in at.trace.actions[: at.index]
        if isinstance(each, Command) and each.step is step and each.reached.leads_to(at.action.reached)
    ]
    own = [at.action] if isinstance(at.action, Command) else []
    if any(_is_tried_again(each, at) for each in (*around, *own)):
        return YES
    answers = [_ends(each.handling) for each in (*around, *own)]
    return next((each for each in answers if each is NO), next((each for each in answers if each is not YES), YES))


def _ends(handling: Handling) -> Answer:
    ends = handling.ends
    if not isinstance(ends, Open):
        return ends if ends is NO else handling.late
    # Its script is not followed to the end: by what stands right beside it.
    return NO if handling.swallowed or (handling.fallback and not handling.fallback_stops) else YES


def _is_tried_again(command: Command, at: At) -> bool:
    """Whether the same command is given once more where it fails: the last one counts."""
    later = (each for each in at.trace.actions[at.index + 1 :] if each.step is command.step)
    return any(isinstance(each, Command) and each.reached.on_failure and each.words == command.words for each in later)


def _waits(call: AwsCall) -> bool:
    if call.how in {How.CLI_WAITER, How.SDK_WAITER}:
        return "stopped" in call.waiter.lower()
    return call.how is How.CLI and call.operation == "DescribeTasks" and call.loop is not None


def _for_own(call: AwsCall) -> bool:
    """Whether it may wait for a task that was started here, not for one that a list of tasks named."""
    value = call.text("tasks")
    calls = [hole.call for hole in value.holes if isinstance(hole, Answered)] if isinstance(value, Text) else []
    by = [call.operation.replace("_", "-") for call in calls if call.service == "ecs"]
    return not by or any(each in {"run-task", "start-task", "describe-tasks"} for each in by)


def _tells(call: AwsCall, after: object, trace: Trace) -> bool:
    """Whether the answer of a call holds the exit code, and somebody has it."""
    if (call.service, call.operation) != ("ecs", "DescribeTasks") or call.how in {How.CLI_WAITER, How.SDK_WAITER}:
        return False
    if call.how is not How.CLI:
        named = bool(call.arguments) or not call.complete  # not all tasks that an account has
        return named and (call.handling.notices is not NO or passes_on(call, trace))
    taken = call.handling
    query = call.text("query")
    if isinstance(query, Absent):
        if taken.piped and isinstance(after, Command) and after.program in _JQ:
            return _asks(after.text()) and not _only_says(after)
        return bool(taken.captured or taken.piped or taken.inside) or taken.stdout is Stream.FILE
    each = options(query)
    if taken.stdout is Stream.DISCARDED or (taken.stdout is Stream.SHOWN and not _is_taken(taken)):
        return False  # in the log of a job that goes on, it stops nothing
    return each is None or any(_asks(shown(option)) for option in each)


def passes_on(call: AwsCall, trace: Trace) -> bool:
    """Whether the step that makes a call leaves something for a later one, which may look at it."""
    here = {each.spot for each in trace.commands if each.step is call.step} if call.step is not None else set()
    return any(each.spot in here for each in trace.outputs)


def _is_taken(taken: Handling) -> bool:
    """Whether a variable, another command or another command's words get the output."""
    return bool(taken.captured or taken.piped or taken.inside)


def _asks(query: str) -> bool:
    """Whether a query of JMESPath, or a jq command, has the exit code in what it picks."""
    if _EXIT_CODE in query.lower():
        return True
    names = set(_NAME.findall(_PICKS.sub("", query))) - _JQ
    return names <= _AROUND and "-" not in query


def held_back(job: EffectiveJob, checking: frozenset[int], seen: frozenset[int] = frozenset()) -> bool:
    """Whether a job is skipped when one of these fails: it or a caller needs one, or needs what is skipped with one,
    and its ``if`` does not run it all the same."""
    for each in job.chain:
        if id(each) in checking or id(each) in seen:
            continue
        failed = {(need.job.id, "failure") for need in each.needs if id(need) in checking}
        others = (need for need in each.needs if id(need) not in checking)
        skipped = {(need.job.id, "skipped") for need in others if held_back(need, checking, seen | {id(each)})}
        if (failed or skipped) and failed | skipped not in each.goes_on:
            return True
    return False
