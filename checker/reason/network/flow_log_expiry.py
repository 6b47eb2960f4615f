"""Whether a bucket's lifecycle rules let go of what a flow log writes there.

Source: Amazon S3 User Guide, "Lifecycle configuration elements" and "Expiring objects"; Amazon VPC User Guide, "Publish
flow logs to Amazon S3" and "Flow log files".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.resources import Resource
from checker.model.values import Absent, Attribute, Hole, Known, Pseudo, Resolved, Text, Unknown, Value, as_bool, pieces

_DELETES_CURRENT: Final = ("ExpirationInDays",)
# The second is how CloudFormation spelled it first.
_DELETES_OLD: Final = ("NoncurrentVersionExpiration", "NoncurrentVersionExpirationInDays")
_ACCOUNT: Final = Pseudo("AWS::AccountId")
_REGION: Final = Pseudo("AWS::Region")


def expires_flow_logs(bucket: Resource, rules: list[Resolved], log: Resource) -> Answer:
    """Whether every object that the flow log writes goes at last.

    In a versioned bucket an expired object only gets a delete marker: its data stays as a version that is not current,
    and goes by a rule for those.
    """
    current = _any_rule(rules, log, _DELETES_CURRENT)
    if current is NO:
        return NO
    return every((current, either((negated(_keeps_versions(bucket)), _any_rule(rules, log, _DELETES_OLD)))))


def _any_rule(rules: list[Resolved], log: Resource, actions: tuple[str, ...]) -> Answer:
    return either(
        _reaches(rule, log) if isinstance(rule, dict) else Open("one of its rules is not known")
        for rule in rules
        if not isinstance(rule, dict)
        or (rule.get("Status") == "Enabled" and any(rule.get(action) is not None for action in actions))
    )


def _keeps_versions(bucket: Resource) -> Answer:
    """Where versioning is suspended an expired object leaves nothing; object lock asks for versioning."""
    status, locked = bucket.get("VersioningConfiguration.Status"), bucket.get("ObjectLockEnabled")
    if isinstance(locked, Known) and as_bool(locked.value) is True:
        return YES
    if isinstance(status, Absent):
        return NO
    if isinstance(status, Known) and isinstance(status.value, str):
        return yes_if(status.value == "Enabled")
    return Open("whether the bucket is versioned, and keeps what expires as an old version, is not known")


def _reaches(rule: Mapping[str, Resolved], log: Resource) -> Answer:
    """Whether a lifecycle rule is for every object that the flow log writes. None of them carries a tag."""
    if rule.get("TagFilters"):
        return Open("which tags it asks for") if isinstance(rule["TagFilters"], Unknown | Text) else NO
    if any(rule.get(size) not in (None, 0, "0") for size in ("ObjectSizeGreaterThan", "ObjectSizeLessThan")):
        return Open("it asks for a size, and how large the log's files are is not known")
    prefix = rule.get("Prefix")
    if prefix in (None, ""):
        return YES
    folder = _folder(log.get("LogDestination"))
    if not isinstance(prefix, str | Text) or folder is None:
        return Open("under which prefix the log is, or which one the rule names")
    return _begins(_units(folder + "AWSLogs/") + _below(log), _units(*pieces(prefix)), prefix)


def _below(log: Resource) -> list[str | Hole]:
    """What stands between ``AWSLogs/`` and the date, in characters and what only the deployment knows."""
    account, region = log.stack.account or _ACCOUNT, log.stack.region or _REGION
    hive = log.get("DestinationOptions.HiveCompatiblePartitions")
    if isinstance(hive, Absent) or (isinstance(hive, Known) and as_bool(hive.value) is False):
        return _units(account, "/vpcflowlogs/", region, "/")
    if isinstance(hive, Known) and as_bool(hive.value) is True:
        return _units("aws-account-id=", account, "/aws-service=vpcflowlogs/aws-region=", region, "/")
    return []


def _units(*parts: str | Hole) -> list[str | Hole]:
    return [unit for part in parts for unit in (part if isinstance(part, str) else (part,))]


def _begins(path: list[str | Hole], prefix: list[str | Hole], shown: str | Text) -> Answer:
    """Whether the path begins with the prefix; open from the first place on where either is not a character."""
    for ours, asked in zip(path, prefix, strict=False):
        if ours != asked:
            sure = isinstance(ours, str) and isinstance(asked, str)
            # An account's id is a number, and no region's name begins with one.
            odd = (ours is _ACCOUNT and isinstance(asked, str) and not asked.isdigit()) or (
                ours is _REGION and isinstance(asked, str) and not asked.islower()
            )
            return NO if sure or odd else Open(f"whether all of the log lies under {shown}")
    return YES if len(prefix) <= len(path) else Open(f"whether all of the log lies under {shown}")


def _folder(destination: Value) -> str | None:
    """What stands behind the bucket's ARN, with a slash at its end; empty where nothing does."""
    if not isinstance(destination, Known) or not isinstance(destination.value, str | Text):
        return None
    bucket, *rest = pieces(destination.value)
    if isinstance(bucket, str) and not rest:
        _, _, folder = bucket.partition("/")
    elif isinstance(bucket, Attribute) and bucket.name == "Arn" and all(isinstance(each, str) for each in rest):
        folder = "".join(map(str, rest)).removeprefix("/")
    else:
        return None
    return f"{folder.strip('/')}/" if folder.strip("/") else ""
