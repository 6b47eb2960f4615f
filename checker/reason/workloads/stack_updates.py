"""Updates of stacks that roll services, and whose end the call itself does not wait for.

``aws cloudformation deploy``, ``cdk deploy`` and ``sam deploy`` wait, and end with a failure where the stack does not
come up. ``UpdateStack``, ``CreateStack`` and ``ExecuteChangeSet`` only begin: a service that does not become stable is
taken back by CloudFormation later, and whoever began it learns of that by waiting alone.

Sources: AWS CloudFormation API Reference, "UpdateStack" ("after the call completes successfully, the stack update
starts"), "ExecuteChangeSet"; AWS CLI Command Reference, "cloudformation wait stack-update-complete".
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from checker.model.answers import NO, YES, Answer, Open, either, yes_if
from checker.model.environments import Project
from checker.model.overlap import overlap
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall
from checker.model.possible import Possible, Scalar, as_text, options, shown
from checker.model.resources import Resource, Stack
from checker.model.values import Absent, Text
from checker.reason.calls.rolling import of_action
from checker.reason.deploys.paths import At
from checker.reason.text.patterns import exact

_BEGINS = frozenset({"UpdateStack", "CreateStack", "ExecuteChangeSet"})
# What tells how a stack's update went.
_TELLS = frozenset({"DescribeStacks", "DescribeStackEvents", "DescribeChangeSet", "ListStacks"})
# What waits for the end of what is begun. The waiter for a creation takes an update that has begun for success, and the
# one for a roll-back a failed update for what it waits for (botocore's waiters of CloudFormation).
_UPDATED = frozenset({"stackupdatecomplete"})
_CREATED = frozenset({"stackcreatecomplete"})
_FILE = "file://"
_WHICH = Open("which stack it updates")


def begun(pipeline: Pipeline, project: Project) -> Iterator[tuple[At, Resource, Answer]]:
    """The calls that begin the update of a stack with an ECS service, each with one such service; open where it is not
    known whether it is that stack."""
    services = list(project.resources("AWS::ECS::Service"))
    for job in pipeline.jobs if services else ():
        for way in job.ways:
            trace = pipeline.trace(way)
            for index, action in enumerate(trace.actions):
                if isinstance(action, AwsCall) and begins(action):
                    at = At(way, trace, index)
                    perhaps = [(each, of) for each in services if (of := updates(at, each.stack)) is not NO]
                    for service, answer in sorted(perhaps, key=lambda each: each[1] is not YES)[:1]:
                        yield at, service, answer


def watched(at: At) -> tuple[list[At], bool]:
    """The waits for the end of what a call begins that come after, in the same job; and whether something else looks
    at how it went, or may do so."""
    looks = False
    waits: list[At] = []
    call = made_by(at)
    for index in range(at.index + 1, len(at.trace.actions)):
        action = at.trace.actions[index]
        if isinstance(action, AwsCall) and action.service == "cloudformation":
            same = _is_of(action, call)
            if action.waiter:
                waits_for_it = action.waiter.replace("_", "").replace("-", "").lower() in _ends(call)
                waits += [At(at.job, at.trace, index)] if same is YES and waits_for_it else []
                looks = looks or (isinstance(same, Open) and waits_for_it)
            else:
                looks = looks or (same is not NO and action.operation in _TELLS)
    return waits, looks


def _ends(call: AwsCall) -> frozenset[str]:
    """The waiters for the end of what a call begins; of a change set that hangs on what it is for."""
    if call.operation in {"UpdateStack", "CreateStack"}:
        return _UPDATED if call.operation == "UpdateStack" else _CREATED
    kinds = _options(call.text("changeSetType")) if call.operation == "CreateChangeSet" else None
    if kinds is None or not all(isinstance(each, str) for each in kinds):
        return _UPDATED | _CREATED
    return _CREATED if kinds == ("CREATE",) else _UPDATED


def _is_of(asks: AwsCall, call: AwsCall) -> Answer:
    """Whether a call asks for the stack that another one changes."""
    one, other = asks.text("stackName"), call.text("stackName")
    if isinstance(one, Absent) or isinstance(other, Absent) or shown(one) == shown(other):
        return YES
    names = [_options(each) for each in (one, other)]
    if names[0] is None or names[1] is None:
        return _WHICH
    alike = [overlap(exact(_name(first)), exact(_name(second))) for first in names[0] for second in names[1]]
    open_ = len(alike) > 1 or any(isinstance(each, Text) for each in (*names[0], *names[1]))
    return NO if not any(alike) else _WHICH if open_ else YES


def _name(given: Scalar) -> Text | str:
    """A stack's name, which may be told by its ARN."""
    value = as_text(given)
    return value.split("/")[1] if isinstance(value, str) and value.startswith("arn:") and "/" in value else value


def may_be_watched(job: EffectiveJob, pipeline: Pipeline) -> bool:
    """Whether a job that comes after this one asks how a stack's update went, or may do so."""
    for each in pipeline.jobs:
        if each.after(job):
            trace = pipeline.trace(each)
            if not trace.complete or any(
                call.service == "cloudformation" and call.operation in _TELLS for call in trace.aws
            ):
                return True
    return any(each.after(job) for each in pipeline.elsewhere)


def begins(call: AwsCall) -> bool:
    """Whether a call only begins a stack's update. The action that deploys a stack waits for it by itself."""
    return call.service == "cloudformation" and call.operation in _BEGINS and not call.waiter and not of_action(call)


def updates(at: At, stack: Stack) -> Answer:
    """Whether a call updates a stack: by its template, or by the stack's name."""
    call = made_by(at)
    for name in ("templateBody", "templateFile"):
        for given in _options(call.text(name)) or ():
            if isinstance(given, str) and (name == "templateFile" or given.startswith(_FILE)):
                path = posixpath.normpath(posixpath.join(call.folder or "", given.removeprefix(_FILE)))
                if path == stack.source.file:
                    return YES
    named = _options(call.text("stackName"))
    if named is None:
        return _WHICH
    return either(_may_be(each, stack.name) for each in named)


def made_by(at: At) -> AwsCall:
    """The call that says what is updated: of a change set that names no stack, the one that made it."""
    call = at.action
    assert isinstance(call, AwsCall)
    if call.operation == "ExecuteChangeSet":
        for index in range(at.index - 1, -1, -1):
            before = at.trace.actions[index]
            if isinstance(before, AwsCall) and before.operation == "CreateChangeSet" and not before.waiter:
                named = [each.text("stackName") for each in (before, call)]
                return before if isinstance(named[1], Absent) or named[0] == named[1] else call
    return call


def _may_be(given: Scalar, name: str) -> Answer:
    if isinstance(given, Text):
        return _WHICH if overlap(exact(given), exact(name)) else NO
    return yes_if(given == name)


def _options(value: Possible | Absent) -> tuple[Scalar, ...] | None:
    """All that a value may be; none where it is not given, ``None`` where that is open."""
    return () if isinstance(value, Absent) else options(value)
