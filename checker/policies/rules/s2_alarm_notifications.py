"""Every alarm notifies a topic that somebody listens to.

What the review found
    Alarms change their state and nobody hears of it.
What is checked
    Every metric, log and composite alarm: that its actions are on and one of its ``AlarmActions`` is an SNS topic, that
    alarms may publish to the topic, and that it has a subscriber whom their messages reach: an address, and no filter
    that no alarm matches (an inline subscription, an ``AWS::SNS::Subscription``, a chat channel of Amazon Q Developer,
    an event of a function of SAM). In a live account the topic must be there, and the subscriber must have confirmed.
    An alarm whose state a notifying composite alarm reads is heard through that, and one whose change a rule of
    EventBridge sends to such a topic through the rule.
When it does not apply
    No alarm in the environment. Alarms that only drive scaling: they are no news to anybody.
What cannot be decided
    A topic that is not part of the project, whose subscribers nothing here shows; other actions, such as a function.
Fix
    Put the environment's alarm topic in ``AlarmActions``, and subscribe an address to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.answers import YES, Open
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import (
    ABSENT,
    Absent,
    Known,
    Reference,
    Resolved,
    ResourceKey,
    Text,
    Unknown,
    Value,
    as_bool,
    as_list,
    first_unknown,
    pieces,
)
from checker.model.verdicts import Outcome, Surface
from checker.reason.iam.services import CLOUDWATCH, key_refuses, may_call
from checker.reason.names.physical import is_open
from checker.reason.templates.alarm_events import rules_that_hear, targets_of
from checker.reason.templates.alarms import ALARM_TYPES, COMPOSITE_ALARM, listened_to
from checker.reason.templates.composite_rules import may_fire
from checker.reason.templates.notifications import filter_doubt, never_matches_alarms, no_address, taken_otherwise

_FIX: Final = "Put the alarm topic in AlarmActions, with ActionsEnabled left on."
_FIX_PUBLISH: Final = "Allow sns:Publish to cloudwatch.amazonaws.com in the topic's policy (and in its key's)."
_FIX_SUBSCRIBE: Final = "Subscribe an address to the topic (AWS::SNS::Subscription) and confirm it."
_SCALING: Final = ("AWS::AutoScaling::ScalingPolicy", "AWS::ApplicationAutoScaling::ScalingPolicy")
# Amazon CloudWatch User Guide, "Alarm actions": what an action's ARN says of where it goes.
_TOPIC, _SCALE, _MACHINE, _OTHER, _NONE = "topic", "scaling", "machine", "other", "nothing"


def check(environment: Environment) -> Iterator[Judgement]:
    heard_through = listened_to(environment)
    topics: dict[ResourceKey, tuple[Resource, Resource]] = {}
    told: dict[ResourceKey, list[Resource]] = {}
    through_rules: dict[ResourceKey, Resource] = {}
    for alarm in environment.resources(*ALARM_TYPES):
        own = [*_topics(environment, alarm)]
        for topic in own:
            topics.setdefault(topic.key, (topic, alarm))
            told.setdefault(topic.key, []).append(alarm)
        parents = heard_through.get(alarm, ())
        if not own and any(_hears(environment, parent, alarm) for parent in parents):
            yield alarm.passes(None, "A composite alarm reads it and notifies.")
            continue
        said = _alarm(environment, alarm)
        if own or said.outcome not in (Outcome.FAIL, Outcome.UNKNOWN):
            yield said
            continue
        passed_on, doubt = _passed_on(environment, alarm)
        doubt = _may_be_read(environment, alarm) if doubt is None else doubt
        through_rules.update({topic.key: topic for topic in passed_on})
        if passed_on:
            yield alarm.passes(None, "An EventBridge rule passes it on to a topic.")
        else:
            yield said if doubt is None else alarm.undecided(None, doubt.why, fix=_FIX)
    subscriptions = environment.resources("AWS::SNS::Subscription")
    unknown = any(isinstance(each.get("TopicArn"), Unknown) for each in subscriptions)
    for topic, alarm in topics.values():
        refused = _refused(environment, topic, alarm)
        if refused is not None:
            yield refused
            continue
        astray = unknown or any(True for _ in environment.strays(topic, "AWS::SNS::Subscription"))
        said = _topic(environment, topic, _names(told[topic.key]), astray=astray)
        yield _or_otherwise(environment, topic, said)
    for key, topic in through_rules.items():
        if key not in topics:
            astray = unknown or any(True for _ in environment.strays(topic, "AWS::SNS::Subscription"))
            yield _or_otherwise(environment, topic, _subscribed(environment, topic, astray=astray))


def _or_otherwise(environment: Environment, topic: Resource, said: Judgement) -> Judgement:
    """What is said of a topic's subscriptions, unless somebody takes its messages without one that is written."""
    if said.outcome is Outcome.PASS:
        return said
    answer = taken_otherwise(environment, topic)
    if answer is YES:
        return topic.passes("subscriber", "It has a subscriber: a chat channel, or a function's event.")
    if isinstance(answer, Open) and said.outcome is Outcome.FAIL:
        return topic.undecided("subscriber", answer.why, fix=_FIX_SUBSCRIBE)
    return said


def _passed_on(environment: Environment, alarm: Resource) -> tuple[list[Resource], Open | None]:
    """The topics to which a rule of EventBridge surely sends the alarm's change of state, and why it may reach others.

    Whether the rule may publish there is asked where callers are (P14).
    """
    doubt: Open | None = None
    sure: list[Resource] = []
    for rule, answer in rules_that_hear(environment, alarm):
        targets = [environment.referred(each) for each in targets_of(rule)]
        topics = [each for each in targets if each is not None and each.type == "AWS::SNS::Topic"]
        if answer is YES and topics:
            sure += topics
        elif doubt is None:
            untold = Open(f"whether what the rule {rule.logical_id} sends it to tells anybody")
            doubt = answer if isinstance(answer, Open) else untold
    return sure, doubt


def _may_be_read(environment: Environment, alarm: Resource) -> Open | None:
    """That a notifying composite alarm may read an alarm's state, whose rule is not known before deployment."""
    for composite in environment.resources(COMPOSITE_ALARM):
        rule = composite.get("AlarmRule")
        written = rule.value if isinstance(rule, Known) else rule
        holes = written.holes if isinstance(written, Text) else ()
        untold = isinstance(written, Unknown) or any(is_open(hole) for hole in holes)
        if untold and composite.key != alarm.key and _actions(environment, composite).get(_TOPIC):
            return Open(f"whether the rule of {composite.logical_id} reads its state")
    return None


def _subscribed(environment: Environment, topic: Resource, *, astray: bool) -> Judgement:
    """Whether a topic that rules publish to has a subscriber. What they send is an event, and filters are for that."""
    inline = topic.get("Subscription")
    found = list(environment.children(topic, "AWS::SNS::Subscription"))
    listed = as_list(inline.value) if isinstance(inline, Known) else []
    if any(_has_endpoint(topic, each) for each in listed) or any(not _never_there(topic, each) for each in found):
        return topic.passes("subscriber", "It has a subscriber.")
    if astray or isinstance(inline, Unknown) or found or listed:
        return topic.undecided("subscriber", "whether anybody is subscribed to it", fix=_FIX_SUBSCRIBE)
    return topic.fails("subscriber", "Nobody is subscribed to the alarm topic.", fix=_FIX_SUBSCRIBE)


def _never_there(topic: Resource, subscription: Resource) -> bool:
    filtered = not isinstance(subscription.get("FilterPolicy"), Absent)
    return filtered or _pending(subscription) or bool(_doubt(subscription) or _never(topic, subscription, []))


def _names(alarms: list[Resource]) -> list[str]:
    """What alarms are called; nothing where one of them has a name that is not known."""
    names = [alarm.get("AlarmName") for alarm in alarms]
    known = [str(each.value) for each in names if isinstance(each, Known) and isinstance(each.value, str)]
    return known if len(known) == len(names) else []


def _hears(environment: Environment, composite: Resource, alarm: Resource) -> bool:
    """Whether a composite alarm that reads another's state tells somebody when that one is in ALARM."""
    rule, name = composite.get("AlarmRule"), alarm.get("AlarmName")
    named = {"/".join(alarm.key), *([str(name.value)] if isinstance(name, Known) else ())}
    written = rule.value if isinstance(rule, Known) else None
    fires = not isinstance(written, str | Text) or may_fire(_with_names(written), named)
    enabled = composite.get("ActionsEnabled")
    silent = isinstance(enabled, Known) and as_bool(enabled.value) is False
    # While the suppressor is in ALARM nothing is done (CloudWatch API Reference, PutCompositeAlarm, ActionsSuppressor).
    quiet = composite.get("ActionsSuppressor")
    who = _with_names(quiet.value) if isinstance(quiet, Known) and isinstance(quiet.value, str | Text) else ""
    silent = silent or (bool(who) and who.rpartition(":alarm:")[2] in named)
    return fires and not silent and bool(_actions(environment, composite).get(_TOPIC))


def _with_names(rule: str | Text) -> str:
    """A rule as one text, with each alarm that it refers to under a name of its own."""
    return "".join(
        part if isinstance(part, str) else "/".join(part.target) if isinstance(part, Reference) else str(part)
        for part in pieces(rule)
    )


def _refused(environment: Environment, topic: Resource, alarm: Resource) -> Judgement | None:
    """That no alarm's message gets into the topic; ``None`` where it does."""
    decision = may_call(environment, topic, CLOUDWATCH, "sns:Publish", alarm)
    if decision.allowed:
        decision = key_refuses(environment, topic, CLOUDWATCH, alarm) or decision
    if decision.allowed:
        return None
    if not decision.denied:
        return topic.undecided("subscriber", f"whether alarms may publish to it: {decision.why}", fix=_FIX_PUBLISH)
    violation = f"No alarm's message gets into the topic: {decision.why}."
    # At the policy, where P14 says the same of whoever calls: one entry for one cause.
    return topic.fails("subscriber", violation, fix=_FIX_PUBLISH, path="Policy", related=(alarm,))


def _actions(environment: Environment, alarm: Resource) -> dict[str, list[Resource | None]]:
    """Where the alarm's actions go: kind -> targets, ``None`` for one that is not part of the project."""
    value = alarm.get("AlarmActions")
    found: dict[str, list[Resource | None]] = {}
    for item in as_list(value.value) if isinstance(value, Known) else []:
        target = environment.referred(item)
        found.setdefault(_kind(item, target), []).append(target)
    return found


def _kind(action: Resolved, target: Resource | None) -> str:
    # An alarm takes ARNs alone, one of which a dynamic reference may be.
    no_arn = isinstance(action, str) and not action.startswith(("arn:", "{{"))
    if target is None and (action is None or no_arn):
        return _NONE
    if target is not None:
        return _TOPIC if target.type == "AWS::SNS::Topic" else _SCALE if target.type in _SCALING else _OTHER
    first = pieces(action)[0] if isinstance(action, str | Text) and action else ""
    literal = str(action) if isinstance(first, str) else ""
    if literal.startswith("arn:"):
        service = literal.split(":")[2:3]
        if service == ["sns"]:
            return _TOPIC
        if service in (["autoscaling"], ["application-autoscaling"]):
            return _SCALE
        if service in (["automate"], ["swf"]):
            return _MACHINE  # stops, reboots or recovers an instance, and tells nobody
    return _OTHER


def _topics(environment: Environment, alarm: Resource) -> Iterator[Resource]:
    for target in _actions(environment, alarm).get(_TOPIC, ()):
        if target is not None:
            yield target


def _alarm(environment: Environment, alarm: Resource) -> Judgement:
    actions = alarm.get("AlarmActions")
    enabled = alarm.get("ActionsEnabled")
    if isinstance(actions, Unknown):
        return alarm.undecided(None, actions.why, path="AlarmActions", fix=_FIX)
    by_kind = _actions(environment, alarm)
    if by_kind.keys() == {_SCALE}:
        return alarm.not_applicable(None, "Its only actions scale something: looked for news to people.")
    if isinstance(enabled, Unknown):
        return alarm.undecided(None, enabled.why, path="ActionsEnabled", fix=_FIX)
    if isinstance(enabled, Known):
        switch = as_bool(enabled.value)
        if switch is None:
            return alarm.undecided(None, "ActionsEnabled is not known before deployment", path="ActionsEnabled")
        if not switch:
            return alarm.fails(
                None, "The alarm's actions are switched off.", fix=_FIX, path="ActionsEnabled", actual="false"
            )
    by_kind.pop(_NONE, None)
    targets = by_kind.get(_TOPIC, [])
    if any(target is not None for target in targets):
        return alarm.passes(None, "It notifies a topic.", path="AlarmActions")
    if targets and _are_gone(environment, actions):
        why = "The alarm's topic is not there: nobody hears of it."
        return alarm.fails(None, why, fix=_FIX, path="AlarmActions", expected="a topic that exists")
    if targets:
        why = "it notifies a topic that is not part of this project, whose subscribers are not known"
        return alarm.undecided(None, why, path="AlarmActions", fix=_FIX_SUBSCRIBE)
    if by_kind.get(_OTHER):
        return alarm.undecided(None, "whether what its actions start tells anybody", path="AlarmActions", fix=_FIX)
    return alarm.fails(
        None,
        "The alarm changes its state and nobody hears of it.",
        fix=_FIX,
        path="" if isinstance(actions, Absent) else "AlarmActions",
        expected="an SNS topic in AlarmActions",
        actual="no action" if not by_kind else "actions on a machine only",
    )


def _are_gone(environment: Environment, actions: Value) -> bool:
    """Live only: whether the account was asked for each topic among the actions, and has none of them."""
    account = environment.project.account
    missing = account.fact("missing_topics") if account is not None else ABSENT
    gone = missing.value if isinstance(missing, Known) and isinstance(missing.value, list) else []
    items = as_list(actions.value) if isinstance(actions, Known) else []
    named = [str(each) for each in items if _kind(each, None) == _TOPIC]
    return bool(named) and all(each in gone for each in named)


def _topic(environment: Environment, topic: Resource, alarms: list[str], *, astray: bool) -> Judgement:
    inline = topic.get("Subscription")
    if isinstance(inline, Known) and any(_has_endpoint(topic, each) for each in as_list(inline.value)):
        return topic.passes("subscriber", "It has a subscriber.", path="Subscription")
    subscriptions = list(environment.children(topic, "AWS::SNS::Subscription"))
    waiting = [each for each in subscriptions if _pending(each)]
    deaf = {each: why for each in subscriptions if each not in waiting and (why := _never(topic, each, alarms))}
    subscriptions = [each for each in subscriptions if each not in deaf]
    if len(subscriptions) > len(waiting):
        heard = [each for each in subscriptions if each not in waiting]
        doubts = {each: _doubt(each) or _filtered(each, alarms) for each in heard}
        if not all(doubts.values()):
            return topic.passes("subscriber", "It has a subscriber.")
        return topic.undecided("subscriber", doubts[heard[0]], fix=_FIX_SUBSCRIBE)
    if waiting:
        return topic.fails(
            "subscriber",
            "Nobody has confirmed a subscription of the alarm topic.",
            fix="Open the confirmation mail and confirm; send it again if it has expired (3 days).",
            related=tuple(waiting),
        )
    if isinstance(inline, Unknown):
        return topic.undecided("subscriber", inline.why, path="Subscription", fix=_FIX_SUBSCRIBE)
    if deaf:
        first = next(iter(deaf))
        violation = f"No alarm reaches the topic's only subscriber: {deaf[first]}."
        return topic.fails("subscriber", violation, fix=_FIX_SUBSCRIBE, related=tuple(deaf)[:5])
    if isinstance(inline, Known) and (listed := as_list(inline.value)):
        if (why := _unheard(topic, listed)) and not astray:
            said = f"No alarm reaches a subscriber of the topic: {why}."
            return topic.fails("subscriber", said, fix=_FIX_SUBSCRIBE, path="Subscription")
        # A parameter with an empty default stands for "say it when you deploy".
        why = why or "its subscription has no endpoint unless whoever deploys names one"
        return topic.undecided("subscriber", why, path="Subscription", fix=_FIX_SUBSCRIBE)
    if astray:
        why = "a subscription's TopicArn is not known before deployment"
        return topic.undecided("subscriber", why, fix=_FIX_SUBSCRIBE)
    return topic.fails(
        "subscriber", "Nobody is subscribed to the alarm topic.", fix=_FIX_SUBSCRIBE, actual="no subscription"
    )


def _has_endpoint(topic: Resource, subscription: Resolved) -> bool:
    return (
        isinstance(subscription, dict)
        and isinstance(subscription.get("Endpoint"), str | Text)
        and bool(subscription["Endpoint"])
        and not no_address(topic, subscription.get("Protocol"), subscription["Endpoint"])
    )


def _unheard(topic: Resource, subscriptions: Sequence[Resolved]) -> str:
    """Why nobody is behind any of a topic's own subscriptions; empty where one of them names nobody yet."""
    reasons = [
        no_address(topic, each.get("Protocol"), each["Endpoint"])
        if isinstance(each, dict) and isinstance(each.get("Endpoint"), str) and each["Endpoint"]
        else ""
        for each in subscriptions
    ]
    return reasons[0] if reasons and all(reasons) else ""


def _never(topic: Resource, subscription: Resource, alarms: list[str]) -> str:
    """Why no alarm's message ever reaches a subscriber; empty where one may."""
    policy, scope = subscription.get("FilterPolicy"), subscription.get("FilterPolicyScope")
    in_body = isinstance(scope, Known) and scope.value == "MessageBody"
    if isinstance(policy, Known) and (why := never_matches_alarms(policy.value, in_body=in_body, alarms=alarms)):
        return why
    protocol, endpoint = subscription.get("Protocol"), subscription.get("Endpoint")
    if isinstance(protocol, Known) and isinstance(endpoint, Known):
        return no_address(topic, protocol.value, endpoint.value)
    return ""


def _filtered(subscription: Resource, alarms: list[str]) -> str:
    """Why a filter may let no alarm through: it is not known, or it asks what they are called, and that is not."""
    policy = subscription.get("FilterPolicy")
    written = policy.value if isinstance(policy, Known) else policy
    unknown = None if isinstance(written, Absent) else first_unknown(written)
    if unknown is not None:
        return f"which messages its filter lets through: {unknown.why}"
    return "" if isinstance(written, Absent | Unknown) else filter_doubt(written, alarms=alarms)


def _doubt(subscription: Resource) -> str:
    """Why a subscription that nobody has to confirm any more may still reach nobody; empty where it does."""
    if not subscription.certain:
        return "its subscription exists only under a condition"
    endpoint = subscription.get("Endpoint")
    if subscription.surface is Surface.TEMPLATE and not (
        isinstance(endpoint, Known) and isinstance(endpoint.value, str | Text) and endpoint.value
    ):
        # A parameter with an empty default stands for "say it when you deploy".
        return "its subscription has no endpoint unless whoever deploys names one"
    if isinstance(subscription.get("PendingConfirmation"), Unknown):
        return "whether its subscription is confirmed is not known"
    return ""


def _pending(subscription: Resource) -> bool:
    """Live only: Amazon SNS delivers nothing before the subscriber confirms (GetSubscriptionAttributes)."""
    value = subscription.get("PendingConfirmation")
    return isinstance(value, Known) and as_bool(value.value) is True


RULE = Rule(
    id="S2",
    looked_for="alarm (AWS::CloudWatch::Alarm, AWS::CloudWatch::CompositeAlarm, AWS::CloudWatch::LogAlarm)",
    check=check,
)
