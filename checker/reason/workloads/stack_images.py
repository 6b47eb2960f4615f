"""Updates of stacks by CloudFormation's own commands, and the images that they bring to services of the pipeline's.

A service whose revisions the pipeline registers runs what its last roll-out named. An update of its stack that changes
the task definition registers a revision with the template's image: a service that names the stack's revision is rolled
to it at once, one that names the family with its next deployment, whoever starts that.

Sources: AWS CloudFormation Template Reference, ``AWS::ECS::TaskDefinition`` (an update replaces it) and
``AWS::ECS::Service``, ``TaskDefinition`` ("if a revision isn't specified, the latest ACTIVE revision is used"); AWS CLI
Command Reference, "cloudformation deploy".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open, every, negated, yes_if
from checker.model.environments import Project
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall
from checker.model.possible import call_behind
from checker.model.resources import Resource, Stack
from checker.model.values import Attribute, Known, Reference, ResourceKey, Text
from checker.reason.deploys.changes import What, changes_of
from checker.reason.deploys.paths import At, after_failure, deploy_paths
from checker.reason.images.commit_tags import is_commit_of_run
from checker.reason.images.references import SHA, Registry, image_references, parse_image
from checker.reason.workloads.set_by_pipeline import images_set
from checker.reason.workloads.stack_updates import made_by, updates

_UPDATES: Final = frozenset({"deploy", "UpdateStack", "ExecuteChangeSet"})  # CreateStack fails where there is one
_DEFINITION: Final = "AWS::ECS::TaskDefinition"


class Brought(Struct, frozen=True):
    """What an update of a stack puts in the place of a released image of one service."""

    at: At
    service: Resource
    released: AwsCall  # the roll-out that sets the service's image
    stack: Answer  # whether it updates the service's stack
    image: Answer  # whether the image is the release's, or cannot be another
    tag: str  # of the image that it is not
    rolled_after: Answer  # whether the same workflow surely gives the service the release's image afterwards

    @property
    def taken_back(self) -> Answer:
        """Whether the service surely comes to run what the template has, once the update changes the task."""
        if self.image is not NO:
            return NO
        kept = self.rolled_after if self.of_family else NO
        return every((self.stack, negated(kept)))

    @property
    def of_family(self) -> bool:
        """Whether the service names its task definition's family: the update by itself does not roll it."""
        value = self.service.get("TaskDefinition")
        if not isinstance(value, Known):
            return False
        if isinstance(value.value, Text):
            holes = value.value.holes
            return any(isinstance(hole, Reference) for hole in holes) and not any(
                isinstance(hole, Attribute) and hole.name in ("", "TaskDefinitionArn") for hole in holes
            )
        return isinstance(value.value, str) and not value.value.rpartition(":")[2].isdigit()


def brought(pipeline: Pipeline, project: Project) -> Iterator[Brought]:
    """Each update of a stack whose services the pipeline rolls by revisions of its own, with each of these services."""
    released = [(service, call) for service, call in images_set(pipeline, project) if not _by_others(service)]
    images = _images(project) if released else {}
    for job in pipeline.jobs if released else ():
        trace = pipeline.trace(job)
        places = {id(action): index for index, action in enumerate(trace.actions)}
        for change in changes_of(trace):
            call = change.place
            if change.what is not What.STACK or not isinstance(call, AwsCall) or call.operation not in _UPDATES:
                continue
            at = At(job, trace, places[id(call)])
            if after_failure(call) or made_by(at).argument("changesettype") == "CREATE":
                continue
            own = project.environment(job.environment_name)
            for service, rollout in released:
                if own is not None and own.name != service.environment_name:
                    continue  # the same template, as another environment's stack
                stack = _root(service.stack)
                answer = _updates(at, stack, project)
                image = images.get(task.key) if (task := _task(service, project)) is not None else None
                if answer is not NO and image is not None:
                    again = _rolled_after(at, service, pipeline, project)
                    yield Brought(at, service, rollout, answer, *image, again)


def _by_others(service: Resource) -> bool:
    kind = service.get("DeploymentController.Type")
    return isinstance(kind, Known) and kind.value in ("CODE_DEPLOY", "EXTERNAL")


def _updates(at: At, stack: Stack, project: Project) -> Answer:
    """Whether a call updates a stack. Where only its name leaves that open, another template tells that it does not."""
    answer = updates(at, stack)
    if not isinstance(answer, Open):
        return answer
    others = [each for each in project.stacks if each.parent is None and each is not stack]
    return NO if any(each.source.file != stack.source.file and updates(at, each) is YES for each in others) else answer


def _task(service: Resource, project: Project) -> Resource | None:
    """The task definition that a service names: by a reference, or by the family's name."""
    value = service.get("TaskDefinition")
    found = next((each for each in project.all_referred(value) if each.type == _DEFINITION), None)
    if found is not None or not isinstance(value, Known) or not isinstance(value.value, str):
        return found
    for each in project.resources(_DEFINITION):
        family = each.get("Family")
        if each.environment_name == service.environment_name and family == Known(value.value):
            return each
    return None


def _images(project: Project) -> Mapping[ResourceKey, tuple[Answer, str]]:
    """Of the task definitions that run images of our own whether all of these are the release's, and one tag that is
    not."""
    found: dict[ResourceKey, list[tuple[Answer, str]]] = {}
    for environment in project.environments:
        for reference in image_references(environment):
            if reference.owner.type == _DEFINITION:
                value = reference.value
                if isinstance(value, str | Text) and parse_image(value, project).registry is Registry.FOREIGN:
                    continue  # somebody else's release, which no deploy of ours brings back
                found.setdefault(reference.owner.key, []).append(_is_released(value, project))
    return {
        key: (every(answer for answer, _ in each), next((tag for answer, tag in each if answer is NO), ""))
        for key, each in found.items()
    }


def _is_released(value: object, project: Project) -> tuple[Answer, str]:
    if not isinstance(value, str | Text):
        return Open("which image the template has"), ""
    image = parse_image(value, project)
    origin = call_behind(value) if isinstance(value, Text) else None
    if image.by_digest or (origin is not None and origin.service == "ecs"):
        return YES, ""
    if isinstance(value, Text) and is_commit_of_run(value):
        return YES, ""
    if not isinstance(image.tag, str):
        return Open(f"which image the template has then: {image.tag.why}"), ""
    return (YES, "") if SHA.fullmatch(image.tag) else (NO, image.tag)


def _rolled_after(at: At, service: Resource, pipeline: Pipeline, project: Project) -> Answer:
    """Whether a roll-out that gives the service an image of the release surely comes after ``at`` in its workflow."""
    found: Answer = NO
    for path in deploy_paths(pipeline, project):
        for rollout in path.forward if path.entry is at.job.entry else ():
            later = rollout.at.index > at.index if rollout.at.job is at.job else rollout.at.job.after(at.job)
            means = _means(rollout.service, service) if later and rollout.call.certain_in_job else NO
            if means is YES:
                return YES
            found = found if means is NO else means
    return found


def _means(named: str | None, service: Resource) -> Answer:
    value = service.get("ServiceName")
    own = value.value if isinstance(value, Known) else None
    if named is None or not isinstance(own, str):
        return Open(f"whether the roll-out after it is of {service.logical_id}")
    return yes_if(own == named)


def _root(stack: Stack) -> Stack:
    while stack.parent is not None:
        stack = stack.parent
    return stack
