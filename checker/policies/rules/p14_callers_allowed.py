"""Whoever is told to call may.

What the review found
    Nothing: found since. A topic's policy takes the place of the default one, which is what lets alarms publish: after
    "refuse what is not encrypted in transit" nobody but the account's own roles may, and every alarm stays silent.
What is checked
    Every alarm, rule, bucket, topic, budget, API, load balancer and other resource that makes a service of AWS call a
    topic, a queue or a function of the project: the target's policy (a function's permissions, and the policy of the
    key that a topic or a queue is encrypted with) would let that service make the call. A topic without a policy has
    the default one, which lets CloudWatch and the events of RDS publish; a queue without one lets no service in.
    Buckets for access logs, inventories, trails and AWS Config: the deliverer may write. Log groups that a rule writes
    to: no policy of CloudWatch Logs denies it. Log groups with a key: CloudWatch Logs of their Region may use it, which
    otherwise refuses to make them (``key``). Policies are evaluated as IAM does, with the source's ARN and account.
When it does not apply
    Nothing tells a service to call anything of the project. Callers that use a role of their own. Access logs into a
    bucket whose ``AccessControl`` lets them in.
What cannot be decided
    Policies, conditions or keys that are not known before deployment; a policy or a permission of which nothing tells
    whose it is; whom a ``NotPrincipal`` leaves; a function for which AWS SAM makes permissions of its ``Events``; a key
    that is not part of the project, or that names CloudWatch Logs without a Region. A log group that no policy at hand
    opens to EventBridge: those of its account and Region count too, whoever made them.
Fix
    Allow the service's principal in the target's policy, for the account that it acts for: ``sns:Publish`` for
    ``cloudwatch.amazonaws.com`` with ``aws:SourceAccount``.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent
from checker.model.verdicts import Surface
from checker.reason.iam.evaluation import Access, Decision
from checker.reason.iam.services import key_refuses, logs_kept_out, may_call
from checker.reason.templates.told_to_call import Told, told_to_call

_FIX_KEY = (
    "Allow kms:Encrypt*, kms:Decrypt*, kms:ReEncrypt*, kms:GenerateDataKey* and kms:Describe* to "
    "logs.REGION.amazonaws.com in the key's policy."
)
_KINDS = {
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
    "AWS::S3::Bucket": "bucket",
    "AWS::Logs::LogGroup": "log group",
    "AWS::Lambda::Alias": "alias",
    "AWS::Lambda::Version": "version",
}


def check(environment: Environment) -> Iterator[Judgement]:
    by_target: dict[tuple[Resource, str], list[Told]] = {}
    for told in told_to_call(environment):
        by_target.setdefault((told.target, told.name), []).append(told)
    for (target, name), calls in by_target.items():
        yield _judged(environment, target, name, calls)
    for group in environment.resources("AWS::Logs::LogGroup"):
        if group.surface is Surface.TEMPLATE and not isinstance(group.get("KmsKeyId"), Absent):
            yield _encrypted(environment, group)


def _encrypted(environment: Environment, group: Resource) -> Judgement:
    refused = logs_kept_out(environment, group)
    if refused is None:
        return group.passes("key", "Its key lets CloudWatch Logs use it.", path="KmsKeyId")
    if refused.answer is Access.UNKNOWN:
        why = f"whether CloudWatch Logs may use its key: {refused.why}"
        return group.undecided("key", why, fix=_FIX_KEY, path="KmsKeyId")
    said = f"CloudWatch Logs refuses to make the log group, for it may not use {refused.why}."
    return group.fails("key", said, fix=_FIX_KEY, path="KmsKeyId")


def _judged(environment: Environment, target: Resource, name: str, calls: list[Told]) -> Judgement:
    answers = [(told, _answer(environment, told)) for told in calls]
    for wanted in (Access.DENIED, Access.UNKNOWN):
        found = [(told, decision) for told, decision in answers if decision.answer is wanted]
        if found:
            told, decision = found[0]
            break
    else:
        return target.passes(name, f"{calls[0].service} may call it: {answers[0][1].why or 'its policy allows it'}.")
    kind = _KINDS.get(target.type, "function")
    fix = _fix(told, kind)
    if decision.answer is Access.UNKNOWN:
        return target.undecided(name, f"whether {told.service} may call it: {decision.why}", fix=fix)
    sources = list(dict.fromkeys(told.source for told, _ in found))
    named = ", ".join(source.logical_id for source in sources[:3]) + (" and others" if len(sources) > 3 else "")
    return target.fails(
        name,
        f"{named} cannot reach this {kind}: {told.service} may not {told.action}, for {decision.why}.",
        fix=fix,
        path="Policy",
        expected=f"{told.action} for {told.service}",
        related=tuple(source for source in sources if source is not target)[:10],
    )


def _answer(environment: Environment, told: Told) -> Decision:
    decision = may_call(environment, told.target, told.service, told.action, told.source, inside=told.inside)
    if decision.denied or told.target.type not in ("AWS::SNS::Topic", "AWS::SQS::Queue"):
        return decision
    refused = key_refuses(environment, told.target, told.service, told.source)
    if refused is not None and (refused.denied or decision.allowed):
        return refused
    return decision


def _fix(told: Told, kind: str) -> str:
    if kind == "log group":
        return f"Let {told.service} create log streams and put events there, by an AWS::Logs::ResourcePolicy."
    if kind in ("function", "alias", "version"):
        return f"Add an AWS::Lambda::Permission for {told.service} with the source's ARN, on what is called."
    return f"Allow {told.action} to {told.service} in the {kind}'s policy (and in its key's), with aws:SourceAccount."


RULE = Rule(
    id="P14",
    looked_for="resource that makes a service call a topic, a queue, a function or a bucket",
    check=check,
)
