"""Waits that may fail because what was waited for is asked how it ended, right after.

``aws cloudformation wait ... || true``, then ``describe-stacks`` and an exit by its answer: the wait only takes its
time, and nothing is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import dropwhile
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, every
from checker.model.pipeline.handling import Stream
from checker.model.pipeline.scripts import AwsCall, How, Trace, plain_name
from checker.model.possible import shown

# What names the subject of a wait, as the call that asks for its state does.
_SUBJECTS: Final = (
    *("stackName", "services", "tasks", "cluster", "deploymentId", "changeSetName", "functionName"),
    *("id", "dbInstanceIdentifier", "dbClusterIdentifier", "loadBalancerArns", "instanceIds", "tableName"),
)
_UNTOLD: Final = Open("whether the script looks at how it ended is not followed: what it asks right after may tell")


def told_after(trace: Trace, wait: AwsCall) -> Answer:
    """Whether a script that passes over a wait's failure ends with a failure all the same, where what it waits for
    fails: by the answer of a call that asks for the state of the same thing."""
    asking = (each for each in _from(wait, trace) if _asks_the_same(each, wait))
    # The wait may have failed because its time was up.
    return _told((each, every((each.handling.notices, each.handling.unended))) for each in asking)


def revision_told_after(trace: Trace, update: AwsCall) -> Answer:
    """Whether a script that passes over a refused ``update-service`` ends with a failure all the same: by asking which
    revision the service runs, which is then another one."""
    asking = (each for each in _from(update, trace) if _asks_for_revision(each, update))
    return _told((each, each.handling.notices) for each in asking)


def _from(call: AwsCall, trace: Trace) -> Iterator[AwsCall]:
    """A call, and those that come after it."""
    return dropwhile(lambda each: each is not call, trace.aws)


def _told(asking: Iterable[tuple[AwsCall, Answer]]) -> Answer:
    """Yes where one of several calls surely tells; open where the answer of one is handed to what is not followed."""
    answer: Answer = NO
    for call, tells in asking:
        if tells is YES:
            return YES
        if isinstance(tells, Open) and _is_taken(call):
            answer = _UNTOLD
    return answer


def _asks_for_revision(call: AwsCall, update: AwsCall) -> bool:
    return (
        (call.service, call.operation, call.how) == ("ecs", "DescribeServices", How.CLI)
        and call.step is update.step
        and call.text("services") == update.text("service")
        and call.text("cluster") == update.text("cluster")
        and "taskDefinition" in shown(call.text("query"))
    )


def _asks_the_same(call: AwsCall, wait: AwsCall) -> bool:
    return (
        any(name in call.arguments for name in map(plain_name, _SUBJECTS))
        and call.step is wait.step
        and call.how is How.CLI
        and (call.service, call.operation) == (wait.service, wait.operation)
        and all(call.argument(name) == wait.argument(name) for name in _SUBJECTS)
    )


def _is_taken(call: AwsCall) -> bool:
    """Whether its answer is handed to somebody, not only shown."""
    taken = call.handling
    return bool(taken.captured or taken.piped or taken.inside or taken.tested) or taken.stdout is Stream.FILE
