"""Databases, caches, buckets and functions."""

from __future__ import annotations

from checker.lab.breaks.account import Account


def drop_auth_token(account: Account) -> str:
    group = account.first("AWS::ElastiCache::ReplicationGroup").id
    account.clients("elasticache").modify_replication_group(
        ReplicationGroupId=group, AuthTokenUpdateStrategy="DELETE", ApplyImmediately=True
    )
    return f"replication group {group} asks for no token"


def drop_kms_key(account: Account) -> str:
    bucket = account.first("AWS::S3::Bucket").id
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    account.clients("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return f"bucket {bucket} is encrypted with S3's own key"


def restore_unencrypted(account: Account) -> str:
    """Encryption of an instance cannot be switched off: a person gets there by a copy."""
    original = account.first("AWS::RDS::DBInstance").id
    rds = account.clients("rds")
    (shown,) = rds.describe_db_instances(DBInstanceIdentifier=original)["DBInstances"]
    stack = {"Key": "restored-from", "Value": original}
    copy = "production-restored-by-hand"
    rds.create_db_instance(
        DBInstanceIdentifier=copy,
        DBInstanceClass=shown["DBInstanceClass"],
        Engine=shown["Engine"],
        AllocatedStorage=shown["AllocatedStorage"],
        MasterUsername=shown["MasterUsername"],
        ManageMasterUserPassword=True,
        DBSubnetGroupName=shown["DBSubnetGroup"]["DBSubnetGroupName"],
        VpcSecurityGroupIds=[each["VpcSecurityGroupId"] for each in shown["VpcSecurityGroups"]],
        StorageEncrypted=False,
        Tags=[stack],
    )
    return f"database {copy} is a copy of {original} without encryption"


def point_at_another_environment(account: Account) -> str:
    """A variable of one environment's function with the host of the other's database."""
    name = account.first("AWS::Lambda::Function").id
    last = list(account.all("AWS::RDS::DBInstance"))[-1].id
    (other,) = account.clients("rds").describe_db_instances(DBInstanceIdentifier=last)["DBInstances"]
    client = account.clients("lambda")
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    key = next((each for each in variables if each.endswith("HOST")), "DB_HOST")
    changed = {**variables, key: other["Endpoint"]["Address"]}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    return f"{key} of function {name} is the host of database {last}"
