"""What keeps runs apart: concurrency groups, and what deploy code looks at before it changes something.

Source: GitHub Docs, "Control the concurrency of workflows and jobs": one run of a group is in progress and one waits;
a later one takes the place of the one that waits (``queue: max``, since May 2026, keeps them in order), and with
``cancel-in-progress`` of the one in progress too. Names of groups ignore case.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import combinations
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, alike, either, every
from checker.model.pipeline.jobs import ConcurrencyInForce, EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, Command, How
from checker.model.possible import Possible, options, same, truth
from checker.model.values import Absent, Hole, Text
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
_EVENT: Final = "github.event_name"
_STATE: Final = lazy_re.compile(r"deployments|rolloutState|runningCount|pendingCount|StackStatus", re.IGNORECASE)


def cancelled_by(group: ConcurrencyInForce) -> Answer:
    """Whether a later run of the group cancels one in which its job is in progress."""
    if group.cancel_in_progress in (None, "") or is_of_one_run(group):
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


def is_of_one_run(group: ConcurrencyInForce) -> bool:
    """Whether each run has a group of its own: no other one is in it (GitHub Docs, "Contexts", ``github.run_id``)."""
    each = options(group.group) or ()
    return bool(each) and all(
        isinstance(one, Text) and any(_ONE_RUN.fullmatch(hole.shown) for hole in one.holes) for one in each
    )


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
    if len(job.environments or ()) < 2 and len(names) > 1 and all(isinstance(name, str) for name in names):
        return NO  # one environment, and another group for another event or ref
    changes = list(changes)
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
    counts = [options(target) for change in changes for target in change.targets]
    if any(each is None or any(isinstance(option, Text) for option in each) for each in counts):
        return math.inf
    return max(1, len(job.environments), *(len(each or ()) for each in counts))


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
    changes = [each for each in _service_changes(deploy) if each[0].environment_name in _environments(back)]
    if not changes or not list(_service_changes(back)):
        return None
    if any(_waits_for_runs(pipeline.trace(job).commands) for job in back.jobs):
        return changes[0][1], Guard.SEEN, ""
    weakest: tuple[AwsCall, Guard, str] | None = None
    for job, call in changes:
        answer, why = _looks(job, call, pipeline)
        if answer is Guard.MISSING:
            return call, answer, why
        if weakest is None or answer is Guard.OPEN:
            weakest = call, answer, why
    return weakest


def _environments(workflow: Changing) -> set[str]:
    return {job.environment_name for job in workflow.changing}


def _service_changes(workflow: Changing) -> Iterable[tuple[EffectiveJob, AwsCall]]:
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


def _looks(job: EffectiveJob, change: AwsCall, pipeline: Pipeline) -> tuple[Guard, str]:
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


# -- two deploys -------------------------------------------------------------------------------------


class Beside(Struct, frozen=True):
    """A change of a service that another workflow may be changing at that time. ``apart`` is open where it is not known
    whether something keeps the two from it."""

    job: EffectiveJob
    call: AwsCall
    other: EffectiveJob
    apart: Answer


def beside(workflows: Iterable[Changing], pipeline: Pipeline) -> dict[str, Beside]:
    """By the workflow's file, a change of a service that another deploy surely changes too, of the same environment,
    where no concurrency group holds both and not both look at the service first."""
    by_service: dict[tuple[str, ...], list[tuple[EffectiveJob, AwsCall]]] = {}
    for workflow in workflows:
        for job, call in _service_changes(workflow):
            which = _which(job, call)
            if which is not None:
                by_service.setdefault(which, []).append((job, call))
    looks = lru_cache(maxsize=None)(lambda job, call: _looks(job, call, pipeline))
    found: dict[str, Beside] = {}
    for of_one in by_service.values():
        if len({job.entry.file for job, _ in of_one}) < 2:
            continue
        alike = _alike(of_one, looks)
        few = [each for changes in alike for each in changes[:2]]
        for job, call in (each for changes in alike for each in changes):
            known = found.get(job.entry.file)
            if known is None or isinstance(known.apart, Open):
                others = (each for each in few if each[0].entry is not job.entry)
                answers = ((other, _apart((job, call), (other, theirs), looks)) for other, theirs in others)
                # What surely collides tells more than what may.
                clashes = sorted((each for each in answers if each[1] is not YES), key=lambda each: each[1] is not NO)
                if clashes and (known is None or clashes[0][1] is NO):
                    found[job.entry.file] = Beside(job, call, *clashes[0])
    return found


def _alike(
    changes: Iterable[tuple[EffectiveJob, AwsCall]], looks: Callable[[EffectiveJob, AwsCall], tuple[Guard, str]]
) -> list[list[tuple[EffectiveJob, AwsCall]]]:
    """Changes of one service, one for each workflow, by what may keep them apart from others: their groups, and what
    they look at first. Two of them stand for all that are alike."""
    found: dict[tuple[str, ...], list[tuple[EffectiveJob, AwsCall]]] = {}
    for job, call in changes:
        groups = sorted({str(each.group).casefold() for each in job.concurrency})
        alike = found.setdefault((looks(job, call)[0], *groups), [])
        if all(each.entry is not job.entry for each, _ in alike):
            alike.append((job, call))
    return list(found.values())


def _apart(
    one: tuple[EffectiveJob, AwsCall],
    other: tuple[EffectiveJob, AwsCall],
    looks: Callable[[EffectiveJob, AwsCall], tuple[Guard, str]],
) -> Answer:
    """Whether something keeps two changes from being made at once."""
    shared = either(same_group(mine, theirs) for mine in one[0].concurrency for theirs in other[0].concurrency)
    if shared is YES:
        return YES
    guards = [looks(*each) for each in (one, other)]
    if any(guard is Guard.MISSING for guard, _ in guards):
        return shared
    return next((Open(why) for guard, why in guards if guard is Guard.OPEN), YES)


def same_group(one: ConcurrencyInForce, other: ConcurrencyInForce) -> Answer:
    """Whether two runs are in one group."""
    mine, theirs = options(one.group), options(other.group)
    if mine is None or theirs is None:
        return Open(f"which group {one.group if mine is None else other.group} is")
    return either(same(left, right, fold=True) for left in mine for right in theirs)


def _which(job: EffectiveJob, call: AwsCall) -> tuple[str, ...] | None:
    """The service that is changed, with all that tells where it is; ``None`` where that is not surely told."""
    environments = job.environments
    if call.operation not in _ROLLS or call.reached.on_failure or environments is None or len(environments) > 1:
        return None
    given: list[Possible | Absent] = [call.text("service"), call.text("cluster"), call.region, *environments]
    acting = (call.credentials,) if call.credentials is not None else job.credentials
    given += [value for each in acting for value in (each.role, each.region)]
    told = [_told(each) for each in given]
    if told[0] in (None, "") or any(each is None for each in told):
        return None
    return job.environment_name, str(len(environments)), *(each for each in told if each is not None)


_ROLLS: Final = frozenset({"UpdateService", "deploy"})
_OF_REPOSITORY: Final = lazy_re.compile(r"\b(?:vars|secrets)\.|\bgithub\.repository\b")


def _told(value: Possible | Absent) -> str | None:
    """A name, of an ARN the last part; what the repository's settings say is the same in each workflow."""
    if isinstance(value, Absent):
        return ""
    each = options(value)
    if each is None or len(each) != 1:
        return None
    if isinstance(each[0], Text) and not all(_OF_REPOSITORY.search(hole.shown) for hole in each[0].holes):
        return None
    return str(each[0]).rpartition("/")[2] if str(each[0]).startswith("arn:aws:ecs:") else str(each[0])
