"""The account of a deploy role, where policies write its number beside ``AWS::AccountId``.

A role can be passed within its own account only (IAM User Guide, "Grant a user permissions to pass a role to an AWS
service"), and a role trusts the OIDC providers of its own account ("Create an OpenID Connect (OIDC) identity provider
in IAM"). So what a template writes in such a place is the account that it is deployed to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.overlap import Pattern
from checker.model.resources import Stack
from checker.model.values import Hole, Pseudo, Text, pieces, text
from checker.reason.iam.evaluation import Policies
from checker.reason.iam.passing import TaskRole
from checker.reason.iam.policies import Statement
from checker.reason.names.arns import account_of
from checker.reason.oidc.trust import Trust
from checker.reason.text.patterns import exact

_PSEUDO: Final = Pseudo("AWS::AccountId")
_COLONS: Final = 5
_LONGEST_HEAD: Final = 64
_OF_IAM: Final = lazy_re.compile(r"arn:aws[\w-]*:iam::(\d{12}):")


def in_own_account(
    policies: Policies, needed: Iterable[TaskRole], trust: Trust, stack: Stack
) -> tuple[Policies, list[TaskRole]]:
    """The policies and the tasks' roles, all with the one spelling of their account that ``stack`` has."""
    roles = list(needed)
    (own,) = account_of(stack)
    number = own if isinstance(own, str) else next(_told(roles, trust), "")
    if not number:
        return policies, roles
    return _respelt(policies, number, own), [
        replace(each, arn=text(_pieces(each.arn, number, own))) if each.arn is not None else each for each in roles
    ]


def _told(needed: Iterable[TaskRole], trust: Trust) -> Iterator[str]:
    """The number, by what tells it best first: nothing where that tells of several."""
    tasks = {_number(each.arn) for each in needed if each.arn is not None}
    providers = {
        _number(who) for each in trust.entrances for kind, who in each.principals or () if kind == "Federated" and who
    }
    for found in (tasks, providers):
        numbers = found - {""}
        if numbers:
            if len(numbers) == 1:
                yield numbers.pop()
            return


def _number(arn: str | Text) -> str:
    first = pieces(arn)[0]
    match = _OF_IAM.match(first) if isinstance(first, str) else None
    return match[1] if match else ""


def _pieces(arn: str | Text, number: str, own: str | Hole) -> list[str | Hole]:
    parts: list[str | Hole] = [own if part == _PSEUDO else part for part in pieces(arn)]
    first = parts[0]
    match = _OF_IAM.match(first) if isinstance(first, str) else None
    if match is None or match[1] != number or not isinstance(first, str):
        return parts
    return [first[: match.start(1)], own, first[match.end(1) :], *parts[1:]]


def _respelt(policies: Policies, number: str, own: str | Hole) -> Policies:
    return replace(
        policies,
        statements=tuple(_statement(each, number, own) for each in policies.statements),
        boundary=_respelt(policies.boundary, number, own) if policies.boundary is not None else None,
    )


def _statement(statement: Statement, number: str, own: str | Hole) -> Statement:
    def spelt(patterns: Iterable[Pattern | None]) -> Iterator[Pattern | None]:
        for each in patterns:
            start, end = _account(each) if each is not None else (0, 0)
            if each is None or each[start:end] not in (exact(number), (_PSEUDO,)):
                # Nothing of another account can be passed.
                if each is None or not _is_number(each[start:end]):
                    yield each
            else:
                yield (*each[:start], *exact(text([own])), *each[end:])

    resources, excluded = (
        None if patterns is None else tuple(spelt(patterns))
        for patterns in (statement.resources, statement.not_resources)
    )
    named = frozenset(each for each in spelt(statement.named) if each is not None)
    return replace(statement, resources=resources, not_resources=excluded, named=named)


def _account(pattern: Pattern) -> tuple[int, int]:
    """From where to where the account stands in the ARN of something of IAM; nowhere in any other."""
    colons = [index for index, symbol in enumerate(pattern[:_LONGEST_HEAD]) if symbol == ":"]
    if len(colons) < _COLONS or pattern[colons[1] + 1 : colons[2]] != ("i", "a", "m"):
        return 0, 0
    return colons[3] + 1, colons[4]


def _is_number(account: Pattern) -> bool:
    return bool(account) and all(isinstance(each, str) and each.isdecimal() for each in account)
