"""No deploy or migration cancels another, or races it.

What the review found
    Nothing by itself: found since. A run that is cancelled leaves the stack operation and the migration that it began
    to go on alone, and the next run begins beside them.
What is checked
    Of every workflow that deploys or migrates: no later run cancels it (``P7[cancel]``), by ``cancel-in-progress``, its
    own or that of another workflow in the same group, by a step that cancels its runs, by a group that it shares with a
    workflow it calls (GitHub ends such a run as a deadlock), or between two of its jobs that queue in a group one by
    one; and a later run of it waits (``P7[queue]``): one group for all runs that change the same thing, whatever
    commit, tag or person started them. A roll-back shares no group with a deploy, which may be stuck
    (``P7[shared-group]``); since both may then run at once, the deploy looks at the services again before it changes
    them, or the roll-back waits for it (``P7[guard]``). Group names are compared as GitHub does, in any case.
When it does not apply
    No workflow deploys or migrates. Guards are asked for only where a deploy and a roll-back change services of one
    environment; of two operations on one stack CloudFormation refuses the second by itself.
What cannot be decided
    A group or a ``cancel-in-progress`` that only a run knows, runs to cancel that a step does not name, or takes of
    those that wait: a run waits between two of its jobs too. Beside another deploy without a common group, a service or
    environment that only a run knows, where it can be the other's. What deploy code does with state that it reads
    early.
Fix
    Give each such workflow ``concurrency: {group: ENVIRONMENT-deploy, cancel-in-progress: false}`` at its top, the
    roll-back a group of its own, and let the deploy stop where a deployment is in progress.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from checker.model.answers import NO, YES, Answer, Open, either
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.workflow_place import WorkflowPlace
from checker.model.possible import Possible, options, shown
from checker.model.rules import Rule, Unseen
from checker.model.values import Text
from checker.reason.deploys.beside import Beside, beside
from checker.reason.deploys.changes import Changing, workflows_of
from checker.reason.deploys.rollbacks import is_rollback
from checker.reason.deploys.serial import (
    Guard,
    cancelled_by,
    deadlock,
    guard_of,
    interleaves,
    same_group,
    serializes,
)
from checker.reason.github.cancelled_runs import Cancelling, cancelling_steps

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import ConcurrencyInForce, EffectiveJob
    from checker.model.pipeline.pipeline import Pipeline

_FIX_CANCEL: Final = "Set cancel-in-progress: false for whatever deploys or migrates: a newer run then waits."
_FIX_STEP: Final = "Let a run that deploys come to its end: remove the step, or let it name another workflow."
_FIX_QUEUE: Final = "Put the workflow into one concurrency group per environment, with cancel-in-progress: false."
_FIX_BESIDE: Final = "Put both workflows into one concurrency group of the environment, with cancel-in-progress: false."
_FIX_SHARED: Final = "Give the roll-back a concurrency group of its own."
_FIX_GUARD: Final = (
    "Let the deploy read the services' deployments right before each change and stop where one is not its own, or let "
    "the roll-back wait for the deploy's end."
)


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:  # noqa: ARG001 - the shape of a check
    workflows = [each for each in workflows_of(pipeline) if each.entry.starts_itself]
    changing = [each for each in workflows if each.changes]
    cancelling = [
        (each, group)
        for each in workflows
        for job in each.jobs
        for group in job.concurrency
        if cancelled_by(group, job) is YES
    ]
    # A person who rolls back has looked at what runs.
    others = [job for each in workflows if not is_rollback(each.entry) for job in each.jobs] if changing else []
    steps = cancelling_steps((job, pipeline.trace(job).commands) for job in others)
    together = beside((each for each in changing if not is_rollback(each.entry)), pipeline)
    for each in changing:
        by_step = _by_step(each, steps)
        if isinstance(by_step, Judgement):
            yield _by_another(each, cancelling) or by_step
        else:
            yield _by_another(each, cancelling) or _cancelled(each, by_step)
        yield _queued(each, together.get(each.entry.file))
    for each in workflows:
        # Without credentials nothing of an account can be changed, whatever was not followed.
        unseen = not each.changes and not each.followed and any(job.credentials for job in each.jobs)
        if unseen and _may_cancel(each):
            why = "whether it deploys or migrates: not all that it runs could be followed"
            yield _place(each).undecided("cancel", why, path="concurrency", fix=_FIX_CANCEL)
    backs = [each for each in changing if is_rollback(each.entry)]
    for deploy in changing:
        if not is_rollback(deploy.entry):
            for back in backs:
                yield from _together(deploy, back, pipeline)


def _may_cancel(workflow: Changing) -> bool:
    return any(cancelled_by(each, job) is not NO for job in workflow.jobs for each in job.concurrency)


# -- a later run of itself -----------------------------------------------------------------------------


def _cancelled(workflow: Changing, by_step: Answer) -> Judgement:
    """``by_step``: whether a step of any workflow cancels its runs, where none surely does."""
    doubt: tuple[ConcurrencyInForce, str] | None = None
    for job in workflow.changing:
        for each in job.concurrency:
            answer = cancelled_by(each, job)
            if answer is YES:
                return _place(workflow, each).fails(
                    "cancel",
                    f"A later run cancels this one while {_what(workflow, job)}: neither the stack operation nor the "
                    "task that it began ends with it.",
                    fix=_FIX_CANCEL,
                    path="concurrency",
                    actual=f"cancel-in-progress: {each.cancel_in_progress}".replace("True", "true"),
                    related=_some(workflow),
                )
            if isinstance(answer, Open) and doubt is None:
                doubt = each, f"whether {each.cancel_in_progress} cancels a run that deploys"
        both = deadlock(job)
        if both is not None:
            return _place(workflow, both).fails(
                "cancel",
                f"{job.name} is in the group {both.group} that its own run holds: GitHub cancels it as a deadlock.",
                fix="Remove concurrency from the called workflow, or give it a group of another name.",
                path="concurrency",
                related=(job,),
            )
    for job in workflow.changing:
        found = interleaves(job, workflow)
        if found is not None:
            before, group = found
            return _place(workflow, group).fails(
                "cancel",
                f"{job.name} waits in the group {group.group} after {before.name} has changed something: a later run "
                "that comes to wait there takes its place, and this one stops half way.",
                fix="Put the whole workflow into the group (or set queue: max).",
                path="concurrency",
                related=(before, job),
            )
    if doubt is not None:
        return _place(workflow, doubt[0]).undecided("cancel", doubt[1], path="concurrency", fix=_FIX_CANCEL)
    if isinstance(by_step, Open):
        return _place(workflow).undecided("cancel", by_step.why, path="concurrency", fix=_FIX_STEP)
    return _place(workflow).passes("cancel", "No later run cancels it.", path="concurrency")


def _by_step(workflow: Changing, steps: Sequence[Cancelling]) -> Judgement | Answer:
    """A step that cancels runs of this workflow: an action, ``gh run cancel``, a request. An answer where none surely
    does."""
    answers = [(each.step, each.cancels_runs_of(workflow.entry)) for each in steps]
    step = next((step for step, answer in answers if answer is YES), None)
    if step is None:
        return either(answer for _, answer in answers)
    why = f"A step of {step.job.entry.file} cancels runs of this one, which changes something."
    return _place(workflow).fails("cancel", why, fix=_FIX_STEP, related=(step,))


def _by_another(workflow: Changing, cancelling: Sequence[tuple[Changing, ConcurrencyInForce]]) -> Judgement | None:
    """A group is one for all workflows of a repository: one that cancels what is in it cancels this one's runs too."""
    for job in workflow.changing:
        for each in job.concurrency:
            for other, group in cancelling:
                if other.entry.file != workflow.entry.file and same_group(each, group) is YES:
                    return _place(workflow, each).fails(
                        "cancel",
                        f"A run of {other.entry.file} cancels this one while {_what(workflow, job)}: it is in the same "
                        f"group, {_told(each.group)}, and has cancel-in-progress.",
                        fix="Give the other workflow a group of its own, or set cancel-in-progress: false there.",
                        path="concurrency",
                        related=_some(workflow),
                    )
    return None


def _told(group: Possible) -> str:
    """A group for a message: of those that it may be, one."""
    first, *others = options(group) or (group,)
    return f"{shown(first)} (or {len(others)} more)" if others else shown(first)


def _queued(workflow: Changing, together: Beside | None) -> Judgement:
    """``together``: a change that another workflow's run may be making at that time."""
    doubt: tuple[ConcurrencyInForce, str] | None = None
    for job in workflow.changing:
        answers = [(each, serializes(each, job, workflow.changes[job.name])) for each in job.concurrency]
        if any(answer is YES for _, answer in answers):
            continue
        open_ones = [(each, answer.why) for each, answer in answers if isinstance(answer, Open)]
        if open_ones:
            doubt = doubt or open_ones[0]
            continue
        groups = ", ".join(_told(each.group) for each, _ in answers)
        reason = f"the group {groups} is not the same for all runs" if groups else "no concurrency group holds one back"
        return _place(workflow, *(each for each, _ in answers[:1])).fails(
            "queue",
            f"Two runs of it can be {_doing(workflow, job)} at once, in {job.name}: {reason}.",
            fix=_FIX_QUEUE,
            path="concurrency",
            related=(job,),
        )
    if doubt is not None:
        group, why = doubt
        why = f"whether two runs share the group {group.group}: {why}"
        return _place(workflow, group).undecided("queue", why, path="concurrency", fix=_FIX_QUEUE)
    if together is not None:
        return _beside(workflow, together)
    return _place(workflow).passes("queue", "A later run waits for it.", path="concurrency")


def _beside(workflow: Changing, found: Beside) -> Judgement:
    place = _place(workflow, *found.job.concurrency[:1])
    given, other = found.call.text("service"), found.other.entry.file
    service = shown(given) if isinstance(given, str | Text) else "one service"
    if isinstance(found.apart, Open):
        why = f"whether a run of {other} can be changing {service} at the same time: {found.apart.why}"
        return place.undecided("queue", why, path="concurrency", fix=_FIX_BESIDE)
    return place.fails(
        "queue",
        f"A run of {other} can be changing {service} at the same time, in {found.other.name}: no concurrency group "
        "holds both workflows, and what runs in the end is what either of them did last.",
        fix=_FIX_BESIDE,
        path="concurrency",
        related=(found.job, found.other),
    )


def _place(workflow: Changing, group: ConcurrencyInForce | None = None) -> WorkflowPlace:
    """The workflow, at the line of its group."""
    written = workflow.entry.concurrency
    spot = group.spot if group else written.spot if written else None
    names = {job.environment_name for job in workflow.changing}
    return WorkflowPlace(workflow.entry, names.pop() if len(names) == 1 else "", spot)


def _what(workflow: Changing, job: EffectiveJob) -> str:
    return f"{job.name} is {_doing(workflow, job)}"


def _doing(workflow: Changing, job: EffectiveJob) -> str:
    return f"changing a {workflow.changes[job.name][0].what.value}".replace("a other", "an environment")


def _some(workflow: Changing) -> tuple[EffectiveJob, ...]:
    return workflow.changing[:5]


# -- deploy and roll-back ------------------------------------------------------------------------------


def _together(deploy: Changing, back: Changing, pipeline: Pipeline) -> Iterator[Judgement]:
    """Of a deploy and a roll-back: no group in common, and no change of one service at once."""
    pairs = [(mine, theirs) for mine in _groups(back) for theirs in _groups(deploy)]
    answers = [(mine, same_group(mine, theirs)) for mine, theirs in pairs]
    shared = next((mine for mine, answer in answers if answer is YES), None)
    doubt = next((mine for mine, answer in answers if isinstance(answer, Open)), None)
    sub = f"shared-group={deploy.entry.stem}"
    if shared is not None:
        yield _place(back, shared).fails(
            sub,
            f"It is in the group {shared.group} of {deploy.entry.file}: it waits for a deploy that is stuck.",
            fix=_FIX_SHARED,
            path="concurrency",
            related=deploy.changing[:1],
        )
        return
    if doubt is not None:
        why = f"whether the group {doubt.group} is one of {deploy.entry.file}"
        yield _place(back, doubt).undecided(sub, why, path="concurrency", fix=_FIX_SHARED)
    else:
        yield _place(back).passes(sub, "It waits for no deploy.", path="concurrency")
    yield from _guarded(deploy, back, pipeline)


def _groups(workflow: Changing) -> list[ConcurrencyInForce]:
    """Every group that a run of the workflow holds while it changes something, each once."""
    return list({(each.spot, str(each.group)): each for job in workflow.changing for each in job.concurrency}.values())


def _guarded(deploy: Changing, back: Changing, pipeline: Pipeline) -> Iterator[Judgement]:
    guard = guard_of(deploy, back, pipeline)
    if guard is None:
        return
    change, answer, why = guard
    if answer is Guard.SEEN:
        yield change.passes("guard", "It looks at the services again before it changes them.")
    elif answer is Guard.OPEN:
        yield change.undecided("guard", why, fix=_FIX_GUARD)
    else:
        yield change.fails(
            "guard",
            f"{deploy.entry.file} and {back.entry.file} can change one environment's services at once: {why}.",
            fix=_FIX_GUARD,
            related=tuple(job for job in back.changing[:1]),
        )


RULE = Rule(
    id="P7",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether it deploys or migrates"),
    looked_for_in_pipeline="workflow that deploys or migrates",
)
