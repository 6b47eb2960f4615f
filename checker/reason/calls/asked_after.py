"""Waits that may fail because what was waited for is asked how it ended, right after.

``aws cloudformation wait ... || true``, then ``describe-stacks`` and an exit by its answer: the wait only takes its
time, and nothing is passed over.
"""

from __future__ import annotations

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
    seen = False
    answer: Answer = NO
    for each in trace.aws:
        seen = seen or each is wait
        if seen and _asks_the_same(each, wait):
            # The wait may have failed because its time was up.
            found = every((each.handling.notices, each.handling.unended))
            if found is YES:
                return YES
            if isinstance(found, Open) and _is_taken(each):
                answer = _UNTOLD
    return answer


def revision_told_after(trace: Trace, update: AwsCall) -> Answer:
    """Whether a script that passes over a refused ``update-service`` ends with a failure all the same: by asking which
    revision the service runs, which is then another one."""
    seen = False
    answer: Answer = NO
    for each in trace.aws:
        seen = seen or each is update
        if seen and _asks_for_revision(each, update):
            found = each.handling.notices
            if found is YES:
                return YES
            if isinstance(found, Open) and _is_taken(each):
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
