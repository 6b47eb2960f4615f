"""Amazon RDS: instances, clusters, subnet groups, and snapshots, which hardly ever belong to a stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.shapes import Draft, Field, being_made, fields, maybe, own_tags, picked, said, shape


def _some(value: Any) -> list[Any] | None:
    return list(value) or None


def _groups(value: Any) -> list[str]:
    return sorted(each["VpcSecurityGroupId"] for each in value)


def _secret(value: Any) -> dict[str, Any]:
    return picked(value, "SecretArn KmsKeyId")


_TAGS: Final = maybe("Tags", "TagList", own_tags)
_INSTANCE: Final = (
    said("DBInstanceIdentifier"),
    *fields("DBInstanceClass Engine EngineVersion StorageEncrypted MultiAZ PubliclyAccessible BackupRetentionPeriod "
            "AutoMinorVersionUpgrade CopyTagsToSnapshot DeletionProtection"),
    said("AllocatedStorage", read=str), maybe("Port", "Endpoint.Port", str), said("Endpoint.Address"),
    maybe("DBSubnetGroupName", "DBSubnetGroup.DBSubnetGroupName"),
    said("VPCSecurityGroups", "VpcSecurityGroups", _groups),
    maybe("DBParameterGroupName", "DBParameterGroups.0.DBParameterGroupName"),
    maybe("OptionGroupName", "OptionGroupMemberships.0.OptionGroupName"),
    maybe("EnablePerformanceInsights", "PerformanceInsightsEnabled"),
    maybe("PerformanceInsightsKMSKeyId", "PerformanceInsightsKMSKeyId"),
    maybe("EnableCloudwatchLogsExports", "EnabledCloudwatchLogsExports", _some),
    maybe("EnableIAMDatabaseAuthentication", "IAMDatabaseAuthenticationEnabled"),
    maybe("SourceDBInstanceIdentifier", "ReadReplicaSourceDBInstanceIdentifier"),
    maybe("MasterUserSecret", read=_secret), maybe("ManageMasterUserPassword", "MasterUserSecret", bool),
    *fields("KmsKeyId DBName DBClusterIdentifier StorageType Iops StorageThroughput MaxAllocatedStorage "
            "MonitoringInterval MonitoringRoleArn PerformanceInsightsRetentionPeriod MasterUsername "
            "PreferredBackupWindow PreferredMaintenanceWindow LicenseModel AvailabilityZone CACertificateIdentifier "
            "NetworkType DatabaseInsightsMode DedicatedLogVolume Timezone CharacterSetName NcharCharacterSetName "
            "BackupTarget CustomIAMInstanceProfile PromotionTier", maybe),
    _TAGS,
)  # fmt: skip
_CLUSTER: Final = (
    said("DBClusterIdentifier"),
    *fields("Engine EngineVersion StorageEncrypted BackupRetentionPeriod DeletionProtection"),
    maybe("DBSubnetGroupName", "DBSubnetGroup"), said("VpcSecurityGroupIds", "VpcSecurityGroups", _groups),
    maybe("DBClusterParameterGroupName", "DBClusterParameterGroup"),
    maybe("EnableIAMDatabaseAuthentication", "IAMDatabaseAuthenticationEnabled"),
    maybe("EnableCloudwatchLogsExports", "EnabledCloudwatchLogsExports", _some),
    maybe("EnableHttpEndpoint", "HttpEndpointEnabled"),
    maybe("MasterUserSecret", read=_secret), maybe("ManageMasterUserPassword", "MasterUserSecret", bool),
    maybe("ServerlessV2ScalingConfiguration", read=lambda value: picked(
        value, "MinCapacity MaxCapacity SecondsUntilAutoPause") or None),
    maybe("AvailabilityZones", read=lambda value: sorted(value) or None),
    *fields("EngineMode KmsKeyId DatabaseName MasterUsername Port CopyTagsToSnapshot StorageType AllocatedStorage Iops "
            "DBClusterInstanceClass PubliclyAccessible BacktrackWindow AutoMinorVersionUpgrade NetworkType "
            "PreferredBackupWindow PreferredMaintenanceWindow ReplicationSourceIdentifier DatabaseInsightsMode "
            "MonitoringInterval MonitoringRoleArn DeletionProtection", maybe),
    _TAGS,
)  # fmt: skip
INSTANCE: Final = shape("AWS::RDS::DBInstance", "DBInstanceIdentifier DBInstanceArn", *_INSTANCE, tags="TagList")
CLUSTER: Final = shape("AWS::RDS::DBCluster", "DBClusterIdentifier DBClusterArn", *_CLUSTER, tags="TagList")
# Amazon Neptune and Amazon DocumentDB answer through the same API. What is asked of them is what they keep at rest.
_ENCRYPTION: Final = (said("DBClusterIdentifier"), said("StorageEncrypted"), maybe("KmsKeyId"), _TAGS)
_OTHERS: Final[Mapping[str, str]] = {"neptune": "AWS::Neptune::DBCluster", "docdb": "AWS::DocDB::DBCluster"}
SUBNET_GROUP: Final = shape(
    "AWS::RDS::DBSubnetGroup", "DBSubnetGroupName", said("DBSubnetGroupName"), said("DBSubnetGroupDescription"),
    said("SubnetIds", "Subnets", lambda found: sorted(each["SubnetIdentifier"] for each in found)),
)  # fmt: skip
_ORIGIN: Final[tuple[Field, ...]] = fields("Engine SnapshotType KmsKeyId", maybe)
SNAPSHOT: Final = shape(
    "AWS::RDS::DBSnapshot", "DBSnapshotArn DBSnapshotIdentifier", said("DBSnapshotIdentifier"),
    said("DBInstanceIdentifier"), said("Encrypted"), *_ORIGIN, _TAGS, tags="TagList",
)  # fmt: skip
CLUSTER_SNAPSHOT: Final = shape(
    "AWS::RDS::ClusterSnapshot", "DBClusterSnapshotArn DBClusterSnapshotIdentifier",
    said("DBClusterSnapshotIdentifier"), said("DBClusterIdentifier"), said("StorageEncrypted"), *_ORIGIN, _TAGS,
    tags="TagList",
)  # fmt: skip


def _instance(told: Mapping[str, Any]) -> Draft | None:
    """An instance. While it is being created it may have no endpoint yet (RDS API Reference, DBInstance): only what
    needs that is unknown. Otherwise each has one."""
    draft = INSTANCE.draft(told)
    if told.get("DBInstanceStatus") == "creating":
        return being_made(draft, "Endpoint.Address", "Port")
    if draft is not None and "Endpoint.Address" in draft.unread:
        draft.unread["Port"] = draft.unread["Endpoint.Address"]
    return draft


def describe(account: Account) -> Iterator[Draft | None]:
    instances = account.ask("rds", "DescribeDBInstances")
    clusters = account.ask("rds", "DescribeDBClusters")
    groups = account.ask("rds", "DescribeDBSubnetGroups")
    snapshots = account.ask("rds", "DescribeDBSnapshots")
    cluster_snapshots = account.ask("rds", "DescribeDBClusterSnapshots")
    for each in instances.items:
        if each.get("Engine") not in _OTHERS:
            yield _instance(each)
            account.add_facts("databases", {str(each.get("DBInstanceIdentifier")): each.get("DBInstanceStatus")})
    for each in clusters.items:
        other = _OTHERS.get(str(each.get("Engine")))
        yield shape(other, "DBClusterIdentifier", *_ENCRYPTION).draft(each) if other else CLUSTER.draft(each)
    yield from (SUBNET_GROUP.draft(each) for each in groups.items)
    yield from (SNAPSHOT.draft(each) for each in snapshots.items)
    yield from (CLUSTER_SNAPSHOT.draft(each) for each in cluster_snapshots.items)
