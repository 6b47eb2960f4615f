"""Deploy paths whose services a stack rolls: the update brings the image that this run has made.

CloudFormation replaces the task definition whose image a parameter names, and then updates the services that run it:
all that do not depend on one another at the same time. It goes on to what depends on a service once that is stable.

A path that rolls services by calls of its own too is not one of these: what its stacks' updates bring is taken over by
those calls, or is what runs already.

Sources: AWS CloudFormation User Guide, "Update behaviors of stack resources" and "DependsOn attribute" (resources that
do not depend on each other are made and updated in parallel); AWS CDK CLI reference, "cdk deploy", ``--concurrency``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, YES
from checker.model.environment_words import kind_of
from checker.model.environments import EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command
from checker.model.pipeline.workflows import Workflow
from checker.model.possible import Possible, call_behind, options, shown
from checker.model.resources import Resource, Stack
from checker.model.values import Absent, Known, ResourceKey, Text
from checker.reason.deploys.changes import Action, What, bootstraps, changes_of
from checker.reason.deploys.paths import At, DeployPath, after_failure, deploy_paths, unseen
from checker.reason.iam.deployers import same_environment
from checker.reason.images.commit_tags import is_commit, tag_of
from checker.reason.images.references import Registry, image_references, parse_image
from checker.reason.templates.order import Order, named_in
from checker.reason.workloads.cdk_deploys import IMAGE_KEY, TAG_NAME, selected, syntheses
from checker.reason.workloads.stack_updates import begins, updates

# CDK's own repository for images that it builds itself; such a tag is a hash of what is in the image.
_ASSET: Final = lazy_re.compile(r"container-assets[^:]*:[0-9a-f]{64}\b")

_FIX_UNREAD: Final = "Give the gate the templates: commit them, or synthesize before it and name the assembly."

# What is the same in every run: accounts, registries, settings of the repository.
_STEADY: Final = lazy_re.compile(r"secrets\.|\bvars\.|account|registry|repo", re.IGNORECASE)


class StackUpdate(Struct, frozen=True):
    """An update of stacks that rolls services. ``waits``: the call itself ends when the services are stable."""

    at: At
    services: tuple[Resource, ...]

    @property
    def waits(self) -> bool:
        action = self.at.action
        return not (isinstance(action, AwsCall) and begins(action)) and not action.handling.left_alone

    @property
    def concurrent(self) -> bool:
        """Whether others may roll at the same time."""
        action = self.at.action
        taken = action.handling
        return taken.background or taken.beside or (action.step is not None and action.step.step.concurrent)


class StackPath(DeployPath, frozen=True):
    """What one workflow does to one environment's services by their stacks alone."""

    updates: tuple[StackUpdate, ...] = ()

    @property
    def ends(self) -> tuple[At, ...]:
        return tuple(each.at for each in self.updates)

    @property
    def deployed_to(self) -> str:
        named = {service.environment_name for each in self.updates for service in each.services}
        return named.pop() if len(named) == 1 else self.environment

    def waits(self) -> Iterator[At]:
        yield from super().waits()
        yield from (each.at for each in self.updates if each.waits)
        for at in self.actions():
            action = at.action
            if (
                isinstance(action, AwsCall)
                and action.service == "cloudformation"
                and action.waiter.startswith("stack-")
            ):
                yield at


def stack_paths(pipeline: Pipeline, project: Project) -> tuple[StackPath, ...]:
    """Every path that rolls services by their stacks alone, in the order of the jobs."""
    return _paths(pipeline, project)


@lru_cache(maxsize=2)
def _paths(pipeline: Pipeline, project: Project) -> tuple[StackPath, ...]:
    brought = [each for each in project.resources("AWS::ECS::Service") if not by_others(each)]
    if not brought:
        return ()
    by_calls = {(path.entry.file, path.environment) for path in deploy_paths(pipeline, project)}
    found: dict[tuple[str, str], tuple[Workflow, list[StackUpdate]]] = {}
    given = _given_images(project)
    for job in pipeline.jobs:
        key = (job.entry.file, job.environment_name)
        if key in by_calls or (job.entry.file, "") in by_calls or job.runs is NO:
            continue
        for update in _updates(job, brought, given, project, pipeline):
            found.setdefault(key, (job.entry, []))[1].append(update)
    return tuple(_path(entry, name, made, pipeline, project) for (_, name), (entry, made) in found.items())


def unseen_rolls(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    """For a rule that found no roll-out to judge: what hides one. A stack whose template nobody has read may have
    services as well as not."""
    found = list(unseen(pipeline, None, "whether services are rolled"))
    yield from found
    if found or project.environments:
        return
    for job in (each for each in pipeline.jobs if each.runs is not NO):
        changes = [each for each in changes_of(pipeline.trace(job)) if each.what is What.STACK]
        if bootstraps(job, changes):
            continue
        deploys = next((each.place for each in changes if _makes_a_stack(each.place)), None)
        if deploys is not None:
            unread = "the templates of the stacks that it deploys are not among what is judged"
            yield deploys.undecided(None, f"whether services are rolled: {unread}", fix=_FIX_UNREAD)
            return


def _makes_a_stack(action: Action) -> bool:
    if isinstance(action, CdkCommand):
        return action.name in {"deploy", "watch"}
    return isinstance(action, AwsCall) and action.operation != "DeleteStack"


def _path(
    entry: Workflow, environment: str, made: list[StackUpdate], pipeline: Pipeline, project: Project
) -> StackPath:
    jobs = tuple(
        job
        for job in pipeline.jobs
        if job.entry.file == entry.file and job.environment_name in ("", environment) and job.runs is not NO
    )
    elsewhere = tuple(job for job in pipeline.elsewhere if job.entry.file == entry.file and job.runs is not NO)
    traces = tuple(pipeline.trace(job) for job in jobs)
    path = StackPath(entry, environment, EnvironmentKind.OTHER, jobs, traces, (), elsewhere, tuple(made))
    known = project.environment(path.deployed_to)
    return replace(path, kind=known.kind if known is not None else kind_of(path.deployed_to))


def by_others(service: Resource) -> bool:
    """Whether CodeDeploy or another controller rolls a service, and not its stack."""
    kind = service.get("DeploymentController.Type")
    return not isinstance(kind, Absent) and not (isinstance(kind, Known) and kind.value == "ECS")


def _given_images(project: Project) -> dict[ResourceKey, bool]:
    """The task definitions that run images of the project's own, and whether an update of the stack brings new ones by
    itself: the run gives the tag to a parameter, or the CDK builds the image."""
    found: dict[ResourceKey, bool] = {}
    for environment in project.environments:
        for reference in image_references(environment):
            value, owner = reference.value, reference.owner
            if owner.type != "AWS::ECS::TaskDefinition":
                continue
            if not isinstance(value, str | Text) or parse_image(value, project).registry is not Registry.FOREIGN:
                found.setdefault(owner.key, _is_brought(owner))
            if isinstance(value, str | Text) and (_is_commit(tag_of(value)) or _ASSET.search(shown(value))):
                found[owner.key] = True
    return found


def _is_brought(task: Resource) -> bool:
    """Whether a parameter of a task definition is given the release's version, whatever else may be given for it."""
    values = task.stack.brought
    new = {name for name, value in values.items() if _is_version(name, value)}
    return bool(new) and not new.isdisjoint(named_in(task.raw))


def _is_version(name: str, value: Text) -> bool:
    if call_behind(value) is not None and not _is_commit(value):
        return False  # an answer of AWS, such as the version that runs already
    return _is_commit(value) or bool(
        IMAGE_KEY.search(name) and any(not _STEADY.search(each.shown) for each in value.holes)
    )


def _updates(
    job: EffectiveJob, brought: list[Resource], images: Mapping[ResourceKey, bool], project: Project, pipeline: Pipeline
) -> Iterator[StackUpdate]:
    trace = pipeline.trace(job)
    places = {id(action): index for index, action in enumerate(trace.actions)}
    for change in changes_of(trace):
        action = change.place
        if change.what is not What.STACK or isinstance(action, Command) or after_failure(action):
            continue
        at = At(job, trace, places[id(action)])
        if isinstance(action, CdkCommand):
            new = _gives_an_image(at, action, pipeline)
            of = [each for each in brought if selected(root_of(each.stack), action)]
        else:
            new = False
            of = _of_the_job(job, [each for each in brought if updates(at, root_of(each.stack)) is YES])
        tasks = [(each, task_of(each, project)) for each in of]
        services = tuple(each for each, task in tasks if task is not None and task in images and (new or images[task]))
        if services:
            yield StackUpdate(at, services)


def _of_the_job(job: EffectiveJob, services: list[Resource]) -> list[Resource]:
    """Without those that another environment makes of the same template, where the job is one environment's."""
    own = [each for each in services if same_environment(each.environment_name, job.environment_name)]
    return own or services


def task_of(service: Resource, project: Project) -> ResourceKey | None:
    """The task definition that a service refers to."""
    return next((each.key for each in project.all_referred(service.get("TaskDefinition"))), None)


def root_of(stack: Stack) -> Stack:
    """The stack that a nested one is deployed with."""
    while stack.parent is not None:
        stack = stack.parent
    return stack


def _gives_an_image(at: At, deploy: CdkCommand, pipeline: Pipeline) -> bool:
    """Whether the CDK's app is given the commit as the tag of its images: by context, or by a variable called so."""
    for _, command in syntheses(at, deploy, pipeline):
        app = pipeline.apps.get(command.folder or "")
        for key, value in command.context.items():
            if IMAGE_KEY.search(key) and _is_commit(value) and (app is None or app.reads(key) is not NO):
                return True
        if any(TAG_NAME.search(name) and _is_commit(value) for name, value in command.environment.items()):
            return True
    return False


def _is_commit(value: Possible) -> bool:
    each = options(value) or ()
    return bool(each) and all(call_behind(one) is None and is_commit(one) is YES for one in each)


def at_once(update: StackUpdate, order: Order, project: Project) -> tuple[Resource, Resource] | None:
    """Two services that one update may change at the same time: neither depends on the other."""
    for one, other in combinations(update.services, 2):
        if root_of(one.stack) is root_of(other.stack):
            mine, theirs = _side_by_side(one, other, project)
            if (
                mine is None
                or theirs is None
                or not (order.comes_after(mine, theirs) or order.comes_after(theirs, mine))
            ):
                return one, other
        elif isinstance(update.at.action, CdkCommand) and _concurrency(update.at.action):
            return one, other
    return None


def _side_by_side(one: Resource, other: Resource, project: Project) -> tuple[Resource | None, Resource | None]:
    """Two resources, or the nested stacks around them, that stand in one template."""
    above = list(_and_around(other, project))
    for mine in _and_around(one, project):
        for theirs in above:
            if mine.stack is theirs.stack:
                return mine, theirs
    return None, None


def _and_around(resource: Resource, project: Project) -> Iterator[Resource]:
    yield resource
    stack = resource.stack
    while stack.parent is not None:
        name = stack.id.rpartition("/")[2]
        around = [each for each in project.resources("AWS::CloudFormation::Stack") if each.stack is stack.parent]
        yield from (each for each in around if each.logical_id == name)
        stack = stack.parent


def _concurrency(command: CdkCommand) -> bool:
    """Whether the CDK deploys several stacks at a time."""
    return options(command.options.get("concurrency", "1")) != ("1",)
