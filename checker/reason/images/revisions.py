"""Which image a roll-out or a one-off task runs: the task definition that it names, followed to where it comes from.

A value's origin stands in its hole (``aws ecs register_task_definition@file:line``): so a revision that a script
registers is told from the family's newest, from the stack's own and from what runs already.
Source: Amazon ECS API Reference, "UpdateService" and "RunTask", ``taskDefinition``: a family without a revision is its
latest active one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, either, every
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import Argument, AwsCall, CdkCommand, Command, plain_name
from checker.model.possible import Possible, Scalar, call_behind, options, shown
from checker.model.values import Absent, CallPlace, Hole, Text, Unknown, pieces, text
from checker.reason.deploys.paths import At, of_action

_SHA: Final = re.compile(
    r"(?<![a-z])(sha|commit|rev[-_ ]?parse|rev[-_ ]?list|head[-_]?commit|git[-_]?rev)(?![a-z])", re.I
)
_MOVES: Final = re.compile(
    r"(?<![a-z])(latest|stable|ref_name|tag_name|run_number|run_id|head_ref|branch)(?![a-z])", re.I
)
_HEX: Final = re.compile(r"[0-9a-f]{40}")
_CHANGERS: Final = frozenset({"jq", "yq", "sed", "perl", "envsubst", "gomplate", "awk", "node", "ruby"})
_OUTPUT_OF_STACK: Final = re.compile(
    # The option of every command of AWS's, `--output text`, is no stack's output.
    r"describe[-_]?stacks|list[-_]?exports|(?<!-)outputs?\b.*task|task.*(?<!-)outputs?\b|\bstack\w*\[|outputs?\[",
    re.I,
)

_FAMILY: Final = re.compile(r'"family"\s*:\s*"([^"]+)"')


class Runs(StrEnum):
    """What image a task definition stands for."""

    COMMIT = "commit"  # the release's commit
    OTHER = "other"  # surely not
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Revision:
    """Which image the revision runs that a call names, and why."""

    runs: Runs
    why: str


def is_commit(value: Scalar) -> Answer:
    """Whether an image's tag is a commit of this run: by the name of what it holds."""
    tag = _tag(value)
    named = " ".join(f"{part.shown}" for part in tag if isinstance(part, Hole))
    literal = "".join(part for part in tag if isinstance(part, str))
    if named:
        if _SHA.search(named.replace("_", " ")) or _SHA.search(named):
            return YES
        return NO if _MOVES.search(named) else Open(f"whether {named} is a commit")
    return NO if literal else Open("what its tag is")


def _tag(value: Scalar) -> list[str | Hole]:
    """What stands behind the last colon of an image reference; all of it where it has none."""
    parts = list(pieces(value if isinstance(value, Text) else shown(value)))
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if isinstance(part, str) and ":" in part:
            return [part.rpartition(":")[2], *parts[index + 1 :]]
    return parts


def revision_of(at: At, call: AwsCall) -> Revision:
    """Which image the task definition that ``call`` names runs."""
    if of_action(call):
        read = _file_of(at)
        return _image(read[0], read[1]) if read is not None else _of_action(call)
    value = call.text("taskDefinition")
    if isinstance(value, Absent):
        if not call.complete or not isinstance(call.argument("cliInputJson"), Absent):
            return Revision(Runs.OPEN, "its arguments are not all known before the run")
        return Revision(
            Runs.OTHER, "it names no task definition, so what runs is started again from whatever its tag names"
        )
    each = options(value)
    if each is None:
        return Revision(Runs.OPEN, f"its task definition: {value.why if isinstance(value, Unknown) else value}")
    answers = [_named(at, option) for option in each]
    if any(answer.runs is Runs.COMMIT for answer in answers):
        # A revision that is used again where it is the same one: `register` is the other way to get it.
        answers = [answer for answer, option in zip(answers, each, strict=True) if not _used_again(at, option)]
    return max(answers, key=lambda answer: [Runs.COMMIT, Runs.OPEN, Runs.OTHER].index(answer.runs))


def _used_again(at: At, value: Scalar) -> bool:
    """Whether a value is the newest revision of a family that is named, not of what the stack gives."""
    origin = call_behind(value)
    if origin is None or plain_name(origin.operation) != "describetaskdefinition":
        return False
    asked = _at_origin(at, origin)
    family = asked.text("taskDefinition") if asked is not None else Absent()
    return not isinstance(family, Absent) and not _from_stack(family)


def _from_stack(value: Possible) -> bool:
    for option in options(value) or ():
        origin = call_behind(option)
        if origin is not None and plain_name(origin.operation) in {"describestacks", "listexports"}:
            return True
        if _OUTPUT_OF_STACK.search(shown(option)):
            return True
    return False


def _at_origin(at: At, origin: CallPlace) -> AwsCall | None:
    """The last call at that line before ``at``."""
    for index in range(at.index - 1, -1, -1):
        action = at.trace.actions[index]
        if isinstance(action, AwsCall) and (action.spot.file, action.spot.line) == (origin.file, origin.line):
            return action
    return None


def _named(at: At, value: Scalar) -> Revision:
    origin = call_behind(value)
    operation = plain_name(origin.operation) if origin is not None else ""
    if operation == "registertaskdefinition":
        return _registered(at, origin)
    if operation == "describeservices":
        return Revision(Runs.OTHER, "it names the revision that runs already, not the release's")
    if operation in {"describetaskdefinition", "listtaskdefinitions"}:
        return Revision(Runs.OTHER, "it names the family's newest revision, whatever image that has")
    if operation in {"describestacks", "listexports"} or _from_stack(value):
        return Revision(
            Runs.OTHER, "it names the stack's own task definition, whose image the stack sets, not the release"
        )
    if isinstance(value, str):
        earlier = _registered(at, None, value.rpartition("/")[2].partition(":")[0])
        if re.search(r":\d+$", value) or earlier.runs is not Runs.COMMIT:
            return Revision(Runs.OTHER, f"it names {value}, whatever image that has")
        return earlier
    return Revision(Runs.OPEN, f"which image {shown(value)} runs")


def _registered(at: At, origin: CallPlace | None, family: str = "") -> Revision:
    """The image of the registration before ``at``: at a line, or the nearest (of a family, where one is given)."""
    for index in range(at.index - 1, -1, -1):
        action = at.trace.actions[index]
        if not isinstance(action, AwsCall) or action.operation != "RegisterTaskDefinition":
            continue
        if family and _family(action) not in ("", family):
            continue
        if origin is None or (action.spot.file, action.spot.line) == (origin.file, origin.line):
            return _image(At(at.job, at.trace, index), action)
    return Revision(Runs.OPEN, "no registration of its revision was found")


def _family(call: AwsCall) -> str:
    """The family of a registration; empty where it is not told."""
    named = call.text("family")
    if isinstance(named, str):
        return named
    given = call.text("cliInputJson")
    found = _FAMILY.search(shown(given)) if isinstance(given, str | Text) else None
    return found[1] if found is not None else ""


def _image(at: At, call: AwsCall) -> Revision:
    """The image that a registration sets."""
    images = list(_images(call.argument("containerDefinitions")))
    given = call.text("cliInputJson")
    if not images and isinstance(given, str | Text):
        images = list(_images(given))
    if not images and call.step is not None and isinstance(given, str | Text):
        rendered = _rendered(call.step, shown(given))
        if rendered is not None:
            return rendered
    if not images:
        images = [value for action in _changers(at) for value in _set_by(action)]
    answers = [is_commit(option) for image in images for option in options(image) or (None,)]
    if YES in answers:
        return Revision(Runs.COMMIT, "a revision is registered with the commit's image")
    if answers and either(answers) is NO:
        return Revision(Runs.OTHER, "the revision that it registers does not take its image from the commit")
    return Revision(Runs.OPEN, "which image the registered revision has")


def _images(value: Argument | Absent) -> Iterator[Possible]:
    if isinstance(value, Mapping):
        image = value.get("image")
        if image is not None and not isinstance(image, tuple | Mapping):
            yield image
    elif isinstance(value, tuple):
        for each in value:
            yield from _images(each)
    elif isinstance(value, str | Text):
        yield from _written(value)


# What stands for a hole while a text is searched: Unicode's private use area, 6,400 letters that no text has.
_STANDS: Final = re.compile("([\ue000-\uf8ff])")
_IMAGE: Final = re.compile(r'"?image"?\s*[:=]\s*"?([^"\s,}]*)')


def _written(value: str | Text) -> Iterator[Possible]:
    """The images in a text such as JSON's; no character of what a hole is called ends one."""
    plain = [part for part in pieces(value) if isinstance(part, str)]
    holes = [part for part in pieces(value) if isinstance(part, Hole)]
    if len(holes) > 6_400 or any(map(_STANDS.search, plain)):
        yield Unknown("its text is too long, or has letters of nobody's")
        return
    numbers = iter(range(len(holes)))
    whole = "".join(part if isinstance(part, str) else chr(0xE000 + next(numbers)) for part in pieces(value))
    for found in _IMAGE.finditer(whole):
        each = _STANDS.split(found[1])
        yield text([holes[ord(part) - 0xE000] if at % 2 else part for at, part in enumerate(each)])


def _changers(at: At) -> Iterator[Command]:
    """The programs that change a task definition's text between the registration before this one and this one."""
    for index in range(at.index - 1, -1, -1):
        action = at.trace.actions[index]
        if isinstance(action, AwsCall) and action.operation == "RegisterTaskDefinition":
            if not _same_round(action, at.action):
                return
            continue
        if isinstance(action, Command) and (action.program in _CHANGERS or action.program.startswith("python")):
            yield action


def _same_round(one: AwsCall, other: Command | AwsCall | CdkCommand) -> bool:
    mine, theirs = ([(each.spot, each.index) for each in action.reached.loops] for action in (one, other))
    return mine == theirs


def _set_by(command: Command) -> Iterator[Possible]:
    """What a program sets an image to: all its words that are not known in full, where it speaks of images."""
    text = command.text()
    if not re.search(r"image|:latest|IMAGE|__TAG__|\.tag", text) and command.program != "envsubst":
        return
    known = False
    for word in (*command.words[1:], *command.environment.values()):
        for option in options(word) or ():
            if isinstance(option, Text):
                known = True
                if any(isinstance(part, str) and ":" in part for part in option.parts):
                    yield option
                else:
                    yield from (Text((hole,)) for hole in option.holes)
            elif isinstance(option, str) and re.search(r"\S:[\w.-]+$", option) and "image" not in option:
                known = True
                yield option
    for found in re.finditer(r'\.image\s*\|?=\s*"([^"$\\]*)"', text):
        known = True
        yield found[1]
    if not known:
        yield Unknown("what it sets the image to")


def _file_of(at: At) -> tuple[At, AwsCall] | None:
    """The registration by the same step, where it is of a file in this repository that could be read."""
    for index in range(at.index - 1, -1, -1):
        action = at.trace.actions[index]
        if action.step is not at.action.step:
            return None
        if isinstance(action, AwsCall) and action.operation == "RegisterTaskDefinition":
            is_read = not isinstance(action.argument("containerDefinitions"), Absent)
            return (At(at.job, at.trace, index), action) if is_read else None
    return None


def _of_action(call: AwsCall) -> Revision:
    """``amazon-ecs-deploy-task-definition``: the file that ``amazon-ecs-render-task-definition`` made."""
    step = call.step
    if step is None:
        return Revision(Runs.OPEN, "which task definition the action deploys")
    given = step.with_.get("task-definition")
    named = shown(given) if isinstance(given, str | Text) else ""
    return _rendered(step, named) or Revision(Runs.OPEN, f"which image {named or 'the task definition'} has")


def _rendered(step: EffectiveStep, named: str) -> Revision | None:
    """The image of a file that ``amazon-ecs-render-task-definition`` made, where ``named`` is its output."""
    found = re.search(r"steps\.([\w-]+)\.outputs\.task-definition", named)
    for other in step.job.steps if found else ():
        if found and other.step.id == found[1] and "render-task-definition" in other.step.action:
            answers = [is_commit(option) for option in options(other.with_.get("image", "")) or (None,)]
            if every(answers) is YES:
                return Revision(Runs.COMMIT, "the rendered task definition has the commit's image")
            if either(answers) is NO:
                image = shown(other.with_.get("image"))
                return Revision(Runs.OTHER, f"the rendered task definition has the image {image}")
    return None
