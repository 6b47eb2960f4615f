"""What outlives its stack: whether CloudFormation leaves a resource standing.

Source: AWS CloudFormation User Guide, "DeletionPolicy attribute" and "UpdateReplacePolicy attribute". Without the
attribute a resource is deleted, with its stack or when a change replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.environments import EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.values import Absent, Unknown

# `RetainExceptOnCreate` deletes only what a failed creation has just made.
_RETAINED = {"DeletionPolicy": {"Retain", "RetainExceptOnCreate"}, "UpdateReplacePolicy": {"Retain"}}


def must_be_retained(resource: Resource, sub: str, thing: str) -> Iterator[Judgement]:
    """One judgement for each of the two ways to lose ``resource``: its stack is deleted, a change replaces it."""
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


def lives_in_an_environment(resource: Resource, project: Project) -> bool:
    """Whether a resource belongs to a stack that is made once per environment, not once for all."""
    environment = project.environment(resource.environment_name)
    return environment is None or environment.kind is not EnvironmentKind.SHARED
