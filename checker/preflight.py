"""What must hold in an account before a deploy starts: the least that would make it fail, in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from checker import waivers
from checker.audit import live_of
from checker.collect import repository
from checker.collect.config.register import load_register
from checker.judge import judge
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.live.account import Account
from checker.model.live.snapshot import Snapshot
from checker.model.rules import Rule
from checker.model.values import Unknown
from checker.model.verdicts import Coverage, Outcome, ProjectSummary, Run, Surface
from checker.model.worlds import Budget, World
from checker.policies.rules import w14_alarm_false_positives, w17_partial_deploy
from checker.reason.account.facts import table, texts
from checker.reason.account.running import Service, running_tasks, services, task_places
from checker.reason.account.stack_states import stack_trouble
from checker.reason.account.state import is_behind, stacks
from checker.reason.facts import drawn_of
from checker.run.account import of_nobody, unread_of
from checker.run.narrowed import not_asked_for, notes_of, without

if TYPE_CHECKING:
    from checker.run.request import Request

_READ: Final = "Let the role read it: `checker permissions` prints the policy."
_WAIT: Final = "Wait until it has ended, then deploy."


def preflight(request: Request, snapshot: Snapshot, *, image_tag: str = "") -> Run:
    """Judge whether a deploy may start now. ``image_tag``: the release's, which every repository must hold."""
    register = load_register()
    live = live_of(request, snapshot)
    others = not_asked_for(live.kinds, request.environments)
    rules = [
        Rule(id="W14", looked_for="deployment alarm", check_account=w14_alarm_false_positives.before_a_deploy),
        Rule(id="W16", looked_for="cluster", check_account=_no_migration),
        Rule(id="W17", looked_for="stack or service", check_account=_at_rest),
    ]
    if image_tag:
        rules.append(Rule(id="W4", looked_for="image repository", check_account=_has_images(image_tag)))
    verdicts = judge(
        [World()], [live.project], rules, register.findings, Budget(), seconds=request.settings.rule_seconds
    )
    verdicts, statuses = waivers.apply(verdicts, request.waivers, request.today)
    judged = {verdict.finding for verdict in verdicts}
    environments = tuple(name for name in live.kinds if name not in others)
    coverage = Coverage(
        judged=tuple(finding for finding in register.entries if finding in judged),
        surfaces={Surface.ACCOUNT.value: f"account {snapshot.account}, {snapshot.region}: what a deploy needs"},
        unread=(*unread_of(snapshot), *of_nobody(snapshot, environments)),
        notes=(*live.notes, *notes_of(others, verdicts)),
    )
    summary = ProjectSummary(
        repository=request.settings.repository or repository.slug(request.project),
        commit=repository.commit(request.project),
    )
    told = tuple(each for each in statuses if each.finding.split("[", 1)[0] in judged)
    shown = without(others, request.environments, verdicts)
    run = Run("preflight", summary, environments, shown, coverage, register.findings, told)
    if not request.with_facts:
        return run
    from checker.run.judging import with_facts

    return with_facts(run, drawn_of(live.project, None), request.project)


def settled(first: Run, again: Callable[[], Run]) -> Run:
    """One stale read is no failure: what fails is looked at a second time, and only what fails twice does.

    The ECS API is eventually consistent (Amazon ECS API Reference, RunTask, DescribeTasks). ``again`` reads anew.
    """
    bad = {each.identity for each in first.verdicts if each.outcome is Outcome.FAIL}
    if not bad:
        return first
    second = again()
    verdicts = tuple(
        each
        if each.outcome is not Outcome.FAIL or each.identity in bad
        else replace(each, outcome=Outcome.UNKNOWN, violation=f"It changed while it was looked at: {each.violation}")
        for each in second.verdicts
    )
    return replace(second, verdicts=verdicts)


def _no_migration(account: Account, project: Project) -> Iterator[Judgement]:
    tasks = running_tasks(account)
    if isinstance(tasks, Unknown):
        for environment in project.environments:
            yield environment.undecided("idle", f"whether a migration runs: {tasks.why}", fix=_READ)
        return
    busy = set()
    for task, place in task_places([each for each in tasks if each.migrates], project):
        busy.add(place.environment_name)
        yield place.fails("idle", f"A migration runs: a task of {task.family}.", fix=_WAIT)
    for environment in project.environments:
        if environment.name not in busy and any(environment.resources("AWS::ECS::Cluster")):
            yield environment.passes("idle", "No migration runs.")


def _at_rest(account: Account, project: Project) -> Iterator[Judgement]:
    for place, status in stacks(project):
        trouble = stack_trouble(status)
        if trouble is None:
            yield place.passes("stack", status)
        elif trouble.certain:
            yield place.fails("stack", trouble.what, fix=trouble.fix, actual=status)
        else:
            yield place.undecided("stack", trouble.what, fix=trouble.fix if status else _READ)
    yield from w17_partial_deploy.deleted(account, project)
    running = services(account, project)
    if isinstance(running, Unknown):
        for environment in project.environments:
            yield environment.undecided("roll-out", f"whether something is being rolled: {running.why}", fix=_READ)
        return
    for service in running:
        busy = _busy(service)
        if not service.told:
            yield service.resource.undecided("roll-out", "whether it is being rolled: it was not read", fix=_READ)
        elif busy:
            yield service.resource.fails("roll-out", busy, fix=_WAIT)
        else:
            yield service.resource.passes("roll-out", "Nothing is being rolled.")


def _busy(service: Service) -> str:
    # One that is being deleted cannot be updated (Amazon ECS API Reference, UpdateService: ServiceNotActiveException).
    if service.state.get("status") in ("DRAINING", "INACTIVE"):
        return f"It is {service.state['status']}: somebody deleted it."
    for each in service.deployments:
        if each.get("rolloutState") in ("IN_PROGRESS", "FAILED") and each.get("status") != "INACTIVE":
            return f"Its deployment {each.get('id')} is {each.get('rolloutState')}."
        # ECS tells the state of a rolling update alone (Amazon ECS API Reference, Deployment).
        if each.get("rolloutState") is None and is_behind(each):
            return f"Its deployment {each.get('id')} runs fewer tasks than it should."
    return ""


def _has_images(tag: str) -> Callable[[Account, Project], Iterator[Judgement]]:
    def check(account: Account, project: Project) -> Iterator[Judgement]:
        images = table(account, "images")
        for each in project.resources("AWS::ECR::Repository"):
            held = images if isinstance(images, Unknown) else images.get(each.physical_id or "")
            if isinstance(held, Unknown) or not isinstance(held, list):
                why = held.why if isinstance(held, Unknown) else "its images were not read"
                yield each.undecided("release-images", f"whether it holds {tag}: {why}", fix=_READ)
            elif any(tag in texts(image.get("tags")) for image in held if isinstance(image, dict)):
                yield each.passes("release-images", f"It holds {tag}.")
            else:
                yield each.fails(
                    "release-images",
                    f"It holds no image with the tag {tag}.",
                    fix="Build and push the release's images first, or deploy a commit whose images exist.",
                )

    return check
