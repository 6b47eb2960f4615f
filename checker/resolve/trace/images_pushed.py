"""Images that ``docker`` pushes to Amazon ECR: calls like any other, with the repository that they name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from checker.model.pipeline.scripts import AwsCall, Command, Handling, How, Reached
from checker.model.possible import Possible, options
from checker.model.values import Hole, Text, pieces, text

_HOST: Final = ".dkr.ecr"


def pushes(command: Command, logged_in: bool) -> Iterator[AwsCall]:
    """The pushes and pulls of a ``docker`` command. ``logged_in``: whether the job logged in to ECR before."""
    words = [word for word in command.words[1:] if word not in {"image", "buildx"}]
    if not words:
        return
    name, rest = words[0], words[1:]
    if name in {"push", "pull"}:
        images = [word for word in rest if not (isinstance(word, str) and word.startswith("-"))]
        for image in images:
            yield from calls(image, f"docker-{name}", command.reached, command.handling, command.source, logged_in)
    elif name == "build" and "--push" in rest:
        for option, value in pairwise(rest):
            if option in {"-t", "--tag"}:
                yield from calls(value, "docker-push", command.reached, command.handling, command.source, logged_in)


def calls(
    image: Possible, operation: str, reached: Reached, handling: Handling, source: str, logged_in: bool
) -> Iterator[AwsCall]:
    """The call that pushing or pulling an image is, where its registry is (or can be) Amazon ECR."""
    for option in options(image) or ():
        if not isinstance(option, str | Text):
            continue
        reference = _in_ecr(option, logged_in)
        if reference is not None:
            repository, tag = reference
            arguments: dict[str, Possible] = {"repositoryname": repository}
            if tag is not None:
                arguments["imagetag"] = tag
            yield AwsCall("ecr", operation, How.CLI_CUSTOM, arguments, reached, handling, source)


def _in_ecr(image: str | Text, logged_in: bool) -> tuple[str | Text, str | Text | None] | None:
    """Repository and tag of an image in ECR; ``None`` for an image elsewhere. The registry ends at the first slash."""
    parts = list(pieces(image))
    at = next((index for index, part in enumerate(parts) if isinstance(part, str) and "/" in part), None)
    if at is None:
        return None
    slash = parts[at]
    assert isinstance(slash, str)
    host, _, path = slash.partition("/")
    registry = [*parts[:at], host]
    literal = "".join(part for part in registry if isinstance(part, str))
    is_open = any(isinstance(part, Hole) for part in registry)
    if _HOST not in literal and not (is_open and logged_in and "." not in literal):
        return None
    rest: list[str | Hole] = [path, *parts[at + 1 :]]
    for index, part in enumerate(rest):
        if isinstance(part, str) and ":" in part:
            before, _, after = part.partition(":")
            return text([*rest[:index], before]), text([after, *rest[index + 1 :]])
    return text(rest), None
