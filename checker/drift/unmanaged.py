"""What is in the account and belongs to no stack, but for what AWS and services make by themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from checker.data.type_facts import facts_of
from checker.drift.account import LEFT, Account, words_of
from checker.model.live.drift import ResourceDrift, ResourceState
from checker.model.live.snapshot import LiveResource

_SERVICE_ROLES: Final = ("/aws-service-role/", "/aws-reserved/")
# Sub-resources that only exist as part of another, which shows them.
_PARTS: Final = frozenset(
    {
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::NetworkAclEntry",
        "AWS::EC2::SubnetNetworkAclAssociation",
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::ECS::TaskDefinition",  # revisions are a release's
    }
)

# Types of which services make some for what they run. What stands in a read-only property may else be where a thing is.
_OF_SERVICES: Final = frozenset(
    {"AWS::EC2::SecurityGroup", "AWS::Logs::LogGroup", "AWS::Route53::HostedZone", "AWS::SecretsManager::Secret"}
)


def unmanaged(account: Account, matched: Collection[int], environment: str) -> Iterator[ResourceDrift]:
    """One entry for each live resource that no stack manages. ``matched``: identities of those that are declared."""
    listed = {
        (each.type, each.physical_id)
        for stack in account.snapshot.stacks
        for each in stack.resources
        if each.physical_id and not each.status.startswith(LEFT)
    }
    if account.unplaced(listed=True) or account.asked_stacks is not None:
        return  # any may be of a stack that was not read
    unknown_networks = account.unreadable("AWS::EC2::VPC", None) is not None
    kinds = {kind for kind, _ in listed}
    networks = _default_networks(account)
    alone = _alone(account)
    made = set(_made_for_others(account, matched))
    for live in account.snapshot.resources:
        if live.physical_id in networks or live.properties.get("VpcId") in networks or id(live) in alone:
            continue
        left_by = "" if id(live) in matched else account.left_by(live)
        if id(live) in matched or live.type in _PARTS or _is_made_by_aws(live) or (live.stack and not left_by):
            continue
        if unknown_networks and live.type.startswith("AWS::EC2::"):
            continue  # it may be of the default VPC
        if live.physical_id == account.snapshot.account:
            continue  # a setting of the account itself: there is one, whoever set it
        if live.type in _OF_SERVICES and live.physical_id in made:
            continue
        if live.type in kinds and account.unplaced():
            continue  # it may be one of those that the stacks list
        if (live.logical_id is not None and not left_by) or (live.type, live.physical_id) in listed:
            continue
        yield ResourceDrift(
            environment=environment,
            stack=None,
            type=live.type,
            logical_id=None,
            physical_id=live.physical_id,
            state=ResourceState.UNMANAGED,
            why=f"stack {left_by} made it, and has it no longer" if left_by else "it is of no stack",
        )


def _made_for_others(account: Account, matched: Collection[int]) -> Iterator[str]:
    """What services made for the stacks' resources: it stands in a read-only property of one, such as the zone of a
    namespace or the security group of a cluster, or is a log group that is called after one (``/aws/lambda/NAME``)."""
    names: set[str] = set()
    for live in account.snapshot.resources:
        if id(live) in matched or live.stack is not None:
            facts = facts_of(live.type)
            yield from (value for path in facts.read_only if isinstance(value := live.properties.get(path), str))
            names |= words_of(live, live.physical_id)
    for group in account.by_type.get("AWS::Logs::LogGroup", ()):
        name = str(group.physical_id)
        if name.startswith("/aws/") and names.intersection(name.split("/")[3:]):
            yield name


def _default_networks(account: Account) -> set[str]:
    """The default VPC, which every region has (its block is always the same), and the gateway of it."""
    found = {
        str(each.physical_id)
        for each in account.by_type.get("AWS::EC2::VPC", ())
        if each.stack is None and each.properties.get("CidrBlock") == "172.31.0.0/16"
    }
    for each in account.by_type.get("AWS::EC2::VPCGatewayAttachment", ()):
        if each.properties.get("VpcId") in found:
            found.add(str(each.properties.get("InternetGatewayId")))
    return found


def _alone(account: Account) -> set[int]:
    """Main route tables and default network ACLs: each VPC comes with one. Where there are more, which it is
    cannot be told, and all are shown."""
    groups: dict[tuple[str, str], list[LiveResource]] = {}
    for kind in ("AWS::EC2::RouteTable", "AWS::EC2::NetworkAcl"):
        for each in account.by_type.get(kind, ()):
            if each.stack is None and each.logical_id is None:
                groups.setdefault((kind, str(each.properties.get("VpcId"))), []).append(each)
    return {id(several[0]) for several in groups.values() if len(several) == 1}


def _is_made_by_aws(live: LiveResource) -> bool:
    """Service-linked roles, default groups and networks, keys and parameters that AWS manages."""
    properties = live.properties
    if str(properties.get("Path", "")).startswith(_SERVICE_ROLES):
        return True
    names = {str(properties.get(path)) for path in facts_of(live.type).identifier} | {live.physical_id or ""}
    for key in ("GroupName", "Name", "RoleName", "DBSubnetGroupName", "CacheSubnetGroupName"):
        names.add(str(properties.get(key, "")))
    if any(
        name == "default" or name.startswith(("default.", "default:", "AWSServiceRole", "alias/aws/")) for name in names
    ):
        return True
    # Secrets that a service manages: `rds!db-…` (AWS Secrets Manager User Guide, "Managed secrets").
    if live.type == "AWS::SecretsManager::Secret" and "!" in str(properties.get("Name", "")):
        return True
    return properties.get("IsDefault") is True or properties.get("KeyManager") == "AWS"
