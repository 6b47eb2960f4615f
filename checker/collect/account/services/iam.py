"""AWS IAM and AWS KMS: roles, policies, OIDC providers, keys.

A role's own property holds all its inline policies, whichever resource of a template wrote them. Those that are a
resource of their own in a template (``AWS::IAM::Policy``) are the same policies a second time, and are told where
somebody asks for that type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.shapes import Draft, NamelessError, at, maybe, own_tags, policy, said, shape
from checker.model.live.snapshot import NOT_ASKED

ROLE: Final = shape(
    "AWS::IAM::Role", "RoleName Arn", said("RoleName"), said("Path"),
    said("AssumeRolePolicyDocument", read=policy),
    said("ManagedPolicyArns", "AttachedManagedPolicies", lambda found: sorted(each["PolicyArn"] for each in found)),
    said("Policies", "RolePolicyList", lambda found: [
        {"PolicyName": each["PolicyName"], "PolicyDocument": policy(each["PolicyDocument"])} for each in found]),
    maybe("PermissionsBoundary", "PermissionsBoundary.PermissionsBoundaryArn"), maybe("Tags", read=own_tags),
)  # fmt: skip


def _default_version(versions: Any) -> Any:
    return policy(next(each for each in versions if each["IsDefaultVersion"])["Document"])


MANAGED_POLICY: Final = shape(
    "AWS::IAM::ManagedPolicy", "Arn PolicyName", said("ManagedPolicyName", "PolicyName"), said("Path"),
    said("PolicyDocument", "PolicyVersionList", _default_version), maybe("Description"),
)  # fmt: skip
PROVIDER: Final = (
    # A template writes the scheme; the answer leaves it out.
    said("Url", read=lambda url: url if "://" in url else f"https://{url}"),
    said("ClientIdList", "ClientIDList", list), maybe("ThumbprintList", read=list), maybe("Tags", read=own_tags),
)  # fmt: skip
_KEY: Final = (
    said("Enabled", "KeyMetadata.Enabled"), maybe("KeySpec", "KeyMetadata.KeySpec"),
    maybe("KeyUsage", "KeyMetadata.KeyUsage"), maybe("MultiRegion", "KeyMetadata.MultiRegion"),
    maybe("Origin", "KeyMetadata.Origin"),
    maybe("Description", "KeyMetadata.Description", lambda value: value or None),
)  # fmt: skip


def describe(account: Account) -> Iterator[Draft | None]:
    details = account.ask("iam", "GetAccountAuthorizationDetails", Filter=["Role", "LocalManagedPolicy"])
    listed = account.ask("iam", "ListRoles")
    yield from _providers(account)
    yield from _keys(account)
    yield from _roles(details.items, listed)
    for each in details.items_of("Policies"):
        draft = MANAGED_POLICY.draft(each)
        if draft is not None:
            attached = sorted(
                str(role.get("RoleName"))
                for role in details.items
                if any(one.get("PolicyArn") == draft.id for one in role.get("AttachedManagedPolicies") or ())
            )
            draft.set("Roles", attached or None)
            if "Description" not in draft.properties:
                # GetPolicy alone tells it for sure, at a call for each; it cannot be changed once it is set.
                draft.unread["Description"] = NOT_ASKED
            yield draft
    if account.needs.wants("AWS::IAM::Policy"):
        yield from _inline(details.items)


def _roles(roles: list[Any], listed: Any) -> Iterator[Draft | None]:
    """The roles. How long a session may last and what a role is for stand in another answer than its policies."""
    by_name = {each.get("RoleName"): each for each in listed.items}
    read = (said("MaxSessionDuration"), maybe("Description", read=lambda value: value or None))
    for role in roles:
        draft = ROLE.draft(role)
        if draft is None:
            continue
        if not listed.complete:
            draft.add(listed, *read)
        draft.read(by_name[draft.id], read) if draft.id in by_name else draft.unread.update(
            {each.to: draft.unread.get(each.to, "the role is in one list and not in the other") for each in read}
        )
        yield draft


def _inline(roles: list[Any]) -> Iterator[Draft]:
    """Inline policies as resources: one for each name and document, with the roles that hold it."""
    found: dict[tuple[str, str], Draft] = {}
    for role in roles:
        for each in role.get("RolePolicyList") or ():
            name, document = str(each.get("PolicyName")), each.get("PolicyDocument")
            key = (name, json.dumps(document, sort_keys=True, default=str))
            if key not in found:
                properties: dict[str, Any] = {"PolicyName": name, "Roles": []}
                found[key] = Draft("AWS::IAM::Policy", (name,), properties=properties)
                found[key].read(each, (said("PolicyDocument", read=policy),))
            found[key].properties["Roles"].append(role.get("RoleName"))
    yield from found.values()


def _providers(account: Account) -> Iterator[Draft]:
    arns = list(account.scope.ids("AWS::IAM::OIDCProvider"))
    if account.needs.unmanaged or not account.scope.known or not arns:
        listed = account.ask("iam", "ListOpenIDConnectProviders")
        arns = [*dict.fromkeys([*arns, *(str(each["Arn"]) for each in listed.items if each.get("Arn"))])]
    asked = [(arn, account.ask("iam", "GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)) for arn in arns]
    for arn, answer in asked:
        if answer.complete and not answer.outcome.absent:
            yield Draft("AWS::IAM::OIDCProvider", (arn,)).read(answer.value, PROVIDER)


def _keys(account: Account) -> Iterator[Draft | None]:
    """The keys of the stacks: others belong to services, or to what nobody asked about."""
    aliases = account.ask("kms", "ListAliases")
    asked = [
        (
            account.ask("kms", "DescribeKey", KeyId=each),
            account.ask("kms", "GetKeyPolicy", KeyId=each, PolicyName="default"),
            account.ask("kms", "GetKeyRotationStatus", KeyId=each),
        )
        for each in account.scope.ids("AWS::KMS::Key")
    ]
    for described, permissions, rotation in asked:
        ident, arn = at(described.value, "KeyMetadata.KeyId"), at(described.value, "KeyMetadata.Arn")
        if not ident:
            continue
        draft = Draft("AWS::KMS::Key", (str(ident), str(arn))).read(described.value, _KEY)
        if at(described.value, "KeyMetadata.KeyState") == "PendingDeletion":
            continue
        draft.add(permissions, said("KeyPolicy", "Policy", policy))
        yield draft.add(rotation, said("EnableKeyRotation", "KeyRotationEnabled"), maybe("RotationPeriodInDays"))
    for alias in aliases.items:
        yield _alias(alias)


def _alias(alias: Mapping[str, Any]) -> Draft | None:
    name = str(alias.get("AliasName", ""))
    if not name:
        raise NamelessError
    if name.startswith("alias/aws/"):
        return None
    read = (said("AliasName"), maybe("TargetKeyId"))
    return Draft("AWS::KMS::Alias", (name, str(alias.get("AliasArn", name)))).read(alias, read)
