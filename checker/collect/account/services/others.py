"""Types of the stacks that have no describer: read through AWS Cloud Control.

It answers with CloudFormation's names, and reads with the caller's own permissions: each type's read handler needs the
actions that its schema names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from checker.collect.account.asking.account import Account
from checker.collect.account.operations import types_served
from checker.collect.account.shapes import Draft
from checker.data.type_facts import facts_of
from checker.model.live.snapshot import MISREAD

# Nothing of an account stands behind these, or AWS Cloud Control does not read them.
_NOT_READ: Final = ("AWS::CloudFormation::", "AWS::CDK::", "Custom::", "AWS::SecretsManager::SecretTargetAttachment")


def is_read(kind: str) -> bool:
    """Whether resources of a type are read in this way."""
    return kind not in types_served() and not kind.startswith(_NOT_READ)


def describe(account: Account) -> Iterator[Draft | None]:
    asked = [
        (kind, ident, account.ask("cloudcontrol", "GetResource", TypeName=kind, Identifier=ident))
        for kind, ident in account.scope.members()
        if account.needs.others and is_read(kind)
    ]
    for kind, ident, answer in asked:
        draft = Draft(kind, (ident,))
        if answer.failure is not None:
            draft.unread[""] = str(answer.failure)
            yield draft
        elif not answer.outcome.absent:
            yield _read(draft, answer.value)
        elif not _identifies(kind, ident):
            draft.unread[""] = f"{answer.operation}: AWS Cloud Control does not know it by what CloudFormation calls it"
            yield draft


def _identifies(kind: str, ident: str) -> bool:
    """Whether a stack's physical id can be the type's identifier: of something else nothing is there, and that says
    nothing. An identifier of several parts joins them with ``|`` (Cloud Control API User Guide, "Identifying
    resources"); many an ARN's physical id is a name."""
    parts = facts_of(kind).identifier
    if not parts:
        return True
    return ident.count("|") + 1 == len(parts) and (
        ident.startswith("arn:") or not any(each.endswith("Arn") for each in parts)
    )


def _read(draft: Draft, value: object) -> Draft:
    description = value.get("ResourceDescription") if isinstance(value, dict) else None
    try:
        properties = json.loads((description or {}).get("Properties", ""))
    except (AttributeError, TypeError, ValueError):
        properties = None
    if isinstance(properties, dict):
        draft.properties.update(properties)
    else:
        draft.unread[""] = MISREAD
    return draft
