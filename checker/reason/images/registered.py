"""The images of a task definition that is registered: as arguments of the call, or in the text that it is given; and
what a stack registers of the same family.

Source: CloudFormation Template Reference, ``AWS::ECS::TaskDefinition``: an update replaces it, which registers a new
revision of its ``Family``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.model.environments import Project
from checker.model.pipeline.scripts import Argument, AwsCall
from checker.model.possible import Possible
from checker.model.values import Absent, Known, Text, Unknown
from checker.reason.deploys.changes import What, changes_of
from checker.reason.deploys.paths import At, after_failure
from checker.reason.images.commit_tags import is_commit_of_run
from checker.reason.images.references import Registry, image_references, parse_image
from checker.reason.images.replaced import marked, unmarked


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
