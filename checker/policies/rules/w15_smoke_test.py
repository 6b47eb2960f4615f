"""Every deploy is smoke-tested before it counts as done.

What the review found
    A deployment counts as done when ECS says so: nobody asks whether the site answers.
What is checked
    Every workflow that rolls services: after the services are stable it calls the health endpoints, tries again within
    a bound, and fails when they do not answer; and nothing marks the release as done before that, or whatever became of
    it (the release's text, a deployment's status). Which endpoints: ``/api/health`` and ``/health`` where the templates
    have both on a listener, otherwise the health paths of all target groups that listeners forward to; without
    templates, one at least. A redirect or an error counts as an answer only where nothing looks at it, and then the
    check fails nothing; nor does one that is content with 404, which anybody answers for a path that is not there. A
    client that tries again where no connection comes about, and not where it is answered 502, 503 or 504, asks once:
    that is what a load balancer says of a service that is still starting. A script that can end well without coming to
    its check (a switch, a commit's message) makes none, and one that asks another environment, the runner or a stranger
    asks for nothing of this deploy's. One that a single row of a matrix makes counts for what that row rolls, or, where
    rows run one after another, for all before.
When it does not apply
    No workflow that rolls an ECS service, by itself or by the stack whose images it sets.
What cannot be decided
    Scripts that could not be followed, and tests that come after the roll-out, or that CodeDeploy has a function make,
    which may ask anything; a URL that is not known before the run, or whose domain no template serves. A host, where no
    template and no ``environment: {url: ...}`` of the job says how what was rolled is called.
Fix
    After the roll-out, ``curl --fail --retry 10 --retry-all-errors`` each endpoint, in a step that may fail the job.
    Let what marks the release need that job.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.retrying import Retried
from checker.model.pipeline.scripts import AwsCall, Command
from checker.model.possible import Possible, options, shown
from checker.model.resources import Resource
from checker.model.rules import Rule, Unseen
from checker.model.values import ABSENT, Known, Text, Unknown, Value
from checker.reason.deploys.http_requests import Request, health_actions, requests_of
from checker.reason.deploys.paths import (
    At,
    DeployPath,
    after_failure,
    deploy_paths,
    environment_of,
    follows,
    last,
    once,
)
from checker.reason.deploys.task_ends import held_back
from checker.reason.health.hosts import elsewhere
from checker.reason.health.marks import asks_of_others, is_mark
from checker.reason.health.passed_over import condition_of, passed_over, switched
from checker.reason.health.rows import made_of_all
from checker.reason.health.testers import may_ask
from checker.reason.network.services import Forwarding, services, targets_of
from checker.reason.workloads.stack_paths import stack_paths, unseen_rolls

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob

# The two public endpoints of this system: where a load balancer has both, they stand for the whole site.
_PUBLIC: Final = frozenset({"/api/health", "/health"})
_SWITCHES: Final = lazy_re.compile(r"\b(?:vars|secrets|env|github\.event\.(?:head_commit|commits|pull_request))\.\w+")
# Rails Guides and Laravel documentation, "Health Route": /up; Dockerflow: /__heartbeat__; django-health-check: /ht/.
_HEALTH: Final = lazy_re.compile(
    r"health|ready|live|status|ping|alive|smoke|heartbeat|okcomputer|/(?:up|ok|ht|hc)/?(?:$|\?)", re.IGNORECASE
)
_FIX = "After the roll-out, curl --fail --retry 10 --retry-all-errors each health endpoint, in a step that may fail."
_FIX_FAILS = "Use curl --fail without `|| true`, or exit 1 when it stays bad."


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    paths = (*deploy_paths(pipeline, project), *stack_paths(pipeline, project))
    yield from once(judgement for path in paths for judgement in _judged(path, project, pipeline))
    if not paths:
        yield from unseen_rolls(pipeline, project)


def _judged(path: DeployPath, project: Project, pipeline: Pipeline) -> Iterator[Judgement]:
    if not path.ends:
        return
    wanted = _wanted(path, project)
    every = [*requests_of(path), *health_actions(path)]
    asked = [
        request
        for request in every
        if request.at is not None
        and not after_failure(request.at.action)
        and not _meanwhile(request)
        and _is_health(request, wanted)
        and elsewhere(request, path, project) is not YES
    ]
    rollout = last(path.ends)
    assert rollout is not None
    yield from _called(path, rollout, asked, wanted, project, _open(every), pipeline)
    after = [request for request in asked if request.at is not None and follows(request.at, rollout)]
    if after:
        yield from _how(path, rollout, after, wanted)
    yield from _marks(path, [request.at for request in after if request.at is not None])


def _wanted(path: DeployPath, project: Project) -> frozenset[str]:
    """The health paths to call; empty where no template tells, and then any will do."""
    environment = environment_of(path, project)
    found = frozenset(_served(environment)) if environment is not None else frozenset()
    return _PUBLIC if found >= _PUBLIC else found


def _served(environment: Environment) -> Iterator[str]:
    """The health paths of the target groups that the environment's listeners forward to."""
    yield from (health for _, health in _served_by(environment))


def _served_by(environment: Environment) -> Iterator[tuple[str, str]]:
    """The services behind those, by their names, each with the path; of one whose name is not known that is empty."""
    for service, _, health in _health_paths(environment):
        if isinstance(health, Known) and isinstance(health.value, str):
            name = service.get("ServiceName")
            known = name.value if isinstance(name, Known) and isinstance(name.value, str) else ""
            yield known, health.value.split("?")[0].rstrip("/") or "/"


def _health_paths(environment: Environment) -> Iterator[tuple[Resource, Resource, Value]]:
    forwarding = Forwarding(environment)
    for service in services(environment):
        for target in targets_of(environment, service.resource) or ():
            if target.group is not None and forwarding.to(target.group):
                yield service.resource, target.group, target.group.get("HealthCheckPath")


def _untold(path: DeployPath, project: Project) -> Resource | None:
    """A target group whose health path only the deployment tells."""
    environment = environment_of(path, project)
    return next(
        (
            group
            for _, group, health in (_health_paths(environment) if environment is not None else ())
            if isinstance(health, Unknown) or (isinstance(health, Known) and isinstance(health.value, Text))
        ),
        None,
    )


def _is_health(request: Request, wanted: frozenset[str]) -> bool:
    """Whether a request asks for a health endpoint, or may."""
    if request.method not in {"GET", "HEAD"}:
        return False
    paths = request.paths()
    if paths is None:
        return "github" not in shown(request.url) and bool(_HEALTH.search(shown(request.url)))
    return any(each in wanted or _HEALTH.search(each) for each in paths)


def _open(requests: Sequence[Request]) -> list[Request]:
    """Those of which nothing is known that they ask: each may be a health endpoint as well as anything else. Not where
    the same line makes requests of GitHub's API: that is its client."""
    clients = {each.at.action.spot for each in requests if each.at is not None and "/repos/" in shown(each.url)}
    return [each for each in requests if _is_open(each) and each.at and each.at.action.spot not in clients]


def _meanwhile(request: Request) -> bool:
    """Whether a request is made in the background, by a loop without an end: load for a canary, no test."""
    in_background = request.at is not None and request.at.action.handling.background
    return in_background and request.retried is Retried.FOR_EVER


def _is_open(request: Request) -> bool:
    """Whether nothing is known of what a request asks: it may be a health endpoint as well as anything else."""
    url = request.url
    asks = request.method in {"GET", "HEAD"} and request.at is not None and not after_failure(request.at.action)
    return asks and (isinstance(url, Unknown) or (isinstance(url, Text) and url.only_hole is not None))


def _called(
    path: DeployPath,
    rollout: At,
    asked: list[Request],
    wanted: frozenset[str],
    project: Project,
    open_: list[Request],
    pipeline: Pipeline,
) -> Iterator[Judgement]:
    after = [request for request in asked if request.at is not None and follows(request.at, rollout)]
    if not after:
        if not path.complete:
            yield rollout.action.undecided("called", path.unread, fix=_FIX)
            return
        later = next((job for job in path.elsewhere if job.after(rollout.job)), None) or next(
            (job for job in path.elsewhere for each in path.ends if job.after(each.job)), None
        )
        if later is not None:
            why = f"whether {later.name} calls a health endpoint: the workflow that it calls is in another repository"
            yield rollout.action.undecided("called", why, fix="Look there, and waive this with outcome: unknown.")
            return
        perhaps = next((each for each in open_ if each.at is not None and follows(each.at, rollout)), None)
        if perhaps is not None:
            why = f"whether {shown(perhaps.url)}, which {path.name} asks after the roll-out, is a health endpoint"
            yield _place(perhaps).action.undecided("called", f"{why}: only the run knows it", fix=_FIX)
            return
        tests = next((at.action for at in path.actions() if _may_test(at, rollout)), None)
        if tests is not None:
            why = f"whether the tests of `{tests.spelled}`, which come after the roll-out, ask for a health endpoint"
            yield tests.undecided("called", why, fix=_FIX)
            return
        hook = rollout.action.argument("hooks") if isinstance(rollout.action, AwsCall) else ABSENT
        if isinstance(hook, str):
            why = f"whether {hook}, which CodeDeploy has test the new tasks, calls a health endpoint"
            yield rollout.action.undecided("called", why, fix="Look there, and waive this with outcome: unknown.")
            return
        early = "Health endpoints are only called before the services are rolled." if asked else ""
        why = early or f"Nothing calls a health endpoint after {path.name} rolls the services: it is done unseen."
        yield rollout.action.fails("called", why, fix=_FIX, expected=", ".join(sorted(wanted)) or "a health call")
        return
    known = [request.paths() for request in after]
    called = {each for paths in known for each in paths or ()}
    missing = sorted(wanted - called)
    place = _place(after[0])
    other_row = next((name for name in wanted if _in_another_row(path, after, name, project, pipeline)), None)
    doubt = _doubt(path, after, project, pipeline) if not missing else None
    if other_row is not None and not missing:
        why = (
            f"{other_row} is asked in one row of the matrix, and what answers it is rolled in another, at its own time."
        )
        yield place.action.fails("called", why, fix="Ask in a job that needs this one, or in the row that rolls it.")
    elif doubt is not None:
        yield place.action.undecided(
            "called",
            f"whether it is called: {doubt}",
            fix="Call it whatever is set; a roll-out without it is not done.",
        )
    elif not missing and (group := _untold(path, project)) is not None:
        why = f"whether the health path of {group.logical_id} is called: only the deployment tells it"
        yield place.action.undecided("called", why, fix=_FIX)
    elif not missing:
        yield place.action.passes("called", f"Calls {', '.join(sorted(called & wanted or called)) or 'a URL'}.")
    elif any(paths is None for paths in known) or not path.complete:
        yield place.action.undecided("called", f"whether {', '.join(missing)} is called: a URL is not known", fix=_FIX)
    else:
        why = f"{path.name} never calls {', '.join(missing)} after the roll-out."
        yield place.action.fails(
            "called", why, fix=_FIX, expected=", ".join(sorted(wanted)), actual=", ".join(sorted(called))
        )


def _may_test(at: At, rollout: At) -> bool:
    """Whether tests are run after the roll-out that may ask whether the site answers."""
    action = at.action
    return isinstance(action, Command) and follows(at, rollout) and not after_failure(action) and may_ask(action)


def _rows(path: DeployPath, at: At, name: str, project: Project, pipeline: Pipeline) -> Answer:
    environment = environment_of(path, project)
    serving = {each for each, health in _served_by(environment) if health == name} if environment is not None else set()
    return made_of_all(at, [each for each in path.ends if follows(at, each)], serving, pipeline)


def _in_another_row(path: DeployPath, after: list[Request], name: str, project: Project, pipeline: Pipeline) -> bool:
    """Whether a health path is only asked in rows of a matrix that surely do not roll what answers it."""
    places = [_place(each) for each in after if name in (each.paths() or ())]
    return bool(places) and all(_rows(path, each, name, project, pipeline) is NO for each in places)


def _doubt(path: DeployPath, after: list[Request], project: Project, pipeline: Pipeline) -> str | None:
    """What may keep it from calling a health endpoint that it calls in one place only."""
    switch = _switch(after)
    if switch is not None:
        return f"that depends on {switch}, which nobody in the repository sets"
    by_path: dict[str, list[At]] = {}
    for request in after:
        for each in request.paths() or ("",):
            by_path.setdefault(each, []).append(_place(request))
    # What is under a condition may be under the same one as the roll-out.
    rolled = path.ends
    for name, places in by_path.items():
        answers = [elsewhere(each, path, project) for each in after if name in (each.paths() or ("",))]
        strange = [each.why for each in answers if isinstance(each, Open)]
        if strange and len(strange) == len(answers):
            return f"of {name or 'its URL'} {strange[0]}"
        if any(_rows(path, each, name, project, pipeline) is YES for each in places):
            continue
        conditions = [condition_of(each, rolled) for each in places]
        if all(conditions):
            return f"that of {name or 'its URL'} is only made if `{conditions[0]}`"
        if len({each.action.spot for each in places}) > 1 or all(switched(each, places[0]) for each in rolled):
            continue  # one in each branch
        # Where its failure ends in success too, that is what is wrong.
        where = passed_over(places[0]) if all(each.fails for each in after if _place(each) in places) else None
        if where is not None:
            return f"the script can end well without the call of {name or 'its URL'} in {where.file}:{where.line}"
    return None


def _switch(after: list[Request]) -> str | None:
    """What switches every one of the calls off, where a variable or a secret of the repository does."""
    found = [
        _SWITCHES.search(" ".join(each.at.action.step.conditions)) for each in after if each.at and each.at.action.step
    ]
    return found[0][0] if found and found[0] is not None and all(found) else None


def _place(request: Request) -> At:
    assert request.at is not None
    return request.at


def _told(url: Possible) -> str:
    """An address for a message: of those that it may be, one."""
    first, *others = options(url) or (url,)
    return f"{shown(first)} (or {len(others)} more)" if others else shown(first)


def _how(path: DeployPath, rollout: At, after: list[Request], wanted: frozenset[str]) -> Iterator[Judgement]:
    chosen = [request for request in after if not wanted or set(request.paths() or wanted) & wanted] or after
    for request in chosen:
        at = _place(request)
        url = _told(request.url)
        if request.doubt:
            why = f"whether the job fails when {url} answers with an error: {request.doubt}"
            yield at.action.undecided("fails", why, fix=_FIX_FAILS)
        elif request.fails:
            yield at.action.passes("fails", "The job fails when it does not answer.")
        else:
            why = f"What {url} answers is not looked at, or its failure does not fail the job."
            yield at.action.fails("fails", why, fix=_FIX_FAILS)
        if request.retried is Retried.BOUNDED:
            yield at.action.passes("retries", "Tried again, within a bound.")
        elif request.retried is Retried.UNTOLD:
            yield at.action.undecided("retries", f"whether {url} is asked again: its client's settings are not known")
        else:
            so = "fails the deploy" if request.fails else "does not answer yet"
            why = f"{url} is asked once: a service that is still starting {so}."
            if request.retried is Retried.FOR_EVER:
                why = f"{url} is asked for ever: a deploy that is broken hangs until the job's own timeout."
            yield at.action.fails("retries", why, fix="curl --retry 10 --retry-all-errors, or a loop that counts.")
    stable = [wait for wait in path.waits() if wait.job is rollout.job or follows(wait, rollout)]
    stable = [wait for wait in stable if not after_failure(wait.action)]  # of what is brought back
    first = _place(chosen[0])
    if any(wait == rollout or (not follows(rollout, wait) and follows(first, wait)) for wait in stable):
        yield first.action.passes("after-stable", "Called once the services are stable.")
    elif not path.complete:
        yield first.action.undecided("after-stable", path.unread)
    else:
        yield first.action.fails(
            "after-stable",
            "Nothing waits for the services to be stable before this: the old tasks answer.",
            fix="aws ecs wait services-stable, before the health check.",
        )


def _marks(path: DeployPath, checks: list[At]) -> Iterator[Judgement]:
    """What says that a release is done comes after a health check."""
    for at in path.actions():
        if not isinstance(at.action, Command) or at.action.reached.on_failure or not is_mark(at.action):
            continue
        before = [check for check in checks if follows(at, check)]
        if any(check.job is at.job or held_back(at.job, _ids(check.job.chain)) for check in before) or (
            before and asks_of_others(at.action)
        ):
            yield at.action.passes("before-done", "Marked as done after the health check.")
        elif before:
            why = (
                "The release is marked as done whatever the health check said: this job's `if` runs it after a failure."
            )
            yield at.action.fails("before-done", why, fix="Ask in its `if` that the job succeeded that checks health.")
        else:
            why = "The release is marked as done, and no health check has passed before."
            yield at.action.fails("before-done", why, fix="Let this job need the one that checks health.")


def _ids(jobs: Iterable[EffectiveJob]) -> frozenset[int]:
    return frozenset(id(each) for each in jobs)


RULE = Rule(
    id="W15",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether services are rolled"),
    looked_for_in_pipeline="workflow that rolls an ECS service",
)
