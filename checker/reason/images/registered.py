"""The images of a task definition that is registered: as arguments of the call, or in the text that it is given; and
what a stack registers of the same family, and whose its containers are.

Source: CloudFormation Template Reference, ``AWS::ECS::TaskDefinition``: an update replaces it, which registers a new
revision of its ``Family``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from checker import lazy_re
from checker.model.environments import Project
from checker.model.pipeline.python import AT, NAMED, NOT_NAMED
from checker.model.pipeline.scripts import Argument, AwsCall
from checker.model.possible import Possible
from checker.model.values import Absent, Known, Resolved, Text, Unknown, as_list
from checker.reason.deploys.changes import What, changes_of
from checker.reason.deploys.paths import At, after_failure
from checker.reason.images.commit_tags import is_commit_of_run
from checker.reason.images.references import ParsedImage, Registry, image_references, parse_image
from checker.reason.images.replaced import Replaced, marked, unmarked


def containers_in(value: Argument | Absent) -> Iterator[Replaced]:
    """What code sets in containers that it has picked from a list that AWS has answered."""
    if isinstance(value, tuple):
        for each in value:
            yield from containers_in(each)
    elif isinstance(value, Mapping):
        image, at = value.get("image"), value.get(AT)
        named, not_named = value.get(NAMED), value.get(NOT_NAMED)
        if image is None or isinstance(image, tuple | Mapping):
            return
        if isinstance(named, str) or isinstance(at, int):
            yield Replaced(image, named if isinstance(named, str) else at if isinstance(at, int) else None)
        elif isinstance(not_named, str):
            yield Replaced(image, not_named, others=True)


def containers_of(definition: str | Text) -> Iterator[Replaced]:
    """The containers of a task definition that is written out, with their names; none where it is no JSON."""
    found = marked(definition)
    try:
        read = json.loads(found[0]) if found is not None else None
    except (ValueError, RecursionError):
        return
    pending = [read]
    while pending:
        each = pending.pop()
        name, image = (each.get("name"), each.get("image")) if isinstance(each, dict) else (None, None)
        if isinstance(name, str) and isinstance(image, str) and found is not None:
            yield Replaced(unmarked(image, found[1]), name)
        elif isinstance(each, dict):  # what the render action made of what it had made before stands within
            pending += as_list(each.get("containerDefinitions"))


def registered_images(call: AwsCall) -> Iterator[Possible]:
    """Every image of a ``RegisterTaskDefinition``, as far as it stands in the call or in the file that it names."""
    yield from images_in(call.argument("containerDefinitions"))
    given = call.argument("cliInputJson")
    if isinstance(given, str | Text):
        yield from images_in(given)


def images_in(value: Argument | Absent) -> Iterator[Possible]:
    """The images that an argument holds, or a text of it."""
    if isinstance(value, Mapping):
        image = value.get("image")
        if image is not None and not isinstance(image, tuple | Mapping):
            yield image
    elif isinstance(value, tuple):
        for each in value:
            yield from images_in(each)
    elif isinstance(value, str | Text):
        yield from _written(value)


_IMAGE: Final = lazy_re.compile(r'"?image"?\s*[:=]\s*"?([^"\s,}]*)')


def _written(value: str | Text) -> Iterator[Possible]:
    """The images in a text such as JSON's; no character of what a hole is called ends one."""
    found = marked(value)
    if found is None:
        yield Unknown("its text is too long, or has letters of nobody's")
        return
    line, holes = found
    for each in _IMAGE.finditer(line):
        yield unmarked(each[1], holes)


def stack_between(registered: At, then: At, family: str, project: Project) -> AwsCall | None:
    """An update of a stack by CloudFormation's own commands between a registration and another action of its job, where
    a template has the family with an image of its own, which is no commit's."""
    if not _has_own_image(family, project):
        return None
    between = {id(each): each for each in registered.trace.actions[registered.index + 1 : then.index]}
    for change in changes_of(registered.trace):
        call = between.get(id(change.place))
        if change.what is What.STACK and isinstance(call, AwsCall) and not after_failure(call):
            return call
    return None


def _has_own_image(family: str, project: Project) -> bool:
    for environment in project.environments:
        for each in image_references(environment):
            if each.owner.type != "AWS::ECS::TaskDefinition" or each.owner.get("Family") != Known(family):
                continue
            if isinstance(each.value, Text) and is_commit_of_run(each.value):
                continue
            if isinstance(each.value, str | Text):
                image = parse_image(each.value, project)
                if image.registry is not Registry.FOREIGN and isinstance(image.tag, str) and not image.by_digest:
                    return True
    return False


_Containers: TypeAlias = "list[tuple[str, ParsedImage | None]]"


def misplaced(changed: Iterable[Replaced], family: str | None, project: Project) -> str:
    """What is said of an image that is put into another publisher's container, or into one that is not there; empty
    where it goes where it belongs."""
    for each in changed:
        alike = list(_alike(family, project)) if each.container is not None else []
        there = [containers for containers, _ in alike if any(_chosen(each, containers))]
        if there and all(_is_foreign(each, containers) for containers in there):
            if each.others:
                return f"it puts the image into no container of the project's own: {each.container} is left as it is"
            return f"it puts the image into the container {each.container}, which runs another publisher's"
        named = isinstance(each.container, str) and not each.others
        if named and alike and not there and all(whole for _, whole in alike):
            return f"it puts the image into a container {each.container}, and {family} has none of that name"
    return ""


def _alike(family: str | None, project: Project) -> Iterator[tuple[_Containers, bool]]:
    """The containers of the templates' task definitions of a family, or of all where the family is not told; and
    whether all that is known: that it is the family, and what its containers are called."""
    for definition in project.resources("AWS::ECS::TaskDefinition"):
        named = definition.get("Family")
        told = isinstance(named, Known) and isinstance(named.value, str)
        if isinstance(named, Known) and told and family not in (None, named.value):
            continue
        containers = definition.get("ContainerDefinitions")
        if isinstance(containers, Known) and isinstance(containers.value, list):
            each = [_container(one, project) for one in containers.value]
            yield each, told and family is not None and all(name for name, _ in each)
        else:
            yield [], False


def _chosen(replaced: Replaced, containers: _Containers) -> list[bool]:
    return [replaced.container in (name, index, index - len(containers)) for index, (name, _) in enumerate(containers)]


def _is_foreign(replaced: Replaced, containers: _Containers) -> bool:
    """Whether the container that gets the image runs another publisher's in the template, beside one of our own."""
    own = any(image is not None and image.registry is Registry.ECR for _, image in containers)
    pairs = zip(containers, _chosen(replaced, containers), strict=True)
    meant = [image for (_, image), chosen in pairs if chosen is not replaced.others]
    return own and all(image is not None and image.registry is Registry.FOREIGN for image in meant)


def _container(value: Resolved, project: Project) -> tuple[str, ParsedImage | None]:
    if not isinstance(value, dict):
        return "", None
    name, image = value.get("Name"), value.get("Image")
    parsed = parse_image(image, project) if isinstance(image, str | Text) else None
    return (name if isinstance(name, str) else ""), parsed
