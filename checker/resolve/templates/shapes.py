"""What is known of values that only the deployment tells: signs that an id never holds, and how an ARN is put together.

Sources: AWS CloudFormation Template Reference Guide, "Return values" of each type (``Ref`` answers a name, an id or an
ARN); AWS General Reference, "Amazon Resource Names".
"""

from __future__ import annotations

from typing import Final

from checker.model.values import (
    ArnField,
    Attribute,
    Hole,
    Pseudo,
    Text,
    attribute_of,
    pieces,
    text,
)
from checker.resolve.templates.evaluation import Evaluation

# The signs that templates put between the items of a list that they hand on as one string; ``||`` is CDK's.
_BETWEEN: Final = frozenset({",", ", ", ";", " ", "||"})
# Signs that pseudo parameters have in them, beside letters and digits.
_IN_PSEUDO: Final = {
    "AWS::NotificationARNs": ":-,",
    "AWS::Partition": "-",
    "AWS::Region": "-",
    "AWS::StackId": ":/-",
    "AWS::StackName": "-",
    "AWS::URLSuffix": ".",
}
# Ends of the names of attributes that may be a list, or whatever somebody has put there.
_SEVERAL: Final = ("s", "List", "Value")
# What these answer is told by code, or by another template.
_TOLD_BY_CODE: Final = ("Custom::", "AWS::CloudFormation::")
# Names of alarms may hold nearly any sign.
_ALARMS: Final = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


def never_holds(scope: Evaluation, hole: Hole, delimiter: str) -> bool:
    """Whether what is filled in is surely without the delimiter, as ids, names and addresses are of lists' signs."""
    if isinstance(hole, Pseudo):
        return not any(sign in _IN_PSEUDO.get(hole.name, "") for sign in delimiter)
    if not isinstance(hole, Attribute) or delimiter not in _BETWEEN:
        return False
    declared = _declared(scope, hole)
    kind, properties = declared.get("Type"), declared.get("Properties")
    if kind in _ALARMS and isinstance(properties, dict) and "AlarmName" in properties:
        name = properties["AlarmName"]
        return isinstance(name, str) and delimiter not in name
    known = isinstance(kind, str) and kind.startswith("AWS::") and not kind.startswith(_TOLD_BY_CODE)
    single = not hole.name.endswith(_SEVERAL) or hole.name.endswith("Address")
    return known and single


# Types whose ARN ends in one name behind one slash, which is what ``Ref`` answers: service and kind.
_SLASHED: Final = {
    "AWS::IAM::Role": ("iam", "role"),
    "AWS::ECS::Cluster": ("ecs", "cluster"),
    "AWS::DynamoDB::Table": ("dynamodb", "table"),
}


def arn_pieces(scope: Evaluation, value: Text, delimiter: str) -> str | Text | None:
    """An ARN taken apart, of which only the shape is known: arn:partition:service:region:account:resource, or the kind
    and the name where its type has those. ``None`` where it is none, or not known to be so."""
    hole = value.only_hole
    if isinstance(hole, Pseudo) and hole.name == "AWS::StackId" and delimiter == "/":
        name = scope.ref("AWS::StackName")
        head = [*_head(scope, "cloudformation"), "stack/"]
        return text([*head, *(pieces(name) if isinstance(name, str | Text) else [Pseudo("AWS::StackName")]), "/", hole])
    if not isinstance(hole, Attribute) or not (hole.name.endswith("Arn") or _is_arn(scope, hole)):
        return None
    if delimiter == ":":
        service, resource = (ArnField(hole.target, hole.name, field, f"{hole.shown}[{field}]") for field in (2, 5))
        return text([*_head(scope, service), resource])
    declared = _declared(scope, hole)
    properties, named = declared.get("Properties"), _SLASHED.get(str(declared.get("Type")))
    if delimiter != "/" or named is None or (isinstance(properties, dict) and "Path" in properties):
        return None
    return text([*_head(scope, named[0]), f"{named[1]}/", attribute_of(hole.target)])


# Types whose ``Ref`` is their ARN.
_BY_ARN: Final = frozenset(
    {
        "AWS::CertificateManager::Certificate",
        "AWS::ECS::Service",
        "AWS::ECS::TaskDefinition",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::IAM::ManagedPolicy",
        "AWS::SNS::Topic",
        "AWS::SecretsManager::Secret",
        "AWS::StepFunctions::StateMachine",
    }
)


def _is_arn(scope: Evaluation, hole: Attribute) -> bool:
    return not hole.name and _declared(scope, hole).get("Type") in _BY_ARN


def _head(scope: Evaluation, service: str | Hole) -> list[str | Hole]:
    """What an ARN begins with."""
    parts: list[str | Hole] = ["arn:"]
    for name in ("AWS::Partition", "", "AWS::Region", "AWS::AccountId"):
        if not name:
            parts += [service, ":"]
            continue
        # What AWS IAM has is in no region.
        told = "" if name == "AWS::Region" and service == "iam" else scope.ref(name)
        parts += [*(pieces(told) if isinstance(told, str | Text) else [Pseudo(name)]), ":"]
    return parts


def _declared(scope: Evaluation, hole: Attribute) -> dict[str, object]:
    owner = scope.linker.scopes.get(hole.target.stack)
    found = owner.declared_resources.get(hole.target.logical_id) if owner is not None else None
    return found if isinstance(found, dict) else {}
