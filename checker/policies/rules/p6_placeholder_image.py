"""No infrastructure deploy replaces a released image.

What the review found
    Nothing: it took for granted that a fixed placeholder tag in the template keeps the CDK from rolling services. That
    holds only while nothing else of the task definition changes; then CloudFormation registers a revision with the
    placeholder and rolls it over the released image.
What is checked
    Every ``cdk deploy`` in a workflow, with the ``cdk synth`` that made what it deploys: it is given an image tag by
    context, which is a commit's, under a key that the app's code reads. Without one the templates' own images decide:
    a placeholder, or a tag that moves, may only be deployed where the run has made sure that nothing runs yet. And
    every update of a stack by ``aws cloudformation``, ``sam deploy`` or their like, where the pipeline rolls a service
    of the stack by revisions of its own: the template's image of that service is the release's, by a parameter. A
    service that names the family keeps its image until it is rolled again: where the same workflow surely does so
    afterwards, nothing is taken back.
When it does not apply
    No workflow deploys with the CDK or CloudFormation; the stacks that it deploys run no container images, or images
    that nothing but the template sets.
What cannot be decided
    No templates and no image tag in the context; an assembly that no step of the run makes; a variable that the
    app may read a commit's image tag from; ``cdk.json``, ``cdk.context.json`` or a file called an image's tag, where a
    step before writes it. Where other runs of the app are given the commit by context, only a variable
    that is called an image's tag is such a one. A key of the context, where the app's code puts its keys together or
    reads none at all.
Fix
    Read which commit runs (``describe-services``, ``describe-task-definition``) and pass it on:
    ``cdk deploy --context imageTag=$RUNNING``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, every, yes_if
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.possible import Possible, call_behind, options, shown, truth
from checker.model.rules import Rule, Unseen
from checker.model.values import Text, Unknown
from checker.reason.deploys.paths import At, exits_after, once, unseen
from checker.reason.images.commit_tags import is_commit, is_commit_of_run
from checker.reason.images.references import SHA, Registry, image_references, parse_image
from checker.reason.workloads.cdk_deploys import IMAGE_KEY, TAG_NAME, given_by_file, selected, syntheses
from checker.reason.workloads.stack_images import Brought, brought

_FIX: Final = (
    "Read which image tag runs now, and give it to the CDK by a context or parameter that the app puts into its task "
    "definitions, such as --context imageTag=$RUNNING: otherwise a deploy goes back to the template's own tag."
)
_FIX_PARAMETER: Final = (
    "Take the image's tag from a parameter of the template, and give it the one that runs or is released: "
    "--parameter-overrides ImageTag=$RUNNING."
)
_BOOTSTRAP_KEY: Final = lazy_re.compile(r"bootstrap|init|first", re.IGNORECASE)
_READS: Final = frozenset({"DescribeServices", "ListTasks", "DescribeTasks", "ListServices", "DescribeTaskDefinition"})
# `steps.X.outputs.released == 'false'`, `steps.X.outputs.first == 'true'`
_NOTHING: Final = lazy_re.compile(
    r"steps\.([\w-]+)\.outputs\.[\w-]+\s*(?:==\s*(?:'(?:false|0|none|)'|false|0)|!=\s*(?:'true'|true))"
    r"|steps\.([\w-]+)\.outputs\.(?:first|empty|fresh|new|bootstrap)[\w-]*\s*==\s*(?:'true'|true)",
    re.IGNORECASE,
)
_CONTENT_HASH: Final = lazy_re.compile(r"[0-9a-f]{64}")
_FIXED: Final = "@"  # what stands for a digest, and for a commit that a parameter is given
_CHANGES: Final = frozenset({"deploy", "watch", "import"})


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    found = list(once(_all(pipeline, project)))
    yield from found or unseen(pipeline, None, "whether stacks are deployed")


def _all(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    for job in pipeline.jobs:
        trace = pipeline.trace(job)
        for index, action in enumerate(trace.actions):
            if isinstance(action, CdkCommand) and action.name in _CHANGES:
                yield from _judged(At(job, trace, index), action, pipeline, project)
    yield from _of_stacks(pipeline, project)


def _of_stacks(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    """Updates by CloudFormation's own commands: what each brings to the services that the pipeline rolls by itself."""
    by_call: dict[int, list[Brought]] = {}
    for each in brought(pipeline, project):
        by_call.setdefault(id(each.at.action), []).append(each)
    for found in by_call.values():
        at = found[0].at
        call = at.action
        assert isinstance(call, AwsCall)
        back = [each for each in found if each.taken_back is not NO]
        surely = [each for each in back if each.taken_back is YES]
        nothing_runs = _nothing_runs(at, call, pipeline) if back else NO
        doubts = [nothing_runs, *(each.taken_back for each in back), *(each.image for each in found)]
        doubt = next((each for each in doubts if isinstance(each, Open)), None)
        if nothing_runs is YES:
            yield call.passes(None, "It is only run where nothing was released.")
        elif surely and nothing_runs is NO:
            yield call.fails(None, _taken_back(surely[0]), fix=_FIX_PARAMETER, related=(surely[0].service,))
        elif doubt is not None:
            yield call.undecided(None, doubt.why, fix=_FIX_PARAMETER)
        else:
            yield call.passes(None, "It takes no released image back.")


def _taken_back(each: Brought) -> str:
    name = each.service.logical_id
    when = "its next deployment starts" if each.of_family else "CloudFormation rolls"
    return (
        f"When the task definition of {name} changes, {when} the template's image tag {each.tag} over the one that "
        f"{each.released.spot} released."
    )


def _judged(at: At, deploy: CdkCommand, pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    images = _images(deploy, project)
    if images is not None and not images:
        return
    made_by = list(syntheses(at, deploy, pipeline))
    if not made_by:
        yield deploy.undecided(None, "the assembly that it deploys is made by no step of this run", fix=_FIX)
    for place, command in made_by:
        yield _one(place, command, deploy, images, pipeline, project)


def _images(deploy: CdkCommand, project: Project) -> list[str | Unknown] | None:
    """The image tags in the templates of the stacks that are deployed, ``None`` where those are not at hand."""
    stacks = [stack for environment in project.environments for stack in environment.stacks if selected(stack, deploy)]
    if not stacks:
        return None
    wanted = {id(stack) for stack in stacks}
    found: list[str | Unknown] = []
    for environment in project.environments:
        for reference in image_references(environment):
            if id(reference.owner.stack) not in wanted:
                continue
            if isinstance(reference.value, str | Text):
                image = parse_image(reference.value, project)
                if image.registry is Registry.FOREIGN:
                    continue  # somebody else's release, which no deploy of ours brings back
                given = isinstance(reference.value, Text) and is_commit_of_run(reference.value)
                found.append(_FIXED if image.by_digest or given else image.tag)
            else:
                found.append(Unknown("an image that is not known"))
    return found


def _one(
    at: At,
    command: CdkCommand,
    deploy: CdkCommand,
    images: list[str | Unknown] | None,
    pipeline: Pipeline,
    project: Project,
) -> Judgement:
    related = () if command is deploy else (deploy,)
    unread = _read_by_nobody(command, pipeline)
    tags, answers = _given_by_context(command, project, unread)
    if NO in answers:
        why = f"It deploys the image tag {', '.join(shown(tag) for tag in tags)} over whatever was released."
        return command.fails(None, why, fix=_FIX, related=related)
    if answers and every(answers) is YES:
        open_keys = [key for key in command.context if IMAGE_KEY.search(key) and isinstance(unread.get(key), Open)]
        if len(open_keys) == len(tags):
            answer = unread[open_keys[0]]
            why = f"whether the app reads its context {open_keys[0]}: {answer.why if isinstance(answer, Open) else ''}"
            return command.undecided(None, why, fix=_FIX)
        return command.passes(None, "It is given a commit's image tag.")
    if answers:
        return command.undecided(None, f"whether the image tag {shown(tags[0])} is a commit's", fix=_FIX)
    nothing_runs = _nothing_runs(at, command, pipeline)
    if nothing_runs is YES:
        return command.passes(None, "It is only run where nothing was released.")
    if images is None:
        return command.undecided(
            None,
            "it is given no image tag, and which images its stacks name is not known: no template of them is "
            "among what is judged",
            fix=_FIX,
        )
    variable = _given_by_environment(command, pipeline, project)
    if variable:
        why = f"it is given no image tag by context, and whether the app takes the variable {variable} for one"
        return command.undecided(None, why, fix=_FIX)
    file = given_by_file(at)
    if file:
        why = f"it is given no image tag by --context, and whether {file}, which a step before writes, gives it one"
        return command.undecided(None, why, fix=_FIX)
    placeholders = sorted({tag for tag in images if isinstance(tag, str) and _is_placeholder(tag)})
    if placeholders and isinstance(nothing_runs, Open):
        return command.undecided(None, nothing_runs.why, fix=_FIX)
    if placeholders:
        ignored = [key for key in command.context if IMAGE_KEY.search(key) and unread.get(key) is NO]
        given = f"no image tag that the app reads (not {', '.join(ignored)})" if ignored else "no image tag"
        why = (
            f"It is given {given}: when a task definition changes, CloudFormation rolls the image tag "
            f"{', '.join(placeholders)} over the released one."
        )
        return command.fails(None, why, fix=_FIX, related=related)
    if any(isinstance(tag, Unknown) for tag in images):
        return command.undecided(None, "it is given no image tag, and the template's own is not known", fix=_FIX)
    return command.passes(None, "The templates name images of their own that do not move.")


def _read_by_nobody(command: CdkCommand, pipeline: Pipeline) -> dict[str, Answer]:
    """Of the keys of a command's context whether the app reads them, where that is not plainly so."""
    app = pipeline.apps.get(command.folder or "")
    read = {key: app.reads(key) for key in command.context} if app is not None else {}
    return {key: answer for key, answer in read.items() if answer is not YES}


def _given_by_context(
    command: CdkCommand, project: Project, unread: Mapping[str, Answer] = MappingProxyType({})
) -> tuple[list[Possible], list[Answer]]:
    """The image tags in a command's context, and of each that it can be whether it is a released image's.

    A key that the app does not read gives it nothing.
    """
    tags = [value for key, value in command.context.items() if IMAGE_KEY.search(key) and unread.get(key) is not NO]
    return tags, [_is_released(option, project) for tag in tags for option in options(tag) or (None,)]


def _given_by_environment(command: CdkCommand, pipeline: Pipeline, project: Project) -> str:
    """A variable that the app may read its image tag from: named like one, or a commit by its value; or empty.

    Where other runs of the same app are given a commit by context, that is how the app takes it: then a commit that
    a job has at hand for its other steps says nothing, and only a variable that is called an image's tag may.
    """
    takes_context = any(
        YES in _given_by_context(other, project)[1]
        for other in pipeline.cdk_commands()
        if other is not command and other.folder == command.folder
    )
    for name, value in command.environment.items():
        if takes_context and not TAG_NAME.search(name):
            continue
        answers = [_is_released(option, project) for option in options(value) or (None,)]
        if every(answers) is YES or (IMAGE_KEY.search(name) and NO not in answers):
            return name
    return ""


def _is_released(tag: Possible, project: Project) -> Answer:
    """Whether a tag can only be that of a released image."""
    if isinstance(tag, str):
        return yes_if(SHA.fullmatch(tag) is not None and tag not in project.settings.bootstrap_tags)
    if not isinstance(tag, Text):
        return Open("what the image tag is")
    origin = call_behind(tag)
    return YES if origin is not None and origin.service == "ecs" else is_commit(tag)  # read from what runs


def _is_placeholder(tag: str) -> bool:
    return not (SHA.fullmatch(tag) or _CONTENT_HASH.fullmatch(tag) or tag == _FIXED)


def _nothing_runs(at: At, command: CdkCommand | AwsCall, pipeline: Pipeline) -> Answer:
    """Whether the run has looked that nothing runs: its ``if`` asks a step that reads the services, or a bootstrap is
    asked for and a step before reads them and can end the job. What nobody followed before it may have looked."""
    step = command.step
    if step is None:
        return NO
    asked = {found[1] or found[2] for found in _NOTHING.finditer(" ".join(step.conditions))}
    context = command.context if isinstance(command, CdkCommand) else {}
    bootstraps = any(_BOOTSTRAP_KEY.search(key) and truth(value) is YES for key, value in context.items())
    for index in range(at.index):
        action = at.trace.actions[index]
        if not isinstance(action, AwsCall) or action.service != "ecs" or action.operation not in _READS:
            continue
        if action.step is not None and not asked.isdisjoint(action.step.ids):
            return YES
        if bootstraps and next(exits_after(At(at.job, at.trace, index)), None) is not None:
            return YES
    before = {action.spot for action in at.trace.actions[: at.index]} if bootstraps or asked else set()
    for each in pipeline.unfollowed:
        if each.job is at.job and each.problem.spot in before:
            return Open(f"whether it is only run where nothing was released: {each.problem.message}")
    return NO


RULE = Rule(
    id="P6",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether stacks are deployed"),
    looked_for_in_pipeline="`cdk deploy` or update of a stack that runs container images",
)
