"""Which images the update of a stack brings to its services, where the pipeline pushes images for them.

Only services that nothing but their stacks bring new images to, and updates by calls of CloudFormation: what the CDK
deploys, it names itself.

Source: AWS CLI Command Reference, "cloudformation deploy": a parameter that no call gives keeps the value that it has.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Project
from checker.model.overlap import overlap
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall
from checker.model.possible import Scalar, as_text
from checker.model.resources import Resource
from checker.model.values import Absent, Parameter, ResourceKey, Text
from checker.reason.calls.rolling import of_action, rolls
from checker.reason.deploys.changes import What, changes_of
from checker.reason.deploys.paths import At, after_failure
from checker.reason.images.commit_tags import Pushed, is_released, pushed
from checker.reason.images.references import Registry, image_references, parse_image
from checker.reason.names.arns import service_names
from checker.reason.text.patterns import exact
from checker.reason.workloads.stack_paths import by_others, root_of, task_of
from checker.reason.workloads.stack_updates import updates


class Brought(Struct, frozen=True):
    """An image that a stack's update gives to a service, and whether that is the release's."""

    at: At
    service: Resource
    image: Scalar
    released: Answer


def brought_by_stacks(pipeline: Pipeline, project: Project) -> Iterator[Brought]:
    """Every own image that an update of a stack gives, or may give, to a service that nothing else rolls, and that the
    pipeline pushes."""
    rolled = [call for call in pipeline.aws_calls() if _brings_an_image(call)]
    services = [each for each in project.resources("AWS::ECS::Service") if not by_others(each)]
    services = [each for each in services if not any(_may_be_of(call, each, project) for call in rolled)]
    if not services:
        return
    images, known = _own_images(project), pushed(pipeline)
    for job in pipeline.jobs:
        trace = pipeline.trace(job)
        places = {id(action): index for index, action in enumerate(trace.actions)}
        for change in changes_of(trace):
            call = change.place
            if change.what is not What.STACK or not isinstance(call, AwsCall) or after_failure(call):
                continue
            at = At(job, trace, places[id(call)])
            for service in services:
                task = task_of(service, project)
                for repository, image in images.get(task, ()) if task is not None else ():
                    of_it = updates(at, root_of(service.stack)) if repository in known.forms else NO
                    if of_it is not NO:
                        yield Brought(at, service, image, of_it if of_it is not YES else _is_of_release(image, known))


def _brings_an_image(call: AwsCall) -> bool:
    """Whether a roll-out says itself what is to run; one that only starts a service again leaves that to its stack, and
    one after a failure takes back what the stack has brought."""
    if not rolls(call) or after_failure(call):
        return False
    told = ("taskDefinition", "cliInputJson")
    again = call.operation == "UpdateService" and call.complete and not of_action(call)
    return not (again and all(isinstance(call.argument(name), Absent) for name in told))


def _may_be_of(call: AwsCall, service: Resource, project: Project) -> bool:
    """Whether a roll-out may be of a service."""
    given = call.texts("service")
    name = exact(service_names(service, project)[1])
    return not given or any(overlap(exact(as_text(each)), name) for each in given)


def _own_images(project: Project) -> dict[ResourceKey, list[tuple[str, Scalar]]]:
    """The images in registries of one's own by the task definition, with the last part of their repositories' names."""
    found: dict[ResourceKey, list[tuple[str, Scalar]]] = {}
    for environment in project.environments:
        for each in image_references(environment):
            if each.owner.type != "AWS::ECS::TaskDefinition" or not isinstance(each.value, str | Text):
                continue
            image = parse_image(each.value, project)
            if image.registry is Registry.ECR and image.repository:
                found.setdefault(each.owner.key, []).append((image.repository.rpartition("/")[2], each.value))
    return found


def _is_of_release(image: Scalar, known: Pushed) -> Answer:
    holes = image.holes if isinstance(image, Text) else ()
    kept = next((each for each in holes if isinstance(each, Parameter)), None)
    if kept is not None:
        return Open(f"nothing that is followed gives {kept.shown}, so the stack may keep the one that it has")
    return is_released(image, known)
