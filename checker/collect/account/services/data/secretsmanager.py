"""AWS Secrets Manager: that a secret is there and how it is kept, never what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.collect.account.asking.account import Account
from checker.collect.account.shapes import Draft, maybe, own_tags, policy, said, shape

SECRET: Final = shape(
    "AWS::SecretsManager::Secret",
    "ARN Name",
    said("Name"),
    maybe("Description", read=lambda value: value or None),
    maybe("KmsKeyId"),
    maybe("Tags", read=own_tags),
)


def describe(account: Account) -> Iterator[Draft | None]:
    """The secrets that are not scheduled for deletion."""
    listed = account.ask("secretsmanager", "ListSecrets")
    secrets = [SECRET.draft(each) for each in listed.items if not each.get("DeletedDate")]
    asked = [
        (each, account.ask("secretsmanager", "GetResourcePolicy", of=each, SecretId=each.id))
        for each in secrets
        if each is not None
    ]
    for secret, permissions in asked:
        yield secret
        if permissions.value.get("ResourcePolicy"):
            draft = Draft("AWS::SecretsManager::ResourcePolicy", (secret.id,), properties={"SecretId": secret.id})
            yield draft.add(permissions, said("ResourcePolicy", read=policy))
