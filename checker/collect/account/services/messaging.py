"""Amazon SNS and Amazon SQS: topics, who is subscribed and has confirmed it, queues, and who may send to both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.shapes import Draft, at, maybe, picked, policy, said, truth, whole
from checker.model.live.snapshot import LACKING

# What Amazon SNS gives every topic until somebody writes another: its owner may do everything. No template declares it.
_TOPIC: Final = "AWS::SNS::Topic"
_DEFAULT_POLICY: Final = "__default_policy_ID"
_PENDING: Final = "PendingConfirmation"
# Listed for some days after somebody unsubscribed (Amazon SNS Developer Guide, "Deleting a subscription").
_DELETED: Final = "Deleted"
TOPIC: Final = (
    maybe("DisplayName", "Attributes.DisplayName", lambda value: value or None),
    maybe("KmsMasterKeyId", "Attributes.KmsMasterKeyId"),
    maybe("FifoTopic", "Attributes.FifoTopic", truth),
    maybe("ContentBasedDeduplication", "Attributes.ContentBasedDeduplication", truth),
    maybe("SignatureVersion", "Attributes.SignatureVersion"), maybe("TracingConfig", "Attributes.TracingConfig"),
)  # fmt: skip
# Amazon SNS API Reference, GetSubscriptionAttributes. An effective delivery policy is the topic's or the service's.
_FILTER: Final = "FilterPolicy"
SUBSCRIPTION: Final = (
    maybe(_FILTER, f"Attributes.{_FILTER}", policy), maybe("FilterPolicyScope", "Attributes.FilterPolicyScope"),
    maybe("RawMessageDelivery", "Attributes.RawMessageDelivery", truth),
    maybe("DeliveryPolicy", "Attributes.DeliveryPolicy", policy),
    maybe("RedrivePolicy", "Attributes.RedrivePolicy", policy),
    maybe("ReplayPolicy", "Attributes.ReplayPolicy", policy),
    maybe("SubscriptionRoleArn", "Attributes.SubscriptionRoleArn"),
)  # fmt: skip
QUEUE: Final = (
    *(said(name, f"Attributes.{name}", whole) for name in (
        "DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "VisibilityTimeout")),
    said("ReceiveMessageWaitTimeSeconds", "Attributes.ReceiveMessageWaitTimeSeconds", whole),
    maybe("KmsMasterKeyId", "Attributes.KmsMasterKeyId"),
    maybe("KmsDataKeyReusePeriodSeconds", "Attributes.KmsDataKeyReusePeriodSeconds", whole),
    maybe("SqsManagedSseEnabled", "Attributes.SqsManagedSseEnabled", truth),
    maybe("RedrivePolicy", "Attributes.RedrivePolicy", policy),
    maybe("RedriveAllowPolicy", "Attributes.RedriveAllowPolicy", policy),
    maybe("FifoQueue", "Attributes.FifoQueue", truth),
    maybe("ContentBasedDeduplication", "Attributes.ContentBasedDeduplication", truth),
)  # fmt: skip


Asked: TypeAlias = list[tuple[str, Answer, Answer]]


def describe(account: Account) -> Iterator[Draft | None]:
    topics = _topics(account)
    queues = _queues(account)
    yield from told(account, topics)
    for url, answer in queues:
        yield from _queue(url, answer)


def _topics(account: Account) -> Asked:
    arns = list(account.scope.ids(_TOPIC))
    if _are_listed(account):
        listed = account.ask("sns", "ListTopics")
        arns = [*dict.fromkeys([*arns, *(str(each["TopicArn"]) for each in listed.items if each.get("TopicArn"))])]
    return _asked(account, arns)


def ask_named(account: Account, arns: Iterable[object]) -> Asked:
    """The topics of this account that something names and that are in no stack: made by hand, or gone."""
    if _are_listed(account):
        return []
    own, scope = account.scope.ids(_TOPIC), account.scope
    named = [str(arn).split(":") for arn in dict.fromkeys(arns)]
    here = [":".join(each) for each in named if each[2:5] == ["sns", scope.region, scope.account] and len(each) == 6]
    return _asked(account, [arn for arn in here if arn not in own])


def _are_listed(account: Account) -> bool:
    return account.needs.unmanaged or not account.scope.known


def _asked(account: Account, arns: Iterable[str]) -> Asked:
    return [
        (
            arn,
            account.ask("sns", "GetTopicAttributes", TopicArn=arn),
            account.ask("sns", "ListSubscriptionsByTopic", TopicArn=arn),
        )
        for arn in arns
    ]


def told(account: Account, asked: Asked) -> Iterator[Draft | None]:
    """What the answers tell, once they are there."""
    every = [(each, [one for one in each[2].items if one.get("SubscriptionArn") != _DELETED]) for each in asked]
    attributes_of = {
        arn: account.ask("sns", "GetSubscriptionAttributes", SubscriptionArn=arn)
        for _, standing in every
        for arn in (str(one["SubscriptionArn"]) for one in standing if _confirmed(one))
    }
    for (arn, attributes, subscriptions), standing in every:
        if attributes.outcome.absent:
            account.add_facts("missing_topics", [arn])
        elif attributes.complete:
            draft = Draft(_TOPIC, (arn,), properties={"TopicName": arn.rpartition(":")[2]})
            yield draft.read(attributes.value, TOPIC)
            yield _policy(attributes, "AWS::SNS::TopicPolicy", "Topics", arn)
        for each in standing:
            yield _subscription(arn, each, attributes_of.get(str(each.get("SubscriptionArn"))))
        if subscriptions.complete:
            account.add_facts(
                "subscriptions",
                {arn: [{"protocol": each.get("Protocol"), "confirmed": _confirmed(each)} for each in standing]},
            )


def _confirmed(subscription: Mapping[str, Any]) -> bool:
    return str(subscription.get("SubscriptionArn", "")).startswith("arn:")


def _subscription(topic: str, subscription: Mapping[str, Any], attributes: Answer | None) -> Draft | None:
    """A subscription. Until it is confirmed it has no ARN of its own: the list says so in the ARN's place."""
    if attributes is not None and attributes.outcome.absent:
        return None  # gone since it was listed
    arn = str(subscription.get("SubscriptionArn") or "")
    ident = (
        arn if _confirmed(subscription) else f"{topic}|{subscription.get('Protocol')}|{subscription.get('Endpoint')}"
    )
    properties = {"TopicArn": topic, **picked(subscription, "Protocol Endpoint")}
    draft = Draft("AWS::SNS::Subscription", (ident,), properties=properties)
    if arn == _PENDING:
        draft.set(_PENDING, True)
    elif not _confirmed(subscription):
        draft.unread[_PENDING] = LACKING
    return draft.add(attributes, *SUBSCRIPTION) if attributes is not None else draft


def _queues(account: Account) -> list[tuple[str, Answer]]:
    urls = list(account.scope.ids("AWS::SQS::Queue"))
    if account.needs.unmanaged or not account.scope.known:
        # One queue may have several URLs: AWS has had more than one host for a region (Amazon SQS endpoints, "Legacy
        # endpoints"). That of the stack is kept.
        known = {_place(url) for url in urls}
        listed = map(str, account.ask("sqs", "ListQueues").items)
        urls += {_place(url): url for url in listed if _place(url) not in known}.values()
    return [(url, account.ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])) for url in urls]


def _place(url: str) -> str:
    """Account and name, by which a queue is known in its region."""
    return "/".join(url.split("/")[-2:])


def _queue(url: str, answer: Answer) -> Iterator[Draft | None]:
    if not answer.complete or answer.outcome.absent:
        return
    properties = {"QueueName": url.rpartition("/")[2]}
    arn = at(answer.value, "Attributes.QueueArn")
    draft = Draft("AWS::SQS::Queue", (url, *([str(arn)] if arn else [])), properties=properties)
    yield draft.read(answer.value, QUEUE)
    yield _policy(answer, "AWS::SQS::QueuePolicy", "Queues", url)


def _policy(answer: Answer, kind: str, of: str, ident: str) -> Draft | None:
    """The policy of a topic or queue, as the resource that a template has for it."""
    text = at(answer.value, "Attributes.Policy")
    if not text:
        return None
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict) and document.get("Id") == _DEFAULT_POLICY:
        return None
    return Draft(kind, (ident,), properties={of: [ident]}).read(
        answer.value, (said("PolicyDocument", "Attributes.Policy", policy),)
    )
