"""Condition blocks of IAM policies, evaluated against what is known of a request.

Source: AWS IAM User Guide, "IAM JSON policy elements: Condition operators" and "Conditions with multiple context keys
or values": values of one key are alternatives, keys and operators must all hold; a key that is absent fails a positive
operator and satisfies a negated one; ``IfExists`` and ``ForAllValues`` hold for an absent key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.values import Text
from checker.reason.iam.policies import Condition
from checker.reason.text.patterns import UNREAD, exact, folded, match_any

_STRINGS: Final = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "bool"}
    | {"stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike"}
)


class Context(Struct, frozen=True):
    """What is known of a request's context. Keys in lower case.

    ``values``: key -> its values. ``absent``: keys that the request does not have. Of any other key nothing is known.
    """

    values: Mapping[str, tuple[str | Text, ...]] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()


NOTHING_KNOWN: Final = Context()


def holds(conditions: tuple[Condition, ...], context: Context) -> Answer:
    """Whether all of ``conditions`` hold."""
    return every(_holds(condition, context) for condition in conditions)


def _holds(condition: Condition, context: Context) -> Answer:
    present: Answer = YES if condition.key in context.values else Open(f"what the call has as {condition.key}")
    if condition.key in context.absent:
        present = NO
    if condition.operator == "null":
        return _null(condition, present)
    if isinstance(present, Open):
        return present
    if condition.operator not in _STRINGS or condition.qualifier not in _QUALIFIERS:
        return Open(f"what {condition.operator} makes of {condition.key}")
    if present is NO:
        if condition.if_exists:
            return YES
        return yes_if(_QUALIFIERS[condition.qualifier] if condition.qualifier else condition.negated)
    values = context.values[condition.key]
    single = (_one(condition, value) for value in values)
    return either(single) if condition.qualifier == "foranyvalue" else every(single)


# Whether the qualifier holds when the key is absent; without one that depends on the operator.
_QUALIFIERS: Final[Mapping[str, bool]] = {"": False, "forallvalues": True, "foranyvalue": False}


def _null(condition: Condition, present: Answer) -> Answer:
    def answers() -> Iterator[Answer]:
        for pattern in condition.patterns:
            if pattern is None:
                yield UNREAD
            else:
                yield negated(present) if pattern == exact("true") else present

    return either(answers())


def _one(condition: Condition, value: str | Text) -> Answer:
    """One value of the request against the alternatives of the policy."""
    target = exact(value)
    if condition.operator.endswith("ignorecase") or condition.operator == "bool":
        target = folded(target)
    found = match_any(condition.patterns, target)
    return negated(found) if condition.negated else found
