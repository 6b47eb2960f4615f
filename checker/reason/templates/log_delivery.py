"""Whether a bucket takes the access logs that a load balancer delivers.

Sources: Elastic Load Balancing, "Enable access logs for your Application Load Balancer" (bucket policy with the service
principal, or with the region's account where the region is older than August 2022), "... for your Network Load
Balancer" and "... for your Classic Load Balancer".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.environments import Environment
from checker.model.overlap import could_be_equal
from checker.model.resources import Raw, Resource
from checker.model.values import Absent, Known, Pseudo, Resolved, Text, Unknown, Unstated, pieces, text
from checker.reason.iam.conditions import Context
from checker.reason.iam.evaluation import Request, applies
from checker.reason.iam.policies import Document, Statement, read_document
from checker.reason.names.arns import account_of, arn_of
from checker.reason.text.patterns import UNREAD, glob


class Delivery(StrEnum):
    """Who delivers; the value completes "for the ..."."""

    APPLICATION = "load balancer service"
    NETWORK = "log delivery service (delivery.logs.amazonaws.com)"
    CLASSIC = "load balancer account of the region"


_SERVICES: Final = {
    Delivery.APPLICATION: "logdelivery.elasticloadbalancing.amazonaws.com",
    Delivery.NETWORK: "delivery.logs.amazonaws.com",
    Delivery.CLASSIC: "logdelivery.elasticloadbalancing.amazonaws.com",
}
# The accounts that Elastic Load Balancing delivers from, in regions older than August 2022.
_ACCOUNTS: Final = {
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
    "af-south-1": "098369216593",
    "ap-east-1": "754344448648",
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-northeast-3": "383597477331",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ap-southeast-3": "589379963580",
    "ca-central-1": "985666609251",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-south-1": "635631232127",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "me-south-1": "076674570225",
    "sa-east-1": "507241528517",
    "us-gov-east-1": "190560391635",
    "us-gov-west-1": "048591011584",
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
}


def accepts(environment: Environment, bucket: Resource, prefix: Resolved, delivery: Delivery, region: str) -> Answer:
    """Whether the bucket's policies let ``delivery`` put objects where access logs go. Of a stack that may be deployed
    in several regions, whose policy looks up something by region: whether they do in each of those."""
    request = _request(bucket, prefix, delivery)
    if request is None:
        return Open(f"where in {bucket.logical_id} the logs go")
    # Many balancers deliver to one place.
    asked = ("log delivery", environment.name, bucket.key, prefix, delivery, region)
    return environment.project.once_for(asked, lambda: _in_each(environment, bucket, request, delivery, region))


def _in_each(environment: Environment, bucket: Resource, request: Request, delivery: Delivery, region: str) -> Answer:
    policies = list(environment.children(bucket, "AWS::S3::BucketPolicy"))
    regions = [] if region else list(dict.fromkeys(each for policy in policies for each in _looked_up(policy)))
    if len(regions) > _MOST:
        return Open(f"its policy looks up something for more than {_MOST} regions")
    answers = [_accepts(environment, bucket, policies, request, delivery, each) for each in regions or [region]]
    untold = next((each for each in answers if isinstance(each, Open)), None)
    alike = all(each is answers[0] for each in answers)
    return untold if untold is not None else (answers[0] if alike else Open("which region the stack is deployed in"))


def _accepts(
    environment: Environment,
    bucket: Resource,
    policies: Sequence[Resource],
    request: Request,
    delivery: Delivery,
    region: str,
) -> Answer:
    allowing: list[Answer] = []
    denying: list[Answer] = []
    for policy in policies:
        document = _read(environment, policy, region)
        for statement in document.statements:
            speaks = _speaks_to(statement, delivery, region)
            applied = NO if speaks is NO else every((applies(statement, request), speaks))
            (allowing if statement.allows else denying).append(applied)
        # What could not be read may allow, and may deny.
        allowing.extend(Open(why) for why in document.unread)
        denying.extend(Open(why) for why in document.unread)
    allowed, denied = either(allowing), either(denying)
    stray = next(environment.strays(bucket, "AWS::S3::BucketPolicy"), None)
    if allowed is NO and denied is not YES and stray is not None:
        return Open(f"{stray.logical_id} may be its policy: whose it is, a parameter says")
    return every((allowed, negated(denied)))


def _read(environment: Environment, policy: Resource, region: str) -> Document:
    """The policy as it is in a region: the one that it is known to be deployed in, or one that it may be."""
    project = environment.project

    def read() -> Document:
        return read_document(_document(policy, region), policy, "PolicyDocument", project)

    return project.once_for(("log delivery's policy", policy.key, region), read)


_REGION: Final = {"Ref": "AWS::Region"}
_NAMED: Final = lazy_re.compile(r"[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}")
_MOST: Final = 100  # more than there are
_DEEPEST: Final = 60  # parts of a policy within one another: past them nothing is looked up


def _document(policy: Resource, region: str) -> Resolved:
    if region and not policy.stack.region:
        told = policy.scope.resolve(_in_region(policy.raw_at("PolicyDocument"), region))
        return None if isinstance(told, Absent) else told
    value = policy.get("PolicyDocument")
    return value.value if isinstance(value, Known) else None


def _in_region(node: Raw, region: str, depth: int = 0) -> Raw:
    if node == _REGION:
        return region
    if depth > _DEEPEST:
        return node
    if isinstance(node, dict):
        return {key: _in_region(each, region, depth + 1) for key, each in node.items()}
    return [_in_region(each, region, depth + 1) for each in node] if isinstance(node, list) else node


def _looked_up(policy: Resource) -> Iterator[str]:
    """The regions for which a mapping of the template tells what the policy looks up by region."""
    pending, maps = [policy.raw_at("PolicyDocument")], policy.stack.template.get("Mappings")
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            asked = node.get("Fn::FindInMap")
            if isinstance(asked, list) and len(asked) > 2 and asked[1] == _REGION and isinstance(maps, dict):
                rows = maps.get(asked[0]) if isinstance(asked[0], str) else None
                yield from filter(_NAMED.fullmatch, rows if isinstance(rows, dict) else ())
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _request(bucket: Resource, prefix: Resolved, delivery: Delivery) -> Request | None:
    arn = arn_of(bucket)
    if arn is None or not (prefix is None or isinstance(prefix, str | Text)):
        return None
    inside = pieces(prefix) if prefix else ()
    account = account_of(bucket.stack)
    key = text([*pieces(arn), "/", *inside, *(["/"] if inside else []), "AWSLogs/", *account, "/*"])
    region = bucket.stack.region or Pseudo("AWS::Region")
    balancer = Unstated("${LoadBalancer}")
    values: dict[str, tuple[str | Text, ...]] = {
        "aws:securetransport": ("true",),
        "aws:sourceaccount": (text([*account]),),
        "s3:x-amz-acl": ("bucket-owner-full-control",),
    }
    if delivery is Delivery.APPLICATION:
        head = f"arn:{bucket.stack.partition}:elasticloadbalancing:"
        values["aws:sourcearn"] = (text([head, region, ":", *account, ":loadbalancer/", balancer]),)
    return Request("s3:PutObject", glob(key), Context(values))


def _speaks_to(statement: Statement, delivery: Delivery, region: str) -> Answer:
    """Whether the statement's principals include whoever delivers."""
    if statement.principals is None:
        return Open("whom its NotPrincipal leaves") if statement.not_principals else NO

    def answers() -> Iterator[Answer]:
        for kind, name in statement.principals or ():
            if not isinstance(name, str):
                may_be = kind != "Service" or name is None or could_be_equal(name, _SERVICES[delivery])
                yield UNREAD if may_be else NO
            elif name == "*":
                yield YES
            elif kind == "Service":
                yield yes_if(name.lower() == _SERVICES[delivery])
            else:
                yield _delivering_account(name, delivery, region)

    return either(answers())


def _delivering_account(name: str, delivery: Delivery, region: str) -> Answer:
    number = name.split(":")[4] if name.startswith("arn:") and name.count(":") >= 5 else name
    if delivery is Delivery.NETWORK:
        return NO
    if region:
        return yes_if(number == _ACCOUNTS.get(region))
    return Open("the stack's region is not known") if number in _ACCOUNTS.values() else NO


def delivered(environment: Environment, resource: Resource, log_type: str) -> Answer:
    """Whether Amazon CloudWatch Logs delivers a resource's logs of a type anywhere.

    Source: Amazon CloudWatch Logs API Reference, PutDeliverySource and CreateDelivery: a source delivers nothing by
    itself.
    """
    return either(_is_delivered(environment, resource, log_type))


def _is_delivered(environment: Environment, resource: Resource, log_type: str) -> Iterator[Answer]:
    for source in environment.resources("AWS::Logs::DeliverySource"):
        arn, kind, own = source.get("ResourceArn"), source.get("LogType"), source.get("Name")
        untold = isinstance(arn, Unknown) or (isinstance(arn, Known) and isinstance(arn.value, Text))
        owner = environment.referred(arn)
        its = YES if owner is resource else Open("whose logs are delivered") if untold and owner is None else NO
        right = yes_if(kind.value == log_type) if isinstance(kind, Known) and isinstance(kind.value, str) else None
        answer = every([its, Open("which logs are delivered") if right is None else right])
        if answer is NO:
            continue
        for delivery in environment.resources("AWS::Logs::Delivery"):
            name = delivery.get("DeliverySourceName")
            from_it: Answer = yes_if(environment.referred(name) is source or (isinstance(name, Known) and name == own))
            if from_it is NO and isinstance(name, Unknown):
                from_it = Open(name.why)
            there = delivery.certain and source.certain
            yield every([answer, from_it, YES if there else Open("whether its logs are delivered")])
