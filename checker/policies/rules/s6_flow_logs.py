"""Every VPC keeps flow logs of rejected traffic for a bounded time.

What the review found
    No flow logs: after an incident nobody can say who tried what.
What is checked
    Every VPC has a flow log for rejected traffic (``REJECT`` or ``ALL``), on the VPC or on each of its subnets; and
    where the log goes has a retention: a log group's ``RetentionInDays``, or a rule of the bucket that expires
    what the flow log writes there by its age (its prefix, tags and sizes leave nothing out), and in a versioned bucket
    one that deletes the versions that are no longer current. A log that goes to
    CloudWatch Logs has a role, and one of the project may write it (``delivery``).
When it does not apply
    No VPC in the environment.
What cannot be decided
    A destination that is not part of the project, or a delivery stream: what becomes of it there is not known. What
    the role may do, where its trust policy or one of its own could not be read.
Fix
    Add an ``AWS::EC2::FlowLog`` with ``TrafficType: REJECT`` to a log group with ``RetentionInDays``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, either, every, yes_if
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import NOT_KNOWN, Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, ResourceKey, Text, Unknown, as_number, pieces, text
from checker.model.verdicts import Surface
from checker.reason.iam.evaluation import Request, decide, policies_of
from checker.reason.iam.policies import read_document
from checker.reason.names.arns import arn_of
from checker.reason.network.flow_log_expiry import expires_flow_logs
from checker.reason.network.routes import SUBNET, VPC, vpc_resource
from checker.reason.text.patterns import exact

_FIX: Final = "Add an AWS::EC2::FlowLog on the VPC with TrafficType REJECT, to a log group with a retention."
_FIX_RETENTION: Final = (
    "Set RetentionInDays on the log group, or an expiration on the bucket, that receives the flow log."
)
_REJECTED: Final = {"REJECT", "ALL"}
# Amazon EC2 refuses a flow log whose ResourceType is not that of its ResourceId (API Reference, CreateFlowLogs).
_OF_NETWORKS: Final = {"VPC", "Subnet"}


def check(environment: Environment) -> Iterator[Judgement]:
    subnets: dict[ResourceKey, list[Resource]] = {}
    for subnet in environment.project.resources(SUBNET):
        vpc = vpc_resource(environment, subnet)
        if vpc is not None:
            subnets.setdefault(vpc.key, []).append(subnet)
    flow_logs = environment.project.resources("AWS::EC2::FlowLog")
    astray = any(isinstance(each.get("ResourceId"), Unknown) for each in flow_logs)
    homeless = next((each for each in environment.resources(SUBNET) if isinstance(each.get("VpcId"), Unknown)), None)
    for vpc in environment.resources(VPC):
        logs = list(environment.children(vpc, "AWS::EC2::FlowLog"))
        if not any(_logs_rejected(log) is YES for log in logs):
            on_subnets = [list(environment.children(each, "AWS::EC2::FlowLog")) for each in subnets.get(vpc.key, [])]
            if on_subnets and all(any(_logs_rejected(log) is YES for log in own) for own in on_subnets):
                if homeless is not None:
                    why = f"its subnets are logged one by one, and whether {homeless.logical_id} is in it is not known"
                    yield vpc.undecided("traffic", why, fix=_FIX)
                    continue
                logs = [log for own in on_subnets for log in own]
        strays = (log for log in environment.strays(vpc, "AWS::EC2::FlowLog") if _may_be_of_a_vpc(log))
        yield from _judged(environment, vpc, logs, astray=astray or any(True for _ in strays))


def _may_be_of_a_vpc(log: Resource) -> bool:
    kind = log.get("ResourceType")
    return not isinstance(kind, Known) or not isinstance(kind.value, str) or kind.value == "VPC"


def _logs_rejected(log: Resource) -> Answer:
    """Whether rejected traffic is logged. A flow log must say what it logs, except on a transit gateway."""
    value, kind = log.get("TrafficType"), log.get("ResourceType")
    if isinstance(kind, Known) and isinstance(kind.value, str) and kind.value not in _OF_NETWORKS:
        return NO
    if isinstance(value, Known) and isinstance(value.value, str):
        told = isinstance(kind, Absent) or (isinstance(kind, Known) and isinstance(kind.value, str))
        of_one = YES if told else Open("the flow log's ResourceType is not known before deployment")
        return every((yes_if(value.value in _REJECTED), of_one))
    return NO if isinstance(value, Absent) else Open("the flow log's TrafficType is not known before deployment")


def _judged(environment: Environment, vpc: Resource, logs: list[Resource], *, astray: bool) -> Iterator[Judgement]:
    answers = {log.key: _logs_rejected(log) for log in logs}
    chosen = [log for log in logs if answers[log.key] is YES]
    if chosen:
        yield vpc.passes("traffic", "Rejected traffic is logged.")
        kept = [_retention(environment, log) for log in chosen]
        # Each log is kept somewhere; one that is kept for ever is what the finding is about.
        yield from kept
        for log in chosen:
            yield from _delivery(environment, log)
    elif isinstance(doubt := either(answers.values()), Open):
        yield vpc.undecided("traffic", doubt.why, fix=_FIX)
    elif astray:
        yield vpc.undecided("traffic", "a flow log's ResourceId is not known before deployment", fix=_FIX)
    else:
        yield vpc.fails(
            "traffic",
            "Rejected traffic leaves no trace: the VPC has no flow log for it.",
            fix=_FIX,
            expected="a flow log with TrafficType REJECT or ALL",
            actual="a flow log of accepted traffic only" if logs else "no flow log",
            related=tuple(logs),
        )


_TRUST: Final = "AssumeRolePolicyDocument"
_DELIVERER: Final = "vpc-flow-logs.amazonaws.com"
_FIX_DELIVERY: Final = (
    "Let vpc-flow-logs.amazonaws.com assume the role, and allow it logs:PutLogEvents on the log group."
)

_FIX_ROLE: Final = (
    "Set DeliverLogsPermissionArn to a role that vpc-flow-logs.amazonaws.com may assume and that may write to the log "
    "group."
)


def _delivery(environment: Environment, log: Resource) -> Iterator[Judgement]:
    """A role of the project that surely cannot write the log, or none (Amazon VPC User Guide, "IAM role for publishing
    flow logs to CloudWatch Logs"; Amazon EC2 API Reference, "CreateFlowLogs": DeliverLogsPermissionArn is required for
    a destination in CloudWatch Logs); open where one of its documents could not be read. Nothing is said of one that
    can, or is not seen."""
    if isinstance(log.get("DeliverLogsPermissionArn"), Absent) and _to_cloudwatch(environment, log):
        said = "Nothing is logged: it has no role, and without one nobody writes to the log group."
        yield log.fails("delivery", said, fix=_FIX_ROLE, path="DeliverLogsPermissionArn", expected="an IAM role")
    role = environment.referred(log.get("DeliverLogsPermissionArn"))
    named_groups = (environment.referred(log.get(path)) for path in ("LogGroupName", "LogDestination"))
    group = next((each for each in named_groups if each is not None), None)
    if role is None or role.type != "AWS::IAM::Role":
        return
    path, trust = "DeliverLogsPermissionArn", role.get(_TRUST)
    written = trust.value if isinstance(trust, Known) else trust
    document = None if isinstance(written, Absent) else read_document(written, role, _TRUST, environment.project)
    named = [who for each in document.statements if each.allows for _, who in each.principals or ()] if document else []
    if document is not None and document.unread:
        yield log.undecided("delivery", document.unread[0], path=path, fix=_FIX_DELIVERY)
        return
    if named and not any(who is None or isinstance(who, Text) or who in (_DELIVERER, "*") for who in named):
        said = f"Nothing is logged: its role {role.logical_id} does not let {_DELIVERER} assume it."
        yield log.fails("delivery", said, fix=_FIX_DELIVERY, path=path, related=(role,))
        return
    arn = arn_of(group) if group is not None and group.type == "AWS::Logs::LogGroup" else None
    policies = policies_of(role, environment.project)
    for action in ("logs:CreateLogStream", "logs:PutLogEvents") if arn is not None else ():
        decision = decide(policies, Request(action, exact(text([*pieces(arn or ""), ":log-stream:x"]))))
        if decision.denied:
            said = f"Nothing is logged: its role {role.logical_id} may not {action} on the log group."
            yield log.fails("delivery", said, fix=_FIX_DELIVERY, path=path, related=(role,))
            return
        if policies.unread and not decision.allowed:
            why = f"whether {role.logical_id} may {action} on the log group: {decision.why}"
            yield log.undecided("delivery", why, path=path, fix=_FIX_DELIVERY)
            return


def _to_cloudwatch(environment: Environment, log: Resource) -> bool:
    """Whether a flow log of a template surely goes to CloudWatch Logs, which it does where nothing says otherwise."""
    kind = log.get("LogDestinationType")
    if log.surface is not Surface.TEMPLATE or not (isinstance(kind, Absent) or kind == Known("cloud-watch-logs")):
        return False
    target = environment.referred(log.get("LogDestination"))
    named = isinstance(log.get("LogGroupName"), Known)
    return named or (target is not None and target.type == "AWS::Logs::LogGroup")


def _retention(environment: Environment, log: Resource) -> Judgement:
    destination = next(
        (name for name in ("LogGroupName", "LogDestination") if not isinstance(log.get(name), Absent)), None
    )
    if destination is None:
        return log.undecided("retention", "the flow log names no destination", fix=_FIX_RETENTION)
    value = log.get(destination)
    target = environment.referred(value)
    if target is None or target.type not in {"AWS::Logs::LogGroup", "AWS::S3::Bucket"}:
        why = "where the flow log goes is not part of this project, so its retention is not known"
        return log.undecided("retention", why, path=destination, fix=_FIX_RETENTION)
    if target.type == "AWS::Logs::LogGroup":
        return target["RetentionInDays"].must(
            lambda days: NOT_KNOWN if as_number(days) is None else YES,
            expected="a retention in days",
            violation="The flow log's group keeps every entry for ever.",
            fix=_FIX_RETENTION,
            sub="retention",
        )
    rules = target.get("LifecycleConfiguration.Rules")
    listed = [] if isinstance(rules, Absent) else rules.value if isinstance(rules, Known) else None
    if not isinstance(listed, list):
        why = rules.why if isinstance(rules, Unknown) else "which lifecycle rules the bucket has"
        return target.undecided("retention", why, path="LifecycleConfiguration.Rules", fix=_FIX_RETENTION)
    answer = expires_flow_logs(target, listed, log)
    if isinstance(answer, Open):
        why = f"whether the bucket's rule that expires objects is for all that the flow log writes: {answer.why}"
        return target.undecided("retention", why, path="LifecycleConfiguration.Rules", fix=_FIX_RETENTION)
    if answer is YES:
        return target.passes("retention", "The bucket expires what it keeps.", path="LifecycleConfiguration.Rules")
    return target.fails(
        "retention",
        "The flow log's bucket keeps every entry for ever.",
        fix=_FIX_RETENTION,
        expected="an enabled lifecycle rule with an expiration",
        actual=f"{len(listed)} lifecycle rules, none that deletes what the flow log writes",
    )


RULE = Rule(
    id="S6",
    looked_for="VPC (AWS::EC2::VPC)",
    check=check,
)
