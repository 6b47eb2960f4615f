"""Production's safety, enforced on whatever is in the tree.

Works on CloudFormation resources, not on constructs: escape hatches, raw resources and constructs that did not exist
when this was written are covered alike.
"""

from collections.abc import Callable, Mapping
from typing import Final

import aws_cdk as cdk
import jsii
from constructs import IConstruct

_SNAPSHOT: Final = "Snapshot"
_RETAIN: Final = "Retain"
# Keeps like Retain, but for a creation that is taken back: what a failed first deployment made goes again, and does not
# hold its name against the next attempt (AWS CloudFormation User Guide, DeletionPolicy attribute).
_RETAIN_ONCE_MADE: Final = "RetainExceptOnCreate"

# CloudFormation takes a final snapshot of these types (AWS CloudFormation User Guide, DeletionPolicy attribute).
_SNAPSHOTTED: Final = frozenset(
    {
        "AWS::DocDB::DBCluster",
        "AWS::EC2::Volume",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::Neptune::DBCluster",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::Redshift::Cluster",
    }
)
_RETAINED: Final = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::CertificateManager::Certificate",
        "AWS::Cognito::UserPool",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::Kinesis::Stream",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::OpenSearchService::Domain",
        "AWS::Route53::HostedZone",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
    }
)
# These empty a bucket or repository when their stack goes, whatever the bucket's own policy says.
_ERASERS: Final = frozenset({"Custom::S3AutoDeleteObjects", "Custom::ECRAutoDeleteImages"})


@jsii.implements(cdk.IAspect)
class ProductionSafetyAspect:
    """Deletion protection, removal policies and backups of every stateful resource in scope.

    `backup_days` is the least number of days that database backups are kept; a longer period stays. Without
    `deletion_protection` that protection is left as it is, and all the rest enforced.
    """

    def __init__(self, *, backup_days: int, deletion_protection: bool = True) -> None:
        self._backup_days = backup_days
        self._deletion_protection = deletion_protection

    def visit(self, node: IConstruct) -> None:
        if not isinstance(node, cdk.CfnResource):
            return
        kind = node.cfn_resource_type
        if kind in _ERASERS:
            cdk.Annotations.of(node).add_error(
                f"{kind} erases what production keeps when its stack is deleted. Leave auto-deletion off."
            )
        if kind in _SNAPSHOTTED:
            if _has_no_snapshot_of_its_own(node):
                _keep(node, _RETAIN_ONCE_MADE, _RETAIN)
            else:
                _keep(node, _SNAPSHOT, _SNAPSHOT)
        elif kind in _RETAINED:
            _keep(node, _RETAIN_ONCE_MADE, _RETAIN)
        harden = _HARDENED.get(kind)
        if harden:
            harden(node, self._backup_days)
        protection = _PROTECTED.get(kind) if self._deletion_protection else None
        if protection and not _has_no_snapshot_of_its_own(node):
            node.add_property_override(*protection)


def _keep(resource: cdk.CfnResource, when_deleted: str, when_replaced: str) -> None:
    # As overrides, since those win over the options that constructs set, and the later one over the earlier.
    resource.add_override("DeletionPolicy", when_deleted)
    resource.add_override("UpdateReplacePolicy", when_replaced)


def _has_no_snapshot_of_its_own(resource: cdk.CfnResource) -> bool:
    """A member of a cluster is snapshotted with its cluster, a read replica not at all (Amazon RDS User Guide)."""
    return bool(
        getattr(resource, "db_cluster_identifier", None) or getattr(resource, "source_db_instance_identifier", None)
    )


def _instance(resource: cdk.CfnResource, backup_days: int) -> None:
    if _has_no_snapshot_of_its_own(resource):
        return
    _at_least(resource, "BackupRetentionPeriod", "backup_retention_period", backup_days)


def _cluster(resource: cdk.CfnResource, backup_days: int) -> None:
    _at_least(resource, "BackupRetentionPeriod", "backup_retention_period", backup_days)


def _replication_group(resource: cdk.CfnResource, _: int) -> None:
    _at_least(resource, "SnapshotRetentionLimit", "snapshot_retention_limit", 1)


def _table(resource: cdk.CfnResource, _: int) -> None:
    resource.add_property_override("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", True)


def _repository(resource: cdk.CfnResource, _: int) -> None:
    resource.add_property_override("EmptyOnDelete", False)


def _file_system(resource: cdk.CfnResource, _: int) -> None:
    resource.add_property_override("BackupPolicy.Status", "ENABLED")


_HARDENED: Final[Mapping[str, Callable[[cdk.CfnResource, int], None]]] = {
    "AWS::DocDB::DBCluster": _cluster,
    "AWS::DynamoDB::Table": _table,
    "AWS::ECR::Repository": _repository,
    "AWS::EFS::FileSystem": _file_system,
    "AWS::ElastiCache::ReplicationGroup": _replication_group,
    "AWS::Neptune::DBCluster": _cluster,
    "AWS::RDS::DBCluster": _cluster,
    "AWS::RDS::DBInstance": _instance,
}

_PROTECTED: Final[Mapping[str, tuple[str, object]]] = {
    "AWS::Cognito::UserPool": ("DeletionProtection", "ACTIVE"),
    "AWS::DocDB::DBCluster": ("DeletionProtection", True),
    "AWS::DynamoDB::Table": ("DeletionProtectionEnabled", True),
    "AWS::Neptune::DBCluster": ("DeletionProtection", True),
    "AWS::RDS::DBCluster": ("DeletionProtection", True),
    "AWS::RDS::DBInstance": ("DeletionProtection", True),
}
"""The property that keeps a resource from being deleted, by type, and its value."""


def _at_least(resource: cdk.CfnResource, name: str, attribute: str, minimum: int) -> None:
    """Raise a number to a minimum. One that is known only at deployment cannot be shown to be enough."""
    value = getattr(resource, attribute, None)
    if not isinstance(value, int | float) or cdk.Token.is_unresolved(value) or value < minimum:
        resource.add_property_override(name, minimum)


def protect(scope: IConstruct, *, backup_days: int, deletion_protection: bool = True) -> None:
    """Attach the aspect so that it runs after aspects that change resources, and before those that only read."""
    aspect = ProductionSafetyAspect(backup_days=backup_days, deletion_protection=deletion_protection)
    cdk.Aspects.of(scope).add(aspect, priority=cdk.AspectPriority.READONLY - 1)
