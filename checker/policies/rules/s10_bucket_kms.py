"""Buckets are encrypted with a KMS key.

What the review found
    The content bucket is encrypted with keys that S3 manages: who may read an object may always decrypt it.
What is checked
    Every bucket, of tables and of vectors too, and one that a custom resource makes: each rule of its default
    encryption names ``aws:kms`` or ``aws:kms:dsse``. A bucket that says nothing gets keys of S3's own.
When it does not apply
    No bucket in the environment. A bucket that receives what can be delivered to no KMS key: access logs of an
    application or classic load balancer, and S3's own access logs.
What cannot be decided
    An algorithm from a parameter without a default.
Fix
    Set ``BucketEncryption`` to ``aws:kms`` with ``BucketKeyEnabled``, which makes requests to KMS rare. Objects that
    are there keep their encryption until they are written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker.model.answers import YES, Answer, yes_if
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import NOT_KNOWN, Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Resolved, ResourceKey, Text, Unknown, as_list
from checker.reason.templates.sdk_calls import SdkCall, sdk_calls

_PATH: Final = "BucketEncryption.ServerSideEncryptionConfiguration"
_ALGORITHM: Final = "ServerSideEncryptionByDefault.SSEAlgorithm"
_KMS: Final = ("aws:kms", "aws:kms:dsse")
# Kinds of buckets with an algorithm of their own, which is S3's where nothing is said (Amazon S3 User Guide,
# "Using server-side encryption with AWS KMS keys in table buckets"; "Data encryption for S3 Vectors").
_OTHER_BUCKETS: Final[Mapping[str, str]] = {
    "AWS::S3Tables::TableBucket": "EncryptionConfiguration.SSEAlgorithm",
    "AWS::S3Vectors::VectorBucket": "EncryptionConfiguration.SseType",
}
_VIOLATION: Final = "Objects are encrypted with keys of S3's own: who may read them may decrypt them."
_FIX: Final = "Set BucketEncryption to SSEAlgorithm aws:kms, with BucketKeyEnabled true."


def check(environment: Environment) -> Iterator[Judgement]:
    buckets = list(environment.resources("AWS::S3::Bucket", "AWS::S3Express::DirectoryBucket"))
    receivers = _receivers(environment.project) if buckets else {}
    for bucket in buckets:
        yield _judged(bucket, receivers.get(bucket.key), environment.project)
    for kind, path in _OTHER_BUCKETS.items():
        for bucket in environment.resources(kind):
            fix = f"Set {path} to aws:kms."
            yield bucket[path].must_be("aws:kms", default="AES256", violation=_VIOLATION, fix=fix)
    yield from _made_by_calls(environment)


def _made_by_calls(environment: Environment) -> Iterator[Judgement]:
    """Buckets that a custom resource makes by itself, and leaves as they are."""
    calls: dict[Resource, list[SdkCall]] = {}
    for call in sdk_calls(environment):
        if call.service == "s3" and call.when != "Delete":
            calls.setdefault(call.owner, []).append(call)
    for owner, own in calls.items():
        made = next((call for call in own if call.action == "createbucket"), None)
        if made is None:
            continue
        if any("aws:kms" in str(call.parameters) for call in own):
            yield owner.passes(None, "It gives the bucket that it makes a KMS key.", path=made.path)
        else:
            yield owner.fails(None, _VIOLATION, fix=_FIX, path=made.path, expected="aws:kms", actual="not set")


def _judged(bucket: Resource, receives: str | None, project: Project) -> Judgement:
    if _logs_to_itself(bucket, project):
        return bucket.fails(
            None,
            "Its access logs go to itself: each log that is written is logged again, without end.",
            fix="Let LoggingConfiguration.DestinationBucketName be a bucket of its own for logs.",
            path="LoggingConfiguration.DestinationBucketName",
        )
    encryption = bucket[_PATH]
    rules = as_list(encryption.value.value) if isinstance(encryption.value, Known) else []
    if receives is not None and _all_kms(rules) is not YES:
        return bucket.not_applicable(None, f"It receives {receives}, which no bucket with a KMS key can.")
    said = ", ".join(dict.fromkeys(str(each) for rule in rules if (each := _algorithm(rule)) is not None))
    return encryption.must(
        lambda _: _all_kms(rules),
        shown=said or ("no algorithm" if rules else None),
        expected="aws:kms",
        violation=_VIOLATION,
        fix=_FIX,
    )


def _logs_to_itself(bucket: Resource, project: Project) -> bool:
    """Whether a bucket is the target of its own access logs (Amazon S3 User Guide, "Logging requests with server access
    logging": the target is another bucket, or the logs grow for ever). No name of a target means itself."""
    logging = bucket.get("LoggingConfiguration")
    if not isinstance(logging, Known) or not isinstance(logging.value, dict) or not logging.value:
        return False
    target = bucket.get("LoggingConfiguration.DestinationBucketName")
    if isinstance(target, Absent):
        return True
    name = bucket.get("BucketName")
    if isinstance(target, Known) and isinstance(name, Known) and isinstance(target.value, str):
        return target.value == name.value
    return any(each is bucket for each in project.all_referred(target))


def _all_kms(rules: list[Resolved]) -> Answer:
    algorithms = [_algorithm(rule) for rule in rules]
    if any(isinstance(each, Unknown | Text) for each in algorithms):
        return NOT_KNOWN
    return yes_if(bool(algorithms) and all(each in _KMS for each in algorithms))


def _algorithm(rule: Resolved) -> Resolved:
    for step in _ALGORITHM.split("."):
        if not isinstance(rule, dict):
            return rule if isinstance(rule, Unknown | Text) else None
        rule = rule.get(step)
    return rule


def _receivers(project: Project) -> Mapping[ResourceKey, str]:
    """Buckets that receive what AWS delivers with keys of S3's own only -> what that is.

    Sources: Elastic Load Balancing User Guide, "Access logs for your Application Load Balancer"; Amazon S3 User Guide,
    "Enabling Amazon S3 server access logging".
    """
    found: dict[ResourceKey, str] = {}

    def note(value: Resolved, what: str) -> None:
        for target in project.all_referred(value):
            found.setdefault(target.key, what)

    for balancer in project.resources("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        kind = balancer.get("Type")
        attributes = balancer.get("LoadBalancerAttributes")
        if not (isinstance(kind, Absent) or (isinstance(kind, Known) and kind.value == "application")):
            continue
        entries = as_list(attributes.value) if isinstance(attributes, Known) else []
        said = {str(entry.get("Key")): entry.get("Value") for entry in entries if isinstance(entry, dict)}
        for key, value in said.items():
            logs, _, name = key.rpartition(".")
            # Also where they are switched off, which is W9's finding: the bucket is made for them.
            if name == "bucket" and logs.endswith("_logs.s3"):
                note(value, "access logs of a load balancer")
    for gateway in project.resources("AWS::ECS::Gateway"):
        bucket = gateway.get("Configuration.HostSharedAlb.AccessLogs.Destination.S3.Bucket")
        note(bucket.value if isinstance(bucket, Known) else None, "access logs of a load balancer")
    for classic in project.resources("AWS::ElasticLoadBalancing::LoadBalancer"):
        bucket = classic.get("AccessLoggingPolicy.S3BucketName")
        note(bucket.value if isinstance(bucket, Known) else None, "access logs of a load balancer")
    for source in project.resources("AWS::S3::Bucket"):
        bucket = source.get("LoggingConfiguration.DestinationBucketName")
        note(bucket.value if isinstance(bucket, Known) else None, "S3 access logs")
    return found


RULE = Rule(
    id="S10",
    looked_for="bucket (AWS::S3::Bucket)",
    check=check,
)
