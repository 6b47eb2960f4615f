"""A roll-out that fails part way returns to one version.

What the review found
    A deployment that fails at the second service leaves the first on the new version and the rest on the old one, and
    nobody is told which.
What is checked
    Every workflow that rolls services. That a failure is seen: something waits for each roll-out, by the same name and
    whenever it is made, and the job fails when it does not succeed; a service that a circuit breaker or an alarm took
    back is stable too, so what it runs is compared with what was rolled. And, where more than one service is rolled,
    that a failure part way is dealt with: the services are brought back (a trap, ``||``, ``except``, a step or job
    that runs on failure), or what each service runs is printed and the job fails. Each service's own circuit breaker
    brings that service back, and no other. What brings back is of the services and the cluster that were rolled,
    leaves none of them out (those rolled before the one that fails neither), and its own failure is not swallowed
    (``|| true``, ``&``, ``continue-on-error``, a handler that says nothing).
    A stack with an ECS service whose update a call only begins (``update-stack``, ``execute-change-set``) is rolled
    too: something waits for its end, and the job fails with it. ``aws cloudformation deploy`` and the CDK wait by
    themselves. One that brings the images of several services is taken back by CloudFormation when it fails, unless it
    is told not to (``--disable-rollback``, ``--no-rollback``); services in several stacks need more, since no other
    stack goes back with the one that fails.
    In an account: every service that a stack has is there, all run one commit, no roll-out failed or is stuck, and
    every stack is at rest.
When it does not apply
    No workflow that rolls an ECS service, by itself or by its stack.
What cannot be decided
    Scripts that could not be followed. What a query, a filter in a file or a program behind a pipe lets through of what
    the services run. Whether a stack's update is taken back, where its options are open; whether one run updates
    several stacks, where conditions choose.
Fix
    Keep what each service ran before; on the first failure update those that were changed back to it, in reverse order.
    At the least: ``trap 'aws ecs describe-services ...' ERR``, and exit 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, negated
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.live.account import Account
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, How
from checker.model.resources import Resource
from checker.model.rules import Rule, Unseen
from checker.model.values import Unknown
from checker.model.verdicts import Outcome
from checker.reason.account.facts import table, when
from checker.reason.account.running import Service, own_repositories, services, services_gone
from checker.reason.account.stack_states import stack_trouble
from checker.reason.account.state import rollout_trouble, stacks
from checker.reason.deploys.failures.brought_back import (
    UNNAMED,
    comes_after_failure,
    fails_unseen,
    left_behind,
    rolls_again,
    runs_anyway,
    takes_back,
)
from checker.reason.deploys.failures.state_shown import shows_state
from checker.reason.deploys.failures.taken_back import asks_only_for_stability, looked_at, taken_back
from checker.reason.deploys.paths import (
    At,
    DeployPath,
    Rollout,
    after_failure,
    deploy_paths,
    environment_of,
    fails_here,
    follows,
    last,
    once,
)
from checker.reason.deploys.sequence import is_for, may_be_for, several
from checker.reason.health.passed_over import left_out
from checker.reason.workloads.stack_failures import Apart, in_two_stacks, mended, several_of_one_stack, undone
from checker.reason.workloads.stack_paths import StackPath, StackUpdate, stack_paths, unseen_rolls
from checker.reason.workloads.stack_updates import begun, may_be_watched, watched

_FIX_READ: Final = "Let the audit read it: `checker permissions` prints the policy."
_FIX_GONE: Final = "Make it again before the next release; `checker drift` shows what else is gone."
_FIX_ROLL: Final = "Roll the release again or roll it back, until all services run one commit."
_FIX_SEEN: Final = "After update-service: aws ecs wait services-stable, under set -e and without `|| true`."
_FIX_BEGUN: Final = "After it: aws cloudformation wait stack-update-complete; or aws cloudformation deploy: it waits."
_FIX_TAKEN: Final = "After the wait, compare the task definition that the service runs with the one that was rolled."
_FIX_KEPT: Final = "Leave --disable-rollback (in the CDK --no-rollback) out, or call rollback-stack after a failure."
_FIX_APART: Final = "On failure, update the changed stacks with the tag that ran before, or print what they run."
_SAID_BACK: Final = "Once the services are brought back the job goes on, as if the roll-out had worked."
_FIX_BACK_SEEN: Final = "Exit with 1 behind what brings them back."
_FIX_BACK: Final = "On failure, update the services that were changed back to what they ran, or print it and exit 1."


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    paths = deploy_paths(pipeline, project)
    yield from once(judgement for path in paths for judgement in _judged(path, project))
    by_stack = stack_paths(pipeline, project)
    yield from once(judgement for path in by_stack for judgement in _by_stacks(path, by_stack, pipeline))
    stacks_begun = list(begun(pipeline, project))
    yield from once(_stack_seen(pipeline, *each) for each in stacks_begun)
    if not paths and not by_stack and not stacks_begun:
        yield from unseen_rolls(pipeline, project)


def _judged(path: DeployPath, project: Project) -> Iterator[Judgement]:
    if path.forward:
        yield _seen(path, project)
        if several(path):
            yield _dealt_with(path)


def _by_stacks(path: StackPath, others: Sequence[StackPath], pipeline: Pipeline) -> Iterator[Judgement]:
    """Of updates that roll several services, with one stack or with several.

    A workflow that makes the stack for the first time has nothing to go back to; the releases have another one.
    """
    releases = [each for each in others if each.entry.file != path.entry.file]
    apart = in_two_stacks(path)
    if apart is not None:
        yield _apart(path, apart, pipeline)
    for update in path.updates:
        action, kept = update.at.action, negated(undone(update.at))
        if not several_of_one_stack(update):
            continue
        if kept is NO and apart is None:
            yield action.passes("one-version", "CloudFormation takes back all of an update that fails.")
        elif isinstance(kept, Open):
            why = f"whether an update that fails is taken back: {kept.why}"
            yield action.undecided("one-version", why, fix=_FIX_KEPT)
        elif kept is YES and not any(_is_undone_by(each, update) for each in releases):
            what = "An update that fails part way is left so: some services run the new version, and some the old one."
            judged = action.fails("one-version", what, fix=_FIX_KEPT, related=update.services)
            yield _unless_mended(judged, path, update, pipeline)


def _apart(path: StackPath, apart: Apart, pipeline: Pipeline) -> Judgement:
    """Of services in several stacks: when one's update fails, those that were updated before stay as they are."""
    one, other = apart.before, apart.after
    what = f"When the update of {other.logical_id} fails, {one.logical_id} stays on the new version:"
    what = f"{what} CloudFormation takes back the stack that fails, and no other."
    first = path.updates[0]
    judged = first.at.action.fails("one-version", what, fix=_FIX_APART, related=(one, other))
    if isinstance(apart.both, Open):
        judged = first.at.action.undecided("one-version", apart.both.why, fix=_FIX_APART)
    return _unless_mended(judged, path, first, pipeline)


def _unless_mended(judged: Judgement, path: StackPath, update: StackUpdate, pipeline: Pipeline) -> Judgement:
    """What is judged of an update that fails, unless something takes back, or shows, what that leaves behind."""
    at, mends = mended(path, update, pipeline)
    action = update.at.action if at is None else at.action
    if mends is YES:
        return action.passes("one-version", "After a failure it takes stacks back, or shows their state.")
    if isinstance(mends, Open):
        return action.undecided("one-version", mends.why, fix=_FIX_APART)
    return judged


def _is_undone_by(path: StackPath, update: StackUpdate) -> bool:
    """Whether another workflow brings the same services, and takes back what fails."""
    wanted = {service.key for service in update.services}
    return any(undone(each.at) is YES and wanted <= {of.key for of in each.services} for each in path.updates)


def _stack_seen(pipeline: Pipeline, at: At, service: Resource, rolls: Answer) -> Judgement:
    """Whether somebody learns of the end of a stack's update, which is the roll-out of its services."""
    waits, looks = watched(at)
    sure = [each for each in waits if fails_here(each) is YES]
    if sure and not left_out(sure, at):
        return sure[0].action.passes("seen", "A stack's update that fails, fails the job.")
    if waits and not left_out(waits, at) and rolls is YES and all(fails_here(each) is NO for each in waits):
        said = "The job goes on although the stack's update has failed."
        return waits[0].action.fails("seen", said, fix=_FIX_BEGUN, related=(service,))
    if waits or looks or not at.trace.complete or may_be_watched(at.job, pipeline):
        why = "whether the end of the stack's update, which rolls its services, is waited for"
        if sure:
            why = f"{why}: {left_out(sure, at)}"
        return at.action.undecided("seen", why, fix=_FIX_BEGUN)
    if isinstance(rolls, Open):
        return at.action.undecided("seen", f"whether a service is rolled: {rolls.why}", fix=_FIX_BEGUN)
    what = "It begins the update of a stack that rolls services, and nothing waits for it: its failure is not seen."
    return at.action.fails("seen", what, fix=_FIX_BEGUN, related=(service,))


def _seen(path: DeployPath, project: Project) -> Judgement:
    """What is said of the last roll-out; where that is seen, of the first one before it that is not."""
    end = last(each.at for each in path.forward)
    judged = _seen_of(path, [each for each in path.forward if each.at == end], project)
    before = (_seen_of(path, [each], project) for each in path.forward if each.at != end)
    others = before if judged.outcome is Outcome.PASS else iter(())
    return next((each for each in others if each.outcome is not Outcome.PASS), judged)


def _seen_of(path: DeployPath, ends: Sequence[Rollout], project: Project) -> Judgement:
    end = ends[0].at
    waits = [
        wait
        for wait in path.waits()
        if (wait == end or follows(wait, end)) and all(may_be_for(wait, each) for each in ends)
    ]
    # What only waits after a failure sees no roll-out that fails.
    waits = [each for each in waits if not after_failure(each.action)]
    if not waits:
        if not path.complete:
            return end.action.undecided("seen", path.unread, fix=_FIX_SEEN)
        which = f" of {ends[0].service}" if several(path) and ends[0].service else ""
        what = f"Nothing waits for the roll-out{which} to succeed: its failure is not seen."
        return end.action.fails("seen", what, fix=_FIX_SEEN)
    # What a step that only brings services back waits for is not the roll-out.
    rolled = [each.call.step for each in ends]
    back = [each.call.step for each in path.takes_back if not any(each.call.step is step for step in rolled)]
    waits = [each for each in waits if not any(each.action.step is step for step in back)] or waits[:1]
    wait = next((each for each in waits if fails_here(each) is YES), waits[0])
    if fails_here(wait) is YES:
        environment = environment_of(path, project)
        service, comes_back = taken_back(path, environment)
        if service is not None and asks_only_for_stability(wait) and not looked_at(path, wait, environment):
            if not path.complete:
                return wait.action.undecided("seen", path.unread, fix=_FIX_TAKEN)
            if isinstance(comes_back, Open):
                why = f"whether ECS takes a failed roll-out back, so that the wait succeeds: {comes_back.why}"
                return wait.action.undecided("seen", why, fix=_FIX_TAKEN)
            what = "ECS takes a failed roll-out back, and the service is stable again: the wait succeeds."
            return wait.action.fails("seen", what, fix=_FIX_TAKEN, related=(service,))
        sure = [wait]
        if (wait != end and left_out(sure, end)) or not all(is_for(wait, each) for each in ends):
            sure = [each for each in waits if fails_here(each) is YES]  # one does not do: together they may
        if (told := _after_back(path, wait)) is not YES:
            if told is NO:
                return wait.action.fails("seen", _SAID_BACK, fix=_FIX_BACK_SEEN)
            why = f"whether the job fails once the services are brought back: {told.why}"
            return wait.action.undecided("seen", why, fix=_FIX_BACK_SEEN)
        if wait != end and (doubt := left_out(sure, end)):
            return wait.action.undecided("seen", f"whether the roll-out is waited for: {doubt}", fix=_FIX_SEEN)
        if other := next((each for each in ends if not any(is_for(one, each) for one in sure)), None):
            why = f"whether what is waited for is {other.service or 'what was rolled'}: both have their names elsewhere"
            return wait.action.undecided("seen", why, fix=_FIX_SEEN)
        return wait.action.passes("seen", "A roll-out that fails, fails the job.")
    if isinstance(wait.action, AwsCall) and wait.action.how is How.SDK_WAITER and looked_at(path, wait, None):
        # A program that passes over what its waiter raises, and asks for the state itself.
        why = "whether a roll-out that fails, fails the job: the wait may fail, and what runs is asked for after it"
        return wait.action.undecided("seen", why, fix=_FIX_TAKEN)
    return wait.action.fails("seen", "The job goes on although the roll-out has failed.", fix=_FIX_SEEN)


def _after_back(path: DeployPath, wait: At) -> Answer:
    """Whether a roll-out that failed fails the job also where its step has brought the services back."""
    here = any(each.call.step is wait.action.step and each.at.job is wait.job for each in path.takes_back)
    return wait.action.handling.ends_once if here else YES


def _dealt_with(path: DeployPath) -> Judgement:
    first = path.forward[0]
    again = next((each for each in path.takes_back if rolls_again(path, each)), None)
    if again is not None:
        why = "After a failure the services are set to the revision that was rolled, not to the one that ran before."
        return again.call.fails("one-version", why, fix=_FIX_BACK)
    backs = [each for each in path.takes_back if takes_back(path, each)]
    anyway = next((each for each in backs if runs_anyway(each)), None)
    if anyway is not None:
        why = "The trap brings the services back where all went well, too: it runs whenever the script ends."
        return anyway.call.fails("one-version", why, fix="Set the trap for ERR, or let it ask for the exit status.")
    places = {(each.call.spot, each.call.step): each for each in backs}
    comes = {place: comes_after_failure(path, each) for place, each in places.items()}
    backs = [each for each in backs if comes[each.call.spot, each.call.step] is not NO]
    answers = ((each, comes[each.call.spot, each.call.step]) for each in backs)
    chosen = [(each, answer) for each, answer in answers if isinstance(answer, Open)]
    if chosen and len(chosen) == len(backs):
        why = f"whether the services are brought back after a failure: {chosen[0][1].why}"
        return chosen[0][0].call.undecided("one-version", why, fix=_FIX_BACK)
    behind = left_behind(path, backs) if backs else []
    unseen_back = next((each for each in backs if fails_unseen(path, each)), None)
    if unseen_back is not None:
        why = "When a service cannot be brought back, nobody learns of it: its failure is swallowed."
        return unseen_back.call.fails("one-version", why, fix="Let it fail, or print which service runs what.")
    if backs and not behind:
        return backs[0].call.passes("one-version", "After a failure the services are brought back.")
    shown = shows_state(path, first)
    if shown is not None and isinstance(shown[1], Open):
        why = f"whether a failure says what each service runs: {shown[1].why}"
        return shown[0].action.undecided("one-version", why, fix=_FIX_BACK)
    if shown is not None:
        return shown[0].action.passes("one-version", "After a failure it says what each service runs, and fails.")
    if not path.complete:
        return first.call.undecided("one-version", path.unread, fix=_FIX_BACK)
    if behind:
        names = ", ".join(behind)
        why = f"After a failure {names} would be left on the new version: only other services are brought back."
        if {*behind} <= {UNNAMED, *(each.service for each in backs)}:
            why = f"Only the service that fails is brought back: {names} would be left on the new version, unsaid."
        return backs[0].call.fails("one-version", why, fix=_FIX_BACK)
    why = (
        f"{path.name} rolls several services: when one fails, the others stay on another version, and nothing says so."
    )
    return first.call.fails("one-version", why, fix=_FIX_BACK)


def check_account(account: Account, project: Project) -> Iterator[Judgement]:
    """Live: all services are there and run one commit, no roll-out failed or is stuck, and every stack is at rest."""
    for place, status in stacks(project):
        trouble = stack_trouble(status)
        if trouble is None:
            yield place.passes("stack", f"It is in {status}.")
        elif trouble.certain:
            yield place.fails("stack", trouble.what, fix=trouble.fix, actual=status)
        else:
            yield place.undecided("stack", trouble.what, fix=trouble.fix if status else _FIX_READ)
    yield from deleted(account, project)
    running = services(account, project)
    if isinstance(running, Unknown):
        for environment in project.environments:
            for sub in ("one-version", "roll-out"):
                yield environment.undecided(sub, f"what the services run: {running.why}", fix=_FIX_READ)
        return
    now = when(account.taken_at)
    for service in running:
        found = rollout_trouble(service, now)
        if not service.told:
            yield service.resource.undecided("roll-out", "what its deployments are was not read", fix=_FIX_READ)
        elif found is None:
            yield service.resource.passes("roll-out", "No deployment of it failed or is stuck.")
        elif found.certain:
            yield service.resource.fails("roll-out", f"Its deployment {found.what}.", fix=_FIX_ROLL)
        else:
            yield service.resource.undecided("roll-out", found.what, fix=_FIX_ROLL)
    yield from _versions(running, account, project)


def deleted(account: Account, project: Project) -> Iterator[Judgement]:
    """Services that were deleted by hand: ECS refuses to roll them (Amazon ECS API Reference, UpdateService)."""
    for each in services_gone(account, project):
        yield each.fails(
            "roll-out", "Its stack has it, and it is not in the account: somebody deleted it.", fix=_FIX_GONE
        )


def _versions(running: list[Service], account: Account, project: Project) -> Iterator[Judgement]:
    own, images = own_repositories(project), table(account, "images")
    held = {} if isinstance(images, Unknown) else images
    for environment in project.environments:
        commits: dict[frozenset[str], list[str]] = {}
        for service in running:
            if service.resource.environment_name == environment.name:
                for commit in service.commits(own, held):
                    commits.setdefault(commit, []).append(str(service.state.get("serviceName")))
        # An image may be that of several commits: the same content, built twice.
        shared = frozenset.intersection(*commits) if commits else frozenset()
        if commits and not shared:
            said = "; ".join(sorted(f"{', '.join(sorted(names))}: {min(each)[:12]}" for each, names in commits.items()))
            yield environment.fails("one-version", f"The services run different commits: {said}.", fix=_FIX_ROLL)
        elif commits:
            yield environment.passes("one-version", f"All services run {min(shared)[:12]}.")


RULE = Rule(
    id="W17",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether services are rolled"),
    looked_for_in_pipeline="workflow that rolls an ECS service",
    check_account=check_account,
)
