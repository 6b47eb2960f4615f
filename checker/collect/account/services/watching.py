"""Amazon CloudWatch and CloudWatch Logs: alarms with their states, log groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.services import messaging
from checker.collect.account.shapes import Draft, fields, iso, maybe, picked, said, shape


def _some(value: Any) -> list[Any] | None:
    return list(value) or None


_ACTIONS: Final = (
    said("ActionsEnabled"),
    *(maybe(name, read=_some) for name in ("AlarmActions", "OKActions", "InsufficientDataActions")),
    maybe("AlarmDescription"),
)
_METRIC: Final = "Id Expression Label ReturnData Period AccountId"


def _metrics(value: Any) -> list[dict[str, Any]] | None:
    found = []
    for each in value:
        query = picked(each, _METRIC)
        if each.get("MetricStat"):
            stat = picked(each["MetricStat"], "Period Stat Unit")
            stat["Metric"] = picked(each["MetricStat"].get("Metric") or {}, "Namespace MetricName Dimensions")
            query["MetricStat"] = stat
        found.append(query)
    return found or None


ALARM: Final = shape(
    "AWS::CloudWatch::Alarm", "AlarmName AlarmArn", said("AlarmName"), *_ACTIONS,
    said("ComparisonOperator"), said("EvaluationPeriods"),
    *fields("DatapointsToAlarm EvaluateLowSampleCountPercentile ExtendedStatistic MetricName Namespace Period "
            "Statistic Threshold ThresholdMetricId TreatMissingData Unit", maybe),
    maybe("Dimensions", read=_some), maybe("Metrics", read=_metrics),
)  # fmt: skip
COMPOSITE: Final = shape(
    "AWS::CloudWatch::CompositeAlarm", "AlarmName AlarmArn", said("AlarmName"), said("AlarmRule"), *_ACTIONS,
    *fields("ActionsSuppressor ActionsSuppressorWaitPeriod ActionsSuppressorExtensionPeriod", maybe),
)  # fmt: skip
LOG_GROUP: Final = shape(
    "AWS::Logs::LogGroup", "logGroupName", said("LogGroupName", "logGroupName"),
    # Left out where events are kept for ever (CloudWatch Logs API Reference, LogGroup).
    maybe("RetentionInDays", "retentionInDays"), maybe("KmsKeyId", "kmsKeyId"), maybe("LogGroupClass", "logGroupClass"),
    maybe("DeletionProtectionEnabled", "deletionProtectionEnabled"),
)  # fmt: skip


def describe(account: Account) -> Iterator[Draft | None]:
    alarms = account.ask("cloudwatch", "DescribeAlarms", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    groups = account.ask("logs", "DescribeLogGroups")
    drafts = [
        *(ALARM.draft(each) for each in alarms.items),
        *(COMPOSITE.draft(each) for each in alarms.items_of("CompositeAlarms")),
    ]
    own = [each for each in drafts if each is not None and account.scope.has(each.type, each.ids, each.tags)]
    topics = messaging.ask_named(account, (arn for each in own for arn in each.properties.get("AlarmActions") or ()))
    yield from drafts
    for each in (*alarms.items, *alarms.items_of("CompositeAlarms")):
        since = {"StateSince": iso(each["StateUpdatedTimestamp"])} if each.get("StateUpdatedTimestamp") else {}
        account.add_facts("alarms", {str(each.get("AlarmName")): {**picked(each, "StateValue AlarmArn"), **since}})
    for each in groups.items:
        arn = str(each.get("arn", "")).removesuffix(":*")
        name = each.get("logGroupName")
        yield LOG_GROUP.draft(each, tuple(one for one in (str(name), arn) if one) if name else None)
    yield from messaging.told(account, topics)
