"""Services are rolled one at a time, and the first failure stops the roll-out.

What the review found
    All four services are deployed at once.
What is checked
    Every workflow that rolls the services of an environment that is not staging: between one service's roll-out and the
    next one's stands a wait for the first to be stable, in the same script, loop or by ``needs``; no roll-out runs in
    the background or in several jobs of a matrix at once; and a service that does not become stable ends the roll-out.
    A workflow that rolls back may go on, so that the other services get back too. An update of a stack, which brings
    the run's images, changes all services at once that do not depend on one another.
When it does not apply
    No workflow rolls more than one service outside of staging.
What cannot be decided
    Scripts that could not be followed, services that are started by other code.
Fix
    Loop over the services: ``update-service``, then ``wait services-stable`` for that one, under ``set -e``. For a
    matrix: ``max-parallel: 1`` and ``fail-fast``. In a template let each service depend on the one before
    (``DependsOn``, ``addDependency``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Open
from checker.model.environments import EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.pipeline.jobs import never_together
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.possible import truth
from checker.model.rules import Rule, Unseen
from checker.reason.deploys.paths import At, DeployPath, Rollout, deploy_paths, fails_here, follows, once
from checker.reason.deploys.sequence import Step, by_matrix, in_another_cluster, matrices, several, steps_of
from checker.reason.deploys.task_ends import held_back
from checker.reason.templates.order import Order
from checker.reason.workloads.stack_paths import StackPath, StackUpdate, at_once, stack_paths, unseen_rolls

# A variable that is set, or counted up.
_NOTE: Final = lazy_re.compile(r"[A-Za-z_]\w*(?:\[\w*\])?\+?=(?:\([^)]*\)|\S*)|\(\(.*\)\)")
_FIX: Final = (
    "Update one service, wait for it to be stable, and only then update the next; let its failure stop the script."
)
_FIX_STACK: Final = "Let each service depend on the one before it (DependsOn; in the CDK node.addDependency)."


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    paths = deploy_paths(pipeline, project)
    by_stack = stack_paths(pipeline, project)
    yield from once(judgement for path in paths for judgement in _judged(path))
    yield from once(judgement for path in by_stack for judgement in _by_stacks(path, project))
    if not paths and not by_stack:
        yield from unseen_rolls(pipeline, project)


def _judged(path: DeployPath) -> Iterator[Judgement]:
    if path.kind is EnvironmentKind.STAGING or not several(path):
        return
    steps = list(steps_of(path, path.forward))
    for index, step in enumerate(steps):
        yield _alone(path, steps, index)
        if step.wait is not None and not path.rolls_back:
            yield _stops(step, steps[index + 1].rollout if index + 1 < len(steps) else None)


def _alone(path: DeployPath, steps: list[Step], index: int) -> Judgement:
    """Whether nothing else is rolled while this service is."""
    step = steps[index]
    rollout = step.rollout
    call = rollout.call
    together = _at_once(rollout, [each.rollout for each in steps])
    if together:
        return call.fails("one-at-a-time", f"{path.name} rolls several services at once: {together}.", fix=_FIX)
    is_last = not any(follows(each.rollout.at, rollout.at) for each in steps) and not _goes_round(rollout)
    if step.wait is not None or is_last or _is_rolled_again(steps, index):
        return call.passes("one-at-a-time", "The next service is rolled once this one is stable.")
    if step.doubt:
        return call.undecided("one-at-a-time", f"whether this service is waited for: {step.doubt}", fix=_FIX)
    if not path.complete:
        return call.undecided("one-at-a-time", path.unread, fix=_FIX)
    why = f"{path.name} goes on to the next service without waiting for this one: all of them change at once."
    return call.fails("one-at-a-time", why, fix=_FIX)


def _is_rolled_again(steps: list[Step], index: int) -> bool:
    """Whether what is rolled next is the same service once more: the wait for that is the one that counts."""
    now, then = steps[index].rollout, steps[index + 1].rollout if index + 1 < len(steps) else None
    if then is None or now.service is None or then.service != now.service or in_another_cluster(now.call, then.call):
        return False
    return now.call.region == then.call.region and now.call.spot != then.call.spot and follows(then.at, now.at)


def _goes_round(rollout: Rollout) -> bool:
    """Whether the same call is made for a next service."""
    loops = [loop for loop in rollout.call.reached.loops if loop.kind == "each"]
    return any(loop.values is None or loop.index is None or loop.index + 1 < len(loop.values) for loop in loops)


def _at_once(rollout: Rollout, others: list[Rollout]) -> str:
    """Why a roll-out runs beside others; empty where it does not."""
    if rollout.concurrent:
        return "it is started in the background"
    job = rollout.at.job
    if by_matrix(rollout) and any(level.max_parallel not in (1, "1", 1.0) for level in matrices(rollout)):
        return "each is a job of a matrix, and nothing keeps them from running at the same time"
    for other in others:
        unordered = other.at.job is not job and not follows(other.at, rollout.at) and not follows(rollout.at, other.at)
        unordered = unordered and not never_together(other.at.job, job)
        if unordered and other.call.spot != rollout.call.spot:
            return f"{other.at.job.name} does not wait for {job.name}"
        if unordered and other.service != rollout.service:
            return f"{other.at.job.name} does not wait for {job.name}"
    return ""


def _is_only_noted(wait: At, rollout: Rollout) -> bool:
    """``wait ... || failed=1``: whatever comes of the note, it comes after the loop, unless the script shows that it
    ends the round."""
    taken = wait.action.handling
    noted = taken.tested == "or" and _NOTE.fullmatch(taken.fallback.strip()) is not None
    return noted and taken.reaches(rollout.call.handling) is not NO


def _goes_on(wait: At, following: Rollout | None) -> bool:
    """Whether the script rolls the next service although this one has not become stable."""
    return (
        following is not None
        and not following.concurrent
        and following.call.step is wait.action.step
        and wait.action.handling.reaches(following.call.handling) is YES
    )


def _comes_to_none(step: Step, following: Rollout | None) -> bool:
    """Whether the script surely leaves the next services alone once this one has not become stable, however it ends:
    ``wait ... || break``. Of the last one that is another question."""
    assert step.wait is not None
    action = step.wait.action
    if step.rollout.concurrent or by_matrix(step.rollout):
        return False  # others go on beside it; the next row begins anew
    if isinstance(action, AwsCall) and action.asks_state:
        return False  # what it answers is the failure, and no error of its own
    then = following.call if following is not None else step.rollout.call if _goes_round(step.rollout) else None
    if then is None:
        return step.rollout.service is not None
    return then.step is action.step and action.handling.reaches(then.handling) is NO


def _starts_anyhow(wait: At, following: Rollout | None) -> bool:
    """Whether GitHub starts the step or the job of the next roll-out although the one with the wait has failed."""
    now, then = wait.action.step, following.call.step if following is not None else None
    if following is None or now is None or then is None or now is then:
        return False
    if following.at.job is not wait.job:
        failed = frozenset(id(each) for each in wait.job.chain if each not in following.at.job.chain)
        return following.at.job.after(wait.job) and not held_back(following.at.job, failed)
    # What else its condition asks holds where it rolls a service at all.
    return then.mends is not NO and then.index > now.index


def _stops(step: Step, following: Rollout | None) -> Judgement:
    """Whether a service that does not become stable ends the roll-out."""
    assert step.wait is not None
    action = step.wait.action
    if by_matrix(step.rollout) and any(
        truth(level.job.fail_fast if isinstance(level.job.fail_fast, bool | str) else True) is NO
        for level in matrices(step.rollout)
    ):
        why = "fail-fast is off: the other services are rolled although one has failed."
        return action.fails("stops", why, fix="Leave fail-fast on, with max-parallel: 1.")
    noted = _goes_round(step.rollout) and _is_only_noted(step.wait, step.rollout)
    ends = fails_here(step.wait)
    if ends is YES and _starts_anyhow(step.wait, following):
        why = "The next service is rolled whether this one becomes stable or not: its `if` asks for no success."
        return action.fails("stops", why, fix="Leave always() and !cancelled() out of the condition of a roll-out.")
    if ends is YES and (noted or _goes_on(step.wait, following)):
        why = "A service that does not become stable is noted, and the next one is rolled all the same."
        return action.fails("stops", why, fix=_FIX)
    if ends is YES:
        return action.passes("stops", "A service that does not become stable ends the roll-out.")
    if isinstance(ends, Open):
        return action.undecided("stops", ends.why, fix=_FIX)
    if _comes_to_none(step, following):
        return action.passes("stops", "Once a service does not become stable, no other one is rolled.")
    why = "A service that does not become stable does not stop the roll-out: the next one is changed all the same."
    return action.fails("stops", why, fix="Run it under set -e and without `|| true`; in Python, let it raise.")


def _by_stacks(path: StackPath, project: Project) -> Iterator[Judgement]:
    """The services of stacks: what one update changes together, and whether the next one waits for it."""
    updates = path.updates
    if path.kind is EnvironmentKind.STAGING or len({service.key for each in updates for service in each.services}) < 2:
        return
    order = Order()
    for index, update in enumerate(updates):
        action = update.at.action
        pair = at_once(update, order, project)
        if pair is not None:
            names = " and ".join(each.logical_id for each in pair)
            why = f"The stack's update changes {names} at the same time: neither of them depends on the other."
            yield action.fails("one-at-a-time", why, fix=_FIX_STACK, related=pair)
            continue
        following = updates[index + 1] if index + 1 < len(updates) else None
        beside = _beside(update, updates)
        if beside:
            yield action.fails("one-at-a-time", f"{path.name} rolls several services at once: {beside}.", fix=_FIX)
        elif following is None or update.waits or _waited_for(path, update, following):
            yield action.passes("one-at-a-time", "The next service is rolled once this one is stable.")
        elif not path.complete:
            yield action.undecided("one-at-a-time", path.unread, fix=_FIX)
        else:
            why = f"{path.name} goes on to the next stack without waiting for this one: their services change at once."
            yield action.fails("one-at-a-time", why, fix=_FIX)


def _waited_for(path: StackPath, update: StackUpdate, following: StackUpdate) -> bool:
    return any(follows(wait, update.at) and follows(following.at, wait) for wait in path.waits())


def _beside(update: StackUpdate, others: tuple[StackUpdate, ...]) -> str:
    """Why an update runs beside others; empty where it does not."""
    if update.concurrent:
        return "it is started in the background"
    for other in others:
        mine, theirs = update.at, other.at
        unordered = theirs.job is not mine.job and not follows(theirs, mine) and not follows(mine, theirs)
        if unordered and not never_together(theirs.job, mine.job):
            return f"{theirs.job.name} does not wait for {mine.job.name}"
    several = len(update.services) > 1 and len({id(each.stack) for each in update.services}) > 1
    beside = [level for level in update.at.job.chain if level.matrix and level.max_parallel not in (1, "1", 1.0)]
    if several and beside and not isinstance(update.at.action, CdkCommand):
        return "each is a job of a matrix, and nothing keeps them from running at the same time"
    return ""


RULE = Rule(
    id="W18",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether services are rolled"),
    looked_for_in_pipeline="workflow that rolls more than one service outside of staging",
)
