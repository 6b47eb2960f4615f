"""What custom resources make of other resources by AWS calls of their own: what they set holds, not what stands there.

An ``AwsCustomResource`` that switches a repository's scanning off does so after CloudFormation made the repository.
Sources: the API references of the services, for what each call replaces (Amazon ECR, PutLifecyclePolicy,
PutImageScanningConfiguration, PutImageTagMutability; Elastic Load Balancing, ModifyLoadBalancerAttributes,
ModifyListener; AWS IAM, UpdateAssumeRolePolicy, UpdateRole; Amazon EC2, AuthorizeSecurityGroupEgress,
RevokeSecurityGroupEgress; Amazon CloudWatch, PutMetricAlarm; Amazon ElastiCache, ModifyReplicationGroup).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.environments import Environment, Project
from checker.model.resources import Resource
from checker.model.values import Known, Reference, Resolved, ResourceKey, Text, Unknown, Value, as_list, pieces
from checker.model.written.altered import Changes
from checker.reason.names.custom_resources import decoded, is_custom
from checker.reason.templates.sdk_calls import SdkCall, sdk_calls

# A call's parameters, and what the property is now -> what the call makes of it.
_Setting: TypeAlias = "Callable[[Mapping[str, Resolved], Value], Resolved]"


class _Effect(Struct, frozen=True):
    """What a call does: to a resource of which type, which a parameter names, and to which of its properties.

    ``besides``: the type of other resources that say the same of it. Where neither they nor its own properties say
    anything, it keeps what it is given when it is made, and the call adds to that.
    """

    kind: str
    named: str
    sets: Mapping[str, _Setting]
    besides: str = ""


def altered_by_calls(project: Project) -> Mapping[ResourceKey, Changes]:
    """The resources that calls of custom resources change, each with the properties that are something else then."""
    found: dict[ResourceKey, dict[str, tuple[Resource, Resolved]]] = {}
    for environment in project.environments:
        if not any(map(is_custom, environment.types)):
            continue
        for owner in environment.resources(_CDK_S):
            if any(map(_is_hidden, (owner.get(when) for when in _MADE))):
                _hide(environment, owner, found)
        for call in sdk_calls(environment):
            effect = _EFFECTS.get((call.service, call.action))
            if effect is not None and call.when in _MADE:
                for target, sure in _targets(environment, call, effect):
                    if effect.besides and _says_nothing(environment, target, effect):
                        continue
                    _apply(found.setdefault(target.key, {}), target, call, effect, sure=sure)
    return {key: each for key, each in found.items() if each}


# When CloudFormation makes the call; what is called when a stack is deleted changes nothing of one that is there.
_MADE: Final = ("Create", "Update")
# AWS CDK, ``AwsCustomResource``: nothing but a call. Other custom resources tell of none.
_CDK_S: Final = "Custom::AWS"


def _is_hidden(call: Value) -> bool:
    """Whether there is a call that may be any of those that change something."""
    if not isinstance(call, Known) or decoded(call.value) is not None:
        return isinstance(call, Unknown)
    # A number that only the deployment tells makes no JSON: the call's name stands there all the same.
    value = call.value if isinstance(call.value, str | Text) else ""
    named = _ACTION.search("".join(part if isinstance(part, str) else "" for part in pieces(value)))
    return named is None or named[1].lower() in {action for _, action in _EFFECTS}


_ACTION: Final = lazy_re.compile(r'"action"\s{0,9}:\s{0,9}"(\w+?)(?:Command)?"')


def _hide(
    environment: Environment, owner: Resource, found: dict[ResourceKey, dict[str, tuple[Resource, Resolved]]]
) -> None:
    """A call that is not known may be any of them, on anything."""
    said = Unknown(f"{owner.logical_id} makes a call of its own, and which one is not known")
    for effect in _EFFECTS.values():
        for target in environment.resources(effect.kind):
            found.setdefault(target.key, {}).update(dict.fromkeys(effect.sets, (owner, said)))


def _targets(environment: Environment, call: SdkCall, effect: _Effect) -> Iterator[tuple[Resource, bool]]:
    """The resources that the call names: one for sure, or each that it may be where its name is not known."""
    named = call.parameters.get(effect.named)
    found = [each for each in environment.project.all_referred(named) if each.type == effect.kind]
    own = [each for each in found if each.environment_name == environment.name]
    if found:
        yield from ((each, True) for each in own or found)
    elif named is not None and not isinstance(named, str) and not _is_another(named, environment.project):
        yield from ((each, False) for each in environment.resources(effect.kind))


def _is_another(named: Resolved, project: Project) -> bool:
    """Whether it is told by a resource that is none of the type: the default group of a network."""
    holes = list(named.holes) if isinstance(named, Text) else []
    known = [project.resource(hole.target) for hole in holes if isinstance(hole, Reference)]
    told = [each for each in known if each is not None and not _may_answer_any(each.type)]
    return bool(holes) and len(told) == len(holes)


def _may_answer_any(kind: str) -> bool:
    return is_custom(kind) or kind.startswith("AWS::CloudFormation::")


def _says_nothing(environment: Environment, target: Resource, effect: _Effect) -> bool:
    own = [target.get(name) for name in effect.sets]
    said = any(isinstance(each, Unknown) or (isinstance(each, Known) and each.value != []) for each in own)
    return not said and not any(True for _ in environment.children(target, effect.besides))


def _apply(
    changes: dict[str, tuple[Resource, Resolved]], target: Resource, call: SdkCall, effect: _Effect, *, sure: bool
) -> None:
    said = f"{call.owner.logical_id} may set it by a call of its own ({call.service}:{call.action})"
    for name, setting in effect.sets.items():
        before: Value = Known(changes[name][1]) if name in changes else target.get(name)
        after = setting(call.parameters, before)
        if after is None:
            continue
        certain = sure and call.owner.certain and not isinstance(before, Unknown)
        now: Resolved = after if certain else Unknown(said)
        if isinstance(before, Known) and before.value == after:
            continue
        changes[name] = (call.owner, now)


def _is(*path: str) -> _Setting:
    """The property is what the call has at ``path``; nothing where it has nothing there."""

    def setting(parameters: Mapping[str, Resolved], _: Value) -> Resolved:
        value: Resolved = dict(parameters)
        for step in path:
            value = _within(value, step)
        return value

    return setting


def _within(value: Resolved, step: str) -> Resolved:
    """A member of an object, however an SDK spells its name."""
    if isinstance(value, Text | Unknown):
        return Unknown(f"what the call gives for {step} is not known")
    return next((each for key, each in value.items() if key.lower() == step), None) if isinstance(value, dict) else None


def _below(name: str, setting: _Setting) -> _Setting:
    """The property is an object with one member."""

    def whole(parameters: Mapping[str, Resolved], before: Value) -> Resolved:
        value = setting(parameters, before)
        return None if value is None else {name: value}

    return whole


def _attributes(parameters: Mapping[str, Resolved], before: Value) -> Resolved:
    """Attributes of a load balancer: those of the call in the place of those of the same name."""
    given = parameters.get("attributes")
    if not isinstance(given, list):
        return None if given is None else Unknown("which attributes the call sets is not known")
    new = [{"Key": _within(each, "key"), "Value": _within(each, "value")} for each in given]
    keys = [each["Key"] for each in new]
    old = as_list(before.value) if isinstance(before, Known) else []
    return [*(each for each in old if _within(each, "key") not in keys), *new]


_DESTINATIONS: Final = (
    ("ipranges", "cidrip", "CidrIp"),
    ("ipv6ranges", "cidripv6", "CidrIpv6"),
    ("prefixlistids", "prefixlistid", "DestinationPrefixListId"),
    ("useridgrouppairs", "groupid", "DestinationSecurityGroupId"),
)


def _more_egress(parameters: Mapping[str, Resolved], before: Value) -> Resolved:
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
_EFFECTS: Final[Mapping[tuple[str, str], _Effect]] = {
    ("cloudwatch", "putmetricalarm"): _Effect(
        "AWS::CloudWatch::Alarm",
        "alarmname",
        _copied("EvaluationPeriods", "DatapointsToAlarm", "TreatMissingData", "Metrics", "AlarmActions"),
    ),
    ("ec2", "authorizesecuritygroupegress"): _Effect(
        *_GROUP, {"SecurityGroupEgress": _more_egress}, "AWS::EC2::SecurityGroupEgress"
    ),
    ("ec2", "revokesecuritygroupegress"): _Effect(*_GROUP, {"SecurityGroupEgress": _fewer_egress}),
    ("ecr", "putimagescanningconfiguration"): _Effect(
        *_REPOSITORY,
        {"ImageScanningConfiguration": _below("ScanOnPush", _is("imagescanningconfiguration", "scanonpush"))},
    ),
    ("ecr", "putimagetagmutability"): _Effect(*_REPOSITORY, _copied("ImageTagMutability")),
    ("ecr", "putlifecyclepolicy"): _Effect(
        *_REPOSITORY, {"LifecyclePolicy": _below("LifecyclePolicyText", _is("lifecyclepolicytext"))}
    ),
    ("elasticache", "modifyreplicationgroup"): _Effect(
        "AWS::ElastiCache::ReplicationGroup",
        "replicationgroupid",
        _copied("TransitEncryptionEnabled", "TransitEncryptionMode", "AuthToken"),
    ),
    ("elasticloadbalancingv2", "modifylistener"): _Effect(
        "AWS::ElasticLoadBalancingV2::Listener", "listenerarn", _copied("SslPolicy", "Certificates", "Protocol")
    ),
    ("elasticloadbalancingv2", "modifyloadbalancerattributes"): _Effect(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", "loadbalancerarn", {"LoadBalancerAttributes": _attributes}
    ),
    ("iam", "updateassumerolepolicy"): _Effect(*_ROLE, {"AssumeRolePolicyDocument": _is("policydocument")}),
    ("iam", "updaterole"): _Effect(*_ROLE, _copied("MaxSessionDuration")),
}
