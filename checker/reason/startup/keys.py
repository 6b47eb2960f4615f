"""Whether a task gets the secrets that it names: what it takes out of them is in them, and its execution role may use
the keys that they are encrypted with.

A secret without a key of its own has AWS's, which everybody of the account may use who may read the secret. Sources:
Amazon ECS Developer Guide, "Amazon ECS task execution IAM role" (``kms:Decrypt`` where the secret has a key of the
customer's); AWS Secrets Manager User Guide, "Secret encryption and decryption in AWS Secrets Manager".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Attribute, Known, Resolved, Text, Unknown, Value, first_unknown
from checker.reason.iam.evaluation import Access, Decision, Request, decide, policies_of
from checker.reason.iam.keys import own_key, role_decrypts
from checker.reason.text.patterns import exact

STORED: Final = "AWS::SecretsManager::Secret"
ATTACHED: Final = "AWS::SecretsManager::SecretTargetAttachment"
_SECRETS_MANAGER: Final = "secretsmanager"
# What an attachment adds to a secret (CloudFormation Template Reference, SecretTargetAttachment; AWS Secrets Manager
# User Guide, "JSON structure of AWS Secrets Manager database credential secrets").
_OF_ATTACHED: Final = frozenset(
    {"engine", "host", "port", "dbname", "username", "password", "dbInstanceIdentifier", "dbClusterIdentifier"}
    | {"masterarn", "ssl"}
)


class Missing(Struct, frozen=True):
    """A key that a task takes out of a secret which does not have it. ``path`` is where the task names it."""

    secret: Resource
    key: str
    has: tuple[str, ...]
    path: str


def missing_keys(environment: Environment, task: Resource) -> Iterator[Missing]:
    """The keys that a task takes out of secrets, and that these surely do not have."""
    for source, path in named_secrets(task):
        wanted = _key_of(source)
        has = _keys_in(environment, source) if wanted else None
        if has is not None and wanted not in has:
            secret = environment.referred(source)
            if secret is not None:
                yield Missing(secret, wanted, tuple(sorted(has)), path)


def _key_of(source: Resolved) -> str:
    """The key in ``ARN:key:stage:version``, where the ARN is a secret's of a template; empty for the whole secret."""
    parts = source.parts if isinstance(source, Text) else ()
    if len(parts) != 2 or not isinstance(parts[0], Attribute) or not isinstance(parts[1], str):
        return ""
    return parts[1].split(":")[1] if parts[1].startswith(":") else ""


def _keys_in(environment: Environment, source: Resolved) -> frozenset[str] | None:
    """The keys of a secret's JSON, none for plain text; ``None`` where they are not known."""
    hole = source.parts[0] if isinstance(source, Text) else None
    found = environment.project.resource(hole.target) if isinstance(hole, Attribute) else None
    if found is not None and found.type == ATTACHED:
        found = environment.referred(found.get("SecretId"))
    if found is None or not isinstance(hole, Attribute):
        return None
    if found.type != STORED:
        # What Amazon RDS keeps of the master user: Amazon RDS User Guide, "Password management with Amazon RDS".
        return frozenset({"username", "password"}) if hole.name == "MasterUserSecret.SecretArn" else None
    if any(environment.resources("AWS::SecretsManager::RotationSchedule")):
        return None  # what rotates it may write it anew
    made, written = found.get("GenerateSecretString"), found.get("SecretString")
    has: object = None
    if isinstance(made, Known) and isinstance(made.value, dict) and not first_unknown(made.value):
        template, key = made.value.get("SecretStringTemplate"), made.value.get("GenerateStringKey")
        has = {**as_object(template), str(key): ""} if isinstance(template, str) and isinstance(key, str) else {}
        if isinstance(template, Text) or (template is None) is not (key is None):
            return None
    elif isinstance(written, Known) and isinstance(written.value, str) and "{{resolve:" not in written.value:
        has = as_object(written.value)
    if not isinstance(has, dict):
        return None
    attached = any(environment.children(found, ATTACHED)) or any(environment.strays(found, ATTACHED))
    return frozenset({*map(str, has), *(_OF_ATTACHED if attached else ())})


def as_object(text: str) -> dict[str, object]:
    """A JSON object; an empty one for any other text."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


class Locked(Struct, frozen=True):
    """A secret whose key the role may not use, or perhaps not. ``path`` is where the task names it."""

    secret: Resource
    decision: Decision
    path: str


def locked(environment: Environment, task: Resource, role: Resource) -> Iterator[Locked]:
    """The secrets of a task that its execution role may read and not, or perhaps not, decrypt."""
    for source, path in named_secrets(task):
        secret = environment.referred(source)
        if secret is not None and secret.type == ATTACHED:
            secret = environment.referred(secret.get("SecretId"))
        if secret is None:
            continue
        value = secret.get("KmsKeyId" if secret.type == STORED else "MasterUserSecret.KmsKeyId")
        if not _is_own(value):
            continue
        key = own_key(environment, value)
        if key is not None:
            decision = role_decrypts(key, role, _SECRETS_MANAGER, environment.project)
        else:
            decision = _by_others(value, role, environment)
        if not decision.allowed:
            yield Locked(secret, decision, path)


def _is_own(value: Value) -> bool:
    """Whether a secret has a key that is not AWS's own."""
    written = value.value if isinstance(value, Known) else ""
    return not isinstance(value, Absent) and not str(written).rpartition("alias/")[2].startswith("aws/")


def _by_others(value: Value, role: Resource, environment: Environment) -> Decision:
    """With a key that is not the project's: who may use it by IAM is taken to be let in by its policy too."""
    named = value.value if isinstance(value, Known) and isinstance(value.value, str | Text) else None
    if named is None:
        return Decision(Access.UNKNOWN, value.why if isinstance(value, Unknown) else "its key is not known")
    whole = isinstance(named, Text) or named.startswith("arn:")
    decision = decide(policies_of(role, environment.project), Request("kms:Decrypt", exact(named if whole else "*")))
    if decision.denied and not decision.statements:
        return Decision(Access.UNKNOWN, f"{decision.why}, and the key's own policy is not part of this project")
    return Decision(Access.ALLOWED) if decision.answer is Access.UNKNOWN else decision


def named_secrets(task: Resource) -> Iterator[tuple[Resolved, str]]:
    """What a task's containers name as secrets, and where."""
    containers = task.get("ContainerDefinitions")
    for index, container in enumerate(_listed(containers.value if isinstance(containers, Known) else None)):
        here = f"ContainerDefinitions.{index}"
        logging = container.get("LogConfiguration")
        options = logging.get("SecretOptions") if isinstance(logging, dict) else None
        for place, entries in (("Secrets", container.get("Secrets")), ("LogConfiguration.SecretOptions", options)):
            for number, entry in enumerate(_listed(entries)):
                yield entry.get("ValueFrom"), f"{here}.{place}.{number}"
        registry = container.get("RepositoryCredentials")
        if isinstance(registry, dict):
            yield registry.get("CredentialsParameter"), f"{here}.RepositoryCredentials"


def _listed(value: Resolved) -> Iterator[dict[str, Resolved]]:
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()
