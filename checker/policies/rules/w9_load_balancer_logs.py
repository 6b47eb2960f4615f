"""Every internet-facing load balancer keeps access logs, in a bucket that accepts them.

What the review found
    The load balancer logs no requests: nobody can say afterwards who called what.
What is checked
    Every internet-facing application, network or classic load balancer (not saying internal means internet-facing)
    has access logs switched on, or Amazon CloudWatch Logs delivers them; and the bucket they go to exists, lets Elastic
    Load Balancing put objects under the prefix, and uses an encryption that logs can be delivered to: an application
    load balancer cannot write to a bucket with a KMS key. Made together, the load balancer is made after the policy
    that lets its logs in.
When it does not apply
    No internet-facing load balancer. A network load balancer whose listeners are all TCP or UDP: it logs TLS requests
    only.
What cannot be decided
    Attributes from a parameter without a default; the load balancer that Amazon ECS makes for an express service; a
    bucket that is not part of the project, whose policy nobody shows.
Fix
    Set ``access_logs.s3.enabled`` and ``access_logs.s3.bucket``, and let the load balancer service of the region
    ``s3:PutObject`` in the bucket's policy. In CDK, ``log_access_logs(bucket)`` does all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Resolved, Text, Unknown, as_bool
from checker.model.verdicts import Surface
from checker.reason.network.waf.attachments import GATEWAY, GATEWAY_BALANCER, faces_internet
from checker.reason.templates.log_delivery import Delivery, accepts, delivered
from checker.reason.templates.order import Order, root_of

_FIX: Final = "Set access_logs.s3.enabled to true and access_logs.s3.bucket to a bucket that accepts the logs."
_FIX_BUCKET: Final = "Allow the load balancer service s3:PutObject under the prefix in the bucket's policy."
_FIX_KMS: Final = "Encrypt the log bucket with AES256: access logs cannot be delivered to a KMS key."

_GATEWAY_LOGS: Final = f"{GATEWAY_BALANCER}.AccessLogs.Destination.S3"


def check(environment: Environment) -> Iterator[Judgement]:
    for balancer in environment.resources("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        yield from _modern(environment, balancer)
    for gateway in environment.resources(GATEWAY):
        facing = faces_internet(gateway)
        if facing is not NO:
            read = {name.lower(): _plain(gateway, f"{_GATEWAY_LOGS}.{name}") for name in ("Bucket", "Prefix")}
            bucket = read["bucket"]
            # Naming a destination switches them on (CloudFormation, GatewayElbAccessLogConfiguration).
            read["enabled"] = bucket if bucket is None or isinstance(bucket, Unknown) else True
            yield from _logs(environment, gateway, read, Delivery.APPLICATION, f"{GATEWAY_BALANCER}.AccessLogs", facing)
    for service in environment.resources("AWS::ECS::ExpressGatewayService"):
        why = "whether the load balancer keeps access logs that Amazon ECS makes for it"
        yield service.undecided("enabled", why, fix="Put the service behind a load balancer of the template.")
    for balancer in environment.resources("AWS::ElasticLoadBalancing::LoadBalancer"):
        facing = _internet_facing(balancer)
        if facing is NO:
            continue
        yield from _logs(
            environment,
            balancer,
            {
                name: _plain(balancer, f"AccessLoggingPolicy.{key}")
                for name, key in (("enabled", "Enabled"), ("bucket", "S3BucketName"), ("prefix", "S3BucketPrefix"))
            },
            Delivery.CLASSIC,
            "AccessLoggingPolicy",
            facing,
        )


def _plain(resource: Resource, path: str) -> Resolved:
    value = resource.get(path)
    return value.value if isinstance(value, Known) else None if isinstance(value, Absent) else value


def _internet_facing(balancer: Resource) -> Answer:
    scheme = balancer.get("Scheme")
    if isinstance(scheme, Known) and isinstance(scheme.value, str):
        return yes_if(scheme.value.lower() != "internal")
    return YES if isinstance(scheme, Absent) else Open("whether it faces the internet is not known")


def _modern(environment: Environment, balancer: Resource) -> Iterator[Judgement]:
    kind = balancer.get("Type")
    facing = _internet_facing(balancer)
    if facing is NO or (isinstance(kind, Known) and kind.value == "gateway"):
        return
    network = isinstance(kind, Known) and kind.value == "network"
    if network and _logs_nothing(environment, balancer):
        yield balancer.not_applicable(None, "No TLS listener: a network load balancer logs TLS requests only.")
        return
    attributes = balancer.get("LoadBalancerAttributes")
    read: dict[str, Resolved] = {}
    if isinstance(attributes, Known) and isinstance(attributes.value, Text):
        attributes = Unknown(f"the attributes are {attributes.value}, which is not known before deployment")
    if isinstance(attributes, Unknown):
        read = dict.fromkeys(("enabled", "bucket", "prefix"), attributes)
    for each in attributes.value if isinstance(attributes, Known) and isinstance(attributes.value, list) else []:
        if isinstance(each, Unknown) or (isinstance(each, dict) and not isinstance(each.get("Key"), str)):
            read = {
                **dict.fromkeys(("enabled", "bucket", "prefix"), Unknown("an attribute's name is not known")),
                **read,
            }
        elif isinstance(each, dict) and str(each["Key"]).startswith("access_logs.s3."):
            read[str(each["Key"]).removeprefix("access_logs.s3.")] = each.get("Value")
    delivery = Delivery.NETWORK if network else Delivery.APPLICATION
    if as_bool(read.get("enabled")) is not True:
        otherwise = delivered(environment, balancer, "NLB_ACCESS_LOGS" if network else "ALB_ACCESS_LOGS")
        if otherwise is YES:
            yield balancer.passes("enabled", "Amazon CloudWatch Logs delivers its access logs.")
            return
        if isinstance(otherwise, Open):
            yield balancer.undecided("enabled", f"whether its access logs are delivered: {otherwise.why}", fix=_FIX)
            return
    yield from _logs(environment, balancer, read, delivery, "LoadBalancerAttributes", facing)


def _logs_nothing(environment: Environment, balancer: Resource) -> bool:
    listeners = list(environment.children(balancer, "AWS::ElasticLoadBalancingV2::Listener"))
    protocols = [_plain(listener, "Protocol") for listener in listeners]
    return bool(protocols) and all(each in ("TCP", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC") for each in protocols)


def _logs(
    environment: Environment,
    balancer: Resource,
    read: dict[str, Resolved],
    delivery: Delivery,
    path: str,
    facing: Answer,
) -> Iterator[Judgement]:
    enabled = read.get("enabled")
    switch = as_bool(enabled)
    if switch is None and enabled is not None:
        yield balancer.undecided("enabled", "whether access logs are on is not known before deployment", path=path)
        return
    if not switch:
        if isinstance(facing, Open):
            yield balancer.undecided("enabled", facing.why, path="Scheme", fix=_FIX)
            return
        yield balancer.fails(
            "enabled",
            "The load balancer faces the internet and logs no requests.",
            fix=_FIX,
            path="" if isinstance(balancer.get(path), Absent) else path,
            expected="access logs to S3",
            actual="off" if enabled is not None else "not set (default: off)",
        )
        return
    yield balancer.passes("enabled", "Access logs are on.", path=path)
    yield _bucket(environment, balancer, read, delivery, path)


def _bucket(
    environment: Environment, balancer: Resource, read: dict[str, Resolved], delivery: Delivery, path: str
) -> Judgement:
    name, prefix = read.get("bucket"), read.get("prefix")
    if name is None or name == "":
        return balancer.fails("bucket", "Access logs are on, but go to no bucket.", fix=_FIX, path=path)
    bucket = environment.referred(name)
    if bucket is None or bucket.type != "AWS::S3::Bucket":
        shown = name if isinstance(name, str | Text) else "of the attribute"
        why = f"the bucket {shown} is not part of this project, so whether it accepts the logs is not known"
        return balancer.undecided("bucket", why, path=path, fix=_FIX_BUCKET)
    if delivery is not Delivery.NETWORK:
        encrypted = _kms(bucket)
        if isinstance(encrypted, Open):
            return bucket.undecided("bucket", encrypted.why, fix=_FIX_KMS)
        if encrypted is YES:
            return bucket.fails(
                "bucket",
                "Access logs never arrive: the bucket is encrypted with a KMS key, which delivery cannot use.",
                fix=_FIX_KMS,
                path="BucketEncryption",
                expected="AES256",
                actual="a KMS key",
                related=(balancer,),
            )
    answer = accepts(environment, bucket, prefix, delivery, balancer.stack.region)
    if isinstance(answer, Open):
        why = f"whether the bucket's policy accepts the logs is not known: {answer.why}"
        return bucket.undecided("bucket", why, fix=_FIX_BUCKET)
    late = _late_policy(environment, balancer, bucket) if answer is YES else None
    if late is not None:
        return balancer.fails(
            "bucket",
            f"It may be made before {late.logical_id} lets its logs in: Elastic Load Balancing tries, and is refused.",
            fix="Let the load balancer depend on the bucket's policy (DependsOn).",
            path=path,
            related=(late,),
        )
    if answer is YES:
        return bucket.passes("bucket", "Its policy accepts the logs.")
    return bucket.fails(
        "bucket",
        "Access logs never arrive: the bucket's policy does not let the load balancer service write them.",
        fix=_FIX_BUCKET,
        expected=f"s3:PutObject for the {delivery.value} under the prefix",
        actual="no such statement",
        related=(balancer,),
    )


def _late_policy(environment: Environment, balancer: Resource, bucket: Resource) -> Resource | None:
    """The bucket's policy, where nothing makes the load balancer wait for it, or it is of a stack that comes later."""
    if balancer.surface is Surface.ACCOUNT:
        return None
    theirs = root_of(balancer)
    policies = [
        each
        for each in environment.children(bucket, "AWS::S3::BucketPolicy")
        if theirs in (root_of(each), root_of(bucket))
    ]
    order = Order()
    return policies[0] if policies and not any(order.comes_after(balancer, each) for each in policies) else None


def _kms(bucket: Resource) -> Answer:
    """Whether new objects are encrypted with a KMS key. Without a setting it is AES256 (Amazon S3 User Guide)."""
    algorithm = bucket.get(
        "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm"
    )
    if isinstance(algorithm, Absent):
        return NO
    if isinstance(algorithm, Known) and isinstance(algorithm.value, str):
        return yes_if(algorithm.value.startswith("aws:kms"))
    return Open("the bucket's encryption is not known before deployment")


RULE = Rule(
    id="W9",
    looked_for="internet-facing load balancer (AWS::ElasticLoadBalancingV2::LoadBalancer)",
    check=check,
)
