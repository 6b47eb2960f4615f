"""The images of a task definition that is registered: as arguments of the call, or in the text that it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import Argument, AwsCall
from checker.model.possible import Possible
from checker.model.values import Absent, Text, Unknown
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
