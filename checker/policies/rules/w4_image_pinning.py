"""Every roll-out and one-off task runs the release's own image.

What the review found
    The deploy script forces new deployments, which pull whatever ``:latest`` points to; migrations and seeds run from
    the stack's own task definition.
What is checked
    Every call that rolls a service or runs a one-off task (``update-service``, ``run-task``, ``aws ecs deploy``,
    CodeDeploy, boto3, the ECS deploy action): the task definition that it names is followed to where it comes from, and
    has to be a revision that is registered with the image of the commit. Naming none, the family's newest, or the one
    of the stack's outputs fails. A tag with a part of the commit, or more than it, passes where images are pushed under
    tags of that form. ``github.sha`` is the commit of the branch that a person has picked: where they name the tag that
    is deployed, and the run builds no image of it, it is not the release's. The image has to go into the container that
    runs the project's own. Where nothing but an update of its stack rolls a service, by CloudFormation's own calls,
    unless after a failure, and the pipeline pushes images of that name, the image that the template gives it is looked
    at.
When it does not apply
    No roll-out and no one-off task. A roll-out that takes back after a failure: it names what ran before.
What cannot be decided
    A task definition or an image whose origin is not known before the run. A tag of another form than those that are
    pushed, where something that could not be followed may push it. What a build, a pipeline, a state machine or a
    workflow of another repository rolls, which a job starts.
Fix
    Describe the stack's task definition, set the containers' image to the commit SHA, register that, and name the
    revision's ARN in ``update-service --task-definition`` and ``run-task --task-definition``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from checker.model.answers import YES, Open
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.live.account import Account
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall
from checker.model.rules import Rule, Unseen
from checker.model.values import Absent, Unknown
from checker.model.verdicts import Outcome
from checker.reason.account.running import own_repositories, running_tasks, task_places
from checker.reason.calls.rolling import rolls
from checker.reason.deploys.code.run_commits import names_another
from checker.reason.deploys.paths import At, after_failure, once, unseen
from checker.reason.images.revisions import Release, Runs, release_of, revision_of
from checker.reason.workloads.stack_releases import Brought, brought_by_stacks

_FIX_READ: Final = "Let the audit read it: `checker permissions` prints the policy."
_FIX: Final = (
    "Register a revision with the commit's image (describe, set image, register-task-definition) and name its ARN."
)

_FIX_STACK: Final = "Give the commit for the parameter that the image's tag is taken from: ImageTag=${{ github.sha }}."


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    found = list(once(_all(pipeline, release_of(pipeline, project))))
    found += once(map(_by_stack, brought_by_stacks(pipeline, project)))
    yield from found or unseen(pipeline, None, "whether services are rolled or tasks run")


def _all(pipeline: Pipeline, release: Release) -> Iterator[Judgement]:
    for job in pipeline.jobs:
        found = list(_of_job(job, pipeline, release))
        if job.alternatives and any(each.outcome is Outcome.UNKNOWN for each in found):
            found = _by_ways(found, [each for way in job.ways for each in _of_job(way, pipeline, release)])
        yield from found


def _by_ways(whole: list[Judgement], ways: list[Judgement]) -> list[Judgement]:
    """What cannot be decided of all ways that a job can take at once, of one after another: a row of a matrix names a
    container and the image for it together."""
    told: dict[tuple[object, ...], list[Judgement]] = {}
    for each in ways:
        told.setdefault((each.place.subject, each.sub), []).append(each)
    found: list[Judgement] = []
    for each in whole:
        of_ways = told.get((each.place.subject, each.sub), [each]) if each.outcome is Outcome.UNKNOWN else [each]
        found.append(min(of_ways, key=lambda judgement: judgement.outcome.gravity))
    return found


def _of_job(job: EffectiveJob, pipeline: Pipeline, release: Release) -> Iterator[Judgement]:
    trace = pipeline.trace(job)
    for index, action in enumerate(trace.actions):
        if isinstance(action, AwsCall) and (_runs_task(action) or _rolls(action)):
            at = At(job, trace, index)
            named = names_another(at, pipeline, release.project.settings.repository)
            yield from _judged(at, action, replace(release, named=named))


def _runs_task(call: AwsCall) -> bool:
    return call.service == "ecs" and call.operation in {"RunTask", "StartTask"} and not call.waiter


def _rolls(call: AwsCall) -> bool:
    return call.service in {"ecs", "codedeploy"} and rolls(call)


def _judged(at: At, call: AwsCall, release: Release) -> Iterator[Judgement]:
    one_off = _runs_task(call)
    sub = "one-off-task" if one_off else "roll-out"
    answer = revision_of(at, call, release)
    if after_failure(call) and not one_off and not isinstance(call.argument("taskDefinition"), Absent):
        yield call.passes(sub, "It takes back to the revision that it names.")
    elif answer.runs is Runs.COMMIT:
        yield call.passes(sub, f"It names one revision: {answer.why}.")
    elif answer.runs is Runs.OPEN:
        yield call.undecided(sub, answer.why, fix=_FIX)
    else:
        what = "The one-off task" if one_off else "The roll-out"
        yield call.fails(sub, f"{what} does not run the release's image: {answer.why}.", fix=_FIX)


def _by_stack(brought: Brought) -> Judgement:
    """Of a service that its stack rolls."""
    call, name = brought.at.action, brought.service.logical_id
    if brought.released is YES:
        return call.passes("roll-out", "The stack's update brings the commit's image.")
    if isinstance(brought.released, Open):
        why = f"whether the stack's update brings {name} the release's image: {brought.released.why}"
        return call.undecided("roll-out", why, fix=_FIX_STACK)
    why = f"The stack's update brings {name} {brought.image}, which is not the image that is pushed for the commit."
    return call.fails("roll-out", why, fix=_FIX_STACK, related=(brought.service,))


def check_account(account: Account, project: Project) -> Iterator[Judgement]:
    """Live: what runs is a commit's image. A tag that a person pushed over says nothing of what it holds."""
    tasks = running_tasks(account)
    if isinstance(tasks, Unknown):
        for environment in project.environments:
            yield environment.undecided("running", f"which images run: {tasks.why}", fix=_FIX_READ)
        return
    own = own_repositories(project)
    for task, place in task_places(tasks, project):
        loose = [image for image in task.images if image.repository in own and not image.pinned]
        for image in loose:
            yield place.fails(
                "running",
                f"A running task's container {image.container} has the image tag {image.tag}, which is no commit.",
                fix=_FIX,
                actual=image.tag,
                expected="a commit's SHA, or a digest",
            )
        if task.images and not loose:
            yield place.passes("running", "Its tasks run images of commits.")


RULE = Rule(
    id="W4",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether services are rolled or tasks run"),
    looked_for_in_pipeline="roll-out of a service or one-off task",
    check_account=check_account,
)
