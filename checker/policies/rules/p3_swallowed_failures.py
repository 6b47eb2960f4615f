"""No failed AWS call is read as an answer.

What the review found
    Nothing by this name. Scripts ask whether an image, a stack or a service is there by whether the call fails, with
    the error thrown away: a missing permission then looks like a missing image, and the deploy does the wrong thing.
What is checked
    Every call of the AWS CLI and of boto3 whose result decides something: its failure ends the script, or is told from
    other failures by its error. ``2>/dev/null``, ``|| true``, ``|| echo X``, ``if aws ...``, ``while aws ...``, a
    pipeline without ``pipefail``, ``local x=$(...)``, and an ``except`` that takes every error and goes on, are judged
    by what they do. So are ``$?``, an error's text, an outcome or a process's return code that something else is asked
    for later, when every failure then leads the same other way to a good end; and ``continue-on-error`` of a step or a
    job, where nobody asks how it ended. A job that starts a task and waits until it has stopped looks at its exit code:
    a task that failed has stopped too. Deploys of the CDK are judged as others are.
When it does not apply
    No workflow calls AWS. Clean-up, metrics and logs that are shown to a person may fail; so may a call whose answer
    only goes to the log or the job's summary, with a few words in its place; so may what runs after a failure, and a
    wait whose subject is asked right after how it ended, where a failure of that ends the script; so may an update of a
    service, where the same step asks after it which revision runs, and any other one ends the script: an earlier one of
    the same family, too.
What cannot be decided
    A script without ``set -e`` that may look at the result itself; a ``continue-on-error`` that only the run knows; a
    revision that is compared with one that only the run knows; a script that could not be followed.
Fix
    Let the failure stop the script. To ask whether something is there, use a call that answers with an empty list, or
    compare the error with the one that means absence (``except ClientError`` and ``error.response["Error"]["Code"]``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, How, Trace
from checker.model.pipeline.within import ASKED
from checker.model.rules import Rule, Unseen
from checker.reason.calls.allowed_failures import passed_over
from checker.reason.calls.asked_after import revision_told_after, told_after
from checker.reason.calls.lines import Lines, unfollowed
from checker.reason.calls.swallowed import matters, may_be_allowed, misread, not_followed, passes_over, waits
from checker.reason.deploys.task_ends import asked_by_program, looks, waits_unseeing

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

_FIX: Final = (
    "Let the failure stop the script, or compare its error with the one that means absence and stop at all others."
)

_FIX_EXIT: Final = "Ask describe-tasks for containers[].exitCode after the wait, and stop unless it is 0."


# Commands of the CDK that change stacks, and that nobody runs to clean up. Source: AWS CDK documentation, "CDK CLI
# reference".
_DEPLOYS: Final = frozenset({"deploy", "import", "refactor"})


def _deployed(command: CdkCommand) -> AwsCall | None:
    """A deploy of the CDK as the call that it comes to; ``None`` for its other commands."""
    if command.name not in _DEPLOYS:
        return None
    return AwsCall(
        "cloudformation", "deploy", How.CLI_CUSTOM, {}, command.reached, command.handling, folder=command.folder
    )


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:  # noqa: ARG001 - no template tells
    lines: Lines[AwsCall] = Lines()
    unseeing = _unseeing(pipeline)
    around: dict[AwsCall | CdkCommand, Command] = {}
    told: dict[AwsCall, Answer] = {}
    traces: dict[AwsCall, Trace] = {}
    for job in pipeline.jobs:
        traces.update(dict.fromkeys(pipeline.trace(job).aws, pipeline.trace(job)))
        around.update(passed_over(pipeline.trace(job)))
        for call in pipeline.trace(job).aws:
            lines.add(call, call)
            if waits(call) and passes_over(call.handling):
                told[call] = told_after(pipeline.trace(job), call)
            elif call.operation == "UpdateService" and misread(call, pipeline.trace(job)):
                told[call] = revision_told_after(pipeline.trace(job), call)
        yield from unfollowed(pipeline, job, "how its calls of AWS may fail")
    for line in lines:
        yield _judged(line.items, line.path, unseeing, around, told, traces)
    yield from _swallowed_deploys(pipeline, around)


def _swallowed_deploys(pipeline: Pipeline, around: Mapping[AwsCall | CdkCommand, Command]) -> Iterator[Judgement]:
    """Deploys of the CDK, as those of CloudFormation are judged: whether a failure reaches the run's end."""
    lines: Lines[tuple[CdkCommand, AwsCall, Trace]] = Lines()
    for job in pipeline.jobs:
        trace = pipeline.trace(job)
        for command in trace.cdk:
            if (call := _deployed(command)) is not None:
                lines.add(command, (command, call, trace))
    for line in lines:
        answers = [
            (command, call, misread(call, trace) or (_goes_on(around[command]) if command in around else None))
            for command, call, trace in line.items
        ]
        wrong = [(command, answer) for command, _, answer in answers if answer]
        if wrong:
            first, said = wrong[0]
            others = tuple(command for command, _ in wrong[1:10])
            yield first.fails(None, said, fix=_FIX, path=line.path, related=others)
            continue
        left = next(((command, not_followed(call.handling)) for command, call, answer in answers if answer == ""), None)
        if left is not None:
            command, why = left
            yield command.undecided(None, (why or ASKED).why, path=line.path, fix=_FIX)
            continue
        open_ = [(command, may) for command, call, _ in answers if isinstance(may := may_be_allowed(call), Open)]
        if open_:
            command, allowed = open_[0]
            yield command.undecided(None, allowed.why, path=line.path, fix="Leave continue-on-error out.")
            continue
        yield line.items[0][0].passes(None, "Its failure is a failure.", path=line.path)


def _unseeing(pipeline: Pipeline) -> dict[AwsCall, bool]:
    """The waits for tasks whose exit code nobody looks at, in no job of their workflow; whether all was followed."""
    looking = {job.entry.file for job in pipeline.jobs if looks(pipeline.trace(job))}
    return {
        call: pipeline.trace(job).complete and not asked_by_program(pipeline.trace(job))
        for job in pipeline.jobs
        if job.entry.file not in looking
        for call in waits_unseeing(pipeline.trace(job))
    }


def _judged(
    calls: list[AwsCall],
    path: str,
    unseeing: dict[AwsCall, bool],
    around: Mapping[AwsCall | CdkCommand, Command],
    told: dict[AwsCall, Answer],
    traces: Mapping[AwsCall, Trace],
) -> Judgement:
    answers = [(call, _misread(call, around, traces[call])) for call in calls if told.get(call, NO) is NO]
    for call, answer in answers:
        if answer:
            others = tuple(other for other, same in answers if same and other is not call)
            return call.fails(None, answer, fix=_FIX, path=path, related=others[:10])
    blind = [call for call in calls if call in unseeing]
    if blind:
        call = max(blind, key=lambda each: unseeing[each])
        if unseeing[call]:
            said = "It waits until a task has stopped, as one that failed has too: nothing reads its exit code."
            return call.fails(None, said, fix=_FIX_EXIT, path=path)
        why = "whether the exit code of the task that it waits for is read by what is not followed"
        return call.undecided(None, why, fix=_FIX_EXIT, path=path)
    for call, answer in answers:
        if answer == "":
            kept, left_off = call.handling.captured, not_followed(call.handling)
            why = f"the script has no `set -e`, and whether it looks at ${kept} is not followed" if kept else ASKED.why
            why = left_off.why if left_off is not None else why
            fix = "Begin the script with `set -euo pipefail`." if kept else _FIX
            return call.undecided(None, why, path=path, fix=fix)
    for call in calls:
        if isinstance(state := told.get(call), Open):
            return call.undecided(None, state.why, fix=_FIX, path=path)
        if told.get(call) is YES:
            return call.passes(None, "What it is about is asked how it ended, and a failure is one.", path=path)
        if isinstance(allowed := may_be_allowed(call), Open):
            return call.undecided(None, allowed.why, path=path, fix="Leave continue-on-error out.")
    return calls[0].passes(None, "Its failure is a failure.", path=path)


def _misread(call: AwsCall, around: Mapping[AwsCall | CdkCommand, Command], trace: Trace) -> str | None:
    """What a failure is taken for, by the script itself or by the one around the program that makes a change."""
    found, command = misread(call, trace), around.get(call)
    return found if found or command is None or not matters(call) else _goes_on(command)


def _goes_on(command: Command) -> str:
    return f"The script goes on where {command.program} fails, and ends well: a change that is refused counts as made."


RULE = Rule(
    id="P3",
    looked_for="",
    looked_for_in_pipeline="call of AWS in a job",
    check_pipeline=check_pipeline,
    unseen=Unseen("which failures are swallowed", own=True),
)
