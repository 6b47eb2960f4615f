"""Amazon ElastiCache: replication groups, clusters, subnet groups, users.

What a replication group is made of (node type, subnet and security groups) stands with its member clusters alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.shapes import Draft, being_made, fields, maybe, picked, said, shape
from checker.model.secrets.values import NOT_KEPT

_ON: Final = frozenset({"enabled", "enabling"})


def _groups(value: Any) -> list[str] | None:
    return sorted(each["SecurityGroupId"] for each in value) or None


GROUP: Final = shape(
    "AWS::ElastiCache::ReplicationGroup", "ReplicationGroupId ARN", said("ReplicationGroupId"),
    said("ReplicationGroupDescription", "Description"),
    maybe("PrimaryEndPoint.Address", "NodeGroups.0.PrimaryEndpoint.Address"),
    maybe("ReaderEndPoint.Address", "NodeGroups.0.ReaderEndpoint.Address"),
    maybe("ConfigurationEndPoint.Address", "ConfigurationEndpoint.Address"),
    *fields("AtRestEncryptionEnabled TransitEncryptionEnabled"),
    # The token itself is never told, only that there is one or none.
    said("AuthToken", "AuthTokenEnabled", lambda enabled: NOT_KEPT if enabled else None),
    said("AutomaticFailoverEnabled", "AutomaticFailover", lambda value: value in _ON),
    maybe("MultiAZEnabled", "MultiAZ", lambda value: value in _ON),
    maybe("Port", "ConfigurationEndpoint.Port"), maybe("Port", "NodeGroups.0.PrimaryEndpoint.Port"),
    maybe("GlobalReplicationGroupId", "GlobalReplicationGroupInfo.GlobalReplicationGroupId"),
    maybe("UserGroupIds", read=lambda value: list(value) or None),
    maybe("LogDeliveryConfigurations", read=lambda value: [
        picked(each, "DestinationType LogFormat LogType DestinationDetails") for each in value] or None),
    *fields("TransitEncryptionMode SnapshotRetentionLimit SnapshotWindow KmsKeyId CacheNodeType ClusterMode Engine "
            "NetworkType IpDiscovery AutoMinorVersionUpgrade", maybe),
    maybe("DataTieringEnabled", "DataTiering", lambda value: value in _ON),
)  # fmt: skip
_FROM_MEMBER: Final = (
    said("EngineVersion"), said("Engine"), maybe("CacheSubnetGroupName"),
    maybe("CacheParameterGroupName", "CacheParameterGroup.CacheParameterGroupName"),
    maybe("SecurityGroupIds", "SecurityGroups", _groups), maybe("PreferredMaintenanceWindow"),
    maybe("NotificationTopicArn", "NotificationConfiguration.TopicArn"),
)  # fmt: skip
CLUSTER: Final = shape(
    "AWS::ElastiCache::CacheCluster", "CacheClusterId ARN", said("ClusterName", "CacheClusterId"),
    *fields("CacheNodeType Engine EngineVersion NumCacheNodes"),
    # Memcached has its port at the configuration endpoint, a lone Redis at its node.
    maybe("Port", "ConfigurationEndpoint.Port"), maybe("Port", "CacheNodes.0.Endpoint.Port"),
    maybe("CacheParameterGroupName", "CacheParameterGroup.CacheParameterGroupName"),
    maybe("VpcSecurityGroupIds", "SecurityGroups", _groups),
    *fields("CacheSubnetGroupName TransitEncryptionEnabled SnapshotRetentionLimit SnapshotWindow "
            "PreferredMaintenanceWindow AutoMinorVersionUpgrade NetworkType IpDiscovery", maybe),
    maybe("NotificationTopicArn", "NotificationConfiguration.TopicArn"),
)  # fmt: skip
SUBNET_GROUP: Final = shape(
    "AWS::ElastiCache::SubnetGroup", "CacheSubnetGroupName", said("CacheSubnetGroupName"),
    said("Description", "CacheSubnetGroupDescription"),
    said("SubnetIds", "Subnets", lambda found: sorted(each["SubnetIdentifier"] for each in found)),
)  # fmt: skip
_ADDRESSES: Final = ("PrimaryEndPoint.Address", "ReaderEndPoint.Address", "ConfigurationEndPoint.Address")
_MODES: Final = {"password": "password", "no-password": "no-password-required", "iam": "iam"}
USER: Final = shape(
    "AWS::ElastiCache::User", "UserId", *fields("UserId UserName Engine AccessString"),
    said("AuthenticationMode.Type", "Authentication.Type", _MODES.__getitem__),
    said("NoPasswordRequired", "Authentication.Type", lambda value: value == "no-password"),
)  # fmt: skip
USER_GROUP: Final = shape(
    "AWS::ElastiCache::UserGroup", "UserGroupId", *fields("UserGroupId Engine"),
    said("UserIds", read=sorted),
)  # fmt: skip


def describe(account: Account) -> Iterator[Draft | None]:
    groups = account.ask("elasticache", "DescribeReplicationGroups")
    clusters = account.ask("elasticache", "DescribeCacheClusters")
    subnets = account.ask("elasticache", "DescribeCacheSubnetGroups")
    members: dict[str, Mapping[str, Any]] = {}
    for each in clusters.items:
        if each.get("ReplicationGroupId"):
            members.setdefault(str(each["ReplicationGroupId"]), each)
        else:
            yield CLUSTER.draft(each)
    for each in groups.items:
        draft = GROUP.draft(each)
        if draft is not None:
            if each.get("AuthTokenEnabled") is False:
                draft.properties["AuthToken"] = ""  # told to be none, which is more than not told
            if each.get("Status") == "creating":
                being_made(draft, *_ADDRESSES, "Port")
            _sizes(draft, each)
            _join(draft, members.get(draft.id), clusters)
            yield draft
    if account.needs.unmanaged or any(each.get("UserGroupIds") for each in groups.items):
        users = account.ask("elasticache", "DescribeUsers")
        yield from (USER_GROUP.draft(each) for each in account.ask("elasticache", "DescribeUserGroups").items)
        yield from (USER.draft(each) for each in users.items)
    yield from (SUBNET_GROUP.draft(each) for each in subnets.items)


def _sizes(draft: Draft, group: Mapping[str, Any]) -> None:
    """How many nodes: a group with shards says shards and replicas, one without says clusters."""
    nodes = group.get("NodeGroups") or ()
    if group.get("ClusterEnabled"):
        draft.set("NumNodeGroups", len(nodes) or None)
        draft.set("ReplicasPerNodeGroup", len(nodes[0].get("NodeGroupMembers") or ()) - 1 if nodes else None)
    else:
        draft.set("NumCacheClusters", len(group.get("MemberClusters") or ()) or None)


def _join(draft: Draft, member: Mapping[str, Any] | None, clusters: Answer) -> None:
    if member is not None:
        draft.read(member, _FROM_MEMBER)
        return
    why = str(clusters.failure or "no member cluster was listed")
    draft.unread.update({each.to: why for each in _FROM_MEMBER if each.to not in draft.properties})
