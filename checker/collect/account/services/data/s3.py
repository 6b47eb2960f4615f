"""Amazon S3: buckets and their policies. Every setting of a bucket is a call of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.shapes import Draft, Field, iso, maybe, own_tags, picked, policy, said


def _encryption(value: Mapping[str, Any]) -> dict[str, Any]:
    rules = []
    for rule in value["Rules"]:
        found = picked(rule, "BucketKeyEnabled")
        default = rule.get("ApplyServerSideEncryptionByDefault")
        if default is not None:
            found["ServerSideEncryptionByDefault"] = {
                "SSEAlgorithm": default["SSEAlgorithm"], **picked(default, "KMSMasterKeyID")
            }  # fmt: skip
        rules.append(found)
    return {"ServerSideEncryptionConfiguration": rules}


def _lifecycle(rules: Any) -> list[dict[str, Any]]:
    return [_rule(each) for each in rules]


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A lifecycle rule: the API nests its filter and its expiry, CloudFormation has them flat."""
    found: dict[str, Any] = {"Status": rule["Status"]}
    if rule.get("ID"):
        found["Id"] = rule["ID"]
    given = rule.get("Filter") or {}
    given = {**given, **(given.get("And") or {})}
    prefix = given.get("Prefix", rule.get("Prefix"))
    if prefix:
        found["Prefix"] = prefix
    tags = [*(given.get("Tags") or ()), *([given["Tag"]] if given.get("Tag") else [])]
    if tags:
        found["TagFilters"] = [picked(each, "Key Value") for each in tags]
    for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if given.get(name) is not None:
            found[name] = str(given[name])
    expiry = rule.get("Expiration") or {}
    if expiry.get("Days"):
        found["ExpirationInDays"] = expiry["Days"]
    if expiry.get("Date"):
        found["ExpirationDate"] = iso(expiry["Date"])
    if expiry.get("ExpiredObjectDeleteMarker"):
        found["ExpiredObjectDeleteMarker"] = True
    if rule.get("Transitions"):
        found["Transitions"] = [_transition(each) for each in rule["Transitions"]]
    if rule.get("NoncurrentVersionExpiration"):
        found["NoncurrentVersionExpiration"] = picked(
            rule["NoncurrentVersionExpiration"], "NoncurrentDays NewerNoncurrentVersions"
        )
    if rule.get("NoncurrentVersionTransitions"):
        found["NoncurrentVersionTransitions"] = [
            {"TransitionInDays": each.get("NoncurrentDays", 0), **picked(each, "StorageClass NewerNoncurrentVersions")}
            for each in rule["NoncurrentVersionTransitions"]
        ]
    if rule.get("AbortIncompleteMultipartUpload"):
        found["AbortIncompleteMultipartUpload"] = picked(rule["AbortIncompleteMultipartUpload"], "DaysAfterInitiation")
    return found


def _transition(each: Mapping[str, Any]) -> dict[str, Any]:
    found = picked(each, "StorageClass")
    if each.get("Date"):
        found["TransitionDate"] = iso(each["Date"])
    else:
        found["TransitionInDays"] = each.get("Days", 0)
    return found


def _logging(value: Mapping[str, Any]) -> dict[str, Any]:
    found = {"DestinationBucketName": value["TargetBucket"]}
    return {**found, "LogFilePrefix": value["TargetPrefix"]} if value.get("TargetPrefix") else found


# Operation -> what it tells. A bucket that was never versioned, or does not log, has an answer without that field.
_SETTINGS: Final[Mapping[str, Field]] = {
    "GetBucketEncryption": said("BucketEncryption", "ServerSideEncryptionConfiguration", _encryption),
    "GetPublicAccessBlock": said("PublicAccessBlockConfiguration", read=lambda value: picked(
        value, "BlockPublicAcls BlockPublicPolicy IgnorePublicAcls RestrictPublicBuckets")),
    "GetBucketVersioning": maybe("VersioningConfiguration.Status", "Status"),
    "GetBucketLifecycleConfiguration": said("LifecycleConfiguration.Rules", "Rules", _lifecycle),
    "GetBucketLogging": maybe("LoggingConfiguration", "LoggingEnabled", _logging),
    "GetBucketOwnershipControls": said("OwnershipControls", read=lambda value: {
        "Rules": [picked(each, "ObjectOwnership") for each in value["Rules"]]}),
    "GetBucketTagging": said("Tags", "TagSet", own_tags),
}  # fmt: skip


def describe(account: Account) -> Iterator[Draft | None]:
    names = list(account.scope.ids("AWS::S3::Bucket"))
    if account.needs.unmanaged or not account.scope.known:
        listed = account.ask("s3", "ListBuckets")
        names = [*dict.fromkeys([*names, *(str(each["Name"]) for each in listed.items if each.get("Name"))])]
    buckets = [Draft("AWS::S3::Bucket", (name,), properties={"BucketName": name}) for name in names]
    asked = [
        (
            each,
            {name: account.ask("s3", name, of=each, Bucket=each.id) for name in _SETTINGS},
            account.ask("s3", "GetBucketPolicy", of=each, Bucket=each.id),
        )
        for each in buckets
    ]
    for bucket, settings, permissions in asked:
        if permissions.outcome.code == "NoSuchBucket":
            continue
        for name, answer in settings.items():
            bucket.add(answer, _SETTINGS[name])
        yield bucket
        if permissions.value:
            draft = Draft("AWS::S3::BucketPolicy", (bucket.id,), properties={"Bucket": bucket.id})
            yield draft.add(permissions, said("PolicyDocument", "Policy", policy))
