"""Secrets and data that must last survive the deletion of their stack.

What the review found
    Secrets have no retention: ``cdk destroy`` on production would delete database passwords, API keys and OAuth
    credentials. CloudFormation deletes a secret by force, without the recovery window that other deletions leave.
What is checked
    In production, in what environments share, and where nothing says what an environment is for: every secret,
    database, search domain, file system, user pool and bucket, whatever else its schema shows to keep data, and a cache
    that has snapshots, is kept (or, a database, snapshotted) when its stack is deleted and when it is replaced. No
    custom resource empties or deletes what is kept (``emptied``): by the call that it makes, by its function's code, or
    by what it is called. In staging: secrets are deleted with their stack, so that they neither pile up nor block a
    rebuild under the same name.
When it does not apply
    No secret, database or bucket in the environment. Databases and buckets of staging. Instances of a cluster and read
    replicas, which hold no data of their own.
What cannot be decided
    A policy that comes from a parameter without a default. What a custom resource does whose function may delete what
    is kept, and whose code is not in the template.
Fix
    Set ``DeletionPolicy`` and ``UpdateReplacePolicy`` to ``Retain``, or to ``Snapshot`` for a database; in CDK,
    ``removal_policy`` sets both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.environments import Environment, EnvironmentKind
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Text, Unknown, as_number
from checker.reason.templates.erasing import erasures
from checker.reason.templates.retention import is_of_no_stack
from checker.reason.templates.stateful import keeps_data

_SECRETS: Final = ("AWS::SecretsManager::Secret",)
_SERVERLESS_CACHE: Final = "AWS::ElastiCache::ServerlessCache"
# Databases that CloudFormation takes a final snapshot of (AWS CloudFormation User Guide, DeletionPolicy attribute).
_SNAPSHOTTED: Final = (
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBCluster",
    "AWS::DocDB::DBCluster",
    "AWS::Neptune::DBCluster",
    "AWS::Redshift::Cluster",
    "AWS::EC2::Volume",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
)
# What is asked for elsewhere, holds no data of its own, or is filled again by whoever pushes there.
_NOT_ASKED: Final = frozenset(
    {"AWS::DocDB::DBInstance", "AWS::ECR::Repository", "AWS::Neptune::DBInstance", "AWS::RDS::GlobalCluster"}
)
_CACHES: Final = ("AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup", _SERVERLESS_CACHE)
# On deletion these are snapshotted where no policy is set (ibid.); on replacement nothing is.
_SNAPSHOT_BY_DEFAULT: Final = {"AWS::RDS::DBInstance", "AWS::RDS::DBCluster"}

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
    for resource in _keeping(environment):
        if is_of_no_stack(resource):
            for sub, *_ in _REQUIREMENTS:
                yield resource.passes(sub, "It is of no stack: none takes it along.")
        elif not _holds_no_data(resource):
            for requirement in _REQUIREMENTS:
                yield _kept(resource, *requirement)
    for key in _keys(environment):
        for requirement in _REQUIREMENTS:
            yield _kept(key, *requirement)
    for erasure in erasures(environment, tuple(_keeping(environment))):
        fix = "Remove it: in CDK, leave auto_delete_objects off and removal policies at RETAIN."
        if erasure.doubt:
            yield erasure.owner.undecided("emptied", erasure.said, path=erasure.path, fix=fix)
        else:
            yield erasure.owner.fails("emptied", erasure.said, path=erasure.path, fix=fix, related=erasure.of)


def _keeping(environment: Environment) -> Iterator[Resource]:
    """What holds secrets or data. A cache holds data where somebody wants it back: it has snapshots."""
    kinds = sorted(kind for kind in environment.types if keeps_data(kind) and kind not in _NOT_ASKED)
    for resource in environment.resources(*kinds) if kinds else ():
        if resource.type not in _CACHES or _has_snapshots(resource):
            yield resource


def _has_snapshots(cache: Resource) -> bool:
    if not all(isinstance(cache.get(name), Absent) for name in _RESTORED):
        return True
    days = cache.get("SnapshotRetentionLimit")
    return not isinstance(days, Absent) and not (isinstance(days, Known) and as_number(days.value) == 0)


_RESTORED: Final = ("SnapshotName", "SnapshotArns", "SnapshotArnsToRestore")
_KEY: Final = "AWS::KMS::Key"
# Whatever else a text names is not asked for: it may be of a type that an account did not show.
_NAMES_KEY: Final = lazy_re.compile(r"arn:[\w-]*:kms:|alias/|mrk-|[0-9a-f]{8}-[0-9a-f]{4}-")
_ALIAS: Final = "AWS::KMS::Alias"
# Properties with keys that the data itself is not encrypted with: metrics of a database, codes that are sent to users.
_OTHER_KEYS: Final = frozenset({"PerformanceInsightsKmsKeyId", "PerformanceInsightsKMSKeyId", "LambdaConfig"})


def _keys(environment: Environment) -> Iterator[Resource]:
    """The keys without which what is kept cannot be read."""
    found: dict[Resource, None] = {}
    for resource in _keeping(environment) if _KEY in environment.types else ():
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
    named = not isinstance(secret.get("Name"), Absent)
    left = "a rebuild finds its name taken" if named else "each rebuild makes another one, and all are paid for"
    why = f"It stays behind when the environment is torn down: {left}."
    return secret.fails("staging", why, fix=fix, path="DeletionPolicy", expected="Delete", actual=str(value.value))


RULE = Rule(
    id="W10",
    looked_for="secret, database or bucket (in staging: secret)",
    check=check,
)
