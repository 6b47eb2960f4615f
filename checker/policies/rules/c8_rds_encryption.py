"""Every database is encrypted at rest, with its replicas and snapshots.

What the review found
    Both PostgreSQL instances store their data, and so their snapshots and replicas, in the clear.
What is checked
    Every RDS, Aurora, DocumentDB and Neptune database in every environment: ``StorageEncrypted`` is set. What inherits
    the setting is followed to where it comes from: a cluster's instance to its cluster, a replica and a point-in-time
    copy to their source, a restored database and a snapshot likewise. Backups that are copied to another region name a
    key of that region. Databases that a custom resource or a state machine makes by an SDK call are asked for the same.
When it does not apply
    No such database in the environment.
What cannot be decided
    A flag that comes from a parameter without a default. A database that is restored from a snapshot, or copied from a
    source, that is not part of the project: whatever its own flag says, it is encrypted as its origin is.
Fix
    Set ``StorageEncrypted`` to true when the database is made. On one that exists, the change replaces it: take a
    snapshot, copy it with a key, and restore from the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.overlap import is_dynamic
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Text, Unknown, as_bool
from checker.model.verdicts import Outcome, Surface
from checker.reason.templates.sdk_calls import SdkCall, sdk_calls

_INSTANCE: Final = "AWS::RDS::DBInstance"
_CLUSTERS: Final = ("AWS::RDS::DBCluster", "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster")
_MEMBERS: Final = ("AWS::DocDB::DBInstance", "AWS::Neptune::DBInstance")
_GLOBAL: Final = ("AWS::RDS::GlobalCluster", "AWS::DocDB::GlobalCluster", "AWS::Neptune::GlobalCluster")
# The property that names what a snapshot is of.
_SNAPSHOTS: Final = {"AWS::RDS::DBSnapshot": "DBInstanceIdentifier", "AWS::RDS::ClusterSnapshot": "DBClusterIdentifier"}
_MAX_STEPS: Final = 8

_FIX: Final = (
    "Set StorageEncrypted to true. It can only be set at creation: the change replaces the database, so restore the "
    "new one from an encrypted copy of a snapshot."
)
_FIX_ORIGIN: Final = "Bring the origin into the project, or restore with a KmsKeyId where that is possible."


class Storage(Struct, frozen=True):
    """Whether a database's storage is encrypted, and why. ``path`` decided it."""

    encrypted: Answer
    why: str
    path: str = "StorageEncrypted"
    origin: Resource | None = None


def _untold(why: str, path: str, origin: Resource | None = None) -> Storage:
    return Storage(Open(why), why, path, origin)


def check(environment: Environment) -> Iterator[Judgement]:
    project = environment.project
    for database in environment.resources(_INSTANCE, *_CLUSTERS, *_MEMBERS, *_GLOBAL, *_SNAPSHOTS):
        yield _judged(database, _storage(database, project, _MAX_STEPS))
    for call in sdk_calls(environment):
        if (judgement := _called(call)) is not None:
            yield judgement
    for instance in environment.resources(_INSTANCE):
        if not _is_empty(instance, "AutomaticBackupReplicationRegion"):
            yield instance["AutomaticBackupReplicationKmsKeyId"].must(
                lambda key: yes_if(key != ""),
                expected="a key of the other region",
                violation="Backups are copied to another region without a key to encrypt them with there.",
                fix="Set AutomaticBackupReplicationKmsKeyId to a key of that region.",
                sub="backup-copy",
            )


# Calls that make a database, by what decides about its encryption: what it is told, or what it is made from.
_MAKES: Final = frozenset({"createdbinstance", "createdbcluster", "createglobalcluster"})
_COPIES: Final = frozenset(
    {"createdbinstancereadreplica", "copydbsnapshot", "copydbclustersnapshot", "restoredbclusterfromsnapshot"}
    | {"restoredbclustertopointintime", "restoredbinstancefromdbsnapshot", "restoredbinstancetopointintime"}
    | {"restoredbinstancefroms3", "restoredbclusterfroms3"}
)
_DATABASE_SERVICES: Final = frozenset({"rds", "docdb", "neptune"})


def _called(call: SdkCall) -> Judgement | None:
    """What a custom resource or a state machine makes by a call of its own."""
    if call.service not in _DATABASE_SERVICES or call.action not in _MAKES | _COPIES:
        return None
    said = f"{call.service}:{call.action}"
    flag, key = call.parameters.get("storageencrypted"), call.parameters.get("kmskeyid")
    encrypted = as_bool(flag)
    if encrypted is True or (call.action in _COPIES and isinstance(key, str | Text) and key != ""):
        return call.owner.passes("storage", f"What {said} makes is encrypted.", path=call.path, expected="true")
    if encrypted is False or (flag is None and call.action in _MAKES and "dbclusteridentifier" not in call.parameters):
        stored = f"What {said} makes is stored in the clear: StorageEncrypted is not true."
        return call.owner.fails("storage", stored, fix=_FIX, path=call.path, expected="true")
    if flag is None and call.action == "createdbcluster":
        stored = f"What {said} makes is stored in the clear: StorageEncrypted is not set, and the default is no."
        return call.owner.fails("storage", stored, fix=_FIX, path=call.path, expected="true")
    why = f"whether what {said} makes is encrypted: that is told when it runs, or by what it is made from"
    return call.owner.undecided("storage", why, path=call.path, fix=_FIX_ORIGIN, expected="true")


def _judged(database: Resource, storage: Storage) -> Judgement:
    if isinstance(storage.encrypted, Open):
        return database.undecided("storage", storage.why, path=storage.path, fix=_FIX_ORIGIN, expected="true")
    related = (storage.origin,) if storage.origin is not None else ()
    if storage.encrypted is YES:
        return Judgement(database, Outcome.PASS, "storage", storage.path, storage.why, expected="true", related=related)
    return database.fails("storage", storage.why, fix=_FIX, path=storage.path, expected="true", related=related)


def _storage(database: Resource, project: Project, steps: int) -> Storage:
    """Whether this database's storage is encrypted, following what it inherits from for at most ``steps`` steps."""
    if database.surface is Surface.ACCOUNT:
        # A database that exists says it itself, wherever it got it from.
        return _flag(database, "Encrypted" if database.type == "AWS::RDS::DBSnapshot" else "StorageEncrypted")
    if database.type in _SNAPSHOTS:
        return _from(database, _SNAPSHOTS[database.type], "the database that it is a snapshot of", project, steps)
    if database.type in _MEMBERS or (database.type == _INSTANCE and not _is_empty(database, "DBClusterIdentifier")):
        return _from(database, "DBClusterIdentifier", "its cluster", project, steps)
    if database.type == _INSTANCE:
        return _instance(database, project, steps)
    return _cluster(database, project, steps)


def _instance(instance: Resource, project: Project, steps: int) -> Storage:
    """An instance of its own. Source: AWS CloudFormation Template Reference, ``AWS::RDS::DBInstance``."""
    for snapshot in ("DBSnapshotIdentifier", "DBClusterSnapshotIdentifier"):
        if not _is_empty(instance, snapshot):
            return _inherited(instance, snapshot, "the snapshot that it is restored from", project, steps)
    for source in ("SourceDBInstanceIdentifier", "SourceDBClusterIdentifier", "SourceDbiResourceId"):
        if not _is_empty(instance, source):
            return _replica(instance, source, project, steps)
    backup = "SourceDBInstanceAutomatedBackupsArn"
    if not _is_empty(instance, backup):
        return _inherited(instance, backup, "the backup that it is restored from", project, steps)
    return _flag(instance)


def _replica(instance: Resource, source: str, project: Project, steps: int) -> Storage:
    """A replica in the same region is encrypted as its source is, with the same key. In another region an encrypted one
    needs a key of that region, and an unencrypted source takes none (Amazon RDS API Reference,
    CreateDBInstanceReadReplica): so a key there means encrypted, and no key means not.
    """
    if _crosses_regions(instance, source):
        if not _is_empty(instance, "KmsKeyId"):
            key = instance.get("KmsKeyId")
            if isinstance(key, Unknown):
                return _untold(key.why, "KmsKeyId")
            return Storage(YES, "The replica has a key of its own region.", "KmsKeyId")
        return Storage(NO, "The replica of another region's database has no key to be encrypted with.", "KmsKeyId")
    return _inherited(instance, source, "the database that it copies", project, steps)


def _crosses_regions(instance: Resource, source: str) -> bool:
    region = instance.get("SourceRegion")
    own = instance.stack.region
    if isinstance(region, Known) and isinstance(region.value, str) and region.value:
        return region.value != own
    value = instance.get(source)
    if isinstance(value, Known) and isinstance(value.value, str) and value.value.startswith("arn:"):
        parts = value.value.split(":")
        return len(parts) > 3 and own != "" and parts[3] != own
    return False


def _cluster(cluster: Resource, project: Project, steps: int) -> Storage:
    """A cluster or a global cluster. Source: AWS CloudFormation Template Reference, ``AWS::RDS::DBCluster``."""
    has_key = not _is_empty(cluster, "KmsKeyId")
    for origin, words in (
        ("SnapshotIdentifier", "the snapshot that it is restored from"),
        ("SourceDBClusterIdentifier", "the cluster that it is made from"),
        ("SourceDbClusterResourceId", "the cluster that it is made from"),
    ):
        if _is_empty(cluster, origin):
            continue
        key, flag = cluster.get("KmsKeyId"), _flag(cluster)
        if has_key and isinstance(key, Known) and flag.encrypted is not NO:
            # A key makes an encrypted cluster of any snapshot, and RDS refuses it for a plain source.
            return Storage(YES, "It is restored with a key, so it is encrypted.", "KmsKeyId")
        return _inherited(cluster, origin, words, project, steps)
    if isinstance(cluster.get("StorageEncrypted"), Absent) and not _is_empty(cluster, "ReplicationSourceIdentifier"):
        return _from(cluster, "ReplicationSourceIdentifier", "the cluster that it replicates", project, steps)
    mode = cluster.get("EngineMode")
    if isinstance(mode, Known) and mode.value == "serverless":
        # Amazon Aurora User Guide, "Using Amazon Aurora Serverless v1": its volume is always encrypted.
        return Storage(YES, "Aurora Serverless v1 always encrypts.", "EngineMode")
    return _flag(cluster)


def _inherited(database: Resource, origin: str, words: str, project: Project, steps: int) -> Storage:
    """What the origin says: the calls that copy and restore take no flag. Where the origin is not known, an own flag
    that says no is all there is to go by."""
    inherited, own = _from(database, origin, words, project, steps), _flag(database)
    says_no = own.encrypted is NO and not isinstance(database.get("StorageEncrypted"), Absent)
    return own if says_no and isinstance(inherited.encrypted, Open) else inherited


def _from(database: Resource, origin: str, words: str, project: Project, steps: int) -> Storage:
    value = database.get(origin)
    if isinstance(value, Unknown):
        return _untold(f"{origin}: {value.why}", origin)
    found = [] if isinstance(value, Absent) else list(project.all_referred(value))
    known = {_INSTANCE, *_CLUSTERS, *_GLOBAL, *_SNAPSHOTS}
    sources = [each for each in found if each.type in known and each.key != database.key]
    # A literal name may be another environment's too.
    sources.sort(key=lambda each: each.environment_name != database.environment_name)
    source = sources[0] if sources else None
    if source is None or not steps:
        return _untold(f"it is encrypted as {words} is, and that is not part of this project", origin)
    storage = _storage(source, project, steps - 1)
    if isinstance(storage.encrypted, Open):
        return _untold(f"it is encrypted as {words} is ({source.logical_id}): {storage.why}", origin, source)
    said = "encrypted" if storage.encrypted is YES else "stored in the clear"
    return Storage(storage.encrypted, f"It is {said}, as {words} is ({source.logical_id}).", origin, source)


def _flag(database: Resource, path: str = "StorageEncrypted") -> Storage:
    value = database.get(path)
    if isinstance(value, Absent):
        return Storage(NO, f"The data is stored in the clear: {path} is not set, and the default is no.", path)
    if isinstance(value, Unknown):
        return _untold(f"{path}: {value.why}", path)
    flag = as_bool(value.value)
    written = value.value if isinstance(value.value, str | Text) else None
    if flag is None and (isinstance(written, Text) or is_dynamic(written)):
        return _untold(f"{path} is {written}, which is not known before deployment", path)
    return Storage(
        yes_if(bool(flag)), "The storage is encrypted." if flag else "The data is stored in the clear.", path
    )


def _is_empty(resource: Resource, path: str) -> bool:
    """Not set, or set to the empty text, which CloudFormation reads as not set."""
    value = resource.get(path)
    return isinstance(value, Absent) or (isinstance(value, Known) and value.value in ("", None))


RULE = Rule(
    id="C8",
    looked_for="RDS, Aurora, DocumentDB or Neptune database",
    check=check,
)
