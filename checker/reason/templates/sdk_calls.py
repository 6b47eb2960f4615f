"""AWS calls that a template's own resources make: those of ``AwsCustomResource`` and of state machines.

Sources: AWS CDK, ``custom-resources``; AWS Step Functions Developer Guide, "Learning to use AWS service SDK
integrations in Step Functions" (``arn:aws:states:::aws-sdk:SERVICE:CALL``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Resolved
from checker.reason.names.custom_resources import calls_of, custom_resources, decoded

_SDK: Final = re.compile(r"arn:[\w*-]+:states:::aws-sdk:(\w+):(\w+)(?:\.\w+)?")
_MACHINES: Final = ("AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine")


class SdkCall(Struct, frozen=True):
    """One call. ``service`` and ``action`` are in lower case, and so are the names of the parameters; ``when`` is the
    event that makes it (Create, Update, Delete), empty in a state machine."""

    owner: Resource
    path: str
    when: str
    service: str
    action: str
    parameters: dict[str, Resolved]


def sdk_calls(environment: Environment) -> Iterator[SdkCall]:
    """Every call that custom resources and state machines of the environment say they make."""
    for owner in custom_resources(environment):
        for call in calls_of(owner):
            given = _lower(call.parameters)
            service, action, given = _in_own_words(call.service, call.action.lower(), given)
            yield SdkCall(owner, call.when, call.when, service, action, given)
    for owner in environment.resources(*_MACHINES):
        for path in ("DefinitionString", "Definition"):
            value = owner.get(path)
            definition = decoded(value.value) if isinstance(value, Known) else None
            for state in _states(definition):
                found = _SDK.match(str(state.get("Resource", "")))
                if found is not None:
                    given = _lower(state.get("Parameters")) | _lower(state.get("Arguments"))
                    yield SdkCall(owner, path, "", *_in_own_words(found[1].lower(), found[2].lower(), given))


def _in_own_words(service: str, action: str, parameters: dict[str, Resolved]) -> tuple[str, str, dict[str, Resolved]]:
    """A call of Cloud Control as the service's own call would be (AWS Cloud Control API User Guide, "Creating a
    resource": ``TypeName`` and ``DesiredState``)."""
    kind, verb = parameters.get("typename"), action.removesuffix("resource")
    named = kind.lower().split("::") if isinstance(kind, str) else []
    if service != "cloudcontrol" or len(named) != 3 or verb not in {"create", "delete"}:
        return service, action, parameters
    desired = parameters.get("desiredstate")
    state = decoded(desired) if desired is not None else None
    return named[1], f"{verb}{named[2]}", _lower(state)


def _states(definition: Resolved) -> Iterator[dict[str, Resolved]]:
    pending: list[Resolved] = [definition]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield part
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)


def _lower(parameters: object) -> dict[str, Resolved]:
    """Names of parameters as any SDK spells them; ``Name.$`` is one that is given when it runs."""
    if not isinstance(parameters, dict):
        return {}
    return {str(name).lower(): value for name, value in parameters.items()}
