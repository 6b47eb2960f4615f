"""AWS calls that a template's own resources make: ``AwsCustomResource``, state machines, schedules and runbooks.

Sources: AWS CDK, ``custom-resources``; AWS Step Functions Developer Guide, "Learning to use AWS service SDK
integrations in Step Functions" (``arn:aws:states:::aws-sdk:SERVICE:CALL``); Amazon EventBridge Scheduler User Guide,
"Using universal targets" (``arn:aws:scheduler:::aws-sdk:SERVICE:CALL``, its parameters in ``Input``); AWS Systems
Manager User Guide, "aws:executeAwsApi" (``Service``, ``Api``, and the call's own parameters beside them).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Resolved
from checker.reason.names.custom_resources import calls_of, custom_resources, decoded

_SDK: Final = lazy_re.compile(r"arn:[\w*-]+:states:::aws-sdk:(\w+):(\w+)(?:\.\w+)?")
_UNIVERSAL: Final = lazy_re.compile(r"arn:[\w*-]+:scheduler:::aws-sdk:(\w+):(\w+)")
_MACHINES: Final = ("AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine")


class SdkCall(Struct, frozen=True):
    """One call. ``service`` and ``action`` are in lower case, and so are the names of the parameters; ``when`` is the
    event of a stack that makes it (Create, Update, Delete), empty for one that something else starts."""

    owner: Resource
    path: str
    when: str
    service: str
    action: str
    parameters: dict[str, Resolved]


def sdk_calls(environment: Environment) -> Iterator[SdkCall]:
    """Every call that resources of the environment say they make."""
    for owner in custom_resources(environment):
        for call in calls_of(owner):
            given = _lower(call.parameters)
            service, action, given = _in_own_words(call.service, call.action.lower(), given)
            yield SdkCall(owner, call.when, call.when, service, action, given)
    for owner, path, state in states(environment):
        found = _SDK.match(str(state.get("Resource", "")))
        if found is not None:
            given = _lower(state.get("Parameters")) | _lower(state.get("Arguments"))
            yield SdkCall(owner, path, "", *_in_own_words(found[1].lower(), found[2].lower(), given))
    for each in planned_calls(environment):
        yield SdkCall(each.owner, each.path, "", *_in_own_words(each.service, each.action, each.parameters))


def states(environment: Environment) -> Iterator[tuple[Resource, str, dict[str, Resolved]]]:
    """Every object in the definitions of state machines, its states among them, with the property it stands in."""
    for owner in environment.resources(*_MACHINES):
        for path in ("DefinitionString", "Definition"):
            value = owner.get(path)
            for state in _parts(decoded(value.value) if isinstance(value, Known) else None):
                yield owner, path, state


def planned_calls(environment: Environment) -> Iterator[SdkCall]:
    """The calls of schedules and of runbooks, in the words in which they are written."""
    for schedule in environment.resources("AWS::Scheduler::Schedule"):
        called, given = (schedule.get(f"Target.{name}") for name in ("Arn", "Input"))
        found = _UNIVERSAL.fullmatch(str(called.value)) if isinstance(called, Known) else None
        if found is not None:
            told = _lower(decoded(given.value) if isinstance(given, Known) else None)
            yield SdkCall(schedule, "Target", "", found[1].lower(), found[2].lower(), told)
    for document in environment.resources("AWS::SSM::Document"):
        content = document.get("Content")
        for step in _parts(decoded(content.value) if isinstance(content, Known) else None):
            told = _lower(step.get("inputs")) if step.get("action") == "aws:executeAwsApi" else {}
            service, action = told.get("service"), told.get("api")
            if isinstance(service, str) and isinstance(action, str):
                called_so = action.replace("_", "").lower()  # boto3 writes create_db_instance
                yield SdkCall(document, "Content", "", service.replace("-", "").lower(), called_so, told)


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


def _parts(definition: Resolved) -> Iterator[dict[str, Resolved]]:
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
