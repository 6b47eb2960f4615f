"""Types of the stacks that have no describer: read through AWS Cloud Control.

It answers with CloudFormation's names, and reads with the caller's own permissions: each type's read handler needs the
actions that its schema names. Of groups of parameters the service itself is asked which of them somebody has set.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
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
        (
            kind,
            ident,
            account.ask("cloudcontrol", "GetResource", TypeName=kind, Identifier=ident),
            _set_by_somebody(account, kind, ident),
        )
        for kind, ident in account.scope.members()
        if account.needs.others and is_read(kind)
    ]
    for kind, ident, answer, parameters in asked:
        draft = Draft(kind, (ident,))
        if answer.failure is not None:
            draft.unread[""] = str(answer.failure)
            yield draft
        elif not answer.outcome.absent:
            yield _with_parameters(_read(draft, answer.value), parameters)
        elif not _identifies(kind, ident):
            draft.unread[""] = f"{answer.operation}: AWS Cloud Control does not know it by what CloudFormation calls it"
            yield draft


# Groups of parameters -> the property that those are which somebody has set.
_GROUPS: Final = {
    "AWS::RDS::DBParameterGroup": "Parameters",
    "AWS::RDS::DBClusterParameterGroup": "Parameters",
    "AWS::ElastiCache::ParameterGroup": "Properties",
}


def _set_by_somebody(account: Account, kind: str, ident: str) -> Answer | None:
    """The parameters of a group that are not the engine's own.

    Sources: Amazon RDS API Reference, DescribeDBParameters and DescribeDBClusterParameters; Amazon ElastiCache API
    Reference, DescribeCacheParameters (``Source``: user, system or engine-default).
    """
    if kind == "AWS::RDS::DBParameterGroup":
        return account.ask("rds", "DescribeDBParameters", DBParameterGroupName=ident, Source="user")
    if kind == "AWS::RDS::DBClusterParameterGroup":
        return account.ask("rds", "DescribeDBClusterParameters", DBClusterParameterGroupName=ident, Source="user")
    if kind == "AWS::ElastiCache::ParameterGroup":
        return account.ask("elasticache", "DescribeCacheParameters", CacheParameterGroupName=ident, Source="user")
    return None


def _with_parameters(draft: Draft, answer: Answer | None) -> Draft:
    """A group with the parameters that a template or a person has set, and no others: what AWS Cloud Control shows does
    not tell them from the engine's own."""
    if answer is None:
        return draft
    path = _GROUPS[draft.type]
    if answer.failure is not None:
        draft.properties.pop(path, None)
        draft.unread[path] = str(answer.failure)
    elif not answer.outcome.absent:
        draft.properties[path] = {
            str(each["ParameterName"]): str(each["ParameterValue"])
            for each in answer.items
            if "ParameterName" in each and "ParameterValue" in each
        }
    return draft


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
