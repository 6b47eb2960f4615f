"""Images that ``docker`` pushes to Amazon ECR: calls like any other, with the repository that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.data.harmless import engine_verbs
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.scripts import CACHE, AwsCall, Command, How, Reached
from checker.model.possible import Possible, Scalar, joined, mapped, open_text, options, shown
from checker.model.values import Hole, Text, pieces, text
from checker.resolve.trace.commands.options import given_to, operands

_HOST: Final = ".dkr.ecr"
_DIGEST: Final = "sha256:"
_BEHIND_NAME: Final = lazy_re.compile(rf"@(?={_DIGEST})|:")
# Amazon ECR User Guide, "Amazon ECR private registries": the host says the region, whatever the caller's own is.
_PLACE: Final = lazy_re.compile(r"\.dkr\.ecr(?:-fips)?\.([a-z]+(?:-[a-z]+)+-\d+)\.")
# What may end with a tag: what a command prints, what a script makes of a text, what is called a tag or a version.
_WITH_TAG: Final = lazy_re.compile(r"^\$\(|\$\{\w+/|(?<![a-z])(?:tag|version)(?![a-z])", re.IGNORECASE)
# A registry alone: the output of aws-actions/amazon-ecr-login (its README, "Outputs").
_REGISTRY: Final = lazy_re.compile(r"\bsteps\.[\w-]+\.outputs\.registry\b")


def pushes(command: Command, logged_in: bool, built: list[Possible]) -> Iterator[AwsCall]:
    """The pushes and pulls of a container engine's command. ``logged_in``: whether the job logged in to ECR before.

    ``built`` are the names that images were built under or tagged with so far; the command's own are added.
    """
    verbs = [(index, verb) for index, verb in engine_verbs(command.words) if verb not in _GROUPS][:2]
    if not verbs:
        return
    (index, name), rest = verbs[0], command.words[verbs[0][0] + 1 :]
    operation = "docker-push"
    found: list[Possible] = []
    if name in {"push", "pull"} and "compose" not in command.words[1:index]:
        operation = f"docker-{name}"
        found = [_plain(word) for word in operands(rest, _PUSH_VALUES)]
        if name == "push" and not found:  # whoever starts it hands the image on: `... | xargs docker push`
            found = [open_text(f"what `{command.spelled}` is given")]
        if name == "push" and any(word in {"-a", "--all-tags"} for word in rest):
            found = [tag for image in found for tag in _all_tags(image, built)]
        elif command.program in {"podman", "buildah"}:
            found = found[-1:]  # the last word is where to
    elif name in _BUILDS:
        tags = list(given_to(rest, _TAGS))
        built.extend(tags)
        outputs = list(given_to(rest, _OUTPUTS))
        pushed = "--push" in rest or any(map(goes_out, outputs))
        found = [*tagged(tags, outputs, "--push" in rest), *named_by(outputs)]
        found += _left_open(rest) if pushed and not found else ()
        for ref in caches(given_to(rest, _CACHES)):
            yield from calls(ref, operation, command.reached, command.handling, command.source, logged_in, cache=True)
    elif name == "tag":
        built.extend(list(operands(rest, _PUSH_VALUES))[1:])
    elif name == "imagetools" and len(verbs) > 1 and verbs[1][1] == "create" and "--dry-run" not in rest:
        found = list(given_to(rest, _TAGS)) or _left_open(rest)
    elif name == "create" and command.words[1:2] == ("manifest",):
        built.extend(list(operands(rest, _PUSH_VALUES))[:1])
    for image in found:
        yield from calls(image, operation, command.reached, command.handling, command.source, logged_in)


def _left_open(words: Sequence[Possible]) -> list[Possible]:
    """The tags of a push that names none: they are in a word that only the run knows (``$(cat options)``)."""
    return [*[word for word in words if isinstance(word, Text) and word.only_hole is not None][:1]]


# `b` is short for `build` (Docker documentation, "docker buildx build"); the others are buildah's and podman's.
_BUILDS: Final = frozenset({"build", "b", "bud", "build-using-dockerfile"})
_GROUPS: Final = frozenset({"image", "buildx", "builder", "container", "manifest"})
_TAGS: Final = ("-t", "--tag")
_OUTPUTS: Final = ("-o", "--output")
_CACHES: Final = ("--cache-to",)
_PUSH_VALUES: Final = frozenset({"--platform", "--creds", "--authfile", "--format", "--tls-verify", "--cert-dir"})


def goes_out(output: Possible) -> bool:
    """Whether what a build is told to do with its result sends it to a registry."""
    said = shown(output)
    return "type=registry" in said or "push=true" in said


def tagged(tags: Iterable[Possible], outputs: Sequence[Possible], pushes: bool) -> Iterator[Possible]:
    """The images that a build is told the tags of, where its result goes to a registry."""
    going = [each for each in outputs if goes_out(each)]
    if pushes or going:
        yield from ((_by_digest(each) if going and all(map(_unnamed, going)) else each) for each in tags)


# "Push image without name" (Docker documentation, "Image and registry exporters"): it gets no tag, not `latest` either.
_WITHOUT_NAME: Final = lazy_re.compile(r"(?:^|[,\s])push-by-digest=(?:true|1)(?:$|[,\s])", re.IGNORECASE)


def _unnamed(output: Possible) -> bool:
    return all(_WITHOUT_NAME.search(shown(each)) for each in options(output) or (output,))


def _by_digest(image: Possible) -> Possible:
    return joined([image, f"@{_DIGEST}", open_text("the image's digest")])


def named_by(outputs: Sequence[Possible]) -> Iterator[Possible]:
    """The images that outputs name themselves: ``type=image,name=...,push=true``, several names in quotes.

    Source: Docker documentation, "Image and registry exporters".
    """
    for output in (option for each in outputs for option in options(each) or ()):
        if goes_out(output) and isinstance(output, str | Text):
            names = _names_in(output)
            yield from map(_by_digest, names) if _unnamed(output) else names


def _names_in(output: str | Text) -> Iterator[str | Text]:
    names: list[str | Hole] | None = None
    for part in pieces(output):
        for index, each in enumerate(re.split(r"[,\"]", part) if isinstance(part, str) else (part,)):
            if index and names is not None and isinstance(each, str) and "=" in each:
                yield text(names)
                names = None
            elif index and names:
                yield text(names)
                names = []
            if isinstance(each, str) and each.startswith("name="):
                names = [each.removeprefix("name=")]
            elif names is not None:
                names.append(each)
    if names and any(names):
        yield text(names)


def caches(given: Iterable[Possible]) -> Iterator[Possible]:
    """The images that a build's cache is pushed as: ``type=registry,ref=IMAGE``, or an image alone. One whose failure
    the build is told to ignore is none. Source: Docker documentation, "Registry cache" and "docker buildx build"."""
    for value in (option for each in given for option in options(each) or ()):
        if not isinstance(value, str | Text) or not value:
            continue
        fields: list[list[str | Hole]] = [[]]
        for part in pieces(value):
            for index, each in enumerate(re.split(r"[,\"]", part) if isinstance(part, str) else (part,)):
                if index:
                    fields.append([])
                fields[-1].append(each)
        said = [text(field) for field in fields if any(field)]
        if len(said) == 1 and "=" not in shown(said[0]):
            yield said[0]
        elif "type=registry" in said and "ignore-error=true" not in said:
            yield from (_behind(each, "ref=") for each in said if shown(each).startswith("ref="))


def _behind(value: str | Text, prefix: str) -> str | Text:
    first, *rest = pieces(value)
    return text([str(first).removeprefix(prefix), *rest])


def _plain(image: Possible) -> Possible:
    """An image without the transport in front of it (``docker://``)."""
    return mapped(image, _without_transport)


def _without_transport(image: Scalar) -> Possible:
    if not isinstance(image, str | Text):
        return image
    first, *rest = pieces(image) or ("",)
    return text([first.removeprefix("docker://"), *rest]) if isinstance(first, str) else image


def _all_tags(image: Possible, built: Sequence[Possible]) -> Iterator[Possible]:
    """The names of a repository that were built; one that is not known where none was seen."""
    repositories = {shown(each) for each in options(image) or (image,)}
    tagged = (each for name in built for each in options(name) or (name,))
    names = [each for each in tagged if shown(each).rpartition(":")[0] in repositories]
    yield from names or [joined([image, ":", open_text("whatever was built")])]


def calls(
    image: Possible,
    operation: str,
    reached: Reached,
    handling: Handling,
    source: str,
    logged_in: bool,
    *,
    cache: bool = False,
) -> Iterator[AwsCall]:
    """The call that pushing or pulling an image is, where its registry is (or can be) Amazon ECR. ``cache``: it is a
    build's cache, and the call says so."""
    for option in options(image) or ():
        if not isinstance(option, str | Text):
            continue
        reference = _in_ecr(option, logged_in)
        if reference is not None:
            repository, tag = reference
            arguments: dict[str, Possible] = {"repositoryname": repository}
            if tag is not None:
                arguments["imagedigest" if shown(tag).startswith(_DIGEST) else "imagetag"] = tag
            if cache:
                arguments[CACHE] = True
            whole = tag is not None or "/" in shown(option)
            call = AwsCall("ecr", operation, How.CLI_CUSTOM, arguments, reached, handling, source, complete=whole)
            place = _PLACE.search(shown(option))
            yield call if place is None else replace(call, region=place[1])


def _in_ecr(image: str | Text, logged_in: bool) -> tuple[str | Text, str | Text | None] | None:
    """Repository and tag (or digest) of an image in ECR; ``None`` for an image elsewhere.

    The registry ends at the first slash. Where it is open (a variable, an input), the value may go on behind it with
    the first folders of the repository: these are open then too.
    """
    parts = list(pieces(image))
    at = next((index for index, part in enumerate(parts) if isinstance(part, str) and "/" in part), None)
    if at is None:
        return _open_name(parts) if logged_in else None
    slash = parts[at]
    assert isinstance(slash, str)
    host, _, path = slash.partition("/")
    registry = [*parts[:at], host]
    literal = "".join(part for part in registry if isinstance(part, str))
    is_open = any(isinstance(part, Hole) for part in registry)
    if _HOST not in literal and not (is_open and logged_in and "." not in literal):
        return None
    rest: list[str | Hole] = [path, *parts[at + 1 :]]
    if _HOST not in literal and not all(_REGISTRY.search(part.shown) for part in registry if isinstance(part, Hole)):
        rest = [*(part for part in registry if isinstance(part, Hole)), *rest]
    for index, part in enumerate(rest):
        if isinstance(part, str) and (sign := _BEHIND_NAME.search(part)):
            before, after = part[: sign.start()], part[sign.end() :]
            return text([*rest[:index], before]), text([after, *rest[index + 1 :]])
    last = rest[-1]
    return text(rest), text([last]) if isinstance(last, Hole) and _WITH_TAG.search(last.shown) else None


def _open_name(parts: Sequence[str | Hole]) -> tuple[str | Text, str | Text | None] | None:
    """An image that comes whole from somewhere else, with the tag behind it where one stands there."""
    for index, part in enumerate(parts):
        if isinstance(part, str) and ":" in part and index:
            before, _, after = part.partition(":")
            return text([*parts[:index], before]), text([after, *parts[index + 1 :]])
    return (text(list(parts)), None) if parts and isinstance(parts[0], Hole) else None
