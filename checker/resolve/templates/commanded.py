"""Parameters that the pipeline's own commands give to a template: what is deployed with them is judged with them.

Sources: AWS CLI Command Reference, "cloudformation deploy" (``--parameter-overrides``: pairs, or a file of JSON) and
"cloudformation create-stack" (``--parameters``); SAM documentation, "sam deploy" (either form, in one word too); CDK
documentation, "cdk deploy" (``--parameters STACK:NAME=VALUE``); README of aws-actions/aws-cloudformation-github-deploy.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.changes import Held, held_by
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, Command, How, Trace
from checker.model.possible import OneOf, Possible, joined, one_of, options, shown
from checker.model.resources import Raw, Stack, rebuilt
from checker.model.settings import Settings
from checker.model.sources import Spot
from checker.model.values import Absent, Text
from checker.resolve.templates.app_code import app_changed

_CREATES: Final = frozenset({"create-stack", "update-stack", "create-change-set", "deploy"})
_SDK: Final = frozenset({"CreateStack", "UpdateStack", "CreateChangeSet"})
_ACTION: Final = "aws-actions/aws-cloudformation-github-deploy"
# Actions that register the task definition in a file, or write another one of it.
_REGISTERING: Final = frozenset(
    {"aws-actions/amazon-ecs-deploy-task-definition", "aws-actions/amazon-ecs-render-task-definition"}
)
_PAIR: Final = lazy_re.compile(
    r"ParameterKey=(?P<key>[^,]+)(?:,ParameterValue=(?P<value>.*))?(?:,UsePreviousValue=.*)?", re.DOTALL
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
    if parameters == stack.parameters and changed == declared and not of_run:
        return stack
    template = {**stack.template, "Parameters": changed}
    changes = {"parameters": parameters, "template": template, "given": of_run}
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


# --- what commands give -----------------------------------------------------------------------------------------------


def deployments(pipeline: Pipeline, read: Callable[[str], str | None]) -> Iterator[Deployment]:
    made: dict[str, str] = {}  # a packaged template -> the one that it was made of
    for job in pipeline.jobs:
        for way in job.alternatives or (job,):
            trace = pipeline.trace(way)
            for command in trace.commands:
                for found in _by_command(command, way, made, read):
                    yield _with_changes(found, trace, command, read)
            for call in trace.aws:
                if call.how is How.SDK and call.service == "cloudformation" and call.operation in _SDK:
                    yield _with_body(_by_call(call, way), call, trace, read)
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


def _with_body(deployment: Deployment, call: AwsCall, trace: Trace, read: Callable[[str], str | None]) -> Deployment:
    """A program's own call with the file whose text it sends, where the job has changed that before."""
    body = call.text("templateBody")
    file = _file(body, call.folder, {}) if isinstance(body, str) and body.startswith("file://") else ""
    if not file or not trace.changes or held_by(trace, file, call) is None:
        return deployment
    return _with_changes(replace(deployment, template=file), trace, call, read)


def _by_command(
    command: Command, job: EffectiveJob, made: dict[str, str], read: Callable[[str], str | None]
) -> Iterator[Deployment]:
    words = command.words
    plain = [word for word in words[1:3] if isinstance(word, str)]
    if command.program == "cdk":
        yield from _by_cdk(words, job)
        return
    if command.program == "aws" and plain == ["ecs", "register-task-definition"]:
        registered = _file(_one(words, "--cli-input-json"), command.folder, {})
        yield Deployment(registered, "", job.environment_name, None, command.spot)
        return
    if command.program == "aws" and plain[:1] == ["cloudformation"]:
        verb = plain[1] if len(plain) > 1 else ""
    elif command.program == "sam":
        verb = plain[0] if plain else ""
    else:
        return
    template = _file(_one(words, "--template-file", "--template-body", "--template", "-t"), command.folder, made)
    if verb == "package":
        packaged = _file(_one(words, "--output-template-file"), command.folder, {})
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
    values = _values(
        [*_several(words, "--parameter-overrides"), *_several(words, "--parameters")], command.folder, read
    )
    stack = _one(words, "--stack-name") or ""
    yield Deployment(template, shown(stack), job.environment_name, values, command.spot, _names(stack))


def _names(stack: Possible) -> tuple[str, ...]:
    each = options(stack) or ()
    names = tuple(one for one in each if isinstance(one, str) and one)
    return names if len(names) == len(each) else ()


def _by_cdk(words: Sequence[Possible], job: EffectiveJob) -> Iterator[Deployment]:
    """``--parameters`` of a stack, or of every one that is deployed."""
    given: dict[str, dict[str, Possible]] = {}
    for word in [each for option in ("--parameters",) for each in _each(words, option)]:
        name, value = _pair(word)
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
    return Deployment("", name if isinstance(name, str) else "", job.environment_name, given)


def _by_action(step: EffectiveStep, job: EffectiveJob, read: Callable[[str], str | None]) -> Deployment:
    text = step.with_.get("parameter-overrides")
    words: list[Possible] = []
    if isinstance(text, str) and text.strip():
        words = (
            [text] if text.startswith(("file://", "[")) else [each.strip() for each in text.split(",") if each.strip()]
        )
    elif isinstance(text, Text):
        words = [text]
    values = _values(words, "", read)
    stack = step.with_.get("name") or ""
    file = _file(step.with_.get("template"), "", {})
    return Deployment(file, shown(stack), job.environment_name, values, step.spot, _names(stack))


def _values(
    words: Iterable[Possible], folder: str | None, read: Callable[[str], str | None]
) -> Mapping[str, Possible] | None:
    """Names and values in the words of an option; ``None`` where not all of them are known."""
    found: dict[str, Possible] = {}
    for word in words:
        if isinstance(word, str) and word.startswith("file://"):
            text = read(posixpath.normpath(posixpath.join(folder or "", word.removeprefix("file://"))))
            inside = _in_json(text) if text is not None else None
        elif isinstance(word, str) and word.lstrip().startswith(("[", "{")):
            inside = _in_json(word)
        elif isinstance(word, str) and " " in word.strip() and word.count("=") > 1:
            inside = _values(_split(word), folder, read)
        else:
            name, value = _pair(word)
            inside = {name: value} if name else None
        if inside is None:
            return None
        found.update(inside)
    return found


def _split(text: str) -> list[Possible]:
    try:
        return [*shlex.split(text)]
    except ValueError:
        return [Text(())]


def _in_json(text: str) -> Mapping[str, Possible] | None:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(data, dict):
        data = data.get("Parameters", data)
    if isinstance(data, dict):
        return {str(key): value for key, value in data.items() if isinstance(value, str | int | float | bool)}
    found: dict[str, Possible] = {}
    for each in data if isinstance(data, list) else ():
        if isinstance(each, str) and "=" in each:
            found[each.partition("=")[0]] = each.partition("=")[2]
        elif isinstance(each, dict) and "ParameterKey" in each:
            value = each.get("ParameterValue")
            found[str(each["ParameterKey"])] = value if isinstance(value, str) else None
        else:
            return None
    return found


def _pair(word: Possible) -> tuple[str, Possible]:
    """``Name=value`` and ``ParameterKey=Name,ParameterValue=value``; no name where it is not known."""
    if isinstance(word, OneOf):
        pairs = [_pair(each) for each in word.options]
        named = {name for name, _ in pairs}
        return (named.pop(), one_of(value for _, value in pairs)) if len(named) == 1 else ("", None)
    first, *rest = word.parts if isinstance(word, Text) and word.parts else (word,)
    if not isinstance(first, str):
        return "", None
    match = _PAIR.fullmatch(first)
    if match is not None:
        name, value = match["key"], match["value"]
    elif "=" in first and not first.startswith("ParameterKey="):
        name, _, value = first.partition("=")
    else:
        return "", None
    name = name.strip("\"'")
    if value is None:
        return name, None
    if rest:
        return name, joined([value, *(each if isinstance(each, str) else Text((each,)) for each in rest)])
    return name, value.strip("\"'")


def _one(words: Sequence[Possible], *names: str) -> Possible:
    return next((each for name in names for each in _each(words, name)), None)


def _each(words: Sequence[Possible], option: str) -> Iterator[Possible]:
    for index, word in enumerate(words):
        if word == option:
            yield from words[index + 1 : index + 2]
        elif isinstance(word, str) and word.startswith(f"{option}="):
            yield word[len(option) + 1 :]
        elif isinstance(word, Text) and shown(word).startswith(f"{option}="):
            yield Text(word.parts)


def _several(words: Sequence[Possible], option: str) -> Iterator[Possible]:
    """The words behind an option, up to the next."""
    for index, word in enumerate(words):
        if isinstance(word, str) and word.startswith(f"{option}="):
            yield word[len(option) + 1 :]
        if word != option:
            continue
        for each in words[index + 1 :]:
            if isinstance(each, str) and each.startswith("--"):
                break
            yield each


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
