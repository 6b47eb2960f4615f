"""What AWS calls make of a resource: which of its properties each sets, and how.

Sources: the API references of the services, for what each call replaces (Amazon ECR, PutLifecyclePolicy,
PutImageScanningConfiguration, whose scanOnPush defaults to false, PutImageTagMutability; Elastic Load Balancing,
ModifyLoadBalancerAttributes, ModifyListener; AWS IAM, UpdateAssumeRolePolicy, UpdateRole, whose MaxSessionDuration
defaults to one hour; Amazon EC2, AuthorizeSecurityGroupEgress, RevokeSecurityGroupEgress; Amazon CloudWatch,
PutMetricAlarm, which overwrites all that the alarm was; Amazon ElastiCache, ModifyReplicationGroup).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from checker.model.values import ABSENT, Absent, Known, Resolved, Text, Unknown, Value, as_list
from checker.reason.altered.made import as_properties

# What a call makes of a property: ``ABSENT`` where its default holds from then on, ``None`` where it says nothing.
Outcome: TypeAlias = "Resolved | Absent"
# A call's parameters, and what the property is now -> what the call makes of it.
_Setting: TypeAlias = "Callable[[Mapping[str, Resolved], Value], Outcome]"


class Effect(Struct, frozen=True):
    """What a call does: to a resource of which type, which a parameter names, and to which of its properties.

    ``name``: the property that such a resource is called by, empty where AWS makes up what the parameter holds.
    ``besides``: the type of other resources that say the same of it. Where neither they nor its own properties say
    anything, it keeps what it is given when it is made, and the call adds to that. ``adds``: several of these calls do
    not undo each other; ``keyed`` tells the members that one sets, of which each is replaced.
    """

    kind: str
    named: str
    sets: Mapping[str, _Setting]
    name: str = ""
    besides: str = ""
    adds: bool = False
    keyed: Callable[[Mapping[str, Resolved]], Mapping[str, Resolved]] | None = None


def _is(*path: str, default: Outcome = None) -> _Setting:
    """The property is what the call has at ``path``; ``default`` where it has nothing there."""

    def setting(parameters: Mapping[str, Resolved], _: Value) -> Outcome:
        value: Resolved = dict(parameters)
        for step in path:
            value = _within(value, step)
        return default if value is None else value

    return setting


def _within(value: Resolved, step: str) -> Resolved:
    """A member of an object, however an SDK spells its name."""
    if isinstance(value, Text | Unknown):
        return Unknown(f"what the call gives for {step} is not known")
    return next((each for key, each in value.items() if key.lower() == step), None) if isinstance(value, dict) else None


def _below(name: str, setting: _Setting) -> _Setting:
    """The property is an object with one member."""

    def whole(parameters: Mapping[str, Resolved], before: Value) -> Outcome:
        value = setting(parameters, before)
        return None if value is None or isinstance(value, Absent) else {name: value}

    return whole


def _scan_on_push(parameters: Mapping[str, Resolved], _: Value) -> Outcome:
    given = parameters.get("imagescanningconfiguration")
    if given is None:
        return None
    on = _within(given, "scanonpush")
    return {"ScanOnPush": False if on is None else on}


def _all_of_it(*names: str) -> dict[str, _Setting]:
    """Properties that the call has under the same names, each of which has its default again where it has none."""

    def setting(name: str) -> _Setting:
        given = _is(name.lower(), default=ABSENT)

        def spelled(parameters: Mapping[str, Resolved], before: Value) -> Outcome:
            value = given(parameters, before)
            return value if isinstance(value, Absent) else as_properties(value)

        return spelled

    return {name: setting(name) for name in names}


def _attributes(parameters: Mapping[str, Resolved], before: Value) -> Outcome:
    """Attributes of a load balancer: those of the call in the place of those of the same name."""
    given = parameters.get("attributes")
    new = _keyed(parameters)
    if given is None:
        return None
    if not isinstance(given, list) or len(new) != len(given):
        return Unknown("which attributes the call sets is not known")
    old = as_list(before.value) if isinstance(before, Known) else []
    kept = [each for each in old if _within(each, "key") not in new.keys()]  # noqa: SIM118 - a key may be a list
    return [*kept, *({"Key": key, "Value": value} for key, value in new.items())]


def _keyed(parameters: Mapping[str, Resolved]) -> Mapping[str, Resolved]:
    """The attributes of a call whose names are known."""
    found = [(_within(each, "key"), _within(each, "value")) for each in as_list(parameters.get("attributes"))]
    return {key: value for key, value in found if isinstance(key, str)}


_DESTINATIONS: Final = (
    ("ipranges", "cidrip", "CidrIp"),
    ("ipv6ranges", "cidripv6", "CidrIpv6"),
    ("prefixlistids", "prefixlistid", "DestinationPrefixListId"),
    ("useridgrouppairs", "groupid", "DestinationSecurityGroupId"),
)


def _more_egress(parameters: Mapping[str, Resolved], before: Value) -> Outcome:
    """The rules of a group, and those that the call adds, each for one destination."""
    given = parameters.get("ippermissions")
    if not isinstance(given, list):
        return Unknown("which rules the call adds is not known")
    rules: list[Resolved] = []
    for each in given:
        ports = {"IpProtocol": "ipprotocol", "FromPort": "fromport", "ToPort": "toport"}
        bounds = {name: value for name, key in ports.items() if (value := _within(each, key)) is not None}
        for several, one, name in _DESTINATIONS:
            rules += [{**bounds, name: _within(to, one)} for to in as_list(_within(each, several))]
    return [*(as_list(before.value) if isinstance(before, Known) else []), *rules]


def _fewer_egress(_: Mapping[str, Resolved], __: Value) -> Resolved:
    return Unknown("a call takes rules of the group away")


def _copied(*names: str) -> dict[str, _Setting]:
    """Properties that the call has under the same names."""
    return {name: _is(name.lower()) for name in names}


_REPOSITORY: Final = ("AWS::ECR::Repository", "repositoryname")
_ROLE: Final = ("AWS::IAM::Role", "rolename")
_GROUP: Final = ("AWS::EC2::SecurityGroup", "groupid")
EFFECTS: Final[Mapping[tuple[str, str], Effect]] = {
    ("cloudwatch", "putmetricalarm"): Effect(
        "AWS::CloudWatch::Alarm",
        "alarmname",
        _all_of_it(
            *("ActionsEnabled", "AlarmActions", "ComparisonOperator", "DatapointsToAlarm", "Dimensions"),
            *("EvaluateLowSampleCountPercentile", "EvaluationPeriods", "ExtendedStatistic", "InsufficientDataActions"),
            *("MetricName", "Metrics", "Namespace", "OKActions", "Period", "Statistic", "Threshold"),
            *("ThresholdMetricId", "TreatMissingData", "Unit"),
        ),
        "AlarmName",
    ),
    ("ec2", "authorizesecuritygroupegress"): Effect(
        *_GROUP, {"SecurityGroupEgress": _more_egress}, besides="AWS::EC2::SecurityGroupEgress", adds=True
    ),
    ("ec2", "revokesecuritygroupegress"): Effect(*_GROUP, {"SecurityGroupEgress": _fewer_egress}),
    ("ecr", "putimagescanningconfiguration"): Effect(
        *_REPOSITORY, {"ImageScanningConfiguration": _scan_on_push}, "RepositoryName"
    ),
    ("ecr", "putimagetagmutability"): Effect(*_REPOSITORY, _copied("ImageTagMutability"), "RepositoryName"),
    ("ecr", "putlifecyclepolicy"): Effect(
        *_REPOSITORY, {"LifecyclePolicy": _below("LifecyclePolicyText", _is("lifecyclepolicytext"))}, "RepositoryName"
    ),
    ("elasticache", "modifyreplicationgroup"): Effect(
        "AWS::ElastiCache::ReplicationGroup",
        "replicationgroupid",
        _copied("TransitEncryptionEnabled", "TransitEncryptionMode", "AuthToken"),
        "ReplicationGroupId",
    ),
    ("elasticloadbalancingv2", "modifylistener"): Effect(
        "AWS::ElasticLoadBalancingV2::Listener",
        "listenerarn",
        _copied("SslPolicy", "Certificates", "Protocol"),
        "LoadBalancerArn",
    ),
    ("elasticloadbalancingv2", "modifyloadbalancerattributes"): Effect(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "loadbalancerarn",
        {"LoadBalancerAttributes": _attributes},
        "Name",
        adds=True,
        keyed=_keyed,
    ),
    ("iam", "updateassumerolepolicy"): Effect(*_ROLE, {"AssumeRolePolicyDocument": _is("policydocument")}, "RoleName"),
    ("iam", "updaterole"): Effect(
        *_ROLE, {"MaxSessionDuration": _is("maxsessionduration", default=ABSENT)}, "RoleName"
    ),
}
