"""Alarms, who hears of them, and logs."""

from __future__ import annotations

import json
from typing import Any

from checker.errors import UsageError
from checker.lab import release
from checker.lab.breaks.account import Account


def make_nervous(account: Account) -> str:
    """Rewrites a deployment alarm, which the console does whole."""
    name = _deployment_alarm(account)
    client = account.clients("cloudwatch")
    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    members = client.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    kept = {key: value for key, value in alarm.items() if key in members}
    kept.pop("DatapointsToAlarm", None)
    client.put_metric_alarm(**{**kept, "EvaluationPeriods": 1, "TreatMissingData": "breaching"})
    release.quiet(account.clients, name)
    return f"alarm {name} rings at one period without data"


def _deployment_alarm(account: Account) -> str:
    first = account.first("AWS::ECS::Service").id
    for _, service in release.services(account.clients):
        names: list[str] = service["deploymentConfiguration"].get("alarms", {}).get("alarmNames", [])
        if service["serviceArn"] == first and names:
            return names[0]
    raise UsageError("nothing to break: no service of the lab lists deployment alarms", "Choose another.")


def unsubscribe_everybody(account: Account) -> str:
    topic = account.first("AWS::SNS::Topic").id
    sns = account.clients("sns")
    for each in account.clients.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic):
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    return f"topic {topic} has no subscriber"


def silence_topic(account: Account) -> str:
    """A policy of one Deny, as "enforce TLS" makes it: nothing in it looks wrong, and nobody else may publish."""
    topic = account.first("AWS::SNS::Topic").id
    deny: dict[str, Any] = {
        "Sid": "OnlyTLS",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    account.clients("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    return f"topic {topic} lets no alarm publish"


def keep_logs_for_ever(account: Account) -> str:
    group = account.first("AWS::Logs::LogGroup").id
    account.clients("logs").delete_retention_policy(logGroupName=group)
    return f"log group {group} keeps everything"
