"""Which image a roll-out or a one-off task runs: the task definition that it names, followed to where it comes from.

A value's origin stands in its hole (``aws ecs register_task_definition@file:line``): so a revision that a script
registers is told from the family's newest, from the stack's own and from what runs already.
Source: Amazon ECS API Reference, "UpdateService" and "RunTask", ``taskDefinition``: a family without a revision is its
latest active one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Open, either
from checker.model.environments import Project
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Argument, AwsCall, CdkCommand, Command, How, plain_name
from checker.model.possible import Possible, Scalar, call_behind, leaves, options, shown
from checker.model.values import Absent, Answered, CallPlace, Text, Unknown
from checker.reason.calls.rolling import of_action
from checker.reason.calls.touched import picked_resources
from checker.reason.deploys.changes import What, changes_of
from checker.reason.deploys.code.run_commits import is_of_run
from checker.reason.deploys.paths import At
from checker.reason.images.commit_tags import Pushed, is_commit_of_run, is_released, left_behind, other_tags, pushed
from checker.reason.images.references import image_references
from checker.reason.images.registered import containers_in, containers_of, images_in, misplaced, stack_between
from checker.reason.images.replaced import CHANGERS, keeps_all, marked, of_file, set_by, unmarked
from checker.reason.images.used_again import at_origin, from_stack, unseen_again, used_again
from checker.reason.names.families import registered_family


class Runs(StrEnum):
    """What image a task definition stands for."""

    COMMIT = "commit"  # the release's commit
    OTHER = "other"  # surely not
    OPEN = "open"


class Revision(Struct, frozen=True):
    """Which image the revision runs that a call names, and why."""

    runs: Runs
    why: str


class Release(Struct, frozen=True):
    """What the pipeline pushes, and the project whose task definitions it changes. ``named``: whether it is a tag that
    a person names, in a run that is of another commit."""

    pushed: Pushed
    project: Project
    named: bool = False


_STARTS: Final = frozenset({"RunTask", "StartTask"})


def release_of(pipeline: Pipeline, project: Project) -> Release:
    return Release(pushed(pipeline), project)


def revision_of(at: At, call: AwsCall, release: Release) -> Revision:
    """Which image the task definition that ``call`` names runs."""
    if of_action(call):
        read = _file_of(at)
        if read is not None:
            return _image(read[0], read[1], release)
        given = call.step.with_.get("task-definition") if call.step is not None else None
        named = shown(given) if isinstance(given, str | Text) else "the task definition"
        return Revision(Runs.OPEN, f"which image {named} has")
    if call.service == "codedeploy":
        return _of_spec(at, call, release)
    if call.operation == "deploy":  # `aws ecs deploy`: a file is registered, as programs before it leave it
        return _image(at, call, release)
    if call.operation == "UpdateExpressGatewayService":
        return _of_images([*images_in(call.argument("primaryContainer"))], release)
    value = call.text("taskDefinition")
    if isinstance(value, Absent):
        if not call.complete or not isinstance(call.argument("cliInputJson"), Absent):
            return Revision(Runs.OPEN, "its arguments are not all known before the run")
        if call.operation in _STARTS:  # none is started without one
            return Revision(Runs.OPEN, "which task definition it is given, as one must be")
        return Revision(
            Runs.OTHER, "it names no task definition, so what runs is started again from whatever its tag names"
        )
    each = options(value)
    if each is None:
        return Revision(Runs.OPEN, f"its task definition: {value.why if isinstance(value, Unknown) else value}")
    answers = [_named(at, option, release) for option in each]
    if any(answer.runs is Runs.COMMIT for answer in answers):
        # A revision that is used again where it is the same one: `register` is the other way to get it.
        pairs = zip(answers, each, strict=True)
        kept = [answer for answer, option in pairs if not used_again(at, option)]
        if kept and len(kept) < len(answers) and unseen_again(at, each):
            return Revision(Runs.OPEN, "whether the revision that is used again has the release's image: nothing looks")
        answers = kept or answers
    return max(answers, key=lambda answer: [Runs.COMMIT, Runs.OPEN, Runs.OTHER].index(answer.runs))


def _named(at: At, value: Scalar, release: Release) -> Revision:
    origin = call_behind(value)
    operation = plain_name(origin.operation) if origin is not None else ""
    cut = isinstance(value, Text) and _CUT.search(str(value)) is not None
    open_newest = Revision(
        Runs.OPEN, "whether the newest revision of its family is the release's: it names no revision"
    )
    if operation == "registertaskdefinition":
        found = _registered(at, origin, release)
        return open_newest if cut and found.runs is Runs.COMMIT and not _surely(at, origin) else found
    if operation == "describeservices":
        if isinstance(value, Text) and not all(isinstance(hole, Answered) for hole in value.holes):
            return Revision(Runs.OTHER, "it counts revisions from the one that runs, whatever image that one has")
        changer = _changer_before(at, origin)
        if changer is not None:
            why = f"whether `{changer.program}` at {changer.spot} gives the service the release's revision before"
            return Revision(Runs.OPEN, why)
        return Revision(Runs.OTHER, "it names the revision that runs already, not the release's")
    if operation in {"describetaskdefinition", "listtaskdefinitions"}:
        return open_newest if cut else _asked_for(at, origin, release)
    if from_stack(value):
        return _of_stack(at, value, release)
    if isinstance(value, str):
        if re.search(r":\d+$", value):
            return Revision(Runs.OTHER, f"it names {value}, whatever image that has")
        return _newest(at, value.rpartition("/")[2], release)
    return Revision(Runs.OPEN, f"which image {shown(value)} runs")


# What takes the revision off a task definition's ARN, whose family then stands for its newest one.
_CUT: Final = lazy_re.compile(
    r"\.r?partition\(\s*['\"]:['\"]\s*\)\[0\]|\.r?split\(\s*['\"]:['\"]\s*(?:,[^()]*)?\)\[0\]|\bre\.sub\("
)


def _surely(at: At, origin: CallPlace | None) -> bool:
    """Whether the registration before ``at`` that stands at a line is made on every way."""
    made = [each for _, each in _registrations(at) if origin is not None and each.is_behind(origin)]
    return any(each.certain and not each.unless for each in made)


def _of_stack(at: At, value: Scalar, release: Release) -> Revision:
    """The stack's own task definition: the release's where the job has just deployed the stack with the commit. Of
    several that one whose output is picked by its key."""
    own = release.project.environment(at.job.environment_name)
    asked = value if isinstance(value, Text) else ""
    picked = {each.key for each in picked_resources(asked, release.project, at.job.environment_name)}
    references = [
        reference
        for environment in ((own,) if own is not None else release.project.environments)
        for reference in image_references(environment)
        if reference.owner.type == "AWS::ECS::TaskDefinition"
    ]
    references = [each for each in references if each.owner.key in picked] or references
    of_commit = [isinstance(each.value, Text) and is_commit_of_run(each.value) for each in references]
    if not references and (unseen := _unseen_before(at, None)):
        return unseen
    if not any(of_commit):
        why = "it names the stack's own task definition, whose image the stack sets, not the release"
        return Revision(Runs.OTHER, why)
    if not all(of_commit):
        return Revision(Runs.OPEN, "which task definition of the stack it names: not all have the commit's image")
    before = {id(action) for action in at.trace.actions[: at.index]}
    if any(each.what is What.STACK and id(each.place) in before for each in changes_of(at.trace)):
        return Revision(Runs.COMMIT, "the stack's own task definition, which the job has deployed with the commit")
    return Revision(Runs.OPEN, "whether the stack has been deployed with the commit's image by then")


# What programs are told that change a service without a call that is seen: Terraform's, Copilot's and their like.
_CHANGING: Final = frozenset({"apply", "deploy", "up", "update", "upgrade", "release", "rollout", "sync"})


def _changer_before(at: At, origin: CallPlace | None) -> Command | None:
    """A program that is not followed, and may have rolled the service (or registered a revision) before ``origin``
    reads it; before the call itself without one."""
    unread = {problem.spot for problem in at.trace.problems if problem.unread}
    for action in at.trace.actions[: at.index]:
        if isinstance(action, AwsCall) and origin is not None and action.is_behind(origin):
            return None
        if isinstance(action, Command) and action.spot in unread and _CHANGING.intersection(_plain(action)):
            return action
    return None


def _unseen_before(at: At, origin: CallPlace | None) -> Revision | None:
    """What is said where a program that is not followed may have registered the newest revision."""
    changer = _changer_before(at, origin)
    if changer is None:
        return None
    return Revision(Runs.OPEN, f"whether `{changer.program}` at {changer.spot} registers the release's revision before")


def _plain(command: Command) -> list[str]:
    return [word for word in command.words[1:] if isinstance(word, str)]


def _registrations(at: At) -> Iterator[tuple[At, AwsCall]]:
    """What is registered before ``at``, the last first."""
    for index in range(at.index - 1, -1, -1):
        action = at.trace.actions[index]
        if isinstance(action, AwsCall) and action.operation == "RegisterTaskDefinition":
            yield At(at.job, at.trace, index), action


def _registered(at: At, origin: CallPlace | None, release: Release) -> Revision:
    """The image of the registration before ``at`` that stands at a line."""
    for place, action in _registrations(at):
        if origin is None or action.is_behind(origin):
            return _image(place, action, release)
    return Revision(Runs.OPEN, "no registration of its revision was found")


def _asked_for(at: At, origin: CallPlace | None, release: Release) -> Revision:
    """A family's newest revision: the one that is registered right before it is asked for, or any."""
    whatever = _unseen_before(at, origin) or Revision(
        Runs.OTHER, "it names the family's newest revision, whatever image that has"
    )
    asked = at_origin(at, origin) if origin is not None else None
    if asked is None or asked.how is not How.CLI:  # of a program the revision that it makes is followed itself
        return whatever
    index = next(i for i, action in enumerate(at.trace.actions) if action is asked)
    before = next(_registrations(At(at.job, at.trace, index)), None)
    if before is None or not before[1].reached.certain:
        return whatever
    found = _image(*before, release)
    if found.runs is not Runs.COMMIT:
        return whatever
    named, family = asked.text("taskDefinition"), _family(*before)
    if isinstance(named, str) and family is not None:
        same = named.rpartition("/")[2].partition(":")[0] == family
        return found if same else Revision(Runs.OTHER, f"it names the newest revision of {named}, not of {family}")
    return Revision(Runs.OPEN, "whether the family whose newest revision it asks for is the one registered before")


def _newest(at: At, family: str, release: Release) -> Revision:
    """A family without a revision is its newest: the one that the job has registered before, if it surely has."""
    for place, action in _registrations(at):
        named = _family(place, action)
        if named == family:
            found = _image(place, action, release)
            if found.runs is Runs.COMMIT and _may_be_left_out(action, at):
                return Revision(Runs.OPEN, f"whether a revision of {family} is registered before, on every way")
            stack = stack_between(place, at, family, release.project) if found.runs is Runs.COMMIT else None
            if stack is not None:
                why = f"whether {family}'s newest revision is the registered one, or one of the stack at {stack.spot}"
                return Revision(Runs.OPEN, why)
            return found
        if named is None:
            return Revision(Runs.OPEN, f"whether the revision that is registered before is one of {family}")
    return _unseen_before(at, None) or Revision(
        Runs.OTHER, f"it names {family}, whatever image its newest revision has"
    )


def _may_be_left_out(before: AwsCall, then: At) -> bool:
    """Whether one call may not be made where another one is, in a run of their step or of their job."""
    later = then.action
    if before.step is later.step:
        return later.reached.certain and not before.reached.certain
    return later.certain_in_job and not before.certain_in_job


def _family(at: At, call: AwsCall) -> str | None:
    """The family of a registration; ``None`` where it is not told. What is changed of a revision keeps its family."""
    return registered_family(at.trace, at.index, call)


def _image(at: At, call: AwsCall, release: Release) -> Revision:
    """The image that a registration sets."""
    definitions = call.argument("containerDefinitions")
    images = list(images_in(definitions))
    given = call.text("cliInputJson")
    written = [one for each in (definitions, given) if isinstance(each, str | Text) for one in containers_of(each)]
    of_release = (each for each in (*containers_in(definitions), *written) if _has(each.image, release))
    if wrong := misplaced(of_release, _family(at, call), release.project):
        return Revision(Runs.OTHER, wrong)
    if not images and isinstance(given, str | Text):
        images = list(images_in(given))
    if not images:
        named = shown(given) if isinstance(given, str | Text) else ""
        changers = list(_changers(at))  # of several, the one whose output the registered text is
        if named.startswith("file://"):
            before = [each for each in at.trace.actions[: at.index] if isinstance(each, Command)]
            changers = of_file(changers, named.removeprefix("file://"), before)
        changers = [each for each in changers if each.source and each.source[:90] in named] or changers
        changed = [each for action in changers for each in set_by(action)]
        if wrong := misplaced(changed, _family(at, call), release.project):
            return Revision(Runs.OTHER, wrong)
        images = [each.image for each in changed]
        if not images and changers and all(map(keeps_all, changers)) and not isinstance(given, Absent):
            return Revision(Runs.OTHER, "it registers what it has read, and nothing puts the release's image into it")
    return _of_images(images, release)


def _has(image: Possible, release: Release) -> bool:
    """Whether an image is the release's."""
    return any(is_released(each, release.pushed) is YES for each in options(image) or ())


# What an AppSpec of CodeDeploy names (CodeDeploy User Guide, "AppSpec 'resources' section").
_SPEC: Final = lazy_re.compile(r"TaskDefinition\W*?[:=]\s*[\\\"']*([^\s\\\"',}]+)")


def _of_spec(at: At, call: AwsCall, release: Release) -> Revision:
    """The task definition that the AppSpec of a deployment by CodeDeploy names, where that stands in the call."""
    given = [*_texts(call.argument("revision")), *_texts(call.argument("cliInputJson"))]
    for value in given:
        found = marked(value)
        match = _SPEC.search(found[0]) if found is not None else None
        if found is not None and match is not None:
            named = unmarked(match[1], found[1])
            answers = [_named(at, each, release) for each in options(named) or ()]
            if answers and not shown(named).startswith("<"):
                return max(answers, key=lambda each: [Runs.COMMIT, Runs.OPEN, Runs.OTHER].index(each.runs))
    return Revision(Runs.OPEN, "which task definition the AppSpec of this deployment by CodeDeploy names")


def _texts(value: Argument | Absent) -> Iterator[str | Text]:
    found = () if isinstance(value, Absent) else leaves(value)
    yield from (each for each in found if isinstance(each, str | Text))


def _of_images(images: list[Possible], release: Release) -> Revision:
    each_can_be = [option for image in images for option in options(image) or (None,)]
    answers = [is_released(option, release.pushed) for option in each_can_be]
    if YES in answers:
        kept = next((each for each in each_can_be if _is_kept(each, release.pushed)), None)
        kept = kept or next(left_behind(images, release.pushed), None)
        if kept is not None:
            return Revision(Runs.OTHER, f"one container of the revision that it registers keeps the image {kept}")
        other = next((each for image in images for each in other_tags(options(image) or (), release.pushed)), None)
        if other is not None:
            return Revision(Runs.OPEN, f"whether the image's tag is the commit, or {shown(other)}")
        released = [each for each, answer in zip(each_can_be, answers, strict=True) if answer is YES]
        if release.named and all(each is not None and is_of_run(each) for each in released):
            return Revision(
                Runs.OTHER,
                "its image is of the commit that the run is of, github.sha, and not of the tag that is named",
            )
        return Revision(Runs.COMMIT, "a revision is registered with the commit's image")
    if answers and either(answers) is NO:
        return Revision(Runs.OTHER, "the revision that it registers does not take its image from the commit")
    doubt = either(answers) if answers else None
    return Revision(Runs.OPEN, doubt.why if isinstance(doubt, Open) else "which image the registered revision has")


def _is_kept(value: Scalar, known: Pushed) -> bool:
    """Whether an image that is written out stands where a release's belongs: no name of a registry's, or one that the
    pipeline pushes to."""
    if not isinstance(value, str) or not value:
        return False
    name = value.partition("@")[0].rpartition(":")[0] or value
    return not re.search(r"[/:@]", value) or (".dkr.ecr" in value and name.rpartition("/")[2] in known.forms)


def _changers(at: At) -> Iterator[Command]:
    """The programs that change a task definition's text between the registration before this one and this one."""
    for action in reversed(at.trace.actions[: at.index]):
        if isinstance(action, AwsCall) and action.operation == "RegisterTaskDefinition":
            if not _same_round(action, at.action):
                return
            continue
        if isinstance(action, Command) and (action.program in CHANGERS or action.program.startswith("python")):
            yield action


def _same_round(one: AwsCall, other: Command | AwsCall | CdkCommand) -> bool:
    mine, theirs = ([(each.spot, each.index) for each in action.reached.loops] for action in (one, other))
    return mine == theirs


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
