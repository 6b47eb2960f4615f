"""The IAM policy that reading an account needs, no more: from the same table as the calls."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from checker.collect.account.needs import AUDIT, DRIFT, PREFLIGHT, Needs, operations
from checker.collect.account.services.others import is_read
from checker.data.read_actions import read_actions

# Anybody may ask who he is (AWS STS API Reference, GetCallerIdentity).
_FREE = frozenset({"sts:GetCallerIdentity"})
MANAGED_POLICY: Final = 6_144
"""The longest managed policy, in characters without white space (IAM User Guide, "IAM and AWS STS quotas")."""


def actions(*needs: Needs, types: Collection[str] = ()) -> tuple[str, ...]:
    """The IAM actions of the calls that can be made for what is asked (by any command where nothing is), sorted.

    ``types``: of the stacks. For those without a describer AWS Cloud Control makes calls with the same permissions.
    """
    wanted = needs or (AUDIT, PREFLIGHT, DRIFT)
    found = {operation.action for each in wanted for operation in operations(each)} - _FREE
    if any(each.others for each in wanted):
        found.update(action for kind in types if is_read(kind) for action in read_actions(kind))
    return tuple(sorted(found))


def policy(*needs: Needs, types: Collection[str] = ()) -> dict[str, Any]:
    """The policy document: a statement per service. Lists name no resource, so all of them are for all resources."""
    by_service: dict[str, list[str]] = {}
    for action in actions(*needs, types=types):
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
