"""Amazon EC2's security groups.

A group's own properties hold all its rules, whichever resource of a template wrote them; the rules as resources of
their own (``AWS::EC2::SecurityGroupIngress``, ``…Egress``) are the same rules a second time, with their ids, and are
read where somebody asks for these types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.shapes import Draft, NamelessError, maybe, own_tags, picked, said, shape


def _rules(side: str) -> Any:
    """Reads permissions, each of which may let in several networks and groups, as CloudFormation's list of rules."""

    def read(permissions: Any) -> list[dict[str, Any]]:
        return [rule for permission in permissions for rule in _of_permission(permission, side)]

    return read


def _of_permission(permission: Mapping[str, Any], side: str) -> list[dict[str, Any]]:
    """The rules of one permission. Raises :class:`ValueError` where it does not tell whom it lets through."""
    found = list(_each_of(permission, side))
    if not found:
        raise ValueError("a permission for nobody")
    return found


def _each_of(permission: Mapping[str, Any], side: str) -> Iterator[dict[str, Any]]:
    common = {"IpProtocol": str(permission["IpProtocol"]), **picked(permission, "FromPort ToPort")}
    for each in permission.get("IpRanges") or ():
        yield {**common, "CidrIp": each["CidrIp"], **picked(each, "Description")}
    for each in permission.get("Ipv6Ranges") or ():
        yield {**common, "CidrIpv6": each["CidrIpv6"], **picked(each, "Description")}
    for each in permission.get("PrefixListIds") or ():
        yield {**common, f"{side}PrefixListId": each["PrefixListId"], **picked(each, "Description")}
    for each in permission.get("UserIdGroupPairs") or ():
        owner = {"SourceSecurityGroupOwnerId": each["UserId"]} if side == "Source" and each.get("UserId") else {}
        yield {**common, f"{side}SecurityGroupId": each["GroupId"], **owner, **picked(each, "Description")}


GROUP: Final = shape(
    "AWS::EC2::SecurityGroup",
    "GroupId",
    said("GroupDescription", "Description"),
    said("GroupName"),
    maybe("VpcId"),
    said("SecurityGroupIngress", "IpPermissions", _rules("Source")),
    said("SecurityGroupEgress", "IpPermissionsEgress", _rules("Destination")),
    maybe("Tags", read=own_tags),
)


def describe(account: Account) -> Iterator[Draft | None]:
    groups = account.ask("ec2", "DescribeSecurityGroups")
    rules = account.ask("ec2", "DescribeSecurityGroupRules")
    yield from (GROUP.draft(each) for each in groups.items)
    yield from (_rule(each) for each in rules.items)


def _rule(rule: Mapping[str, Any]) -> Draft:
    if not rule.get("SecurityGroupRuleId") or rule.get("IsEgress") is None:
        raise NamelessError
    side, kind = ("Destination", "Egress") if rule["IsEgress"] else ("Source", "Ingress")
    read = (
        said("GroupId"),
        said("IpProtocol"),
        maybe("FromPort"),
        maybe("ToPort"),
        maybe("CidrIp", "CidrIpv4"),
        maybe("CidrIpv6"),
        maybe(f"{side}PrefixListId", "PrefixListId"),
        maybe(f"{side}SecurityGroupId", "ReferencedGroupInfo.GroupId"),
        maybe("Description"),
    )
    return Draft(f"AWS::EC2::SecurityGroup{kind}", (str(rule["SecurityGroupRuleId"]),)).read(rule, read)
