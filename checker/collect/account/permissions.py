"""The IAM policy that reading an account needs, no more: from the same table as the calls."""

from __future__ import annotations

from typing import Any

from checker.collect.account.needs import AUDIT, DRIFT, PREFLIGHT, Needs, operations

# Anybody may ask who he is (AWS STS API Reference, GetCallerIdentity).
_FREE = frozenset({"sts:GetCallerIdentity"})


def actions(*needs: Needs) -> tuple[str, ...]:
    """The IAM actions of the calls that can be made for what is asked (by any command where nothing is), sorted."""
    wanted = needs or (AUDIT, PREFLIGHT, DRIFT)
    return tuple(sorted({operation.action for each in wanted for operation in operations(each)} - _FREE))


def policy(*needs: Needs) -> dict[str, Any]:
    """The policy document: a statement per service. Lists name no resource, so all of them are for all resources."""
    by_service: dict[str, list[str]] = {}
    for action in actions(*needs):
        by_service.setdefault(action.partition(":")[0], []).append(action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": f"Read{_word(service)}", "Effect": "Allow", "Action": named, "Resource": "*"}
            for service, named in by_service.items()
        ],
    }


def _word(service: str) -> str:
    return "".join(part.capitalize() for part in service.split("-"))
