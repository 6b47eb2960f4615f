"""What of the templates' ECS services the pipeline sets by itself: the revision that runs, and how many tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from checker.model.environments import Environment, Project
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, plain_name
from checker.model.possible import call_behind, options
from checker.model.resources import Resource
from checker.model.values import Absent, Known
from checker.reason.calls.rolling import of_action
from checker.reason.deploys.paths import deploy_paths, environment_of

# A revision that is read from the stack is the template's own.
_FROM_STACK = frozenset({"describestacks", "listexports", "describestackresource", "describestackresources"})


def images_set(pipeline: Pipeline, project: Project) -> Iterator[tuple[Resource, AwsCall]]:
    """The services that a roll-out gives a revision which is not the stack's own, with the call that does."""
    yield from _services(pipeline, project, _names_a_revision)


def counts_set(pipeline: Pipeline, project: Project) -> Iterator[tuple[Resource, AwsCall]]:
    """The services whose count the pipeline sets."""
    yield from _services(pipeline, project, lambda call: not isinstance(call.argument("desiredCount"), Absent))


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
