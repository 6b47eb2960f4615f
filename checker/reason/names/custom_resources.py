"""Custom resources: which names they give to what they make, and what they delete.

A custom resource is a call to somebody's function. What it makes can be told for CDK's ``AwsCustomResource``, which
writes the AWS call into its properties (AWS CDK, ``custom-resources``: ``Create``, ``Update`` and ``Delete`` as JSON),
and guessed from properties called like names for any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import ABSENT, Hole, Known, Resolved, Text, Unknown, Value, pieces, text
from checker.reason.names.naming import Naming, PhysicalName, is_own_name, naming_of, types_by_short_name

# CDK's own custom resources that work on something that another resource made (AWS CDK, `custom-resource-handlers`).
_WORK_ON_OTHERS: Final = frozenset(
    {
        "Custom::AWSCDKCfnUtilsJson",
        "Custom::CDKBucketDeployment",
        "Custom::CrossAccountZoneDelegation",
        "Custom::CrossRegionExportReader",
        "Custom::CrossRegionExportWriter",
        "Custom::DeleteExistingRecordSet",
        "Custom::ECRAutoDeleteImages",
        "Custom::LogRetention",
        "Custom::S3AutoDeleteObjects",
        "Custom::S3BucketNotifications",
        "Custom::VpcRestrictDefaultSG",
    }
)
_OIDC_PROVIDER: Final = "Custom::AWSCDKOpenIdConnectProvider"
# Names of what a custom resource is told about, not of what it makes; some are unique in nothing.
_NOT_MADE: Final = frozenset(
    {"DomainName", "HostedZoneName", "ZoneName", "RegionName", "StackName", "EventName", "DatabaseName", "SchemaName"}
    | {"ServiceName", "UserName", "Username", "ParameterName", "EnvironmentName", "DisplayName", "FriendlyName"}
)
_TOLD: Final = ("Source", "Destination", "Target", "Existing", "Parent", "Service", "Handler", "Physical")
# Where several services have a type of one name, the one that is meant when nothing says which.
_USUAL_SERVICES: Final = (
    *("S3", "IAM", "Lambda", "DynamoDB", "SQS", "SNS", "ECS", "ECR", "Logs", "SecretsManager", "SSM", "RDS"),
    *("ElastiCache", "Events", "StepFunctions", "Kinesis", "CloudWatch", "CodeBuild"),
)
# How SDKs call services whose CloudFormation name differs.
_SERVICES: Final[Mapping[str, str]] = {
    "acm": "certificatemanager",
    "cloudwatchevents": "events",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito",
    "cognitoidentityserviceprovider": "cognito",
    "elbv2": "elasticloadbalancingv2",
    "eventbridge": "events",
    "sfn": "stepfunctions",
}
_VERBS: Final = ("create", "put", "register")


class Call(Struct, frozen=True):
    """One AWS call of an ``AwsCustomResource``. ``service`` is in CloudFormation's spelling, lower case: ``s3``."""

    when: str  # Create, Update, Delete
    service: str
    action: str  # as SDKs write it, first letter lower case: createBucket
    parameters: Mapping[str, Resolved] = field(default_factory=dict)


def is_custom(kind: str) -> bool:
    """Whether a type is one of those that call somebody's function."""
    return kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"


def works_on_others(kind: str) -> bool:
    """Whether it is one of CDK's own that work on what another resource made."""
    return kind in _WORK_ON_OTHERS


def custom_resources(environment: Environment) -> Iterator[Resource]:
    types = sorted(kind for kind in environment.types if is_custom(kind))
    if types:  # without a type, all resources would be meant
        yield from environment.resources(*types)


def calls_of(resource: Resource) -> Iterator[Call]:
    """The AWS calls that a custom resource says it makes."""
    for when in ("Create", "Update", "Delete"):
        value = resource.get(when)
        call = decoded(value.value, with_open_values=True) if isinstance(value, Known) else None
        service, action = called(call or {})
        if call is not None and service and action:
            parameters = call.get("parameters")
            yield Call(when, service, action, parameters if isinstance(parameters, dict) else {})


def called(call: Mapping[str, Resolved]) -> tuple[str, str]:
    """Service and action of a decoded call, as :class:`Call` has them; empty where one is not known."""
    service, action = call.get("service"), call.get("action")
    named = service.lower().removeprefix("@aws-sdk/client-").replace("-", "") if isinstance(service, str) else ""
    done = action.removesuffix("Command") if isinstance(action, str) else ""
    return _SERVICES.get(named, named), done[:1].lower() + done[1:]


def decoded(value: Resolved, *, with_open_values: bool = False) -> dict[str, Resolved] | None:
    """The object in a JSON text whose strings may have holes.

    ``with_open_values``: where a hole stands in the place of a whole value, that value is not known, and the rest is.
    """
    if isinstance(value, dict):
        return value
    if not isinstance(value, str | Text):
        return None
    holes: list[Hole] = []
    written = ""
    within = False  # a string of the text
    for part in pieces(value):
        if isinstance(part, Hole):
            alone = with_open_values and not within
            written += f'"{_ALONE}{len(holes)}\ue001"' if alone else f"\ue000{len(holes)}\ue001"
            holes.append(part)
        else:
            plain = _MARKS.sub("", part)
            within ^= len(_QUOTES.findall(plain)) % 2 == 1
            written += plain
    try:
        decoded = json.loads(written)
    except (ValueError, RecursionError):
        return None
    return {key: _with_holes(each, holes) for key, each in decoded.items()} if isinstance(decoded, dict) else None


def has_open_names(value: Resolved) -> bool:
    """Whether only the deployment tells what a member of a decoded object, or of one within it, is called."""
    if isinstance(value, dict):
        return any(_MARKS.search(name) is not None or has_open_names(each) for name, each in value.items())
    return isinstance(value, list) and any(map(has_open_names, value))


_ALONE: Final = "\ue002"
_MARKS: Final = lazy_re.compile("[\ue000-\ue002]")
# Those that begin or end a string; the others stand behind a backslash that is not behind one itself.
_QUOTES: Final = lazy_re.compile(r'(?<!\\)(?:\\\\)*+"')


def _with_holes(node: Any, holes: list[Hole]) -> Resolved:
    if isinstance(node, str) and node.startswith(_ALONE):
        return Unknown("it is not known before deployment")
    if isinstance(node, str):
        parts: list[str | Hole] = []
        for index, piece in enumerate(node.split("\ue000")):
            number, _, literal = piece.partition("\ue001")
            parts.extend([piece] if index == 0 else [holes[int(number)], literal])
        return text(parts)
    if isinstance(node, list):
        return [_with_holes(each, holes) for each in node]
    if isinstance(node, dict):
        return {key: _with_holes(each, holes) for key, each in node.items()}
    return node  # type: ignore[no-any-return]


def names_made_by(resource: Resource) -> Iterator[PhysicalName]:
    """The names under which a custom resource makes something."""
    calls = [call for call in calls_of(resource) if call.when == "Create"]
    if calls:
        for call in calls:
            yield from _named_in_call(resource, call)
        return
    if resource.type in _WORK_ON_OTHERS:
        return
    properties = resource.get("")
    if not isinstance(properties, Known) or not isinstance(properties.value, dict):
        return
    oidc = naming_of("AWS::IAM::OIDCProvider")
    if resource.type == _OIDC_PROVIDER and oidc is not None and isinstance(properties.value.get("Url"), str | Text):
        yield PhysicalName(resource, "Url", properties.value["Url"], oidc)
        return
    for key, value in properties.value.items():
        if not key.endswith("Name") or key in _NOT_MADE or key.startswith(_TOLD) or not isinstance(value, str | Text):
            continue
        if isinstance(value, Text) and value.only_hole is not None:
            continue  # the name of something that is made elsewhere
        yield PhysicalName(resource, key, value, _guessed(resource, key))


def _named_in_call(resource: Resource, call: Call) -> Iterator[PhysicalName]:
    verb = next((each for each in _VERBS if call.action.startswith(each)), None)
    if verb is None:
        return
    noun = call.action.removeprefix(verb)
    kind = _type_of(call.service, noun)
    naming = naming_of(kind) if kind else None
    by_lower = {key.lower(): (key, value) for key, value in call.parameters.items()}
    wanted = {path.lower() for path in naming.paths} if naming else set()
    for key, value in call.parameters.items():
        own = key.lower() == noun.lower() or is_own_name(key, noun, identifier=False)
        if not isinstance(value, str | Text) or not (own or key.lower() in wanted):
            continue
        if naming is None:
            yield PhysicalName(resource, "Create", value, Naming(f"{call.service}:{noun}", ("Create",)))
            return
        yield PhysicalName(
            resource,
            "Create",
            value,
            naming,
            tuple(_parameter(by_lower, path) for path in naming.within),
            tuple(_parameter(by_lower, path) for path in naming.beside),
        )
        return


def _parameter(by_lower: Mapping[str, tuple[str, Resolved]], path: str) -> Value:
    found = by_lower.get(path.lower())
    return Known(found[1]) if found else ABSENT


def _type_of(service: str, noun: str) -> str | None:
    """``(s3, Bucket)`` -> ``AWS::S3::Bucket``; ``(cloudwatch, MetricAlarm)`` -> ``AWS::CloudWatch::Alarm``."""
    lower = noun.lower()
    for short in (lower, *(lower[start:] for start in range(1, len(lower) - 2))):
        for kind in types_by_short_name().get(short, ()):
            if kind.split("::")[1].lower() == service:
                return kind
    return None


def _guessed(resource: Resource, key: str) -> Naming:
    """What a property called like a name probably names. Only a well-known type makes it more than a guess."""
    noun = key.removesuffix("Name") or resource.type.rpartition("::")[2]
    for lower in (noun.lower(), *(noun.lower().removeprefix(service.lower()) for service in _USUAL_SERVICES)):
        kinds = types_by_short_name().get(lower, ())
        for service in _USUAL_SERVICES:
            kind = f"AWS::{service}::"
            found = next((each for each in kinds if each.startswith(kind)), None)
            naming = naming_of(found) if found else None
            if naming is not None and not naming.within:
                return naming
    return Naming(f"{resource.type}.{key}", (key,), certain=False)
