"""Properties that can be written in two ways, brought into the one that services answer with.

Each function takes an item as declared or as live and gives the common form; :func:`common` runs the one that belongs
to a path. What is written in the common form already stays as it is.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from checker import lazy_re
from checker.model.values import Resolved

_Item: TypeAlias = dict[str, Resolved]

# Old names of the rules of a lifecycle, each with the one that replaced it (CloudFormation Template Reference,
# AWS::S3::Bucket Rule).
_ONE_OF: Final[Mapping[str, str]] = {
    "Transition": "Transitions",
    "NoncurrentVersionTransition": "NoncurrentVersionTransitions",
}


def _forward(action: _Item) -> _Item:
    """A forward to one target group is a weighted forward to one (ELB API Reference, Action)."""
    group = action.get("TargetGroupArn")
    config = action.get("ForwardConfig")
    groups = config.get("TargetGroups") if isinstance(config, dict) else None
    if group is None:
        if isinstance(groups, list) and len(groups) == 1 and isinstance(groups[0], dict):
            # The weight of a single group says nothing.
            return {**action, "ForwardConfig": _single(config, groups[0].get("TargetGroupArn"))}
        return action
    rest = {key: value for key, value in action.items() if key != "TargetGroupArn"}
    if isinstance(groups, list) and len(groups) > 1:
        return rest
    if isinstance(groups, list) and any(_group(each) != group for each in groups):
        return {**rest, "ForwardConfig": {"TargetGroups": [*groups, {"TargetGroupArn": group}]}}  # it names two
    return {**rest, "ForwardConfig": _single(config, group)}


def _group(weighted: Resolved) -> Resolved:
    return weighted.get("TargetGroupArn") if isinstance(weighted, dict) else None


def _single(config: Resolved, group: Resolved) -> Resolved:
    kept = config if isinstance(config, dict) else {}
    return {**kept, "TargetGroups": [{"TargetGroupArn": group}]}


def _lifecycle_rule(rule: _Item) -> _Item:
    found = dict(rule)
    for old, new in _ONE_OF.items():
        if old in found:
            one = found.pop(old)
            several = found.get(new)
            found[new] = [*(several if isinstance(several, list) else []), one]
    if "NoncurrentVersionExpirationInDays" in found:
        days = found.pop("NoncurrentVersionExpirationInDays")
        found.setdefault("NoncurrentVersionExpiration", {"NoncurrentDays": days})
    return found


def _byte_match(statement: _Item) -> _Item:
    """A search string may be given in base64 (WAF API Reference, ByteMatchStatement)."""
    encoded = statement.get("SearchStringBase64")
    if not isinstance(encoded, str):
        return statement
    try:
        plain = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return statement
    if statement.get("SearchString", plain) != plain:
        return statement
    rest = {key: value for key, value in statement.items() if key != "SearchStringBase64"}
    return {**rest, "SearchString": plain}


# A condition's field -> where its values may stand as well (ELB API Reference, RuleCondition).
_CONFIGS: Final[Mapping[str, str]] = {"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig"}


def _condition(condition: _Item) -> _Item:
    """The values of a rule's condition stand beside its field, in the field's own configuration, or in both."""
    name = _CONFIGS.get(str(condition.get("Field")))
    config = condition.get(name or "")
    inside = config.get("Values") if isinstance(config, dict) else None
    beside = condition.get("Values")
    if name is None or inside is None or (beside is not None and beside != inside):
        return condition
    rest = {key: value for key, value in condition.items() if key != name}
    others = {key: value for key, value in config.items() if key != "Values"} if isinstance(config, dict) else {}
    return {**rest, **({name: others} if others else {}), "Values": inside}


_SIZE: Final = lazy_re.compile(r"(\d+(?:\.\d+)?|\.\d+) ?(vCPU|GB)", re.IGNORECASE)


def _task_size(task: _Item) -> _Item:
    """``1 vCPU`` is 1024 units, ``2 GB`` are 2048 MiB (ECS API Reference, RegisterTaskDefinition)."""
    found = dict(task)
    for key in ("Cpu", "Memory"):
        value = found.get(key)
        match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match:
            found[key] = str(int(float(match[1]) * 1024))
    return found


# The end of a property's path, or a resource type for its properties as a whole -> what brings it into one form.
_FORMS: Final[Mapping[str, Callable[[_Item], _Item]]] = {
    "Actions.*": _forward,
    "DefaultActions.*": _forward,
    "LifecycleConfiguration.Rules.*": _lifecycle_rule,
    "Conditions.*": _condition,
    "ByteMatchStatement": _byte_match,
    "": _task_size,
}
_LAST: Final = lazy_re.compile(
    r"(?:^|\.)((?:Default)?Actions\.\*|Conditions\.\*|LifecycleConfiguration\.Rules\.\*|ByteMatchStatement)$"
)


def common(pattern: str, item: _Item) -> _Item:
    """An object at ``pattern`` in the form that it shares with its other spellings; the empty path is the resource."""
    if not pattern:
        return _FORMS[""](item)
    match = _LAST.search(pattern)
    return _FORMS[match[1]](item) if match else item
