"""What outlives its stack: whether CloudFormation leaves a resource standing, and what may not be deleted.

Source: AWS CloudFormation User Guide, "DeletionPolicy attribute" and "UpdateReplacePolicy attribute". Without the
attribute a resource is deleted, with its stack or when a change replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from checker import lazy_re
from checker.data.type_facts import facts_of
from checker.model.answers import NO, Answer, Open, either, yes_if
from checker.model.environments import EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, Text, Unknown, as_bool, as_list
from checker.model.verdicts import Surface

# `RetainExceptOnCreate` deletes only what a failed creation has just made.
_RETAINED = {"DeletionPolicy": {"Retain", "RetainExceptOnCreate"}, "UpdateReplacePolicy": {"Retain"}}


def is_of_no_stack(resource: Resource) -> bool:
    """Whether a live resource was made by hand: no stack takes it along or replaces it."""
    return resource.surface is Surface.ACCOUNT and not resource.stack.name


def must_be_retained(resource: Resource, sub: str, thing: str) -> Iterator[Judgement]:
    """One judgement for each of the two ways to lose ``resource``: its stack is deleted, a change replaces it."""
    if is_of_no_stack(resource):
        yield resource.passes(sub, f"{thing} is of no stack: none takes it along.")
        return
    for attribute, accepted in _RETAINED.items():
        value = resource.attribute(attribute)
        loss = "with its stack" if attribute == "DeletionPolicy" else "when a change replaces it"
        fix = f"Set {attribute} to Retain."
        if isinstance(value, Absent):
            violation = f"{thing} is deleted {loss}: it has no {attribute}."
            yield resource.fails(sub, violation, fix=fix, path=attribute, expected="Retain", actual="not set")
        elif isinstance(value, Unknown):
            yield resource.undecided(sub, f"{attribute}: {value.why}", path=attribute, fix=fix, expected="Retain")
        elif not isinstance(value.value, str):
            why = f"{attribute} is not known before deployment"
            yield resource.undecided(sub, why, path=attribute, fix=fix, expected="Retain")
        elif value.value in accepted:
            yield resource.passes(sub, f"{thing} is retained.", path=attribute, expected="Retain", actual=value.value)
        else:
            violation = f"{thing} is deleted {loss}."
            yield resource.fails(sub, violation, fix=fix, path=attribute, expected="Retain", actual=value.value)


def what_becomes_of(resource: Resource) -> str:
    """What the deletion of its stack means to a resource, as the end of a sentence on where it lives."""
    policy = resource.attribute("DeletionPolicy")
    stays = isinstance(policy, Known) and policy.value in _RETAINED["DeletionPolicy"]
    return "and is left to nobody when that is deleted" if stays else "and dies with it"


def lives_in_an_environment(resource: Resource, project: Project) -> bool:
    """Whether a resource belongs to a stack that is made once per environment, not once for all."""
    if is_of_no_stack(resource):
        return False
    environment = project.environment(resource.environment_name)
    return environment is None or environment.kind is not EnvironmentKind.SHARED


# --- protection from deletion, by whoever -----------------------------------------------------------------------------

# What the schemas of types call it.
_PROTECTION: Final = lazy_re.compile(
    r"(?:Enable)?(?:Deletion|Delete|Termination)Protect(?:ion|ed)(?:Enabled)?|DisableApiTermination"
)
_ON: Final = ("active", "enabled", "prevent-all-deletion", "prevent-force-deletion")
# Amazon ECS API Reference, CreateGateway: protected unless it is said not to be.
_BY_DEFAULT: Final = frozenset({"AWS::ECS::Gateway"})


def is_protected(resource: Resource) -> Answer:
    """Whether the roll-back of its creation tries to delete it, and may not: with ``Retain`` it does not try."""
    policy = resource.attribute("DeletionPolicy")
    if isinstance(policy, Known) and policy.value == "Retain":
        return NO
    answers: list[Answer] = []
    for name in _protections(resource.type):
        value = resource.get(name)
        if isinstance(value, Absent):
            answers.append(yes_if(resource.type in _BY_DEFAULT))
        else:
            answers.append(_is_on(value.value if isinstance(value, Known) else value, name))
    attributes = resource.get("LoadBalancerAttributes")
    answers.extend(
        _is_on(each.get("Value"), "deletion_protection.enabled")
        for each in (as_list(attributes.value) if isinstance(attributes, Known) else ())
        if isinstance(each, dict) and each.get("Key") == "deletion_protection.enabled"
    )
    return either(answers)


def _is_on(value: Resolved | None, name: str) -> Answer:
    if isinstance(value, dict):
        value = value.get("Mode")
    if isinstance(value, Unknown | Text):
        return Open(f"whether {name} is on, which the deployment tells,")
    return yes_if(as_bool(value) is True or (isinstance(value, str) and value.lower() in _ON))


@cache
def _protections(kind: str) -> tuple[str, ...]:
    return tuple(sorted(name for name in facts_of(kind).properties if _PROTECTION.fullmatch(name)))
