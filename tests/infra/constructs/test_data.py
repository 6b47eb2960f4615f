"""Secrets, databases, Redis and the bucket."""

import pytest

from tests.infra.support import Template

STATEFUL = {
    "AWS::RDS::DBInstance": "Snapshot",
    "AWS::ElastiCache::ReplicationGroup": "Snapshot",
    "AWS::SecretsManager::Secret": "Retain",
    "AWS::S3::Bucket": "Retain",
    "AWS::Logs::LogGroup": "Retain",
}


@pytest.mark.parametrize(("kind", "kept"), STATEFUL.items())
def test_production_keeps_its_data_and_staging_can_be_rebuilt(
    stack: Template, environment: str, kind: str, kept: str
) -> None:
    # What is retained goes again with a creation that is taken back, or its name would be in the next one's way.
    when_deleted = {"Retain": "RetainExceptOnCreate"}.get(kept, kept)
    expected = (when_deleted, kept) if environment == "production" else ("Delete", "Delete")
    for resource in stack.of_type(kind):
        policies = (resource.body["DeletionPolicy"], resource.body["UpdateReplacePolicy"])
        assert policies == expected, resource.path


def test_both_databases_are_encrypted_and_sized_for_their_environment(stack: Template, environment: str) -> None:
    databases = stack.of_type("AWS::RDS::DBInstance")
    assert {database["DBName"] for database in databases} == {"doc_platform", "storagedb"}
    size, multi_az, days, protected = {
        "staging": ("db.t4g.micro", False, 1, False),
        "production": ("db.t4g.medium", True, 14, True),
    }[environment]
    for database in databases:
        assert database["StorageEncrypted"] is True
        assert database["Engine"] == "postgres"
        # In full, so that both environments begin with the same; RDS upgrades it.
        assert database["EngineVersion"].startswith("16.")
        assert database["AutoMinorVersionUpgrade"] is True
        assert (database["AllocatedStorage"], database["MaxAllocatedStorage"]) == ("20", 100)
        assert database["DBInstanceClass"] == size
        assert database["MultiAZ"] is multi_az
        assert database["BackupRetentionPeriod"] == days
        assert database["DeletionProtection"] is protected
        assert database["DatabaseInsightsMode"] == "standard"
        assert (database["EnablePerformanceInsights"], database["PerformanceInsightsRetentionPeriod"]) == (True, 7)
        assert database["PubliclyAccessible"] is False
        assert "{{resolve:secretsmanager:" in stack.text(database["MasterUserPassword"])
        subnets = stack.target(database["DBSubnetGroupName"])["SubnetIds"]
        assert all("IsolatedSubnet" in stack.target(subnet).path for subnet in subnets)


def test_redis_is_encrypted_both_ways_and_asks_for_a_token(stack: Template, environment: str) -> None:
    cache = stack.only("AWS::ElastiCache::ReplicationGroup", Engine="redis")
    assert cache["AtRestEncryptionEnabled"] is True
    assert cache["TransitEncryptionEnabled"] is True
    assert cache["TransitEncryptionMode"] == "required"
    token = stack.only("AWS::SecretsManager::Secret", Name=f"{environment}/doc-platform/redis-auth-token")
    assert stack.text(cache["AuthToken"]) == f"{{{{resolve:secretsmanager:${{{token.logical_id}}}:SecretString:::}}}}"
    # Redis takes tokens of 16 to 128 characters without /, " and @ (Amazon ElastiCache User Guide, AUTH).
    assert token["GenerateSecretString"]["PasswordLength"] == 64
    assert token["GenerateSecretString"]["ExcludePunctuation"] is True


def test_secrets_carry_their_environment(stack: Template, environment: str) -> None:
    names = {secret["Name"] for secret in stack.of_type("AWS::SecretsManager::Secret")}
    assert names == {
        f"{environment}/doc-platform/{name}"
        for name in (
            "api-key-encryption",
            "db-credentials",
            "github-client-id",
            "github-client-secret",
            "invite-keys",
            "redis-auth-token",
            "storage-api-key",
            "storage-db-credentials",
        )
    }


def test_the_encryption_key_starts_as_64_hexadecimal_digits(stack: Template, environment: str) -> None:
    generator = stack.only("AWS::SecretsManager::Secret", Name=f"{environment}/doc-platform/api-key-encryption")[
        "GenerateSecretString"
    ]
    assert generator["PasswordLength"] == 64
    for kind in ("Lowercase", "Uppercase", "Punctuation"):
        assert generator[f"Exclude{kind}"] is True
    assert generator["RequireEachIncludedType"] is False


def test_content_is_versioned_private_and_encrypted_with_a_kms_key(stack: Template) -> None:
    bucket = stack.at("Data/Content")
    assert "BucketName" not in bucket.properties
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    (lifecycle,) = bucket["LifecycleConfiguration"]["Rules"]
    assert lifecycle["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}


def test_buckets_and_queues_refuse_what_is_not_encrypted_in_transit(stack: Template) -> None:
    for policy in stack.of_type("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
        denied = [
            (each["Principal"], each["Action"], each["Condition"])
            for each in policy["PolicyDocument"]["Statement"]
            if each["Effect"] == "Deny"
        ]
        service = "s3" if policy.type == "AWS::S3::BucketPolicy" else "sqs"
        everybody, plain = {"AWS": "*"}, {"Bool": {"aws:SecureTransport": "false"}}
        assert denied == [(everybody, f"{service}:*", plain)], policy.path
    assert len(stack.of_type("AWS::S3::BucketPolicy")) == len(stack.of_type("AWS::S3::Bucket"))
    assert len(stack.of_type("AWS::SQS::QueuePolicy")) == len(stack.of_type("AWS::SQS::Queue"))
