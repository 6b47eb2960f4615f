"""Alarms that are heard through EventBridge: rules for their change of state, and where those send it.

Source: Amazon CloudWatch User Guide, "Alarm events and EventBridge" (source ``aws.cloudwatch``, detail-type
``CloudWatch Alarm State Change``, the alarm's ARN among ``resources``); Amazon EventBridge User Guide, "Event patterns"
(every key of a pattern must match, one of its values is enough).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, either, every
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Attribute, Known, Reference, Resolved, Text, Unknown, as_list
from checker.reason.names.arns import arn_of
from checker.reason.templates.notifications import lets

_RULE: Final = "AWS::Events::Rule"
_BUS: Final = "AWS::Events::EventBus"
_SOURCE: Final = "aws.cloudwatch"
_CHANGE: Final = "CloudWatch Alarm State Change"
# Of an event, what every alarm's change into ALARM has in common.
_SAME: Final = {"source": _SOURCE, "detail-type": _CHANGE}


def rules_that_hear(environment: Environment, alarm: Resource) -> Iterator[tuple[Resource, Answer]]:
    """The rules that pass the alarm on when it goes into ALARM: surely, or perhaps."""
    for rule in environment.resources(_RULE):
        answer = _hears(rule, alarm)
        answer = NO if answer is NO else every((answer, _on_their_bus(rule, environment)))
        if answer is not NO:
            yield rule, answer


def _on_their_bus(rule: Resource, environment: Environment) -> Answer:
    """Whether the events of AWS's services come to the rule's bus: to the default one they do, to another only what a
    rule sends on to it (Amazon EventBridge User Guide, "Event buses")."""
    name = rule.get("EventBusName")
    value = name.value if isinstance(name, Known) else None
    if isinstance(name, Absent) or (isinstance(value, str) and value.rpartition("/")[2] == "default"):
        return YES
    bus = environment.referred(name)
    if bus is not None and bus.type == _BUS:
        others = (each for each in environment.resources(_RULE) if each is not rule)
        if not any(environment.referred(target) in (bus, None) for each in others for target in targets_of(each)):
            return NO
    return Open(f"which events come to the bus of {rule.logical_id}")


def targets_of(rule: Resource) -> list[Resolved]:
    """The ARNs that a rule sends to."""
    listed = rule.get("Targets")
    items = as_list(listed.value) if isinstance(listed, Known) else []
    return [each.get("Arn") if isinstance(each, dict) else each for each in items]


def _hears(rule: Resource, alarm: Resource) -> Answer:
    state, pattern = rule.get("State"), _pattern(rule)
    if pattern is None or state == Known("DISABLED"):
        return NO
    if isinstance(pattern, Unknown) or isinstance(state, Unknown) or not rule.certain:
        return Open(f"whether the rule {rule.logical_id} is for it")
    if "source" not in pattern and "detail-type" not in pattern:
        return NO  # whatever it is for, it is not for alarms
    answers = [_some(pattern[key], text) for key, text in _SAME.items() if key in pattern]
    answers += [_of_alarm(pattern["resources"], alarm)] if "resources" in pattern else []
    detail = pattern.get("detail")
    answers += [_of_detail(detail, alarm)] if isinstance(detail, dict) else []
    if detail is not None and not isinstance(detail, dict):
        answers.append(Open(f"which alarms {rule.logical_id} is for"))
    if set(pattern) - {*_SAME, "resources", "detail", "account", "region"}:
        answers.append(Open(f"which alarms {rule.logical_id} is for"))
    return every(answers)


def _pattern(rule: Resource) -> Mapping[str, Resolved] | Unknown | None:
    written = rule.get("EventPattern")
    if isinstance(written, Unknown):
        return written
    value = written.value if isinstance(written, Known) else None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def _some(wanted: Resolved, text: str) -> Answer:
    if isinstance(wanted, Unknown) or any(isinstance(each, Unknown | Text) for each in as_list(wanted)):
        return Open("what its pattern asks for is not known before deployment")
    return YES if lets(wanted, text) else NO


def _of_alarm(wanted: Resolved, alarm: Resource) -> Answer:
    """Whether one of the ``resources`` that a pattern asks for is the alarm."""
    return either(_is_alarm(each, alarm) for each in as_list(wanted))


def _is_alarm(wanted: Resolved, alarm: Resource) -> Answer:
    arn, name = arn_of(alarm), alarm.get("AlarmName")
    if isinstance(wanted, Text):
        own = any(isinstance(hole, Reference | Attribute) and hole.target == alarm.key for hole in wanted.holes)
        return YES if own or wanted == arn else Open("which alarms its pattern asks for is not known before deployment")
    if isinstance(wanted, dict) and isinstance(arn, str):
        return YES if lets([wanted], arn) else NO
    if isinstance(wanted, str) and isinstance(name, Known):
        return YES if wanted == arn or wanted.endswith(f":alarm:{name.value}") else NO
    if isinstance(wanted, str) and isinstance(name, Absent):
        return NO  # nobody can write down a name that is generated
    return Open("which alarms its pattern asks for is not known before deployment")


def _of_detail(detail: Mapping[str, Resolved], alarm: Resource) -> Answer:
    answers: list[Answer] = []
    for key, wanted in detail.items():
        name = alarm.get("AlarmName")
        if key == "state" and isinstance(wanted, dict) and set(wanted) <= {"value"}:
            answers.append(_some(wanted.get("value"), "ALARM") if "value" in wanted else YES)
        elif key == "alarmName" and isinstance(name, Known) and isinstance(name.value, str):
            answers.append(_some(wanted, name.value))
        else:
            answers.append(Open(f"which alarms have a {key} that its pattern asks for"))
    return every(answers)
