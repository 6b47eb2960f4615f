"""What of the templates' ECS services the pipeline sets by itself: the revision that runs, and how many tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from checker.model.environment_words import UNNAMED
from checker.model.environments import Environment, Project
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, plain_name
from checker.model.possible import call_behind, options
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Unknown
from checker.reason.calls.rolling import of_action
from checker.reason.deploys.paths import deploy_paths, environment_of
from checker.reason.iam.deployers import same_environment

# A revision that is read from the stack is the template's own.
_FROM_STACK = frozenset({"describestacks", "listexports", "describestackresource", "describestackresources"})


def images_set(pipeline: Pipeline, project: Project) -> Iterator[tuple[Resource, AwsCall]]:
    """The services that a roll-out gives a revision which is not the stack's own, with the call that does."""
    yield from _services(pipeline, project, _names_a_revision)


def counts_set(pipeline: Pipeline, project: Project) -> Iterator[tuple[Resource, AwsCall]]:
    """The services whose count the pipeline sets: by a call that rolls nothing too, or by registering it to be scaled
    (Application Auto Scaling API Reference, ``RegisterScalableTarget``)."""
    rolled = list(_services(pipeline, project, lambda call: not isinstance(call.argument("desiredCount"), Absent)))
    yield from rolled
    seen = {id(service) for service, _ in rolled}
    for job in pipeline.jobs:
        # Where nothing tells the environment, it may be any of several.
        named = job.environment_name
        own = [each for each in project.environments if each.name == UNNAMED or same_environment(each.name, named)]
        own = own or (list(project.environments) if not named else [])
        for call in pipeline.trace(job).aws if len(own) == 1 else ():
            if (name := _counted(call)) is not None:
                for service in _called(own[0], name or None):
                    if id(service) not in seen:
                        seen.add(id(service))
                        yield service, call


def _counted(call: AwsCall) -> str | None:
    """The service whose count a call sets, empty where its name is not known; ``None`` where it sets none."""
    if (call.service, call.operation) == ("ecs", "UpdateService"):
        named = call.text("service") if not isinstance(call.argument("desiredCount"), Absent) else None
    elif (call.service, call.operation) == ("application-autoscaling", "RegisterScalableTarget"):
        scaled = call.text("scalableDimension")
        named = call.text("resourceId") if scaled == "ecs:service:DesiredCount" else None
    else:
        return None
    if named is None or isinstance(named, Absent):
        return None
    each = options(named) if not isinstance(named, Unknown) else None
    return str(each[0]).rpartition("/")[2] if each and len(each) == 1 and isinstance(each[0], str) else ""


def _names_a_revision(call: AwsCall) -> bool:
    if of_action(call):
        return True
    value = call.text("taskDefinition")
    if isinstance(value, Absent):
        return False
    origins = [call_behind(option) for option in options(value) or ()]
    return not any(origin is not None and plain_name(origin.operation) in _FROM_STACK for origin in origins)


def _services(
    pipeline: Pipeline, project: Project, does: Callable[[AwsCall], bool]
) -> Iterator[tuple[Resource, AwsCall]]:
    seen: set[int] = set()
    for path in deploy_paths(pipeline, project):
        environment = environment_of(path, project)
        if environment is None:
            continue
        for rollout in path.rollouts:
            if does(rollout.call):
                for service in _called(environment, rollout.service):
                    if id(service) not in seen:
                        seen.add(id(service))
                        yield service, rollout.call


def _called(environment: Environment, name: str | None) -> Iterator[Resource]:
    """The services that a call may mean: that of the name, or each where the name is not known."""
    for service in environment.resources("AWS::ECS::Service"):
        value = service.get("ServiceName")
        own = value.value if isinstance(value, Known) else None
        if name is None or own == name or not isinstance(own, str):
            yield service
