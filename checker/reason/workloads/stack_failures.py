"""What becomes of services when the update of a stack that rolls them fails.

CloudFormation takes back all of the update that fails, unless it is told to keep what it came to, and leaves every
other stack as it is.

Sources: AWS CloudFormation API Reference, "UpdateStack" and "ExecuteChangeSet" (``DisableRollback``), "CreateChangeSet"
(``OnStackFailure``: ``DO_NOTHING`` is the same); AWS CDK CLI reference, "cdk deploy" (``--no-rollback``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.pipeline.jobs import never_together
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.possible import truth
from checker.model.resources import Resource
from checker.model.values import Absent
from checker.reason.calls.rolling import of_action
from checker.reason.deploys.failures.state_shown import is_seen
from checker.reason.deploys.paths import At, after_failure
from checker.reason.workloads.cdk_deploys import rolls_nothing_back, selected
from checker.reason.workloads.stack_paths import StackPath, StackUpdate, root_of
from checker.reason.workloads.stack_updates import made_by, updates

_OF_STACKS: Final = frozenset({"RollbackStack", "deploy", "UpdateStack", "ExecuteChangeSet"})
_SHOWS: Final = frozenset({"DescribeStacks", "DescribeStackEvents", "DescribeStackResources"})
_SHOWS_SERVICES: Final = frozenset({"DescribeServices", "DescribeTasks"})
_UNTOLD: Final = Open("it is told something that is not followed")


def undone(at: At) -> Answer:
    """Whether CloudFormation takes back all of an update that fails part way."""
    if isinstance(at.action, CdkCommand):
        return NO if rolls_nothing_back(at.action) else YES
    calls = [call for call in (at.action, made_by(at)) if isinstance(call, AwsCall)]
    return negated(either(_is_kept(call) for call in calls))


def _is_kept(call: AwsCall) -> Answer:
    given, on_failure = call.text("disableRollback"), call.text("onStackFailure")
    if not isinstance(given, Absent):
        # The action that deploys a stack takes "1", too.
        return YES if given == "1" else truth(given)
    if not isinstance(on_failure, Absent):
        return yes_if(on_failure == "DO_NOTHING") if isinstance(on_failure, str) else _UNTOLD
    # An open word may be an option.
    loose = any(name.isdecimal() and not isinstance(value, str) for name, value in call.arguments.items())
    told = of_action(call) or (call.complete and not loose)
    return NO if told and isinstance(call.argument("cliInputJson"), Absent) else _UNTOLD


def several_of_one_stack(update: StackUpdate) -> bool:
    """Whether an update rolls more than one service of a stack."""
    stacks = [root_of(service.stack).id for service in update.services]
    return len(set(stacks)) < len(stacks)


class Apart(Struct, frozen=True):
    """Two services of one environment that a workflow rolls with different stacks, one after the other. ``both``:
    whether one run rolls both."""

    before: Resource
    after: Resource
    both: Answer


def in_two_stacks(path: StackPath) -> Apart | None:
    """The first two such services; those that one run surely rolls before others."""
    found = list(_in_two_stacks(path))
    return next((each for each in found if each.both is YES), found[0] if found else None)


def _in_two_stacks(path: StackPath) -> Iterator[Apart]:
    for one, other in combinations(path.updates, 2):
        if not never_together(one.at.job, other.at.job):
            yield from _pairs(one, other, _both_run(one, other))
    for update in path.updates:
        if isinstance(update.at.action, CdkCommand):  # a call of CloudFormation's updates one stack
            yield from _pairs(update, update, YES)


def _pairs(one: StackUpdate, other: StackUpdate, both: Answer) -> Iterator[Apart]:
    for mine in one.services:
        for theirs in other.services:
            if mine.environment_name == theirs.environment_name and root_of(mine.stack) is not root_of(theirs.stack):
                yield Apart(mine, theirs, both)


def _both_run(one: StackUpdate, other: StackUpdate) -> Answer:
    """Open where a condition decides which of the two runs."""
    for at in (one.at, other.at):
        step = at.action.step
        if not at.action.certain or (step is not None and step.runs is not YES) or at.job.runs is not YES:
            return Open("whether one run updates both stacks")
    return YES


def mended(path: StackPath, update: StackUpdate, pipeline: Pipeline) -> tuple[At | None, Answer]:
    """What runs after a failure and takes such stacks back, or says what became of them; and whether it does, as far as
    that is followed."""
    found = [(at, _mends(at, path)) for at in path.actions() if _comes_after(at, update)]
    sure = next((at for at, answer in found if answer is YES), None)
    if sure is not None:
        return sure, YES
    perhaps = next(((at, answer) for at, answer in found if isinstance(answer, Open)), None)
    if perhaps is not None:
        return perhaps
    if not path.complete:
        return None, Open(path.unread)
    after = (each for each in pipeline.elsewhere if each.after(update.at.job))
    unread = next((each for each in after if each.asks & {"always", "failure"}), None)
    return None, NO if unread is None else Open(f"what {unread.calls} does after a failure is not followed")


def _comes_after(at: At, update: StackUpdate) -> bool:
    if at.job is update.at.job and at.index < update.at.index:
        return False
    return isinstance(at.action, AwsCall | CdkCommand) and after_failure(at.action)


def _mends(at: At, path: StackPath) -> Answer:
    stacks = {root_of(service.stack).id: root_of(service.stack) for each in path.updates for service in each.services}
    if isinstance(at.action, CdkCommand):
        of_them = any(selected(stack, at.action) for stack in stacks.values())
        return yes_if(at.action.name in {"rollback", "deploy"} and of_them)
    assert isinstance(at.action, AwsCall)
    if at.action.operation in _SHOWS_SERVICES:
        return is_seen(at, at.action)
    if at.action.operation not in _OF_STACKS | _SHOWS:
        return NO
    seen = is_seen(at, at.action) if at.action.operation in _SHOWS else YES
    if at.action.operation in _SHOWS and isinstance(at.action.text("stackName"), Absent):
        return seen  # all stacks
    return every((seen, either(updates(at, stack) for stack in stacks.values())))
