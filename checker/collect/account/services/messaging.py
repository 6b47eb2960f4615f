"""Amazon SNS and Amazon SQS: topics, who is subscribed and has confirmed it, queues, and who may send to both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.shapes import LACKING, Draft, at, maybe, picked, policy, said, truth, whole

# What Amazon SNS gives every topic until somebody writes another: its owner may do everything. No template declares it.
_DEFAULT_POLICY: Final = "__default_policy_ID"
_PENDING: Final = "PendingConfirmation"
TOPIC: Final = (
    maybe("DisplayName", "Attributes.DisplayName", lambda value: value or None),
    maybe("KmsMasterKeyId", "Attributes.KmsMasterKeyId"),
    maybe("FifoTopic", "Attributes.FifoTopic", truth),
    maybe("ContentBasedDeduplication", "Attributes.ContentBasedDeduplication", truth),
    maybe("SignatureVersion", "Attributes.SignatureVersion"), maybe("TracingConfig", "Attributes.TracingConfig"),
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


def describe(account: Account) -> Iterator[Draft | None]:
    topics = _topics(account)
    queues = _queues(account)
    yield from _told_of_topics(account, topics)
    for url, answer in queues:
        yield from _queue(url, answer)


def _topics(account: Account) -> list[tuple[str, Answer, Answer]]:
    arns = list(account.scope.ids("AWS::SNS::Topic"))
    if account.needs.unmanaged or not account.scope.known:
        listed = account.ask("sns", "ListTopics")
        arns = [*dict.fromkeys([*arns, *(str(each["TopicArn"]) for each in listed.items if each.get("TopicArn"))])]
    return [
        (
            arn,
            account.ask("sns", "GetTopicAttributes", TopicArn=arn),
            account.ask("sns", "ListSubscriptionsByTopic", TopicArn=arn),
        )
        for arn in arns
    ]


def _told_of_topics(account: Account, asked: list[tuple[str, Answer, Answer]]) -> Iterator[Draft | None]:
    for arn, attributes, subscriptions in asked:
        if attributes.complete and not attributes.outcome.absent:
            draft = Draft("AWS::SNS::Topic", (arn,), properties={"TopicName": arn.rpartition(":")[2]})
            yield draft.read(attributes.value, TOPIC)
            yield _policy(attributes, "AWS::SNS::TopicPolicy", "Topics", arn)
        for each in subscriptions.items:
            yield _subscription(arn, each)
        if subscriptions.complete:
            account.add_facts(
                "subscriptions",
                {arn: [
                    {"protocol": each.get("Protocol"), "confirmed": _confirmed(each)} for each in subscriptions.items
                ]},
            )  # fmt: skip


def _confirmed(subscription: Mapping[str, Any]) -> bool:
    return str(subscription.get("SubscriptionArn", "")).startswith("arn:")


def _subscription(topic: str, subscription: Mapping[str, Any]) -> Draft:
    """A subscription. Until it is confirmed it has no ARN of its own: the list says so in the ARN's place."""
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
    return draft


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
