"""Which of a project's resources a call may touch, where the call names them by values that only a run knows.

Deploy scripts learn a cluster's name from a stack's outputs and a task definition's ARN from the call before. What such
a value can be is not open at all: one of the resources of that kind that the environment has. So an open ARN stands for
those of the environment's own resources that it fits, or of the shared ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.data.aws_calls import table
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.overlap import overlap
from checker.model.resources import Resource
from checker.model.values import (
    ABSENT,
    Absent,
    Answered,
    Generated,
    Hole,
    Known,
    Pseudo,
    RunValue,
    Text,
    Unstated,
    pieces,
    text,
)
from checker.reason.calls.needs import Need
from checker.reason.iam.deployers import NO_NAME, same_environment
from checker.reason.iam.passing import services_of
from checker.reason.names.arns import arn_of, arn_tail, ecs_arn, stack_arn
from checker.reason.text.patterns import exact, glob

_REVISION: Final = Generated("*")
_TASK: Final = Generated("*")
_OBJECT: Final = Unstated("*")
_STREAM: Final = Unstated("*")
# What of a call's ARN is open in every template that is not bound to an account.
_PLACEHOLDER: Final = lazy_re.compile(r"\{[^}]*\}")
# An answer of describe-stacks in a script, as the shell's captures name it, and how an output is picked: by its key, or
# by what keys begin with or hold (`starts_with(OutputKey, 'Cluster')`).
_STACKS: Final = ("cloudformation", "describe-stacks")
_OUTPUTS: Final = lazy_re.compile(r"\bOutputKey\b")
_WORD: Final = lazy_re.compile(r"(?<![\w$-])[A-Za-z0-9]+(?![\w-])")
_STACK_NAME: Final = lazy_re.compile(r"--stack-name[= ]\S+")
_PART: Final = lazy_re.compile(
    r"""\b(starts_?with|contains|ends_?with|test)\s*\(\s*(?:\.?OutputKey\s*,\s*)?["'`]\^?([A-Za-z0-9]+)["'`$]"""
)
_OF_THE_ANSWER: Final = frozenset({"Stacks", "Outputs", "OutputKey", "OutputValue", "Description", "ExportName"})
_PSEUDO: Final = ("AWS::AccountId", "AWS::Partition", "AWS::Region")


def placed(arn: str | Text, place: Mapping[str, str]) -> str | Text:
    """The ARN with account, partition and region filled in as far as ``place`` (by pseudo parameter) has them."""
    if isinstance(arn, str):
        return arn
    return text([place.get(part.name) or part if isinstance(part, Pseudo) else part for part in arn.parts])


def is_open(arn: str | Text) -> bool:
    """Whether something other than account, partition and region is left to a run."""
    return isinstance(arn, Text) and not all(
        isinstance(hole, Generated) or (isinstance(hole, Pseudo) and hole.name in _PSEUDO) for hole in arn.holes
    )


def service_of_arn(arn: str | Text) -> str:
    """The third field: ``ecs``. Empty where it is open. Partitions have no colons, whether they are known or not."""
    fields = "".join(part if isinstance(part, str) else "-" for part in pieces(arn)).split(":")
    return fields[2] if len(fields) > 2 else ""


def fitting(
    arn: str | Text,
    environment: str,
    project: Project,
    place: Mapping[str, str],
    families: frozenset[str] = frozenset(),
) -> list[str | Text]:
    """The ARNs of resources that ``arn`` may stand for: those of ``environment``, or the shared ones where it has none
    of the kind; itself where it is not open or nothing fits. ``families`` are the task definitions that the job speaks
    of, where it names any."""
    if not is_open(arn):
        return [_secret(arn, environment, project, place) or arn]
    known = project.once(_fitted)
    key = (arn, environment, tuple(sorted(place.items())), families)
    if key not in known:
        known[key] = _fitting(arn, environment, project, place, families)
    return known[key]


def _secret(arn: str | Text, environment: str, project: Project, place: Mapping[str, str]) -> str | Text | None:
    """The one secret of the environment that a call names, which has signs of the service's own behind its name."""
    *named, last = pieces(arn)
    if not isinstance(last, Generated) or service_of_arn(arn) != "secretsmanager":
        return None
    known = project.once(_index)
    for wanted in (_is_own, _is_shared):
        places = [each for each in project.environments if wanted(each, environment)]
        written = {
            placed(candidate, place) for each in places for candidate in known[each.name].get("secretsmanager", ())
        }
        found = [each for each in written if [*pieces(each)][:-1] == named]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _fitted(_: Project) -> dict[tuple[object, ...], list[str | Text]]:
    """What was asked before: the same open names come back in every job."""
    return {}


def _fitting(
    arn: str | Text, environment: str, project: Project, place: Mapping[str, str], families: Collection[str]
) -> list[str | Text]:
    target, service = glob(arn), service_of_arn(arn)
    known = project.once(_index)
    for wanted in (_is_own, _is_shared):
        written = {
            placed(candidate, place): None
            for each in project.environments
            if wanted(each, environment)
            for candidate in known[each.name].get(service, ())
        }
        found = [each for each in written if overlap(exact(each), target)]
        if service == "s3":
            # A bucket's name has no slash (Amazon S3 User Guide, "General purpose bucket naming rules"): an ARN with
            # one is an object's, which no action on buckets touches.
            found = [each for each in found if _is_object(each) is _is_object(arn)]
        if len(found) > 1:
            picked = {placed(each, place) for each in _picked(arn, project, environment)}
            found = [each for each in found if each in picked] or found
        if found:
            return [each for each in found if _family(each) in families] or found
    return [arn]


def _is_object(arn: str | Text) -> bool:
    return any("/" in part for part in pieces(arn) if isinstance(part, str))


def _picked(arn: str | Text, project: Project, environment: str) -> Iterator[str | Text]:
    for resource in picked_resources(arn, project, environment):
        if (found := _arn_of(resource)) is not None:
            yield found


def picked_resources(arn: str | Text, project: Project, environment: str) -> Iterator[Resource]:
    """The resources whose outputs a run picks by their keys: ``--query "...[?OutputKey=='X']..."``, ``jq
    'select(.OutputKey == "X")'`` on what describe-stacks answered, ``$(output X)`` of a function that asks it."""
    holes = [hole for hole in arn.holes if _is_of_stacks(hole)] if isinstance(arn, Text) else []
    if len(holes) != 1:
        return
    asked = _STACK_NAME.sub("", holes[0].shown)
    if "!=" in asked:  # the key of what is left out
        return
    words = {*_WORD.findall(asked)} - _OF_THE_ANSWER
    parts = _PART.findall(asked)
    for each in project.environments:
        for stack in each.stacks if _is_own(each, environment) or _is_shared(each, environment) else ():
            written = stack.template.get("Outputs")
            outputs = written if isinstance(written, Mapping) else {}
            keys = {key for key in outputs if key in words or any(_fits(key, *each) for each in parts)}
            named = [outputs[key] for key in sorted(keys)]
            members = (other for other in project.resources() if other.stack is stack)
            scope = next((other.scope for other in members), None) if named else None
            for output in named if scope is not None else ():
                value = scope.resolve(output.get("Value")) if scope and isinstance(output, Mapping) else ABSENT
                resources = [] if isinstance(value, Absent) else list(project.all_referred(value))
                if len(resources) == 1:
                    yield resources[0]


def _fits(key: str, how: str, part: str) -> bool:
    if how.startswith("start"):
        return key.startswith(part)
    return key.endswith(part) if how.startswith("end") else part in key


def _is_of_stacks(hole: Hole) -> bool:
    if isinstance(hole, Answered):
        return (hole.call.service, hole.call.operation) == _STACKS
    return isinstance(hole, RunValue) and _OUTPUTS.search(hole.shown) is not None  # out of a file that holds the answer


def every_resource(need: Need, place: Mapping[str, str]) -> Iterator[str | Text]:
    """What a call that names nothing asks for, of an action with resource-level permissions: ``...:repository/*``, with
    the star as it stands."""
    prefix, _, action = need.action.partition(":")
    shapes = table()["arns"].get(prefix, {})
    for kind in table()["types"].get(prefix, {}).get(action, ()):
        if kind in shapes:
            written = _PLACEHOLDER.sub("*", shapes[kind].replace("{region}", "\0").replace("{account}", "\1"))
            region = place.get("AWS::Region") or Pseudo("AWS::Region")
            account = place.get("AWS::AccountId") or Pseudo("AWS::AccountId")
            holes = {"\0": region, "\1": account}
            parts: list[str | Hole] = [holes.get(part, part) for part in re.split("([\0\1])", written)]
            yield text([f"arn:{place['AWS::Partition']}:", *parts])


def _is_own(each: Environment, environment: str) -> bool:
    return not environment or each.name == NO_NAME or same_environment(each.name, environment)


def _is_shared(each: Environment, environment: str) -> bool:  # noqa: ARG001 - shared is shared
    return each.kind is EnvironmentKind.SHARED


def _family(arn: str | Text) -> str:
    tail = str(arn_tail(arn))
    return tail.removeprefix("task-definition/").partition(":")[0] if tail.startswith("task-definition/") else ""


def _index(project: Project) -> Mapping[str, Mapping[str, list[str | Text]]]:
    """Environment -> service -> ARNs."""
    found: dict[str, dict[str, list[str | Text]]] = {}
    for environment in project.environments:
        by_service = found.setdefault(environment.name, {})
        for arn in _arns(environment):
            by_service.setdefault(service_of_arn(arn), []).append(arn)
    return found


def _arns(environment: Environment) -> Iterator[str | Text]:
    for stack in environment.stacks:
        if stack.named:
            yield stack_arn(stack)
    for resource in environment.known_resources():
        arn = arn_of(resource)
        if arn is None:
            continue
        yield arn
        if resource.type == "AWS::ECS::Cluster":
            name = _last(arn)
            yield ecs_arn(resource.stack, "task", text([*pieces(name), "/", _TASK]))
        elif resource.type == "AWS::S3::Bucket":
            yield text([*pieces(arn), "/", _OBJECT])
        elif resource.type == "AWS::Logs::LogGroup":
            yield text([*pieces(arn), ":log-stream:", _STREAM])
    for service, cluster, name in services_of(environment):
        yield ecs_arn(service.stack, "service", text([*pieces(cluster), "/", *pieces(name)]))
    for task in environment.resources(_DEFINITION):
        yield _arn_of_definition(task)


def _arn_of(resource: Resource) -> str | Text | None:
    return _arn_of_definition(resource) if resource.type == _DEFINITION else arn_of(resource)


def _arn_of_definition(task: Resource) -> str | Text:
    return ecs_arn(task.stack, "task-definition", text([*pieces(family_of(task)), ":", _REVISION]))


_DEFINITION: Final = "AWS::ECS::TaskDefinition"


def _last(arn: str | Text) -> str | Text:
    """What follows the slash of a cluster's ARN."""
    tail = list(pieces(arn_tail(arn)))
    first = tail[0]
    return text([first.partition("/")[2] if isinstance(first, str) else first, *tail[1:]])


def family_of(task: Resource) -> str | Text:
    """The family of a task definition, made up by CloudFormation where the template sets none."""
    value = task.get("Family")
    if isinstance(value, Known) and isinstance(value.value, str | Text):
        return value.value
    made_up = Generated(f"${{{task.logical_id}}}", task.key)
    if not isinstance(value, Absent):
        return Text((made_up,))
    # Without the dashes of other generated names (AWS CloudFormation User Guide, AWS::ECS::TaskDefinition, Family).
    return text([f"{task.stack.name}{task.logical_id}", made_up])
