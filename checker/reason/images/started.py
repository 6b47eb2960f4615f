"""The images that are named where something starts them: user data that runs an engine, and calls that register tasks.

Sources: Docker documentation, "docker container run" and "docker image pull"; AWS Step Functions Developer Guide,
"Learning to use AWS service SDK integrations in Step Functions"; AWS CDK, ``AwsCustomResource``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from checker import lazy_re
from checker.data.harmless import engine_verbs
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Hole, Known, Resolved, Text, Unknown, pieces, text
from checker.reason.images.named_so import IN_ECR
from checker.reason.images.references import ImageReference
from checker.reason.names.custom_resources import calls_of, custom_resources, decoded
from checker.reason.templates.sdk_calls import planned_calls
from checker.reason.workloads.scripts import init_script, marked_text, plain_script, restored

_USER_DATA: Final[Mapping[str, str]] = {
    "AWS::AutoScaling::LaunchConfiguration": "UserData",
    "AWS::EC2::Instance": "UserData",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateData.UserData",
}
_MOST: Final = 65_536  # characters: four times what an instance takes (Amazon EC2 User Guide, "Run commands at launch")
_ENGINE: Final = lazy_re.compile(r"(?:^|[/=\s\"'\[(-])(?:docker|podman|nerdctl|finch|crictl|kubectl)(?=[\s\"',]|$)")
_PROGRAM: Final = lazy_re.compile(r"(?:[A-Za-z]+=-?)?(?:\S*/)?(docker|podman|nerdctl|finch|crictl|kubectl)")
_SEPARATES: Final = frozenset(";|&()<>")
_SEQUENCE: Final = lazy_re.compile(r"\s*-\s*\[(.*)\]\s*")
_GROUPS: Final = frozenset({"container", "image"})
# Options that take no value.
_FLAGS: Final = frozenset({
    "--rm", "--detach", "--interactive", "--tty", "--init", "--quiet", "--privileged", "--read-only", "--publish-all",
    "--no-healthcheck", "--oom-kill-disable", "--all-tags", "--disable-content-trust", "--sig-proxy",
})  # fmt: skip
_SHORT_FLAGS: Final = lazy_re.compile(r"-[ditqaP]+")
_ASSIGNED: Final = lazy_re.compile(
    r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=[\"']?([^\s\"'`;]*)[\"']?[ \t]*;?[ \t]*$", re.MULTILINE
)
_VARIABLE: Final = lazy_re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_DEEPEST: Final = 3  # a shell in a shell in a shell
_SUBSTITUTED: Final = lazy_re.compile(r"\$\{([^${}]+)\}")
_SDK: Final = lazy_re.compile(r"arn:[\w*-]+:states:::aws-sdk:(\w+):(\w+)(?:\.\w+)?")
# Service and call, lower case -> where it names images; `*` stands for every element of a list.
_CALLS: Final[Mapping[tuple[str, str], tuple[tuple[str, ...], ...]]] = {
    ("batch", "registerjobdefinition"): (("containerproperties", "image"),),
    ("ecs", "registertaskdefinition"): (("containerdefinitions", "*", "image"),),
    ("lambda", "createfunction"): (("code", "imageuri"),),
    ("lambda", "updatefunctioncode"): (("imageuri",),),
}


def started_references(environment: Environment) -> Iterator[ImageReference]:
    """Every image that user data, a state machine, a schedule, a runbook or a custom resource starts or registers."""
    for kind, place in _USER_DATA.items():
        for owner in environment.resources(kind):
            value = owner.get(place)
            if isinstance(value, Known) and isinstance(value.value, str | Text):
                said = value.value
                script = (plain_script(said) or "") if isinstance(said, str) else said
                yield from (ImageReference(owner, place, image) for image in _in_script(script))
            init = init_script(owner.attribute("Metadata"))
            yield from (ImageReference(owner, "Metadata", image) for image in _in_script(init))
    for owner in environment.resources("AWS::SSM::Document"):
        content = owner.get("Content")
        for script in _commands_of(content.value if isinstance(content, Known) else None):
            yield from (ImageReference(owner, "Content", image) for image in _in_script(script))
    for owner in environment.resources("AWS::GreengrassV2::ComponentVersion"):
        recipe = owner.get("InlineRecipe")
        written = recipe.value if isinstance(recipe, Known) and isinstance(recipe.value, str) else ""
        yield from (ImageReference(owner, "InlineRecipe", image) for image in _ARTIFACT.findall(written))
    for owner in environment.resources("AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine"):
        yield from _in_states(owner)
    for owner in custom_resources(environment):
        for call in calls_of(owner):
            places = _CALLS.get((call.service, call.action.lower()), ()) if call.when != "Delete" else ()
            for image in (each for place in places for each in _below(dict(call.parameters), place)):
                yield ImageReference(owner, call.when, image)
    for planned in planned_calls(environment):
        places = _CALLS.get((planned.service, planned.action), ())
        for image in (each for place in places for each in _below(planned.parameters, place)):
            yield ImageReference(planned.owner, planned.path, image)


# AWS IoT Greengrass V2 Developer Guide, "Run a Docker container": an artifact of a component.
_ARTIFACT: Final = lazy_re.compile(r"\bdocker:((?!//)[^\s\"',}]+)")


def _commands_of(document: Resolved) -> Iterator[str]:
    """The scripts of a document of Systems Manager: what its steps run (AWS Systems Manager User Guide,
    "aws:runShellScript")."""
    pending: list[Resolved] = [decoded(document) if isinstance(document, str | Text) else document]
    while pending:
        part = pending.pop()
        for key, inner in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
            if key == "runCommand" and isinstance(inner, list):
                yield "\n".join(each for each in inner if isinstance(each, str))
            else:
                pending.append(inner)


# -- user data ------------------------------------------------------------------------------------


# Compose starts what its file names (Docker documentation, "docker compose up"; Compose file reference, `image`).
_COMPOSE: Final = lazy_re.compile(
    r"(?:docker[ -]compose|(?:podman|nerdctl)[ -]compose)\b[^\n;&|]*\b(?:up|run|start|create)\b"
)
_SERVICE_IMAGE: Final = lazy_re.compile(r"\bimage:[ \t]*[\"']?([^\s\"'\\]+)")


def _composed(marked: str) -> Iterator[str | Unknown]:
    """The images of services that compose starts, as far as the script writes its file."""
    if not _COMPOSE.search(re.sub(r"[\"',\[\] \t]+", " ", marked)):
        return
    found = dict.fromkeys(_SERVICE_IMAGE.findall(marked))
    yield from found or (Unknown("which images compose starts stands in another file"),)


def _in_script(script: str | Text) -> Iterator[str | Text | Unknown]:
    marked, holes = marked_text(script)
    marked = marked[:_MOST]
    for composed in _composed(marked):
        yield composed if isinstance(composed, Unknown) else restored(composed, holes)
    if not _ENGINE.search(marked):
        return
    assigned: dict[str, set[str]] = {}
    for name, value in _ASSIGNED.findall(marked):
        assigned.setdefault(name, set()).add(value)
    commands = [command for line in _lines(marked) for command in _commands(line)]
    made = {str(restored(_with_tag(name), holes)) for command in commands for name in _made_by(command)}
    for image in dict.fromkeys(filter(None, map(_image_of, commands))):
        written = _VARIABLE.sub(lambda found: _only(assigned.get(found[1] or found[2])) or found[0], image)
        if not made.isdisjoint(str(restored(_with_tag(each), holes)) for each in (image, written)):
            continue
        if "$" in written or "`" in written:
            yield Unknown(f"which image {restored(written, holes)} is, is for the script to say when it runs")
        else:
            yield restored(written, holes)


def _with_tag(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"


def _only(values: set[str] | None) -> str | None:
    return next(iter(values)) if values is not None and len(values) == 1 else None


def _lines(marked: str) -> Iterator[str]:
    for line in marked.replace("\\\n", " ").split("\n"):
        if _ENGINE.search(line) and not line.lstrip().startswith("#"):
            # A command as cloud-init takes it in a list: - [docker, run, nginx]
            listed = _SEQUENCE.fullmatch(line)
            yield listed[1].replace(",", " ") if listed else line


def _commands(line: str, depth: int = 0) -> Iterator[tuple[str, ...]]:
    """The command lines of an engine in a line of a script, those that a shell is handed as text included."""
    words = _words(line)
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        program = _PROGRAM.fullmatch(word)
        if program is not None:
            end = next((at for at in range(index, len(words)) if set(words[at]) <= _SEPARATES), len(words))
            yield (program[1], *words[index:end])
            index = end
        elif depth < _DEEPEST and word != line and re.search(r"\s", word) and _ENGINE.search(word):
            yield from _commands(word, depth + 1)


def _words(line: str) -> list[str]:
    reader = shlex.shlex(line, posix=True, punctuation_chars=";|&()<>")
    reader.whitespace_split, reader.commenters = True, ""
    try:
        return list(reader)
    except ValueError:  # a quote that ends in another line
        return line.split()


def _image_of(command: tuple[str, ...]) -> str | None:
    """The image that a command runs or pulls."""
    if command[0] == "kubectl":
        return next((each[8:] for each in command if each.startswith("--image=")), None) or next(
            (value for option, value in pairwise(command) if option == "--image"), None
        )
    verbs = list(engine_verbs(command))
    if verbs and verbs[0][1] in _GROUPS:
        verbs = verbs[1:]
    if not verbs or verbs[0][1] not in {"run", "create", "pull"}:
        return None
    index = verbs[0][0] + 1
    while index < len(command):
        word = command[index]
        if not word.startswith("-"):
            return word
        short = not word.startswith("--") and len(word) > 2
        index += 1 if word in _FLAGS or "=" in word or short or _SHORT_FLAGS.fullmatch(word) else 2
    return None


def _made_by(command: tuple[str, ...]) -> Iterator[str]:
    """The names that a command gives to images of the machine's own."""
    verb = next((each for _, each in engine_verbs(command) if each not in {*_GROUPS, "buildx"}), "")
    if verb == "tag":
        yield command[-1]
    for option, value in pairwise(command) if verb in {"build", "import"} else ():
        if option in {"-t", "--tag"}:
            yield value
    for word in command if verb == "build" else ():
        if word.startswith("--tag="):
            yield word.removeprefix("--tag=")


# -- calls ----------------------------------------------------------------------------------------


def _in_states(owner: Resource) -> Iterator[ImageReference]:
    for place in ("DefinitionS3Location", "DefinitionUri"):
        if not isinstance(owner.get(place), Absent):
            yield ImageReference(owner, place, Unknown("which images it starts or registers stands in another file"))
    for place in ("DefinitionString", "Definition"):
        value = owner.get(place)
        definition = decoded(value.value) if isinstance(value, Known) else None
        pending: list[Resolved] = [definition]
        while pending:
            part = pending.pop()
            if isinstance(part, dict):
                yield from (ImageReference(owner, place, image) for image in _in_state(part, owner))
                pending.extend(part.values())
            elif isinstance(part, list):
                pending.extend(part)


def _in_state(state: dict[str, Resolved], owner: Resource) -> Iterator[Resolved]:
    called = _SDK.match(str(state.get("Resource", "")))
    places = _CALLS.get((called[1].lower(), called[2].lower()), ()) if called else ()
    for arguments in (state.get("Parameters"), state.get("Arguments")) if places else ():
        for image in (each for place in places for each in _below(arguments, place)):
            yield _substituted(image, owner)
    if called is None and _TASK.match(str(state.get("Resource", ""))):
        for image in (*_named_in(state.get("Parameters")), *_named_in(state.get("Arguments"))):
            yield _substituted(image, owner)


# A service that Step Functions calls in its own way, and what such a call names an image by.
_TASK: Final = lazy_re.compile(r"arn:[\w*-]+:states:::(?!lambda|aws-sdk)[\w-]+:\w+")
_IMAGES: Final = frozenset({"image", "imageuri", "trainingimage", "imageoverride", "containerimage"})
_KUBERNETES: Final = frozenset({"containers", "initcontainers"})


def _named_in(arguments: Resolved) -> Iterator[str | Text]:
    """The images of ECR that a call's arguments name, and those of a pod's containers, whosesoever."""
    pending: list[tuple[Resolved, bool]] = [(arguments, False)]
    while pending:
        part, of_pod = pending.pop()
        if isinstance(part, list):
            pending += [(each, of_pod) for each in part]
        for key, value in part.items() if isinstance(part, dict) else ():
            if key.lower() in _IMAGES and isinstance(value, str | Text):
                if of_pod or IN_ECR.search(str(value)):
                    yield value
            else:
                pending.append((value, key.lower() in _KUBERNETES))


def _below(value: Resolved, place: tuple[str, ...]) -> Iterator[Resolved]:
    """What stands at a place, whose names are spelled as any SDK spells them."""
    if not place or isinstance(value, Unknown | Text):
        yield value
    elif place[0] == "*":
        for each in value if isinstance(value, list) else ():
            yield from _below(each, place[1:])
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name.lower() == place[0]:
                yield from _below(inner, place[1:])
            elif name.lower() == f"{place[0]}.$":
                yield Unknown(f"{name} is given when it runs")


def _substituted(image: Resolved, owner: Resource) -> Resolved:
    """An image with the state machine's ``DefinitionSubstitutions`` in it."""
    if not isinstance(image, str | Text):
        return image
    given = owner.get("DefinitionSubstitutions")
    values = given.value if isinstance(given, Known) and isinstance(given.value, dict) else {}
    parts: list[str | Hole] = []
    for piece in pieces(image):
        if not isinstance(piece, str):
            parts.append(piece)
            continue
        for index, part in enumerate(_SUBSTITUTED.split(piece)):
            value = values.get(part) if index % 2 else part
            if not isinstance(value, str | Text):
                return Unknown(f"what stands for {part} in the definition is not known before deployment")
            parts.extend(pieces(value))
    whole = text(parts)
    if isinstance(whole, str) and whole.startswith(("{%", "$")):
        return Unknown("the image is worked out when it runs")
    return whole
