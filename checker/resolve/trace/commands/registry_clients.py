"""Images that programs without a container engine put into a registry, started by themselves or as ``docker run`` does.

Sources: crane's, regctl's and oras' command references, skopeo-copy(1), README of kaniko ("--destination"), README of
jib-maven-plugin and jib-gradle-plugin ("Extended usage"), ko's documentation ("ko build"), Cloud Native Buildpacks
documentation ("pack build"), .NET documentation ("Containerize an app with dotnet publish", "Container publishing"),
README of BuildKit ("Output").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from checker import lazy_re
from checker.data.harmless import installed
from checker.model.pipeline.scripts import AwsCall, Command
from checker.model.possible import Possible, joined, open_text, shown
from checker.model.values import Text, pieces, text
from checker.resolve.tasks.compose import pushed
from checker.resolve.trace.bake.pushing import baked
from checker.resolve.trace.commands.build_files import named_in_build_file
from checker.resolve.trace.commands.foreign import images_started, spelled
from checker.resolve.trace.commands.images_pushed import calls, goes_out, named_by
from checker.resolve.trace.commands.options import given_to, operands

# Options with a value behind a space, of any of the clients. Of an option that is not known the next word is taken for
# what it is: a word too much is an image that no registry of ours holds.
_VALUES: Final = frozenset(
    """--platform -t --tag --jobs -j --allow-nondistributable-artifacts --image-refs --creds --src-creds --dest-creds
    --authfile --src-authfile --dest-authfile --format -f --policy --tmpdir --retry-times --sign-by --digestfile
    --src-tls-verify --dest-tls-verify --src-cert-dir --dest-cert-dir --multi-arch --host --verbosity -v --logopt
    --username -u --password -p --config --annotation -a --artifact-type --registry-config --to-username --to-password
    --set --file --allow --metadata-file --builder --progress --call
    --from-username --from-password --concurrency --dest-username --dest-password --src-username --src-password
    """.split()  # noqa: SIM905 - a table
)
_BUILD_TOOLS: Final = frozenset({"mvn", "mvnw", "gradle", "gradlew"})
_JIB_GOAL: Final = lazy_re.compile(r"(?:jib|(?:[\w.-]+:)?jib-maven-plugin(?::[\w.]+)?):build")
_JIB_TASK: Final = lazy_re.compile(r":?(?:[\w-]+:)*jib")
_BOOT_GOAL: Final = lazy_re.compile(
    r"(?:spring-boot|(?:[\w.-]+:)?spring-boot-maven-plugin(?::[\w.-]+)?):build-image(?:-no-fork)?|:?(?:[\w-]+:)*bootBuildImage"
)
_PUBLISHES: Final = lazy_re.compile(
    r"[-/]{1,2}(?:t|target):.*\bPublishContainer\b.*|.*\bPublishProfile=DefaultContainer"
)
_IMAGES: Final = (  # an image by its name -> the program that it starts
    (lazy_re.compile(r"(?:.*/)?go-containerregistry/crane|(?:.*/)?crane"), "crane"),
    (lazy_re.compile(r"(?:.*/)?skopeo(?:/stable|/upstream|/testing)?"), "skopeo"),
    (lazy_re.compile(r"(?:.*/)?regctl"), "regctl"),
    (lazy_re.compile(r"(?:.*/)?oras"), "oras"),
    (lazy_re.compile(r"(?:.*/)?kaniko(?:-project)?/executor|(?:.*/)?kaniko"), "executor"),
)


def puts(
    command: Command, logged_in: bool, variables: Mapping[str, Possible], read: Callable[[str], str | None]
) -> list[AwsCall] | None:
    """What a command pushes; ``None`` for one that pushes nothing by itself. ``variables`` are those that it sees,
    ``read`` gives the text of a file of the repository.

    Where neither its words nor its build file name an image, it pushes one that is not known, to a registry that may
    be ours: it does nothing else all the same.
    """
    composed = pushed(command.words, command.folder, _Texts(read), variables)
    if composed is not None:
        made = (command.reached, command.handling, command.source, logged_in)
        return [call for image in composed for call in calls(image, "docker-push", *made)]
    bakes = "bake" in command.words[1:3] and command.program == "docker"
    images = baked(command.words, command.folder, variables, read) if bakes else images_put(command.words, variables)
    if images is None or (bakes and not images):
        return None if images is None else []
    program = installed(shown(command.words[0])) or ""
    asks = not images and program in _BUILD_TOOLS
    if asks and (named := named_in_build_file(program, command.folder, read, variables)) is not None:
        images = [named[0], *(_retagged(named[0], tag) for tag in named[1])]
    unnamed = [] if images else [open_text(f"the image that `{spelled(command)}` pushes")]
    return [
        call
        for image in images or unnamed
        for call in calls(
            image, "docker-push", command.reached, command.handling, command.source, logged_in or not images
        )
    ]


class _Texts(NamedTuple):
    """The repository's files, by what reads their text."""

    text: Callable[[str], str | None]

    def is_file(self, path: str) -> bool:
        return self.text(path) is not None


def images_put(words: Sequence[Possible], variables: Mapping[str, Possible]) -> list[Possible] | None:
    """The images that a command line puts into a registry; ``None`` for one that puts none there, or another program.

    An empty list is a push of what its words do not name.
    """
    for program, rest in _programs(words):
        found = _of_ko(rest, variables) if program == "ko" else _put(program, rest)
        if found is not None:
            return found
    return None


def _programs(words: Sequence[Possible]) -> Iterator[tuple[str, Sequence[Possible]]]:
    """The program of a command line, and the one in the image that it starts."""
    first = words[0] if words else None
    if not isinstance(first, str):
        return
    name = installed(first)
    yield ("executor" if first.endswith("/kaniko/executor") else name or ""), words[1:]
    for image, program, rest in images_started(words):
        if program is not None:
            yield shown(program).rpartition("/")[2], rest
            continue
        plain = re.split(r"[:@]", shown(image).rpartition("/")[2])[0]
        whole = "/".join(filter(None, (shown(image).rpartition("/")[0], plain)))
        yield from ((started, rest) for pattern, started in _IMAGES if pattern.fullmatch(whole))


def _put(program: str, words: Sequence[Possible]) -> list[Possible] | None:
    plain = list(operands(words, _VALUES))
    verb = plain[0] if plain else ""
    match program, verb:
        case ("crane", "copy" | "cp"):
            return [*plain[2:3], *_more_tags(plain[2:3], words, ("-t", "--tag"))]
        case ("crane" | "oras", "tag"):
            return [_retagged(plain[1], tag) for tag in plain[2:]] if len(plain) > 2 else []
        case ("crane", "push" | "append" | "mutate" | "rebase"):
            named = list(given_to(words, ("-t", "--tag", "--new_tag")))
            return named or (plain[2:3] if verb == "push" else [])
        case ("skopeo", "copy"):
            target = [each for each in plain[2:3] if shown(each).startswith("docker://")]
            return [_without_transport(each) for each in target] if target or len(plain) < 3 else None
        case ("skopeo", "sync"):
            return []
        case ("regctl", "image"):
            if plain[1:2] in (["copy"], ["cp"]):
                return plain[3:4]
            return plain[2:3] if plain[1:2] == ["import"] else None
        case ("oras", "push"):
            return plain[1:2]
        case ("oras", "copy" | "cp"):
            return plain[2:3]
        case ("pack", "build"):
            return [*plain[1:2], *given_to(words, ("-t", "--tag"))] if "--publish" in words else None
        case ("buildctl", "build"):
            return _of_buildkit(words)
        case ("dotnet", "publish" | "build" | "msbuild"):
            return _of_dotnet(words)
        case ("executor", _) if not {"--no-push", "--no-push=true"} & {each for each in words if isinstance(each, str)}:
            return list(given_to(words, ("--destination", "-d"))) or None
    if program not in _BUILD_TOOLS:
        return None
    pushed = _of_boot(words)
    return _of_jib(words) if pushed is None else pushed


def _of_ko(words: Sequence[Possible], variables: Mapping[str, Possible]) -> list[Possible] | None:
    """What ko pushes: the repository that ``KO_DOCKER_REPO`` names, ``latest`` where it is told no tag.

    Source: ko's documentation, "Configuration" and "ko build".
    """
    plain = [word for word in words if isinstance(word, str)]
    if not {"build", "publish", "resolve", "apply", "create"} & set(plain[:1]):
        return None
    base = variables.get("KO_DOCKER_REPO", "")
    if {"-L", "--local", "--push=false"} & set(plain) or shown(base).startswith(("ko.local", "kind.local")):
        return None
    if not base:
        return []
    image = base if "--bare" in plain else joined([base, "/", open_text("the name of what is built")])
    tags = [tag for each in given_to(words, ("-t", "--tags")) for tag in _split(each)]
    return [joined([image, ":", tag]) for tag in tags or ["latest"]]


def _of_boot(words: Sequence[Possible]) -> list[Possible] | None:
    """What Spring Boot's plugins push where their command says that they do, under the name that it gives.

    Source: Spring Boot documentation, "Packaging OCI Images" of the Maven and the Gradle plug-in.
    """
    plain = [word for word in words if isinstance(word, str)]
    published = {"-Dspring-boot.build-image.publish", "-Dspring-boot.build-image.publish=true", "--publishImage"}
    if not any(map(_BOOT_GOAL.fullmatch, plain)) or published.isdisjoint(plain):
        return None
    return list(given_to(words, ("-Dspring-boot.build-image.imageName", "--imageName")))


def _of_buildkit(words: Sequence[Possible]) -> list[Possible] | None:
    """What ``buildctl build`` pushes: its outputs name it. A secret that it is given may be a key, and a cache that it
    exports to a registry is an image of its own: then nothing is told."""
    outputs = list(given_to(words, ("--output", "-o")))
    more = [*given_to(words, ("--secret", "--ssh")), *map(shown, given_to(words, ("--export-cache",)))]
    if not any(map(goes_out, outputs)) or any(not str(each).startswith("type=inline") for each in more):
        return None
    return list(named_by(outputs))


def _property(words: Sequence[Possible], name: str) -> Possible:
    """A property of MSBuild's, however it is given: ``-p:NAME=x``, ``/p:NAME=x``, ``-p NAME=x``."""
    spelled_as = [f"{sign}{name}" for sign in ("-p:", "/p:", "-property:", "--property:", "/property:", "")]
    found = [each.strip("\"'") if isinstance(each, str) else each for each in given_to(words, spelled_as)]
    return found[-1] if found else None


def _of_dotnet(words: Sequence[Possible]) -> list[Possible] | None:
    """What .NET's SDK pushes. Where its command names no registry, the project's file may: without any, the image stays
    in the local engine."""
    registry = _property(words, "ContainerRegistry")
    if not any(_PUBLISHES.fullmatch(word) for word in words if isinstance(word, str)):
        return None
    if registry is None:
        return []  # one that is not known, to a registry that may be ours
    name = _property(words, "ContainerRepository") or _property(words, "ContainerImageName")
    image = joined([registry, "/", name or open_text("the name of what is built")])
    tags = [tag for each in ("ContainerImageTag", "ContainerImageTags") for tag in _split(_property(words, each), ";")]
    return [_retagged(image, tag) for tag in tags or ["latest"]]


def _of_jib(words: Sequence[Possible]) -> list[Possible] | None:
    """What jib pushes; an empty list where the build file says where to."""
    goals = [word for word in words if isinstance(word, str) and not word.startswith("-")]
    if not any(_JIB_GOAL.fullmatch(goal) or _JIB_TASK.fullmatch(goal) for goal in goals):
        return None
    named = list(given_to(words, ("--image", "-Dimage", "-Djib.to.image", "-Pjib.to.image")))
    tags = [tag for each in given_to(words, ("-Djib.to.tags", "-Pjib.to.tags")) for tag in _split(each)]
    return [*named, *(_retagged(image, tag) for image in named for tag in tags)]


def _split(value: Possible, sign: str = ",") -> Iterator[Possible]:
    entry: list[Possible] = []
    for part in pieces(value) if isinstance(value, str | Text) else ():
        first, *more = part.split(sign) if isinstance(part, str) else (Text((part,)),)
        entry.append(first)
        for each in more:
            yield joined(entry)
            entry = [each]
    if entry:
        yield joined(entry)


def _more_tags(image: Sequence[Possible], words: Sequence[Possible], wanted: Sequence[str]) -> Iterator[Possible]:
    for tag in given_to(words, wanted):
        yield from (_retagged(each, tag) for each in image)


def _retagged(image: Possible, tag: Possible) -> Possible:
    """An image's name with another tag behind it."""
    if not isinstance(image, str | Text):
        return image
    parts = list(pieces(image))
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if isinstance(part, str) and (found := re.search(r"[:@][^/]*$", part)) is not None:
            return joined([text([*parts[:index], part[: found.start()]]), ":", tag])
        if isinstance(part, str) and "/" in part:
            break
    return joined([image, ":", tag])


def _without_transport(image: Possible) -> Possible:
    first, *rest = pieces(image) if isinstance(image, str | Text) else ("",)
    return text([str(first).removeprefix("docker://"), *rest])
