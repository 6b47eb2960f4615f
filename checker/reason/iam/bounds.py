"""What the conditions of statements bound: the values that a key of the request may have at most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.reason.iam.policies import Condition, Statement
from checker.reason.text.patterns import glob

_BOUNDING: Final = frozenset(
    {"stringequals", "stringlike", "arnequals", "arnlike", "stringequalsignorecase", "stringnotequals"}
    | {"stringnotlike", "arnnotequals", "arnnotlike", "stringnotequalsignorecase"}
)


def bounds_on_key(
    statement: Statement, denying: list[Statement], key: str, *, always_present: bool = False
) -> Iterator[Condition]:
    """The conditions that bound the values of ``key`` for what ``statement`` allows: each by itself is enough.

    A deny of everything but some values bounds it too, where it is the deny's only condition. Conditions that hold for
    an absent key bound nothing, unless the key is always there.
    """
    for condition in statement.conditions:
        if condition.key == key and condition.operator in _BOUNDING and not condition.negated:
            lenient = condition.if_exists or condition.qualifier == "forallvalues"
            if always_present or not lenient:
                yield condition
    for deny in denying:
        if len(deny.conditions) == 1 and deny.certain and _everywhere(deny):
            condition = deny.conditions[0]
            bounding = condition.operator in _BOUNDING and condition.negated and not condition.qualifier
            if condition.key == key and bounding:
                yield condition


def _everywhere(statement: Statement) -> bool:
    """Whether a statement speaks of all resources, as a trust policy's does without saying so."""
    if statement.not_resources is not None:
        return False
    return statement.resources is None or glob("*") in statement.resources
