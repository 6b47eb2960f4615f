"""Who does a custom resource's work: the functions behind its service token."""

from __future__ import annotations

from typing import Final

from checker.model.environments import Environment
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Known, Unknown, Value, first_unknown

_CALLED: Final = FUNCTIONS | {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
_MOST: Final = 20


def functions_of(environment: Environment, token: Value) -> tuple[list[Resource], str]:
    """The functions of the project that a service token leads to: by their ARN, an alias or a version of theirs, or a
    topic that they listen to; and those that they hand their work to, as the provider framework does.

    Beside them why there may be others, empty where it is sure that there are none.
    """
    pending, found, doubt = [environment.referred(token)], dict[Resource, None](), ""
    while pending:
        each = pending.pop()
        if each is None or each in found:
            continue
        doubt = doubt or _hidden(environment, each)
        if each.type in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}:
            pending.append(environment.referred(each.get("FunctionName")))
        elif each.type == "AWS::SNS::Topic":
            pending.extend(
                environment.referred(subscription.get("Endpoint"))
                for subscription in environment.resources("AWS::SNS::Subscription")
                if environment.referred(subscription.get("TopicArn")) is each
            )
            pending.extend(environment.project.all_referred(each.get("Subscription")))
        elif each.type in FUNCTIONS:
            found[each] = None
            told = environment.project.all_referred(each.get("Environment.Variables"))
            pending.extend(other for other in told if other.type in _CALLED and len(found) < _MOST)
    return list(found), doubt


def _hidden(environment: Environment, link: Resource) -> str:
    """Why a link of the way to the function may lead to another than those that are seen."""
    led_by = [link.get("FunctionName")] if link.type in {"AWS::Lambda::Alias", "AWS::Lambda::Version"} else []
    if link.type in FUNCTIONS:
        led_by = [link.get("Environment.Variables")]
    elif link.type == "AWS::SNS::Topic":
        led_by = [link.get("Subscription")]
        for subscription in environment.resources("AWS::SNS::Subscription"):
            topic = subscription.get("TopicArn")
            if isinstance(topic, Unknown) or environment.referred(topic) is link:
                led_by += [topic, subscription.get("Endpoint")]
    for value in led_by:
        written = value.value if isinstance(value, Known) else value if isinstance(value, Unknown) else None
        if (unknown := first_unknown(written)) is not None:
            return f"to which function {link.logical_id} hands the work is not known: {unknown.why}"
    return ""
