"""A first deployment that fails can be repeated.

What the review found
    Nothing: found since. Production's secrets, log groups and buckets are retained, as they should be. When the first
    deployment of a stack fails, they stay behind its roll-back too, under their names, and the next attempt ends with
    "already exists"; what is protected from deletion makes the roll-back itself fail.
What is checked
    Every resource that is retained on deletion and has a fixed name that nothing else may have: its ``DeletionPolicy``
    is ``RetainExceptOnCreate``, which keeps it from every deletion but that of its own failed creation. And of stacks
    that the pipeline deploys with the CDK and that protect something from deletion: there is a way to make them for the
    first time without a roll-back (``--no-rollback``), or without protection (a context for the bootstrap).
When it does not apply
    Nothing that is retained has a fixed name: CloudFormation generates another one for the next attempt.
What cannot be decided
    Names and policies that are not known before deployment.
Fix
    Write ``DeletionPolicy: RetainExceptOnCreate`` (CDK: ``RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import Resource, Stack, StackPlace
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Text, Unknown
from checker.model.verdicts import Surface
from checker.reason.names.naming import PhysicalName
from checker.reason.names.physical import is_made_anew, physical_names
from checker.reason.templates.retention import is_protected

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.pipeline.scripts import CdkCommand

_FIX: Final = "Write DeletionPolicy: RetainExceptOnCreate (CDK: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)."
_FIX_PROTECTED: Final = (
    "Make the stack for the first time with --no-rollback, or with protection left off by a context."
)
_POLICY: Final = "DeletionPolicy"
_BOOTSTRAP: Final = lazy_re.compile(r"bootstrap|init|first|protect", re.IGNORECASE)


def check(environment: Environment) -> Iterator[Judgement]:
    if environment.surface is Surface.ACCOUNT:
        return  # it was created
    for resource in environment.resources():
        policy = resource.attribute(_POLICY)
        if not isinstance(policy, Absent):
            yield from _named(resource, policy.value if isinstance(policy, Known) else policy, environment)


def _named(resource: Resource, policy: object, environment: Environment) -> Iterator[Judgement]:
    if policy not in ("Retain", "RetainExceptOnCreate") and not isinstance(policy, Unknown | Text):
        return
    name = next((each for each in physical_names(resource) if each.naming.certain), None)
    if name is None or is_made_anew(name.value, environment.project):
        return
    path = name.path
    if isinstance(policy, Unknown | Text):
        yield resource.undecided("name", f"its DeletionPolicy is {policy}", path=_POLICY, fix=_FIX)
    elif policy == "RetainExceptOnCreate":
        yield resource.passes("name", "It goes with its own failed creation, and stays from then on.", path=_POLICY)
    elif isinstance(name.value, Unknown):
        yield resource.undecided("name", f"{path}: {name.value.why}", path=path, fix=_FIX)
    else:
        yield resource.fails(
            "name",
            f"A failed first deployment leaves it behind as {_shown(name)}, and the next one ends in AlreadyExists.",
            fix=_FIX,
            path=_POLICY,
            expected="RetainExceptOnCreate",
            actual="Retain",
        )


def _shown(name: PhysicalName) -> str:
    return str(name.value)[:120]


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    """Stacks that the CDK deploys, with something in them whose protection stops a roll-back."""
    from checker.reason.workloads.cdk_deploys import selected

    deploys = [command for command in pipeline.cdk_commands() if command.name == "deploy"]
    if not deploys:
        return
    synthesized = any(
        _BOOTSTRAP.search(key)
        for command in pipeline.cdk_commands()
        if command.name == "synth"
        for key in command.context
    )
    by_stack: dict[str, tuple[Stack, list[tuple[Resource, Answer]]]] = {}
    for resource in project.resources():
        if resource.surface is Surface.TEMPLATE and (answer := is_protected(resource)) is not NO:
            by_stack.setdefault(resource.stack.id, (resource.stack, []))[1].append((resource, answer))
    for stack, each_of_it in by_stack.values():
        place = StackPlace(stack)
        if synthesized or any(selected(stack, command) and _is_careful(command) for command in deploys):
            yield place.passes("protected", "The pipeline can make it for the first time without a roll-back.")
            continue
        protected = [resource for resource, answer in each_of_it if answer is YES]
        if not protected:
            resource, answer = each_of_it[0]
            why = f"{answer.why} of {resource.logical_id}" if isinstance(answer, Open) else ""
            yield place.undecided("protected", why, fix=_FIX_PROTECTED)
            continue
        named = ", ".join(each.logical_id for each in protected[:3]) + (" and others" if len(protected) > 3 else "")
        yield place.fails(
            "protected",
            f"When its first deployment fails, the roll-back fails too: {named} cannot be deleted.",
            fix=_FIX_PROTECTED,
            related=(*protected[:10], deploys[0]),
        )


def _is_careful(deploy: CdkCommand) -> bool:
    """Whether a deploy rolls nothing back, or makes the stack for the first time."""
    from checker.reason.workloads.cdk_deploys import rolls_nothing_back

    return rolls_nothing_back(deploy) or any(map(_BOOTSTRAP.search, deploy.context))


RULE = Rule(
    id="P15",
    looked_for="retained resource with a fixed name",
    check=check,
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="`cdk deploy` of a stack that protects something from deletion",
)
