"""Policy documents compared by what they allow and deny, not by how they are written.

IAM and the services that keep resource policies store a document as they like: statements in any order, a single value
for a list of one, a root ARN for an account id. Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, every, yes_if
from checker.model.resources import Raw
from checker.model.values import Text, Unknown, as_list, worth

_ROOT: Final = lazy_re.compile(r"arn:[\w-]+:iam::(\d{12}):root")
_ACCOUNT: Final = lazy_re.compile(r"(?<!\d)\d{12}(?!\d)")
_ACTIONS: Final = ("Action", "NotAction")
_PRINCIPALS: Final = ("Principal", "NotPrincipal")
_RESOURCES: Final = ("Resource", "NotResource")
# How parts compare where that of the expected document is not known: it may be any that is left.
MAYBE: Final = Open("a part of the expected policy is not known")


def is_policy(value: Raw) -> bool:
    """Whether an object is an IAM policy; other languages have statements too (WAF, data protection), but no effect."""
    if not isinstance(value, dict):
        return False
    statements = as_list(value.get("Statement"))
    return bool(statements) and all(isinstance(each, dict) and "Effect" in each for each in statements)


def as_policy(value: Raw) -> Raw:
    """A policy given as JSON text as the object that it is; anything else unchanged."""
    if isinstance(value, str) and value.lstrip().startswith("{") and "Statement" in value:
        try:
            parsed = json.loads(value)
        except ValueError:
            return value
        return parsed if is_policy(parsed) else value
    return value


class PolicyDifference(Struct, frozen=True):
    """The statements of each document that the other lacks. ``unsure``: some match only if an unknown part does."""

    expected: list[Raw]
    live: list[Raw]
    head: bool  # version or id differ
    unsure: bool

    def __bool__(self) -> bool:
        return bool(self.expected or self.live or self.head)


def compare_policies(expected: Mapping[str, Raw], live: Mapping[str, Raw]) -> PolicyDifference:
    head = any(
        key in expected and key in live and not _open(expected[key]) and str(expected[key]) != str(live[key])
        for key in ("Version", "Id")
    )
    theirs = as_list(live["Statement"]).copy()
    ours = as_list(expected["Statement"]).copy()
    unsure = False
    for wanted in (YES, MAYBE):
        left: list[Raw] = []
        for statement in ours:
            found = next((each for each in theirs if _same_statement(statement, each) == wanted), None)
            if found is None:
                left.append(statement)
            else:
                theirs.remove(found)
                unsure = unsure or wanted is MAYBE
        ours = left
    return PolicyDifference(ours, theirs, head, unsure)


def is_default_policy(default: Raw, live: Raw, account: str) -> bool:
    """Whether a policy says what a service's default says; ``${AWS::AccountId}`` in it is the account's own."""
    default = json.loads(json.dumps(default).replace("${AWS::AccountId}", account))
    if not (is_policy(default) and is_policy(live) and isinstance(default, dict) and isinstance(live, dict)):
        return False
    found = compare_policies(default, live)
    return not found.expected and not found.live


def opened(policy: Raw, account: str) -> bool:
    """Whether a policy lets everybody, or somebody of another account, do something without a condition."""
    statements = as_list(policy.get("Statement")) if isinstance(policy, dict) else []
    for each in statements:
        if not isinstance(each, dict) or each.get("Effect") != "Allow" or each.get("Condition"):
            continue
        principal = each.get("Principal")
        named = principal.get("AWS") if isinstance(principal, dict) else principal
        if "NotPrincipal" in each or any(_is_outside(str(name), account) for name in as_list(named)):
            return True
    return False


def _is_outside(principal: str, account: str) -> bool:
    match = _ACCOUNT.search(principal)
    return principal == "*" or bool(account and match and match[0] != account)


def _same_statement(expected: Raw, live: Raw) -> Answer:
    if _open(expected):
        return MAYBE
    if not (isinstance(expected, dict) and isinstance(live, dict)):
        return NO
    if "Sid" in expected and worth(expected["Sid"]) != worth(live.get("Sid", "")):
        return NO
    if worth(expected.get("Effect")) != worth(live.get("Effect")):
        return NO
    answers = [_same_values(expected.get(key), live.get(key), lower=True) for key in _ACTIONS]
    answers += [_same_values(expected.get(key), live.get(key)) for key in _RESOURCES]
    answers += [_same_principal(expected.get(key), live.get(key)) for key in _PRINCIPALS]
    answers.append(_same_condition(expected.get("Condition"), live.get("Condition")))
    return every(answers)


def _same_values(expected: Raw, live: Raw, *, lower: bool = False) -> Answer:
    """Two sets of values; a value that is not known may be any that is left."""
    ours, theirs = as_list(expected), as_list(live)
    known = {_form(each, lower) for each in ours if not _open(each)}
    unknown = [each for each in ours if _open(each)]
    there = {_form(each, lower) for each in theirs}
    if not unknown:
        return yes_if(known == there)
    return MAYBE if known < there else NO


def _form(value: Raw, lower: bool) -> str:
    text = worth(value)
    account = _ROOT.fullmatch(text)
    text = account[1] if account else text
    return text.lower() if lower else text


def _same_principal(expected: Raw, live: Raw) -> Answer:
    """``"*"`` is ``{"AWS": "*"}``; an account's id is its root ARN."""
    if _open(expected):
        return MAYBE
    ours, theirs = ({"AWS": each} if isinstance(each, str) else each or {} for each in (expected, live))
    if not isinstance(ours, dict) or not isinstance(theirs, dict) or ours.keys() != theirs.keys():
        return NO
    return every(_same_values(ours[kind], theirs[kind]) for kind in ours)


def _same_condition(expected: Raw, live: Raw) -> Answer:
    if _open(expected):
        return MAYBE
    ours, theirs = _flat(expected), _flat(live)
    if ours.keys() != theirs.keys():
        return NO
    return every(_same_values(ours[key], theirs[key]) for key in ours)


def _flat(condition: Raw) -> dict[tuple[str, str], Raw]:
    """Operator and key, neither of which has a case, to values."""
    found: dict[tuple[str, str], Raw] = {}
    for operator, tests in condition.items() if isinstance(condition, dict) else ():
        for key, values in tests.items() if isinstance(tests, dict) else ():
            found[operator.lower(), str(key).lower()] = values
    return found


def _open(value: Raw) -> bool:
    return isinstance(value, Text | Unknown)
