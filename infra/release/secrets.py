"""The secrets that a person sets. Values come from standard input and go to Secrets Manager, and nowhere else."""

from __future__ import annotations

import re
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra import naming
from infra.release.errors import FailedError, RefusedError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient


@dataclass(frozen=True, slots=True)
class Shape:
    form: re.Pattern[str]
    said: str
    """What is expected, without the value."""
    generate: Callable[[], str] | None = None
    irreplaceable: bool = False
    """What was encrypted with it could not be read any more."""


BY_PERSON: Final[Mapping[str, Shape]] = {
    "api-key-encryption": Shape(
        re.compile(r"[0-9a-f]{64}"), "64 hexadecimal digits", lambda: randomness.token_hex(32), irreplaceable=True
    ),
    "github-client-id": Shape(re.compile(r"[A-Za-z0-9._-]{8,64}"), "8 to 64 letters, digits, dots, dashes"),
    "github-client-secret": Shape(re.compile(r"[A-Za-z0-9_-]{20,128}"), "20 to 128 letters, digits, underscores"),
    "invite-keys": Shape(
        re.compile(r"[A-Za-z0-9_-]{8,}(,[A-Za-z0-9_-]{8,})*"),
        "keys of at least 8 letters, digits, dashes, between commas",
        lambda: ",".join(randomness.token_urlsafe(18) for _ in range(5)),
    ),
}


def was_set(client: SecretsManagerClient, environment: str, name: str) -> bool:
    """Whether a secret holds anything but what the stack generated.

    A secret of a new stack has one version. Setting it makes a second and keeps the first as AWSPREVIOUS (AWS Secrets
    Manager User Guide, secret versions). No value is read.
    """
    found = client.describe_secret(SecretId=naming.secret(environment, name))
    return any("AWSPREVIOUS" in stages for stages in found.get("VersionIdsToStages", {}).values())


def check(client: SecretsManagerClient, environment: str, say: Callable[[str], None]) -> None:
    unset = []
    for name in BY_PERSON:
        done = was_set(client, environment, name)
        say(f"{naming.secret(environment, name)}: {'set' if done else 'NOT SET: random text of the stack'}")
        if not done:
            unset.append(name)
    if unset:
        raise FailedError(f"not set yet: {', '.join(unset)}", fix="Set each with `secrets set`.")


def put(
    client: SecretsManagerClient,
    environment: str,
    name: str,
    value: str | None,
    *,
    replace: bool,
    say: Callable[[str], None],
) -> None:
    """Set a secret to a value, or to a generated one if that is None. The value's form is checked, never shown."""
    shape = BY_PERSON[name]
    if value is None:
        if shape.generate is None:
            raise UsageError(f"{name} cannot be generated: it comes from elsewhere", fix="Give it on standard input.")
        value = shape.generate()
    if not shape.form.fullmatch(value):
        raise UsageError(f"the value for {name} has the wrong form ({len(value)} long)", fix=f"Give {shape.said}.")
    if shape.irreplaceable and not replace and was_set(client, environment, name):
        raise RefusedError(
            f"{name} is set already, and what was encrypted with it would be lost",
            fix="Pass --replace if nothing has been encrypted with it yet.",
        )
    client.put_secret_value(SecretId=naming.secret(environment, name), SecretString=value)
    say(f"{naming.secret(environment, name)}: set. Running tasks get it when they are replaced.")
