"""What keeps runs apart: concurrency groups, and what deploy code looks at before it changes something.

Source: GitHub Docs, "Control the concurrency of workflows and jobs": one run of a group is in progress and one waits;
a later one takes the place of the one that waits (``queue: max``, since May 2026, keeps them in order), and with
``cancel-in-progress`` of the one in progress too. Names of groups ignore case.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import combinations
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, alike, either, every
from checker.model.pipeline.jobs import ConcurrencyInForce, EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, Command, How
from checker.model.possible import Possible, options, same, truth
from checker.model.values import ABSENT, Absent, Hole, Text
from checker.reason.deploys.changes import Change, Changing, What

# Values that are the same in every run of a workflow, or that name what is deployed to.
_STEADY: Final = lazy_re.compile(
    r"\b(?:vars|github\.(?:workflow|repository|repository_id|repository_owner|job|server_url))\b"
    r"|\b(?:inputs|matrix|event\.inputs|env)\.(?:\w*_)?(?:environment|env|stage|target|stack|service|region|account)\b",
    re.IGNORECASE,
)
_VARYING: Final = lazy_re.compile(
    r"\bgithub\.(?:run_id|run_number|run_attempt|sha|ref|ref_name|head_ref|base_ref|actor|triggering_actor|event|event_name)\b"
    r"|\binputs\.|\bevent\.inputs\.",
    re.IGNORECASE,
)
_ONE_RUN: Final = lazy_re.compile(r"(?:\$\{\{)?\s*github\.run_id\s*(?:\}\})?", re.IGNORECASE)
_ONE_COMMIT: Final = lazy_re.compile(r"(?:\$\{\{)?\s*github\.sha\s*(?:\}\})?", re.IGNORECASE)
_BRANCH: Final = "refs/heads/"
_SETTING: Final = lazy_re.compile(r"\$\{\{\s*(?:vars|secrets)\.[\w-]+\s*\}\}|(?:vars|secrets)\.[\w-]+", re.IGNORECASE)
_EVENT: Final = "github.event_name"
_STATE: Final = lazy_re.compile(r"deployments|rolloutState|runningCount|pendingCount|StackStatus", re.IGNORECASE)


def cancelled_by(group: ConcurrencyInForce, job: EffectiveJob) -> Answer:
    """Whether a later run of the group cancels one in which a job that holds it is in progress."""
    if group.cancel_in_progress in (None, "") or is_of_one_run(group, job):
        return NO
    each = options(group.cancel_in_progress)
    answers = [truth(option) for option in each] if each is not None else [truth(group.cancel_in_progress)]
    if isinstance(alike(answers, "it depends"), Open):
        # It depends: on the ref, perhaps, and on some refs the job does not run.
        refined = [truth(cancel) for _, cancel in group.on_refs]
        # A person who may choose it does; what a variable says is not known.
        chosen = "inputs." in str(group.cancel_written)
        unsure = any(isinstance(answer, Open) for answer in refined)
        answers = refined if refined and not (unsure and chosen) else answers
    return either(answers)


def is_of_one_run(group: ConcurrencyInForce, job: EffectiveJob) -> bool:
    """Whether each run of a job has a group of its own, in which no other one is (GitHub Docs, "Contexts",
    ``github.run_id``): one by its commit, where what is pushed to one branch alone starts it."""
    each = options(group.group) or ()
    own = (_ONE_RUN, _ONE_COMMIT) if _is_pushed_to_one_branch(job) else (_ONE_RUN,)
    return bool(each) and all(
        isinstance(one, Text) and any(sign.fullmatch(hole.shown) for hole in one.holes for sign in own) for one in each
    )


def _is_pushed_to_one_branch(job: EffectiveJob) -> bool:
    refs = {start.ref if isinstance(start.ref, str) else "" for start in job.starts}
    pushed = all(start.event == "push" for start in job.starts)
    return pushed and len(refs) == 1 and refs.pop().startswith(_BRANCH)


def deadlock(job: EffectiveJob) -> ConcurrencyInForce | None:
    """A group that the job's run holds twice, at two levels: GitHub cancels such a run."""
    for outer, inner in combinations(job.concurrency, 2):
        if outer.owner == inner.owner:
            continue
        mine, theirs = options(outer.group), options(inner.group)
        alone = mine is not None and theirs is not None and len(mine) == len(theirs) == 1
        if mine and theirs and alone and same(mine[0], theirs[0], fold=True) is YES:
            return inner
    return None


def serializes(group: ConcurrencyInForce, job: EffectiveJob, changes: Iterable[Change]) -> Answer:
    """Whether two runs that change the same thing are always in one group."""
    each = options(group.group)
    if each is None:
        return Open(f"which group {group.group} is")
    names = {name for name, _ in group.on_refs}
    changes = list(changes)
    if len(job.environments or ()) < 2 and len(names) > 1 and all(isinstance(name, str) for name in names):
        # One environment, and another group for another event or ref: those may choose what is changed, too.
        chosen = min((_places(job, each) for each in changes), default=1) >= len(names)
        return Open("whether what chooses the group chooses the place that is changed, too") if chosen else NO
    if all(isinstance(option, str) for option in each) and len(each) > _most_targets(job, changes):
        return NO  # what is chosen besides the target decides the group: two runs that change one thing are in two
    targets = {hole.shown for change in changes for hole in _holes(change)} | _environment_holes(job)
    if len({start.event for start in job.starts}) == 1:
        targets.add(_EVENT)  # all its runs are of one event
    answer = _steady(group.group, targets)
    if answer is NO:
        on_refs = [name for name, _ in group.on_refs]
        if on_refs and len(set(map(str, on_refs))) == 1 and _steady(on_refs[0], targets) is YES:
            return YES
    return answer


def _most_targets(job: EffectiveJob, changes: Sequence[Change]) -> float:
    """How many different things its runs can change at most, each of which may have a group of its own."""
    if job.environments is None:
        return math.inf
    return max([1, len(job.environments), *(_places(job, each) for each in changes)])


def _places(job: EffectiveJob, change: Change) -> float:
    """How many places a change can be made in: things of that name, in clusters, by roles of accounts."""
    made = change.place
    cluster = made.text("cluster") if isinstance(made, AwsCall) else ABSENT
    roles = [each.role for each in job.credentials]
    # What is the same value chooses nothing more the second time.
    told = {str(each): options(each) for each in (*change.targets, *roles, cluster) if not isinstance(each, Absent)}
    if any(each is None or not all(map(_is_one_place, each)) for each in told.values()):
        return math.inf
    return math.prod(len(each or ()) for each in told.values())


def _is_one_place(value: object) -> bool:
    """Whether every run reads the same: it is written, or the settings of the repository or environment say it."""
    return not isinstance(value, Text) or all(_SETTING.fullmatch(hole.shown) for hole in value.holes)


def _steady(group: Possible, targets: set[str]) -> Answer:
    each = options(group)
    if each is None:
        return Open(f"which group {group} is")
    return every(_is_steady(option, targets) for option in each)


def _is_steady(group: object, targets: set[str]) -> Answer:
    if not isinstance(group, Text):
        return YES
    answer: Answer = YES
    for hole in group.holes:
        if hole.shown in targets or _STEADY.search(hole.shown) or (_EVENT in targets and _EVENT in hole.shown):
            continue
        if _VARYING.search(hole.shown):
            return NO
        answer = Open(f"whether {hole.shown} is the same in every run")
    return answer


def _holes(change: Change) -> Iterable[Hole]:
    for target in change.targets:
        for option in options(target) or ():
            if isinstance(option, Text):
                yield from option.holes


def _environment_holes(job: EffectiveJob) -> set[str]:
    """What the name of the job's environment depends on: another environment is another thing to change."""
    each = () if isinstance(job.environment, Absent) else options(job.environment) or ()
    return {hole.shown for option in each if isinstance(option, Text) for hole in option.holes}


def same_group(one: ConcurrencyInForce, other: ConcurrencyInForce) -> Answer:
    """Whether two runs are in one group."""
    mine, theirs = options(one.group), options(other.group)
    if mine is None or theirs is None:
        return Open(f"which group {one.group if mine is None else other.group} is")
    return either(same(left, right, fold=True) for left in mine for right in theirs)


def interleaves(job: EffectiveJob, workflow: Changing) -> tuple[EffectiveJob, ConcurrencyInForce] | None:
    """An earlier job of the run that changed something, where ``job`` then waits in a group that other runs enter."""
    whole = [each for each in job.concurrency if each.owner == workflow.entry.file and each.level == "workflow"]
    if any(serializes(each, job, workflow.changes[job.name]) is YES for each in whole):
        return None
    for group in job.concurrency:
        if group in whole or group.queue == "max":
            continue
        for other in workflow.changing:
            # A call that holds the group around both of them enters it once; a job enters its own anew.
            entered_once = group in other.concurrency and not group.owner.endswith(f"#{job.job.id}")
            if other is not job and job.after(other) and not entered_once:
                return other, group
    return None


class Guard(StrEnum):
    """Whether a deploy notices that somebody else is changing the same services."""

    SEEN = "seen"
    OPEN = "open"
    MISSING = "missing"


def guard_of(deploy: Changing, back: Changing, pipeline: Pipeline) -> tuple[AwsCall, Guard, str] | None:
    """How the deploy's changes of services are guarded, ``None`` where the two do not change services of ECS both.

    A look at the services between registering a revision and the change of a service has no other use than to see
    whether somebody else is at it. One that came earlier may have been for anything, unless it asks for the state.
    """
    changes = [each for each in service_changes(deploy) if each[0].environment_name in _environments(back)]
    if not changes or not list(service_changes(back)):
        return None
    if any(_waits_for_runs(pipeline.trace(job).commands) for job in back.jobs):
        return changes[0][1], Guard.SEEN, ""
    weakest: tuple[AwsCall, Guard, str] | None = None
    for job, call in changes:
        answer, why = looks_first(job, call, pipeline)
        if answer is Guard.MISSING:
            return call, answer, why
        if weakest is None or answer is Guard.OPEN:
            weakest = call, answer, why
    return weakest


def _environments(workflow: Changing) -> set[str]:
    return {job.environment_name for job in workflow.changing}


def service_changes(workflow: Changing) -> Iterable[tuple[EffectiveJob, AwsCall]]:
    for job, change in workflow.all_changes():
        if change.what is What.SERVICE and isinstance(change.place, AwsCall) and change.place.service == "ecs":
            yield job, change.place


def _waits_for_runs(commands: Iterable[Command]) -> bool:
    """Whether it stops the deploy's run, or waits for its end, with GitHub's command."""
    return any(
        command.program == "gh" and command.words[1] == "run" and command.words[2] in ("cancel", "watch")
        for command in commands
        if len(command.words) > 2
    )


def looks_first(job: EffectiveJob, change: AwsCall, pipeline: Pipeline) -> tuple[Guard, str]:
    trace = pipeline.trace(job)
    fresh: AwsCall | None = None
    early: AwsCall | None = None
    for action in trace.actions:
        if action is change:
            break
        if not isinstance(action, AwsCall) or action.service != "ecs":
            continue
        if action.operation == "RegisterTaskDefinition":
            early, fresh = fresh or early, None
        elif action.operation in {"DescribeServices", "ListServiceDeployments", "DescribeServiceDeployments"}:
            if action.waiter:
                continue
            if _asks_for_state(action):
                return Guard.SEEN, ""
            fresh = action
    if fresh is not None and fresh.how is not How.CLI:
        return Guard.SEEN, ""
    if not trace.complete:
        return Guard.OPEN, f"whether {job.name} looks at the services before it changes them could not be followed"
    seen = fresh or early
    if seen is not None and seen.how is not How.CLI:
        return Guard.OPEN, "what it does with the state of the services that it reads early"
    return Guard.MISSING, "the deploy does not look whether a deployment is in progress before it changes a service"


def _asks_for_state(call: AwsCall) -> bool:
    query = call.argument("query")
    return isinstance(query, str | Text) and bool(_STATE.search(str(query)))
