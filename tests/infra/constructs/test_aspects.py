"""The safety aspect, on a stack that it has never seen."""

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_efs as efs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.aspects import protect
from infra.build import new_app
from tests.infra.support import Template

BACKUP_DAYS = 14


class Careless(cdk.Stack):
    """Everything stateful, made to be destroyed, in as many ways as CDK offers."""

    def __init__(self, scope: cdk.App, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        gone = cdk.RemovalPolicy.DESTROY
        vpc = ec2.Vpc(self, "Vpc", restrict_default_security_group=False)
        rds.DatabaseInstance(
            self,
            "Instance",
            engine=rds.DatabaseInstanceEngine.POSTGRES,
            vpc=vpc,
            backup_retention=cdk.Duration.days(0),
            deletion_protection=False,
            removal_policy=gone,
        )
        rds.CfnDBInstance(
            self, "Careful", db_instance_class="db.t4g.micro", engine="postgres", backup_retention_period=35
        )
        rds.CfnDBInstance(self, "Member", db_instance_class="db.t4g.medium", db_cluster_identifier="cluster")
        rds.CfnDBCluster(self, "Cluster", engine="aurora-postgresql")
        bucket = s3.Bucket(self, "Bucket", removal_policy=gone)
        override = bucket.node.default_child
        assert isinstance(override, cdk.CfnResource)
        override.add_override("DeletionPolicy", "Delete")
        secretsmanager.Secret(self, "Secret", removal_policy=gone)
        dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            removal_policy=gone,
        )
        ecr.Repository(self, "Images", empty_on_delete=True, removal_policy=gone)
        efs.FileSystem(self, "Files", vpc=vpc, removal_policy=gone)
        cdk.CfnResource(self, "RawSecret", type="AWS::SecretsManager::Secret", properties={"Name": "raw"})
        cdk.CfnResource(self, "RawCache", type="AWS::ElastiCache::ReplicationGroup", properties={})
        days = cdk.CfnParameter(self, "Days", type="Number", default=1)
        rds.CfnDBInstance(
            self,
            "Parametrized",
            db_instance_class="db.t4g.micro",
            engine="postgres",
            backup_retention_period=days.value_as_number,
        )


@pytest.fixture(scope="module")
def safe() -> Template:
    app = new_app()
    stack = Careless(app, "Careless")
    protect(stack, backup_days=BACKUP_DAYS)
    return Template("Careless", assertions.Template.from_stack(stack).to_json())


def policies(template: Template, path: str) -> tuple[str, str]:
    body = template.at(path).body
    return body["DeletionPolicy"], body["UpdateReplacePolicy"]


@pytest.mark.parametrize("path", ["Secret", "RawSecret", "Table", "Files", "Images", "Member"])
def test_retained(safe: Template, path: str) -> None:
    assert policies(safe, path) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize("path", ["Instance", "Careful", "Cluster", "RawCache", "Parametrized"])
def test_snapshotted(safe: Template, path: str) -> None:
    assert policies(safe, path) == ("Snapshot", "Snapshot")


@pytest.mark.parametrize(("path", "days"), [("Instance", 14), ("Careful", 35), ("Cluster", 14), ("Parametrized", 14)])
def test_backups_are_kept_long_enough_and_a_longer_period_stays(safe: Template, path: str, days: int) -> None:
    assert safe.at(path)["BackupRetentionPeriod"] == days


@pytest.mark.parametrize("path", ["Instance", "Careful", "Cluster", "Parametrized"])
def test_databases_are_protected_from_deletion(safe: Template, path: str) -> None:
    assert safe.at(path)["DeletionProtection"] is True


def test_a_clusters_member_is_left_to_its_cluster(safe: Template) -> None:
    assert "BackupRetentionPeriod" not in safe.at("Member").properties


def test_other_stores(safe: Template) -> None:
    assert safe.at("Table")["DeletionProtectionEnabled"] is True
    assert safe.at("Files")["BackupPolicy"] == {"Status": "ENABLED"}
    assert safe.at("Images")["EmptyOnDelete"] is False
    assert safe.at("RawCache")["SnapshotRetentionLimit"] == 1


def test_a_raw_override_of_the_policy_does_not_win(safe: Template) -> None:
    assert policies(safe, "Bucket") == ("RetainExceptOnCreate", "Retain")


def test_auto_deletion_is_an_error(tmp_path: Path) -> None:
    app = new_app(outdir=str(tmp_path))
    stack = cdk.Stack(app, "Eraser")
    cdk.CfnResource(stack, "Eraser", type="Custom::S3AutoDeleteObjects")
    protect(stack, backup_days=BACKUP_DAYS)
    with pytest.raises(RuntimeError, match="Leave auto-deletion off"):
        app.synth()
