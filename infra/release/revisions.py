"""Task definition revisions pinned to a commit.

What a task is told, may do and weighs comes from the stack, whose outputs name a revision of each task. A release
changes one thing in it, the image's tag, to the full commit SHA. The stack's own revision is never rolled out: at
bootstrap its image is a placeholder, and afterwards the commit that ran before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from infra import naming
from infra.release.errors import FailedError

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient

_SET_BY_ECS: Final = frozenset({"compatibilities"})
"""Answered and accepted under another name (`requiresCompatibilities`)."""


def image_tag(image: str) -> str:
    """The tag of an image reference; the digest, with its `@`, if it has one; empty if it has neither."""
    last = image.rpartition("/")[2]
    if "@" in last:
        return "@" + last.partition("@")[2]
    return last.partition(":")[2]


def retagged(image: str, tag: str) -> str:
    """The same image reference, at another tag."""
    registry, slash, last = image.rpartition("/")
    return f"{registry}{slash}{last.partition('@')[0].partition(':')[0]}:{tag}"


def running_tag(ecs: ECSClient, task_definition: str, task: str) -> str:
    """The tag that the main container of a revision runs."""
    definition = ecs.describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
    return image_tag(_container(definition, task)["image"])


def number(arn: str) -> str:
    """The revision's number, of its ARN."""
    return arn.rpartition(":")[2]


def pin(ecs: ECSClient, *, base: str, family: str, task: str, sha: str) -> str:
    """The ARN of a revision that is `base` with the image of a commit.

    The newest revision of the family is used again if it is just that, so a repeated command adds nothing. Not the
    stack's own: what is brought back from is deregistered, and that one is not ours to deregister.
    """
    wanted = _pinned(ecs, base, task, sha)
    newest = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    ours = newest["taskDefinitionArn"] != base and newest["status"] == "ACTIVE"
    if ours and _comparable(_registrable(ecs, newest)) == _comparable(wanted):
        return newest["taskDefinitionArn"]
    return ecs.register_task_definition(**wanted)["taskDefinition"]["taskDefinitionArn"]


def drop(ecs: ECSClient, task_definition: str) -> None:
    """Deregister a revision that a release was brought back from.

    The stack's services name their family, which is its newest active revision: that must not be one that failed.
    """
    ecs.deregister_task_definition(taskDefinition=task_definition)


def _comparable(value: Any) -> Any:
    """A definition in one spelling: ECS does not promise the order of variables, and fills in a container's CPU."""
    match value:
        case dict():
            defaults = {"cpu": 0} if "image" in value else {}
            return {**defaults, **{name: _comparable(item) for name, item in value.items()}}
        case list() if all(isinstance(item, dict) and "name" in item for item in value):
            return sorted((_comparable(item) for item in value), key=lambda item: str(item["name"]))
        case list():
            return [_comparable(item) for item in value]
        case _:
            return value


def _pinned(ecs: ECSClient, base: str, task: str, sha: str) -> dict[str, Any]:
    definition = _registrable(ecs, ecs.describe_task_definition(taskDefinition=base)["taskDefinition"])
    container = _container(definition, task)
    containers = [
        {**each, "image": retagged(each["image"], sha)} if each is container else each
        for each in definition["containerDefinitions"]
    ]
    return {**definition, "containerDefinitions": containers}


def _container(definition: Mapping[str, Any], task: str) -> Mapping[str, Any]:
    """The container that runs the release's image; any other (a side-car) is not ours to change."""
    repository = naming.repository(naming.image_of(task))
    for container in definition["containerDefinitions"]:
        if container["name"] == task and f"/{repository}" in container["image"]:
            return container  # type: ignore[no-any-return]
    raise FailedError(
        f"{definition.get('family')} has no container {task} with an image of {repository}",
        fix="Deploy the stack from this commit first.",
    )


def _registrable(ecs: ECSClient, definition: Mapping[str, Any]) -> dict[str, Any]:
    """All of a revision that can be registered again, by the SDK's own model of the call: nothing is left behind."""
    call = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape
    accepted = frozenset(call.members) if call else frozenset()
    return {
        name: value
        for name, value in definition.items()
        if name in accepted and name not in _SET_BY_ECS and value not in (None, "")
    }
