"""Whether an alarm's message reaches a subscriber: filter policies, addresses, and who subscribes in another way.

Sources: Amazon SNS Developer Guide, "Amazon SNS subscription filter policies" (all keys must match; by default they are
message attributes, which an alarm's message has none of), "Subscribing an Amazon SNS topic" and "Message delivery for
FIFO topics"; Amazon CloudWatch User Guide, "Alarm actions" (the message of an alarm); Amazon Q Developer in chat
applications Administrator Guide (a channel is subscribed to its topics); AWS SAM Developer Guide, "SNS" (an event makes
the subscription and the permission).
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either
from checker.model.environments import Environment
from checker.model.overlap import Wild, overlap
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Parameter, Resolved, Text, Unknown, as_bool, as_list

# The fields of the message that an alarm publishes.
_FIELDS: Final = frozenset(
    {"AlarmName", "AlarmDescription", "AWSAccountId", "AlarmConfigurationUpdatedTimestamp", "NewStateValue",
     "NewStateReason", "StateChangeTime", "Region", "AlarmArn", "OldStateValue", "OKActions", "AlarmActions",
     "InsufficientDataActions", "Trigger", "AlarmRule", "AlarmContributors", "ActionSuppressedBy",
     "ActionSuppressedReason", "TriggeringChildren", "$or"}
)  # fmt: skip
_MAIL: Final = lazy_re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PLACEHOLDER: Final = lazy_re.compile(
    r"\b(?:todo|tbd|fixme|changeme|change[-_ ]me|replace[-_ ]?me|xxx+)\b", re.IGNORECASE
)
_FORMS: Final = {
    "email": _MAIL,
    "email-json": _MAIL,
    "https": lazy_re.compile(r"https://[^/\s]+.*"),
    "http": lazy_re.compile(r"http://[^/\s]+.*"),
    "sms": lazy_re.compile(r"\+?[\d .()-]{6,}"),
    "sqs": lazy_re.compile(r"arn:.*"),
    "lambda": lazy_re.compile(r"arn:.*"),
    "firehose": lazy_re.compile(r"arn:.*"),
}


# Names that never lead anywhere (RFC 2606 and 6761), and the mailbox from which programs send and nobody reads.
_NOWHERE: Final = lazy_re.compile(r"(?:^|\.)(?:invalid|test|example|localhost|localdomain)\.?$", re.IGNORECASE)
_NOBODY: Final = lazy_re.compile(r"(?:do[-_.]?not|no)[-_.]?reply|your?[-_.]?(?:e?-?mail|name|address)", re.IGNORECASE)


def no_address(topic: Resource, protocol: Resolved, endpoint: Resolved) -> str:
    """Why an endpoint is no address of its protocol, nobody's, or none to which the topic sends; empty where it is one,
    or is not known."""
    kind = topic.get("FifoTopic")
    if isinstance(kind, Known) and as_bool(kind.value) and isinstance(protocol, str) and protocol != "sqs":
        return f"a FIFO topic sends to queues, and to nothing by {protocol}"
    form = _FORMS.get(protocol) if isinstance(protocol, str) else None
    if not isinstance(endpoint, str) or not endpoint or form is None:
        return ""
    if _PLACEHOLDER.search(endpoint) or not form.fullmatch(endpoint):
        return f"its endpoint is no address for {protocol}"
    if form is _MAIL:
        box, _, host = endpoint.rpartition("@")
        nobody = bool(_NOBODY.fullmatch(box) or _NOWHERE.search(host))
    else:
        nobody = protocol in {"http", "https"} and _is_private(endpoint)
    return f"nothing that is sent to its endpoint for {protocol} is received" if nobody else ""


def _is_private(url: str) -> bool:
    """Whether a URL is of a host that Amazon SNS, which calls from outside, never reaches."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return _NOWHERE.search(host) is not None


def never_matches_alarms(policy: Resolved, *, in_body: bool, alarms: Collection[str] = ()) -> str:
    """Why a filter policy lets no alarm's message through, or none of these alarms'; empty where it may."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return ""
    for key, wanted in policy.items() if isinstance(policy, dict) else ():
        if key == "$or" and isinstance(wanted, list) and len(wanted) > 1:
            reasons = [never_matches_alarms(each, in_body=in_body, alarms=alarms) for each in wanted]
            if all(reasons):
                return reasons[0]
        if _allows_absence(wanted):
            continue
        if not in_body and key != "$or":
            return f"its filter asks for the message attribute {key}, and an alarm's message has none"
        if in_body and key not in _FIELDS:
            return f"its filter asks for {key}, which an alarm's message does not have"
        if key == "AlarmName" and alarms and not any(lets(wanted, name) for name in alarms):
            return f"its filter asks for other alarms than {sorted(alarms)[0]}"
        if key == "NewStateValue" and wanted and not lets(wanted, "ALARM"):
            return "its filter lets no message through that says ALARM"
    return ""


def filter_doubt(policy: Resolved, *, alarms: Collection[str] = ()) -> str:
    """Why a filter policy that may let an alarm's message through may also let none through; empty where it does."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return ""
    if isinstance(policy, Text):
        return f"which messages its filter lets through: {policy} is not known before deployment"
    for key, wanted in policy.items() if isinstance(policy, dict) else ():
        if key == "$or" and isinstance(wanted, list) and len(wanted) > 1:
            doubts = [
                never_matches_alarms(each, in_body=True, alarms=alarms) or filter_doubt(each, alarms=alarms)
                for each in wanted
            ]
            if all(doubts):
                return doubts[0]
        elif not _allows_absence(wanted) and (why := _key_doubt(key, wanted, alarms)):
            return why
    return ""


# Of an alarm's message, what it says while it goes into ALARM; each alarm comes from OK sooner or later.
_SAID: Final = {"NewStateValue": "ALARM", "OldStateValue": "OK"}


def _key_doubt(key: str, wanted: Resolved, alarms: Collection[str]) -> str:
    texts = alarms if key == "AlarmName" else (_SAID[key],) if key in _SAID else ()
    if not texts:
        named = "whose name is not known before deployment" if key == "AlarmName" else f"by its {key}"
        return f"whether its filter lets an alarm through {named}"
    if any(_matches(each, text) is True for each in as_list(wanted) for text in texts):
        return ""
    return f"whether its filter lets an alarm through: what it asks of {key} is not known before deployment"


def lets(wanted: Resolved, text: str) -> bool:
    """Whether one of a filter's conditions may hold for a text (Amazon SNS Developer Guide, "String value matching",
    and Amazon EventBridge User Guide, "Comparison operators"): those that are not read here may hold."""
    return any(_matches(each, text) is not False for each in as_list(wanted))


def _matches(condition: Resolved, text: str) -> bool | None:
    """Whether one condition holds for a text; ``None`` where that is not known."""
    if not isinstance(condition, dict):
        return condition == text if isinstance(condition, str | int | float) or condition is None else None
    operator, value = next(iter(condition.items()), ("", None))
    if operator in {"numeric", "cidr"}:
        return False
    if operator == "exists":
        return value if isinstance(value, bool) else None
    if operator == "anything-but":
        found = [_matches(each, text) for each in ([value] if isinstance(value, dict) else as_list(value))]
        return False if True in found else None if None in found else True
    test = _OPERATORS.get(operator)
    # EventBridge takes a list below anything-but, and {"equals-ignore-case": …} below prefix and suffix.
    answers = [test(text, each) if test and isinstance(each, str) else None for each in as_list(value)]
    return True if True in answers else None if None in answers or not answers else False


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "equals-ignore-case": lambda text, value: text.lower() == value.lower(),
    "prefix": str.startswith,
    "suffix": str.endswith,
    "wildcard": lambda text, value: overlap(tuple(text), tuple(Wild.ANY if each == "*" else each for each in value)),
}


def _allows_absence(wanted: Resolved) -> bool:
    return any(isinstance(each, dict) and each.get("exists") is False for each in as_list(wanted))


# --- who takes a topic's messages without a subscription of the template ----------------------------------------------

_CHANNELS: Final = (
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration",
    "AWS::Chatbot::SlackChannelConfiguration",
)


def taken_otherwise(environment: Environment, topic: Resource) -> Answer:
    """Whether a chat channel or an event of a function of SAM is subscribed to a topic."""
    return either(_taken(environment, topic))


def _taken(environment: Environment, topic: Resource) -> Iterator[Answer]:
    for channel in environment.resources(*_CHANNELS):
        topics = channel.get("SnsTopicArns")
        for each in as_list(topics.value) if isinstance(topics, Known) else (topics,):
            yield _names(environment, each, topic, channel)
    for function in environment.resources("AWS::Serverless::Function"):
        events = function.get("Events")
        listed = events.value if isinstance(events, Known) and isinstance(events.value, dict) else {}
        for event in listed.values():
            properties = event.get("Properties") if isinstance(event, dict) and event.get("Type") == "SNS" else None
            if isinstance(properties, dict):
                answer = _names(environment, properties.get("Topic"), topic, function)
                filtered = answer is not NO and "FilterPolicy" in properties
                yield Open(f"which messages {function.logical_id} filters out") if filtered else answer


def _names(environment: Environment, value: Resolved | Absent, topic: Resource, who: Resource) -> Answer:
    if environment.referred(None if isinstance(value, Absent) else value) is topic:
        return YES if who.certain else Open(f"whether {who.logical_id} is there")
    open_text = isinstance(value, Text) and isinstance(value.only_hole, Parameter)
    return Open(f"to which topic {who.logical_id} is subscribed") if isinstance(value, Unknown) or open_text else NO
