"""Which resource belongs to which stack: by CloudFormation's own list, then by tags, then by names.

A resource that CloudFormation calls by a name of its own making (a route, an inline policy, a topic's policy) is found
by what its template says of it: the same parent and the same key.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from checker.collect.account.shapes import Draft
from checker.model.live.snapshot import SnapshotStack
from checker.model.values import worth

Owner = tuple[str | None, str | None, str | None]  # stack, logical id, physical id
_NOBODY: Final[Owner] = (None, None, None)

_STACK_TAG: Final = "aws:cloudformation:stack-name"
_LOGICAL_TAG: Final = "aws:cloudformation:logical-id"

# Type -> the properties that tell one resource from its siblings. For those whose physical id says nothing.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::EC2::Route": (
        "RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId",
    ),
    "AWS::EC2::SubnetRouteTableAssociation": ("SubnetId", "RouteTableId"),
    "AWS::EC2::SubnetNetworkAclAssociation": ("SubnetId", "NetworkAclId"),
    "AWS::EC2::NetworkAclEntry": ("NetworkAclId", "RuleNumber", "Egress"),
    "AWS::EC2::VPCGatewayAttachment": ("VpcId", "InternetGatewayId"),
    "AWS::EC2::SecurityGroupIngress": (
        "GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "SourceSecurityGroupId",
        "SourcePrefixListId",
    ),
    "AWS::EC2::SecurityGroupEgress": (
        "GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "DestinationSecurityGroupId",
        "DestinationPrefixListId",
    ),
    "AWS::EC2::EIP": (),
    "AWS::IAM::Policy": ("PolicyName", "Roles"),
    "AWS::S3::BucketPolicy": ("Bucket",),
    "AWS::SNS::TopicPolicy": ("Topics",),
    "AWS::SNS::Subscription": ("TopicArn", "Protocol", "Endpoint"),
    "AWS::SQS::QueuePolicy": ("Queues",),
    "AWS::SecretsManager::ResourcePolicy": ("SecretId",),
    "AWS::Lambda::Permission": ("FunctionName", "Action", "Principal", "SourceArn"),
    "AWS::Lambda::EventInvokeConfig": ("FunctionName", "Qualifier"),
    "AWS::Route53::RecordSet": ("HostedZoneId", "Name", "Type", "SetIdentifier"),
    "AWS::WAFv2::WebACLAssociation": ("ResourceArn", "WebACLArn"),
    "AWS::WAFv2::LoggingConfiguration": ("ResourceArn",),
    "AWS::ElasticLoadBalancingV2::ListenerCertificate": ("ListenerArn", "Certificates"),
    "AWS::ECR::RegistryScanningConfiguration": ("ScanType",),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("ResourceId", "ScalableDimension"),
}  # fmt: skip


class Scope:
    """The stacks that are read, once their resources are listed. Asking waits until then."""

    def __init__(self, region: str = "", account: str = "", partition: str = "aws") -> None:
        self._ready = threading.Event()
        self._stacks: tuple[SnapshotStack, ...] = ()
        self._known = False
        self.region, self.account = region, account
        self._place = {"AWS::Region": region, "AWS::AccountId": account, "AWS::Partition": partition}
        self._by_id: dict[tuple[str, str], tuple[str, str]] = {}
        self._ids: dict[str, list[str]] = {}

    def settle(self, stacks: Iterable[SnapshotStack], *, known: bool) -> None:
        """Say which stacks there are. ``known``: the resources of all of them were listed.

        Whatever becomes of it, nobody waits any longer: an answer that is in no form must not hold everything up.
        """
        try:
            self._stacks = tuple(stacks)
            for stack in self._stacks:
                for each in stack.resources:
                    if each.physical_id and each.status != "DELETE_COMPLETE":
                        self._by_id[each.type, each.physical_id] = (stack.name, each.logical_id)
                        self._ids.setdefault(each.type, []).append(each.physical_id)
            self._known = known
        finally:
            self._ready.set()

    @property
    def known(self) -> bool:
        """Whether what belongs to the stacks is known, and there is something that does."""
        self._ready.wait()
        return self._known and bool(self._by_id)

    def ids(self, kind: str) -> tuple[str, ...]:
        """The physical ids of the stacks' resources of a type."""
        self._ready.wait()
        return tuple(dict.fromkeys(self._ids.get(kind, ())))

    def members(self) -> Iterator[tuple[str, str]]:
        """Type and physical id of every resource of the stacks."""
        self._ready.wait()
        yield from self._by_id

    def has(self, kind: str, ids: Iterable[str], tags: Mapping[str, str]) -> bool:
        """Whether a resource is described in full: it is of the stacks, or which are theirs is not known."""
        if not self.known:
            return True
        names = {stack.name for stack in self._stacks}
        return any((kind, each) in self._by_id for each in ids) or tags.get(_STACK_TAG) in names

    def owners(self, drafts: list[Draft], stacks: Iterable[SnapshotStack]) -> list[Owner]:
        """Whose each resource is. ``stacks`` are the same as before, with their templates."""
        found = [self._owner(each) for each in drafts]
        taken = {owner[:2] for owner in found if owner[1] is not None}
        unowned: dict[str, dict[int, None]] = {}
        # By the last word of each part of the key: two names of one thing share it, so that few are compared.
        by_word: dict[tuple[str, str, str], list[int]] = {}
        for index, draft in enumerate(drafts):
            if found[index][1] is None and draft.type in _KEYS:
                unowned.setdefault(draft.type, {})[index] = None
                for name in _KEYS[draft.type]:
                    for word in _words(draft.properties.get(name)):
                        by_word.setdefault((draft.type, name, word), []).append(index)
        for stack in stacks:
            for logical_id, kind, physical_id, key in self._keyed(stack):
                if (stack.name, logical_id) in taken or kind not in unowned:
                    continue
                near = [by_word.get((kind, name, word), []) for name, each in key.items() for word in _words(each)]
                fits = [
                    index
                    for index in min(near, key=len, default=[])
                    if index in unowned[kind] and _fits(key, drafts[index].properties)
                ]
                if len(fits) == 1:
                    found[fits[0]] = (stack.name, logical_id, physical_id)
                    del unowned[kind][fits[0]]
        return found

    def _owner(self, draft: Draft) -> Owner:
        for each in draft.ids:
            owner = self._by_id.get((draft.type, each))
            if owner is not None and draft.type != "AWS::Route53::RecordSet":
                # A running revision stands for the stack's own definition, and keeps its own name.
                return (*owner, draft.id if draft.type == "AWS::ECS::TaskDefinition" else each)
        if draft.tags.get(_STACK_TAG):
            return draft.tags[_STACK_TAG], draft.tags.get(_LOGICAL_TAG), None
        name = draft.name or draft.id.rpartition("/")[2].rpartition(":")[2]
        by_name = next((stack.name for stack in self._stacks if name.startswith(f"{stack.name}-")), None)
        return (by_name, None, None) if by_name else _NOBODY

    def _keyed(self, stack: SnapshotStack) -> Iterator[tuple[str, str, str | None, dict[str, Any]]]:
        """The stack's resources that are told by their key: logical id, type, physical id, the key with its values."""
        resources = (stack.template or {}).get("Resources")
        if not isinstance(resources, Mapping):
            return
        physical = {each.logical_id: each.physical_id for each in stack.resources if each.physical_id}
        known = {**self._place, "AWS::StackName": stack.name, **stack.parameters}
        for logical_id, resource in resources.items():
            kind = resource.get("Type") if isinstance(resource, Mapping) else None
            if not isinstance(kind, str) or kind not in _KEYS or logical_id not in physical:
                continue
            properties = resource.get("Properties")
            properties = properties if isinstance(properties, Mapping) else {}
            key = {name: _resolved(properties.get(name), physical, known) for name in _KEYS[kind]}
            yield logical_id, kind, physical[logical_id], key


class _Open:
    """A value of a template that cannot be told here: it contradicts nothing."""


_OPEN: Final = _Open()


def _resolved(value: Any, physical: Mapping[str, str], known: Mapping[str, Any]) -> Any:
    """A value with references replaced by physical ids, which also stand for attributes (an id, an ARN)."""
    match value:
        case {"Ref": str(name)}:
            return physical.get(name, known.get(name, _OPEN))
        case {"Fn::GetAtt": [str(name), _]}:
            return physical.get(name, _OPEN)
        case dict():
            return (
                _OPEN
                if any(key.startswith("Fn::") for key in value)
                else {key: _resolved(each, physical, known) for key, each in value.items()}
            )
        case list():
            return [_resolved(each, physical, known) for each in value]
        case _:
            return value


def _fits(key: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    """Whether live properties agree with a key: nothing contradicts, and something agrees."""
    agreed = False
    for name, wanted in key.items():
        live = properties.get(name)
        if isinstance(wanted, _Open):
            continue
        if wanted is None:
            if live is not None and name in {"DestinationCidrBlock", "DestinationIpv6CidrBlock", "SetIdentifier"}:
                return False
            continue
        if not _same(wanted, live):
            return False
        agreed = True
    return agreed


def _same(wanted: Any, live: Any) -> bool:
    """Equal, or one is the ARN of what the other names; lists and objects part by part."""
    if isinstance(wanted, _Open):
        return True
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(any(_same(one, other) for other in live) for one in wanted)
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return all(_same(each, live.get(name)) for name, each in wanted.items())
    one, other = _text(wanted), _text(live)
    return bool(one) and bool(other) and (one == other or _is_name_of(one, other) or _is_name_of(other, one))


def _text(value: Any) -> str:
    if value is None or isinstance(value, list | Mapping):
        return ""
    return worth(value).lower().rstrip(".")


def _words(value: Any) -> set[str]:
    """The last word of a name, an id or an ARN; of a list those of its entries."""
    if isinstance(value, list):
        return {word for each in value for word in _words(each)}
    word = "" if isinstance(value, _Open) else _text(value).rpartition("/")[2].rpartition(":")[2]
    return {word} if word else set()


def _is_name_of(name: str, arn: str) -> bool:
    return arn.startswith("arn:") and arn.endswith((f"/{name}", f":{name}"))
