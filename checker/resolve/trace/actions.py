"""AWS calls that well-known actions make. Source: each action's README, "Permissions"."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker import lazy_re
from checker.data import actions as known
from checker.model.answers import NO, YES
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import AwsCall, Command, How, Reached
from checker.model.pipeline.within import WHOLE_STEP
from checker.model.possible import Possible, joined, one_of, options, shown, truth
from checker.model.values import Hole, Text, pieces, text
from checker.resolve.tasks.recipes import TaskLibrary
from checker.resolve.trace.commands.images_pushed import caches, calls, goes_out, named_by, tagged
from checker.resolve.trace.image_tags import images_of, outputs_of
from checker.resolve.trace.programs_of_actions import as_command

# action -> (service, operation, argument of the call -> input of the action)
_CALLS: Final[Mapping[str, tuple[tuple[str, str, Mapping[str, str]], ...]]] = {
    known.LOGIN_ECR: (("ecr", "GetAuthorizationToken", {}),),
    known.DEPLOY_STACK: (
        ("cloudformation", "DescribeStacks", {"stackname": "name"}),
        ("cloudformation", "CreateChangeSet", {"stackname": "name", "templatefile": "template"}),
        ("cloudformation", "DescribeChangeSet", {"stackname": "name"}),
        ("cloudformation", "ExecuteChangeSet", {"stackname": "name", "disablerollback": "disable-rollback"}),
    ),
    known.SECRETS: (("secretsmanager", "GetSecretValue", {"secretid": "secret-ids"}),),
    known.CODEBUILD: (
        ("codebuild", "StartBuild", {"projectname": "project-name"}),
        ("codebuild", "BatchGetBuilds", {}),
    ),
}


_YES: Final = ("1", "true", True)  # what the action's action.yml takes for "only make the change set"


def calls_of_action(
    step: EffectiveStep, given: Mapping[str, Possible], reached: Reached, logged_in: bool, library: TaskLibrary
) -> Iterator[AwsCall]:
    """The calls that a step's action makes, in order; none for an action that is not known to make any.

    ``given`` are its inputs, by their names in lower case, with the outputs of earlier steps put in.
    """
    action = step.step.action.lower()
    handling = Handling(errexit=truth(step.continue_on_error) is NO)
    source = f"uses: {step.uses}"
    for service, operation, names in _CALLS.get(action, ()):
        if operation == "ExecuteChangeSet" and given.get("no-execute-changeset") in _YES:
            continue
        arguments: dict[str, Possible] = {
            argument: given[name] for argument, name in names.items() if given.get(name) not in (None, "")
        }
        complete = all(name in given for name in names.values() if name != "template")  # that input has a default
        yield AwsCall(service, operation, How.SDK, arguments, reached, handling, source, complete=complete, folder="")
    if action == known.CREDENTIALS and truth(given.get("role-chaining", False)) is YES:
        yield AwsCall("sts", "AssumeRole", How.SDK, _chained(given), reached, handling, source)
    if action == known.DEPLOY_ECS:
        for operation, arguments, complete in _deploys(given, library):
            yield AwsCall("ecs", operation, How.SDK, arguments, reached, handling, source, complete=complete)
    if action == known.RENDER and (described := _described(given)) not in (None, ""):
        arguments = {"taskdefinition": described}
        yield AwsCall("ecs", "DescribeTaskDefinition", How.SDK, arguments, reached, handling, source)
    if action == known.DEPLOY_FUNCTION:
        for operation, arguments in _function(given):
            yield AwsCall("lambda", operation, How.SDK, arguments, reached, handling, source)
    for tag in _pushed(action, given):
        yield from calls(tag, "docker-push", reached, handling, source, logged_in)
    cache = given.get("cache-to", "") if action in known.BUILD_PUSH else ""
    for tag in caches(line for option in options(cache) or () for line in _lines(option)):
        yield from calls(tag, "docker-push", reached, handling, source, logged_in, cache=True)


def command_of_action(step: EffectiveStep, given: Mapping[str, Possible], reached: Reached) -> Command | None:
    """The command that an action, or an image in its place, runs."""
    given_by = {name: given[name.lower()] for name in step.with_ if name.lower() in given}
    made = _baked(given) if step.step.action.lower() == known.BAKE else as_command(step.uses, given_by)
    if made is None:
        return None
    words, folder = made
    handling = WHOLE_STEP if truth(step.continue_on_error) is NO else Handling(errexit=False)
    at = folder if isinstance(folder, str) else None
    return Command(words, reached, handling, f"uses: {step.uses}", at)


def _baked(given: Mapping[str, Possible]) -> tuple[tuple[Possible, ...], Possible]:
    """Source: README of docker/bake-action, "inputs"."""

    def entries(name: str) -> list[Possible]:
        value = given.get(name, "")
        return [each for option in options(value) or (value,) for each in _lines(option)]

    words: list[Possible] = ["docker", "buildx", "bake"]
    words += [word for each in entries("files") for word in ("--file", _here(each))]
    words += [word for each in entries("set") for word in ("--set", each)]
    words += ["--push"] if truth(given.get("push", False)) is not NO else []
    words += [target for each in entries("targets") for target in listed(each)]
    return tuple(words), given.get("workdir") or ""


def _here(file: Possible) -> Possible:
    """A file of bake where the command is given without the sign for it."""
    return file.removeprefix("cwd://") if isinstance(file, str) else file


def _chained(given: Mapping[str, Possible]) -> dict[str, Possible]:
    """What the credentials before it are asked for: another role, with tags for its session unless that is left out.

    Sources: the action's README, "Session tagging" and its example of role chaining, corrected after
    https://github.com/aws-actions/configure-aws-credentials/issues/1396: the first role needs ``sts:TagSession``.
    """
    untagged = truth(given.get("role-skip-session-tagging", False)) is YES
    tags: dict[str, Possible] = {} if untagged else {"tags": "GitHub"}
    role = given.get("role-to-assume")
    return {**tags, **({"rolearn": role} if role not in (None, "") else {})}


def _pushed(action: str, given: Mapping[str, Possible]) -> Iterator[Possible]:
    """The images that an action pushes, each with its tag."""
    tags = given.get("tags", "")
    if action in known.BUILD_PUSH and _pushes(given):
        outputs = given.get("outputs", "")
        lines = [line for option in options(outputs) or (outputs,) for line in _lines(option)]
        named = dict.fromkeys(entry for option in options(tags) or (tags,) for entry in listed(option))
        yield from tagged(named, lines, pushes=True)
        yield from named_by(lines)
    elif action == known.PUSH_BUILT:
        registry, image = given.get("registry", ""), given.get("image", "")
        name = image if registry in ("", None) else joined([registry, "/", image])
        for option in options(tags or "latest") or (tags,):
            yield from (joined([name, ":", tag]) for tag in _split(option, r"\s"))


def _function(given: Mapping[str, Possible]) -> Iterator[tuple[str, dict[str, Possible]]]:
    """What the Lambda deploy action calls for a function that is there. Source: its README, "Permissions"."""
    name = {"functionname": given.get("function-name", "")}
    yield "GetFunctionConfiguration", dict(name)
    if truth(given.get("dry-run", False)) is YES:
        return
    yield "UpdateFunctionConfiguration", dict(name)
    image = given.get("image-uri", "")
    code = {**name, **({"imageuri": image} if image not in ("", None) else {})}
    yield "UpdateFunctionCode", {**code, "publish": given.get("publish", True)}


def _pushes(given: Mapping[str, Possible]) -> bool:
    """Whether a build's result may go to a registry (README of docker/build-push-action, ``push`` and ``outputs``)."""
    return truth(given.get("push", False)) is not NO or goes_out(given.get("outputs", ""))


def _deploys(given: Mapping[str, Possible], library: TaskLibrary) -> Iterator[tuple[str, dict[str, Possible], bool]]:
    """What the ECS deploy action calls. Source: its README, "Permissions" and "Running a one-off task"."""
    cluster = {"cluster": given["cluster"]} if given.get("cluster") not in (None, "") else {}
    registered = _task_definition(given, library)
    family = registered.get("family")
    yield "RegisterTaskDefinition", registered, family is not None
    if truth(given.get("run-task", False)) is not NO:
        overrides = given.get("run-task-container-overrides", "")
        tags = given.get("run-task-tags", "")
        started = {
            **cluster,
            **({"tags": tags} if tags not in ("", None, "[]") else {}),
            **({"overrides": joined(['{"containerOverrides": ', overrides, "}"])} if overrides else {}),
        }
        yield "RunTask", {**started, **({"taskdefinition": family} if family is not None else {})}, family is not None
        if truth(given.get("wait-for-task-stopped", False)) is not NO:
            yield "DescribeTasks", dict(cluster), False
    service = given.get("service")
    if service not in (None, ""):
        yield "DescribeServices", {**cluster, "services": service}, "cluster" in given
        yield "UpdateService", {**cluster, "service": service, **_hooks(given, library)}, "cluster" in given


# AWS CodeDeploy User Guide, "AppSpec 'hooks' section for an Amazon ECS deployment": those that can ask the new tasks.
_HOOK: Final = lazy_re.compile(
    r"""^[ \t\-{,"']{0,40}(?:Hooks["']?[ \t]{0,4}:)?[ \t\-\[{,"']{0,40}"""
    r"""(?:AfterAllow(?:Test)?Traffic|BeforeAllowTraffic)["']?\s*:\s*["']?(?P<of>[^\s"'#}\]]+)""",
    re.MULTILINE,
)


def _hooks(given: Mapping[str, Possible], library: TaskLibrary) -> dict[str, Possible]:
    """The function that CodeDeploy has test what it rolls, as the file says that the action hands over."""
    path = given.get("codedeploy-appspec")
    if path in (None, ""):
        return {}
    written = library.text(posixpath.normpath(path)) if isinstance(path, str) else None
    if written is None:
        return {"hooks": f"what {shown(path)} names"}
    found = _HOOK.search(written)
    return {"hooks": found["of"]} if found is not None else {}


def _task_definition(given: Mapping[str, Possible], library: TaskLibrary) -> dict[str, Possible]:
    """What the file says that is registered; its containers as JSON text."""
    found: dict[str, Possible] = {}
    named = given.get("task-definition")
    data = task_definition_in(named, library)
    if data is not None:
        if isinstance(data.get("family"), str):
            found["family"] = data["family"]
        found["containerdefinitions"] = json.dumps(data.get("containerDefinitions", []))
    elif isinstance(named, str | Text) and _is_rendered(named):
        found["containerdefinitions"] = named
        if (said := _FAMILY.search(str(pieces(named)[-1]))) is not None:
            found["family"] = json.loads(said[1])
    family = given.get("task-definition-family")
    return found if family in (None, "") else {**found, "family": family}


def task_definition_in(path: Possible, library: TaskLibrary) -> Mapping[str, Any] | None:
    """The task definition in a file of the repository, or in the text of a rendered one; ``None`` for a file that is
    not there, or is none."""
    if isinstance(path, str) and _is_rendered(path):
        text: str | None = path
    else:
        text = library.text(posixpath.normpath(path)) if isinstance(path, str) and path else None
    try:
        data: Any = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, Mapping) and isinstance(data.get("containerDefinitions"), list) else None


def metadata_of(step: EffectiveStep, given: Mapping[str, Possible]) -> Mapping[str, Possible]:
    """The outputs of an action that makes the tags of an image; none of any other."""
    if step.step.action.lower() != known.METADATA:
        return {}
    images = [name for line in _lines(given.get("images", "")) for name in images_of([*_split(line, ",")])]
    rules, flavor = given.get("tags", ""), shown(given.get("flavor", ""))
    # Where the run decides a rule (`value=${{ inputs.tag || 'x' }}`), there are several lists of them.
    made = [outputs_of(step.job, images, list(_lines(each)), flavor) for each in options(rules) or (rules,)]
    return made[0] if len(made) == 1 else {name: one_of([each[name] for each in made]) for name in made[0]}


def files_of(step: EffectiveStep, given: Mapping[str, Possible], library: TaskLibrary) -> Mapping[str, Possible]:
    """The text of the files whose paths are an action's outputs, by the output: a rendered task definition."""
    return {"task-definition": _rendered(given, library)} if step.step.action.lower() == known.RENDER else {}


_FAMILY: Final = lazy_re.compile(r'\], "family": ("[^"]+")\}$')
_OPENING: Final = '{"containerDefinitions": '


def _is_rendered(value: Possible) -> bool:
    return isinstance(value, str | Text) and str(pieces(value)[0]).startswith(_OPENING)


def _rendered(given: Mapping[str, Possible], library: TaskLibrary) -> Possible:
    """The text of the task definition that the render action writes. The containers that it names have the given image
    and the variables that are added, the others keep theirs; a file that is not in the repository (downloaded before),
    or a revision that it looks up, has these containers alone.

    Source: README and ``action.yml`` of aws-actions/amazon-ecs-render-task-definition.
    """
    named, image = given.get("task-definition", ""), given.get("image", "")
    names = list(listed(given.get("container-name", ""))) or [""]
    data = task_definition_in(named, library)
    written = [each for each in (data or {}).get("containerDefinitions", []) if isinstance(each, Mapping)]
    others = [json.dumps(each) for each in written if each.get("name") not in names]
    family = (data or {}).get("family") or _family_of(_described(given))
    parts: list[Possible] = [_OPENING, "["]
    for index, name in enumerate(names):
        parts += [", " if index else "", '{"name": "', name, '", "image": "', image, '"']
        parts += [*_kept(next((each for each in written if each.get("name") == name), {}), given), "}"]
    parts += [f", {each}" for each in others]
    if data is None and _is_rendered(named):  # a second container of what was rendered before
        parts += [", ", named]
    return joined([*parts, "]", f', "family": {json.dumps(family)}' if isinstance(family, str) else "", "}"])


def _kept(container: Mapping[str, Any], given: Mapping[str, Possible]) -> Iterator[Possible]:
    """What a container has beside its name and image, as the rest of its text: what its file says, with the variables
    that the action adds (``environment-variables``: a line for each)."""
    for key, value in container.items():
        if key not in {"name", "image", "environment"}:
            yield f", {json.dumps(key)}: {json.dumps(value)}"
    own = container.get("environment")
    variables: list[list[Possible]] = [[json.dumps(each)] for each in own] if isinstance(own, list) else []
    for line in _lines(given.get("environment-variables", "")):
        first, *rest = pieces(line) if isinstance(line, str | Text) else ("",)
        name, equals, value = first.partition("=") if isinstance(first, str) else ("", "", "")
        if equals:
            told: list[Possible] = [
                text([each]) if isinstance(each, Hole) else json.dumps(each)[1:-1] for each in (value, *rest)
            ]
            variables.append([f'{{"name": {json.dumps(name.strip())}, "value": "', *told, '"}'])
    if variables:
        yield ', "environment": ['
        for index, each in enumerate(variables):
            yield from (", " if index else "", *each)
        yield "]"


def _described(given: Mapping[str, Possible]) -> Possible:
    """The revision that the render action looks up where it is given no file; empty where it looks up none."""
    if given.get("task-definition") not in (None, ""):
        return ""
    family, revision = given.get("task-definition-family"), given.get("task-definition-revision")
    if (arn := given.get("task-definition-arn")) not in (None, ""):
        return arn
    if family in (None, ""):
        return ""
    return family if revision in (None, "") else joined([family, ":", revision])


def _family_of(revision: Possible) -> str | None:
    """The family of a revision by its ARN or its name; ``None`` where it is not known."""
    named = revision.rpartition("/")[2].partition(":")[0] if isinstance(revision, str) else ""
    return named or None


def listed(value: Possible) -> Iterator[Possible]:
    """The entries of an input that is a list with a line or a comma between them."""
    yield from _split(value, r"[\n,]")


def _lines(value: Possible) -> Iterator[Possible]:
    yield from _split(value, r"\n")


def _split(value: Possible, at: str) -> Iterator[Possible]:
    if not isinstance(value, str | Text):
        yield value
        return
    entry: list[str | Hole] = []
    for part in pieces(value):
        first, *more = re.split(at, part) if isinstance(part, str) else (part,)
        entry.append(first.strip() if isinstance(first, str) else first)
        for each in more:
            if any(entry):
                yield text(entry)
            entry = [each.strip()]
    if any(entry):
        yield text(entry)
