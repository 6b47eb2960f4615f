"""Production's secrets and data survive the deletion of their stack.

What the review found
    Secrets have no retention: ``cdk destroy`` on production would delete database passwords, API keys and OAuth
    credentials. CloudFormation deletes a secret by force, without the recovery window that other deletions leave.
What is checked
    In production, in what environments share, and where nothing says what an environment is for: every secret,
    database, search domain, file system, user pool and bucket is kept (or, a database, snapshotted) when its stack is
    deleted and when it is replaced. No custom resource empties a bucket that is kept. In staging: secrets are deleted
    with their stack, so that they neither pile up nor block a rebuild under the same name.
When it does not apply
    No secret, database or bucket in the environment. Databases and buckets of staging. Instances of a cluster and read
    replicas, which hold no data of their own.
What cannot be decided
    A policy that comes from a parameter without a default.
Fix
    Set ``DeletionPolicy`` and ``UpdateReplacePolicy`` to ``Retain``, or to ``Snapshot`` for a database; in CDK,
    ``removal_policy`` sets both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker.model.environments import Environment, EnvironmentKind
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Text, Unknown
from checker.reason.templates.retention import is_of_no_stack

_SECRETS: Final = ("AWS::SecretsManager::Secret",)
_BUCKET: Final = "AWS::S3::Bucket"
# Databases that CloudFormation takes a final snapshot of (AWS CloudFormation User Guide, DeletionPolicy attribute).
_SNAPSHOTTED: Final = (
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBCluster",
    "AWS::DocDB::DBCluster",
    "AWS::Neptune::DBCluster",
    "AWS::Redshift::Cluster",
    "AWS::EC2::Volume",
)
# What else keeps what nobody can make again: databases, search domains, file systems, users.
_DATABASES: Final = (
    *_SNAPSHOTTED,
    "AWS::AmazonMQ::Broker",
    "AWS::Backup::BackupVault",
    "AWS::Cassandra::Table",
    "AWS::CodeCommit::Repository",
    "AWS::Cognito::UserPool",
    "AWS::DSQL::Cluster",
    "AWS::DocDBElastic::Cluster",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EFS::FileSystem",
    "AWS::Elasticsearch::Domain",
    "AWS::FSx::FileSystem",
    "AWS::HealthLake::FHIRDatastore",
    "AWS::Kinesis::Stream",
    "AWS::Lightsail::Database",
    "AWS::Lightsail::Disk",
    "AWS::MSK::Cluster",
    "AWS::MemoryDB::Cluster",
    "AWS::NeptuneGraph::Graph",
    "AWS::OpenSearchServerless::Collection",
    "AWS::OpenSearchService::Domain",
    "AWS::QLDB::Ledger",
    "AWS::RedshiftServerless::Namespace",
    "AWS::S3Tables::TableBucket",
    "AWS::Serverless::SimpleTable",
    "AWS::Timestream::InfluxDBInstance",
    "AWS::Timestream::Table",
)
# On deletion these are snapshotted where no policy is set (ibid.); on replacement nothing is.
_SNAPSHOT_BY_DEFAULT: Final = {"AWS::RDS::DBInstance", "AWS::RDS::DBCluster"}
_ERASER: Final = "Custom::S3AutoDeleteObjects"

_REQUIREMENTS: Final = (
    ("deletion", "DeletionPolicy", frozenset({"Retain", "RetainExceptOnCreate"}), "the stack is deleted"),
    # RetainExceptOnCreate is no value of UpdateReplacePolicy.
    ("replacement", "UpdateReplacePolicy", frozenset({"Retain"}), "it is replaced"),
)


def check(environment: Environment) -> Iterator[Judgement]:
    if environment.kind is EnvironmentKind.STAGING:
        for secret in environment.resources(*_SECRETS):
            if not is_of_no_stack(secret):
                yield _deleted(secret)
        return
    for resource in environment.resources(*_SECRETS, _BUCKET, *_DATABASES):
        if is_of_no_stack(resource):
            for sub, *_ in _REQUIREMENTS:
                yield resource.passes(sub, "It is of no stack: none takes it along.")
        elif not _holds_no_data(resource):
            for requirement in _REQUIREMENTS:
                yield _kept(resource, *requirement)
    for key in _keys(environment):
        for requirement in _REQUIREMENTS:
            yield _kept(key, *requirement)
    for eraser in environment.resources(_ERASER):
        yield eraser.fails(
            "emptied",
            "A custom resource deletes every object of a bucket when the stack is deleted, also of one that is kept.",
            fix="Remove it: in CDK, leave auto_delete_objects off.",
            path="BucketName",
            related=tuple(environment.project.all_referred(eraser.get("BucketName"))),
        )


_KEY: Final = "AWS::KMS::Key"
# Whatever else a text names is not asked for: it may be of a type that an account did not show.
_NAMES_KEY: Final = re.compile(r"arn:[\w-]*:kms:|alias/|mrk-|[0-9a-f]{8}-[0-9a-f]{4}-")
_ALIAS: Final = "AWS::KMS::Alias"
# Properties with keys that the data itself is not encrypted with: metrics of a database, codes that are sent to users.
_OTHER_KEYS: Final = frozenset({"PerformanceInsightsKmsKeyId", "PerformanceInsightsKMSKeyId", "LambdaConfig"})


def _keys(environment: Environment) -> Iterator[Resource]:
    """The keys without which what is kept cannot be read."""
    found: dict[Resource, None] = {}
    for resource in environment.resources(*_SECRETS, _BUCKET, *_DATABASES) if _KEY in environment.types else ():
        policy = resource.attribute("DeletionPolicy")
        if isinstance(policy, Known) and policy.value in ("Retain", "RetainExceptOnCreate", "Snapshot"):
            for key in _keys_of(resource, environment):
                if key.environment_name == environment.name and not is_of_no_stack(key):
                    found[key] = None
    yield from found


def _keys_of(resource: Resource, environment: Environment) -> Iterator[Resource]:
    """The keys that a resource names, itself or by an alias, wherever its type has a place for one."""
    properties = resource.get("")
    if not isinstance(properties, Known) or not isinstance(properties.value, dict):
        return
    pending = [value for name, value in properties.value.items() if name not in _OTHER_KEYS]
    while pending:
        part = pending.pop()
        if isinstance(part, dict | list):
            pending.extend(part.values() if isinstance(part, dict) else part)
        elif isinstance(part, Text) or (isinstance(part, str) and _NAMES_KEY.match(part)):
            for each in environment.project.all_referred(part):
                aliased = environment.project.all_referred(each.get("TargetKeyId")) if each.type == _ALIAS else ()
                yield from (key for key in (each, *aliased) if key.type == _KEY)


def _holds_no_data(resource: Resource) -> bool:
    """An instance of a cluster, or a read replica: CloudFormation ignores the deletion policy of the latter."""
    if resource.type != "AWS::RDS::DBInstance":
        return False
    origins = (resource.get(name) for name in ("DBClusterIdentifier", "SourceDBInstanceIdentifier"))
    return any(isinstance(origin, Known) and origin.value != "" for origin in origins)


def _kept(resource: Resource, sub: str, policy: str, keeps: frozenset[str], event: str) -> Judgement:
    snapshots = resource.type in _SNAPSHOTTED
    fix = f"Set {policy} to Retain" + (" or Snapshot." if snapshots else ".")
    value = resource.attribute(policy)
    if isinstance(value, Absent):
        if sub == "deletion" and resource.type in _SNAPSHOT_BY_DEFAULT:
            return resource.passes(sub, "Without a policy, CloudFormation takes a final snapshot.", path=policy)
        actual = "not set (default Delete)"
    elif isinstance(value, Unknown) or isinstance(value.value, Text | Unknown):
        why = value.why if isinstance(value, Unknown) else f"{policy} is not known before deployment"
        return resource.undecided(sub, why, path=policy, fix=fix)
    else:
        if (isinstance(value.value, str) and value.value in keeps) or (value.value == "Snapshot" and snapshots):
            return resource.passes(sub, f"It is kept when {event}.", path=policy, actual=str(value.value))
        actual = str(value.value)
    lost = f"Its data is lost when {event}: {policy} is {actual}."
    return resource.fails(sub, lost, fix=fix, path=policy, expected="Retain", actual=actual)


def _deleted(secret: Resource) -> Judgement:
    value = secret.attribute("DeletionPolicy")
    fix = "Set DeletionPolicy to Delete (in CDK, removal_policy DESTROY)."
    if isinstance(value, Unknown) or (isinstance(value, Known) and isinstance(value.value, Text | Unknown)):
        return secret.undecided(
            "staging", "DeletionPolicy is not known before deployment", path="DeletionPolicy", fix=fix
        )
    if isinstance(value, Absent) or value.value == "Delete":
        return secret.passes("staging", "It is deleted with its stack, at once.", path="DeletionPolicy")
    why = "It stays behind when the environment is torn down: a rebuild finds its name taken."
    return secret.fails("staging", why, fix=fix, path="DeletionPolicy", expected="Delete", actual=str(value.value))


RULE = Rule(
    id="W10",
    looked_for="secret, database or bucket (in staging: secret)",
    check=check,
)
