"""Parameters that the pipeline's own commands give to a template: what is deployed with them is judged with them.

Sources: AWS CLI Command Reference, "cloudformation deploy" (``--parameter-overrides``: pairs, or a file of JSON) and
"cloudformation create-stack" (``--parameters``); SAM documentation, "sam deploy" (either form, in one word too); CDK
documentation, "cdk deploy" (``--parameters STACK:NAME=VALUE``); README of aws-actions/aws-cloudformation-github-deploy.
What ``deploy`` is not told stays as the stack has it: aws/aws-cli issue 2599.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.changes import Held, held_by
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, Command, How, Trace
from checker.model.possible import Possible, options, shown
from checker.model.resources import Raw, Stack, rebuilt
from checker.model.settings import Settings
from checker.model.sources import Spot
from checker.model.values import Absent, Text
from checker.resolve.templates.deployed.app_code import app_changed
from checker.resolve.templates.deployed.overrides import option_of, options_of, pair_in, values_in, words_of
from checker.resolve.templates.deployed.sent import sent

_CREATES: Final = frozenset({"create-stack", "update-stack", "create-change-set", "deploy"})
_VERBS: Final = frozenset({"package", *_CREATES})
_SDK: Final = frozenset({"CreateStack", "UpdateStack", "CreateChangeSet"})
_ACTION: Final = "aws-actions/aws-cloudformation-github-deploy"
# Actions that register the task definition in a file, or write another one of it.
_REGISTERING: Final = frozenset(
    {"aws-actions/amazon-ecs-deploy-task-definition", "aws-actions/amazon-ecs-render-task-definition"}
)
_SOMEWHERE: Final = "**/"  # in front of a path whose folder is not known
# What makes a template of another: SAM documentation, "sam build" (where what it builds lies).
_OUTPUT: Final = ".aws-sam/build/template.yaml"
_BUILT: Final = lazy_re.compile(r"(?:^|/)\.aws-sam/build/template\.ya?ml$")


class Deployment(Struct, frozen=True):
    """A command that deploys a template: its file and the stack's name, empty where they are not known; and the values
    that it gives, ``None`` where nobody knows which."""

    template: str
    stack: str
    environment: str
    values: Mapping[str, Possible] | None
    spot: Spot | None = None
    # Every name that the stack may have; none where they are not all known.
    names: tuple[str, ...] = ()
    held: Held | None = None  # what the template holds by then, where the job has changed it
    previous: bool = False  # it keeps the template that the stack has
    keeps: bool = False  # it keeps the values that it is not told


def given(stack: Stack, found: Sequence[Deployment], settings: Settings, said: Collection[str] = ()) -> Stack:
    """A stack with the parameters that commands give it. What ``checker.toml`` says of one stands, and is ``said``."""
    declared: Raw = stack.template.get("Parameters")
    of = [each for each in found if is_of(each, stack)]
    if any(stack.name in (each.stack, *each.names) for each in of):
        of = [each for each in of if stack.name in (each.stack, *each.names)]
    if stack.environment and any(each.environment == stack.environment for each in of):
        of = [each for each in of if each.environment == stack.environment]
    if not of or not isinstance(declared, dict):
        return stack
    own = settings.environments.get(stack.environment)
    said = {*said, *settings.parameters.get(stack.name, {}), *(own.parameters if own is not None else ())}
    parameters, changed, of_run = dict(stack.parameters), dict(declared), dict[str, Text]()
    brought = {
        name: one
        for each in of
        for name, value in (each.values or {}).items()
        for one in options(value) or ()
        if isinstance(one, Text)
    }
    for name, declaration in declared.items():
        if name in said or not isinstance(declaration, dict):
            continue
        values = [each.values.get(name, _UNSAID) if each.values is not None else None for each in of]
        if all(value is _UNSAID for value in values):
            continue
        before = parameters.get(name, declaration.get("Default"))
        known = [one for value in values for one in _options(before if value is _UNSAID else value)]
        different = list(dict.fromkeys(shown(each) for each in known if each is not None))
        if all(isinstance(value, Text) for value in values) and len({*map(shown, values)}) == 1:
            of_run[name] = values[0]  # type: ignore[assignment] # all of them are
        if None not in known and len(different) == 1:
            parameters[name] = different[0]
            continue
        if before is None:
            continue  # open already, and one of its values goes with those of others
        parameters.pop(name, None)
        open_one = {key: each for key, each in declaration.items() if key != "Default"}
        changed[name] = {**open_one, "AllowedValues": different} if None not in known else open_one
    if parameters == stack.parameters and changed == declared and not of_run and not brought:
        return stack
    template = {**stack.template, "Parameters": changed}
    changes = {"parameters": parameters, "template": template, "given": of_run, "brought": brought}
    return rebuilt(stack, lambda each: changes if each is stack else {})


_UNSAID: Final = Absent()


def _options(value: object) -> Sequence[Any]:
    """What a value can be; ``None`` for what nobody knows."""
    if value is None or isinstance(value, Text):
        return [None]
    each = options(value)  # type: ignore[arg-type]
    return [None] if each is None else [None if isinstance(one, Text) else one for one in each]


def is_template(deployment: Deployment, file: str) -> bool:
    """Whether a file is surely what a command deploys, or may be it."""
    template = deployment.template
    return bool(template) and (
        file == template or (template.startswith(_SOMEWHERE) and f"/{file}".endswith(template[2:]))
    )


def makes_anew(deployment: Deployment, stack: Stack) -> bool:
    """Whether a command synthesizes a stack anew, of code that the job has changed."""
    if deployment.held is None or deployment.template or not stack.source.file.endswith(".template.json"):
        return False
    return deployment.stack in {"*", "**", stack.name, stack.id}


def is_of(deployment: Deployment, stack: Stack) -> bool:
    """Whether a command deploys a stack, by its template or by its name."""
    if is_template(deployment, stack.source.file):
        return True
    return bool(deployment.stack) and deployment.stack in {stack.name, stack.id}


def of_previous(deployment: Deployment, stacks: Sequence[Stack]) -> Deployment:
    """A command that keeps the stack's template with that one of the repository which it can be alone: it has the
    parameters that are given, and no other that has to be."""
    if not deployment.previous or not deployment.values:
        return deployment
    fitting = {stack.source.file for stack in stacks if stack.parent is None and _takes(stack, deployment.values)}
    return replace(deployment, template=fitting.pop()) if len(fitting) == 1 else deployment


def _takes(stack: Stack, values: Collection[str]) -> bool:
    declared: Raw = stack.template.get("Parameters")
    if not isinstance(declared, dict):
        return False
    needed = {name for name, each in declared.items() if not (isinstance(each, dict) and "Default" in each)}
    return needed <= {*values} <= declared.keys()


# --- what commands give -----------------------------------------------------------------------------------------------


def deployments(pipeline: Pipeline, read: Callable[[str], str | None]) -> Iterator[Deployment]:
    made: dict[str, str] = {}  # a packaged template -> the one that it was made of
    before: dict[tuple[str, ...], list[tuple[EffectiveJob, Deployment]]] = {}  # by the stack's names, in order
    for job in pipeline.jobs:
        for way in job.alternatives or (job,):
            trace = pipeline.trace(way)
            for command in trace.commands:
                for found in _by_command(command, way, made, read):
                    whole = _with_kept(found, way, before.get(found.names, ()))
                    if command.certain_in_job:
                        before.setdefault(found.names, []).append((way, whole))
                    yield _with_changes(whole, trace, command, read)
            for call in trace.aws:
                if call.how is How.SDK and call.service == "cloudformation" and call.operation in _SDK:
                    yield from _with_body(_by_call(call, way), call, trace, read)
            for synthesized in trace.cdk if trace.changes else ():
                held = app_changed(synthesized, trace, read) if synthesized.name == "deploy" else None
                for stack in synthesized.stacks or ("*",) if held is not None else ():
                    yield Deployment("", shown(stack), way.environment_name, {}, synthesized.spot, held=held)
            for step in way.steps:
                if step.step.action.lower() in _REGISTERING:
                    path = _file(step.with_.get("task-definition"), "", {})
                    registered = Deployment(path, "", way.environment_name, None, step.spot)
                    yield _with_changes(registered, trace, step, read)
                if step.step.action.lower() == _ACTION:
                    yield _with_changes(_by_action(step, way, read), trace, step, read)


def _with_kept(
    deployment: Deployment, job: EffectiveJob, before: Sequence[tuple[EffectiveJob, Deployment]]
) -> Deployment:
    """A deployment with the values that an earlier one of the same run has surely given to its stack."""
    if not deployment.keeps or len(deployment.names) != 1 or deployment.values is None:
        return deployment
    for other, earlier in reversed(before):
        if earlier.values and (other is job or job.after(other)):
            return replace(deployment, values={**earlier.values, **deployment.values})
    return deployment


def _with_changes(
    deployment: Deployment, trace: Trace, at: Command | AwsCall | EffectiveStep, read: Callable[[str], str | None]
) -> Deployment:
    """A deployment with what the job has made of its template by then, and under which file that lies."""
    held = held_by(trace, deployment.template, at) if deployment.template else None
    if held is None:
        return deployment
    template = deployment.template
    own = not held.of or (not template.startswith("/") and read(template) is not None)
    return replace(deployment, template=template if own else held.of, held=held)


def _with_body(
    deployment: Deployment, call: AwsCall, trace: Trace, read: Callable[[str], str | None]
) -> Iterator[Deployment]:
    """A program's own call with the file whose text it sends, and with what the job, or the program, has made of it."""
    body = call.text("templateBody")
    file = _file(body, call.folder, {}) if isinstance(body, str) and body.startswith("file://") else ""
    if file:
        yield _with_changes(replace(deployment, template=file), trace, call, read)
        return
    found = list(sent(call, read)) if not isinstance(body, str | Absent) else []
    for template, held in found:
        changed = held_by(trace, template, call) is not None
        yield replace(deployment, template=template, held=Held(held.by, open=True) if changed else held)
    if not found:
        yield deployment


def _by_command(
    command: Command, job: EffectiveJob, made: dict[str, str], read: Callable[[str], str | None]
) -> Iterator[Deployment]:
    words = command.words
    plain = [word for word in words[1:3] if isinstance(word, str)]
    # A script may choose the operation first: `OP=update-stack`, else `OP=create-stack`.
    chosen = [options(word) or () for word in words[1:3]]
    if command.program == "cdk":
        yield from _by_cdk(words, job)
        return
    if command.program == "aws" and plain == ["ecs", "register-task-definition"]:
        registered = _file(option_of(words, "--cli-input-json"), command.folder, {})
        yield Deployment(registered, "", job.environment_name, None, command.spot)
        return
    if command.program == "aws" and plain[:1] == ["cloudformation"]:
        verb = next((str(each) for each in (chosen[1] if len(chosen) > 1 else ()) if each in _VERBS), "")
    elif command.program == "sam":
        verb = plain[0] if plain else ""
    else:
        return
    template = _file(option_of(words, "--template-file", "--template-body", "--template", "-t"), command.folder, made)
    if verb == "package":
        packaged = _file(option_of(words, "--output-template-file"), command.folder, {})
        if packaged and template:
            made[packaged] = template
        return
    built = posixpath.normpath(posixpath.join(command.folder or "", _OUTPUT))
    if verb == "build" and command.program == "sam":
        made.pop(built, None)
        if template:
            made[built] = template
        return
    if verb not in _CREATES:
        return
    if command.program == "sam" and not template:  # what was built goes before the template of that name
        template = made.get(built, posixpath.normpath(posixpath.join(command.folder or "", "template.yaml")))
    given = values_in(
        [*words_of(words, "--parameter-overrides"), *words_of(words, "--parameters")], command.folder, read
    )
    stack = option_of(words, "--stack-name") or ""
    named = (template, shown(stack), job.environment_name, given, command.spot, _names(stack))
    yield Deployment(*named, previous="--use-previous-template" in words, keeps=verb == "deploy")


def _names(stack: Possible) -> tuple[str, ...]:
    each = options(stack) or ()
    names = tuple(one for one in each if isinstance(one, str) and one)
    return names if len(names) == len(each) else ()


def _by_cdk(words: Sequence[Possible], job: EffectiveJob) -> Iterator[Deployment]:
    """``--parameters`` of a stack, or of every one that is deployed."""
    given: dict[str, dict[str, Possible]] = {}
    for word in [each for option in ("--parameters",) for each in options_of(words, option)]:
        name, value = pair_in(word)
        stack, colon, inner = name.rpartition(":")
        given.setdefault(stack if colon else "", {})[inner] = value
    selected = [
        word for word in words[2:] if isinstance(word, str) and re.fullmatch(r"[\w./-]+", word) and word[0] != "-"
    ]
    everywhere = given.pop("", {})
    for stack in dict.fromkeys((*given, *(selected if everywhere else ()))):
        yield Deployment("", stack, job.environment_name, {**everywhere, **given.get(stack, {})})


def _by_call(call: AwsCall, job: EffectiveJob) -> Deployment:
    given: dict[str, Possible] | None = {}
    listed = call.argument("parameters")
    if isinstance(listed, Absent):
        listed = ()
    for each in listed if isinstance(listed, tuple) else (None,):
        pairs = {str(key).lower(): value for key, value in each.items()} if isinstance(each, Mapping) else {}
        key, value = pairs.get("parameterkey"), pairs.get("parametervalue")
        if not isinstance(key, str) or isinstance(value, Mapping | tuple) or given is None:
            given = None
        else:
            given[key] = value
    name = call.text("stackName")
    named = () if isinstance(name, Absent) else _names(name)
    previous = call.argument("usePreviousTemplate") is True
    stack = name if isinstance(name, str) else ""
    return Deployment("", stack, job.environment_name, given, call.spot, named, previous=previous)


def _by_action(step: EffectiveStep, job: EffectiveJob, read: Callable[[str], str | None]) -> Deployment:
    text = step.with_.get("parameter-overrides")
    words: list[Possible] = []
    if isinstance(text, str) and text.strip():
        words = (
            [text] if text.startswith(("file://", "[")) else [each.strip() for each in text.split(",") if each.strip()]
        )
    elif isinstance(text, Text):
        words = [text]
    given = values_in(words, "", read)
    stack = step.with_.get("name") or ""
    file = _file(step.with_.get("template"), "", {})
    return Deployment(file, shown(stack), job.environment_name, given, step.spot, _names(stack))


def _file(value: Possible, folder: str | None, made: Mapping[str, str]) -> str:
    """A template's path in the repository; empty where it is not known. What was packaged is the one behind it."""
    if not isinstance(value, str) or not value:
        return ""
    path = posixpath.normpath(posixpath.join(folder or "", value.removeprefix("file://")))
    if path not in made and _BUILT.search(path):
        path = _BUILT.sub("/template.yaml", f"/{path}").lstrip("/")
    if folder is None and not path.startswith("/"):
        path = f"{_SOMEWHERE}{path}"
    return made.get(path, path)
