"""Whether a task gets the secrets that it names: what it takes out of them is in them, and its execution role may use
the keys that they are encrypted with; and whether what it logs in with is that login's own.

A secret without a key of its own has AWS's, which everybody of the account may use who may read the secret. Sources:
Amazon ECS Developer Guide, "Amazon ECS task execution IAM role" (``kms:Decrypt`` where the secret has a key of the
customer's); AWS Secrets Manager User Guide, "Secret encryption and decryption in AWS Secrets Manager".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from checker import lazy_re
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


# -- logins ------------------------------------------------------------------------------------------------------------

_DATABASES: Final = frozenset({"AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::DocDB::DBCluster"})
_CACHE: Final = "AWS::ElastiCache::ReplicationGroup"
# What variables are called that tell of one server: where it is, who logs in, and with what.
_TELLS: Final = lazy_re.compile(
    r"(?P<of>\w*?)_?(?:(?P<host>HOST(?:NAME)?|ADDRESS|ENDPOINT|SERVER|UR[IL])|(?P<user>USER(?:NAME)?|LOGIN)"
    r"|(?P<password>PASSWORD|PASS|PWD|AUTH(?:_?TOKEN)?|TOKEN))",
    re.IGNORECASE,
)
_RESOLVED: Final = lazy_re.compile(r":SecretString:(?P<key>[\w-]+)(?::[^}]*)?\}\}")


class Login(Struct, frozen=True):
    """What a container logs in with that the server does not take: ``why``, and where the container says so."""

    why: str
    path: str
    related: tuple[Resource, ...]


def wrong_logins(environment: Environment, task: Resource) -> Iterator[Login]:
    """The containers that surely log in to a server of the project's with another login's password.

    Sources: Amazon ElastiCache User Guide, "Authenticating with the Valkey and Redis OSS AUTH command" (a group with a
    token has no other password); CloudFormation Template Reference, ``AWS::RDS::DBInstance``, ``MasterUsername``.
    """
    containers = task.get("ContainerDefinitions")
    for index, container in enumerate(_listed(containers.value if isinstance(containers, Known) else None)):
        told: dict[str, dict[str, tuple[Resolved, str]]] = {}
        for kind, field in (("Environment", "Value"), ("Secrets", "ValueFrom")):
            for number, entry in enumerate(_listed(container.get(kind))):
                name = entry.get("Name")
                found = _TELLS.fullmatch(name) if isinstance(name, str) else None
                if found is not None:
                    path = f"ContainerDefinitions.{index}.{kind}.{number}"
                    told.setdefault(found["of"].upper(), {})[str(found.lastgroup)] = entry.get(field), path
        for each in told.values():
            server = environment.referred(each["host"][0]) if "host" in each else None
            if server is not None and "password" in each:
                yield from _wrong(environment, server, each)


def _wrong(environment: Environment, server: Resource, told: Mapping[str, tuple[Resolved, str]]) -> Iterator[Login]:
    source, path = told["password"]
    given = _secret(environment, source)
    if given is None:
        return
    if server.type == _CACHE:
        token = server.get("AuthToken")
        own = _secret(environment, token.value) if isinstance(token, Known) else None
        if own is not None and own is not given and isinstance(server.get("UserGroupIds"), Absent):
            why = f"It is told {given.logical_id} for the token of {server.logical_id}, which is {own.logical_id}"
            yield Login(why, path, (given, own, server))
        return
    if server.type not in _DATABASES or "user" not in told:
        return
    user = _login(environment, told["user"][0])
    password, name = server.get("MasterUserPassword"), server.get("MasterUsername")
    own = _secret(environment, password.value) if isinstance(password, Known) else None
    master = _login(environment, name.value) if isinstance(name, Known) else None
    of = _username(given, "username")
    if user is None or (own is given and user == master):
        return
    taken, key = _taken(password), _key_of(source)
    if own is given and master is not None and key == taken:
        why = f"It logs in to {server.logical_id} as {user} with the password of its master user, {master}"
        yield Login(why, path, (given, server))
    elif own is not None and own is not given and user == master:
        why = (
            f"It logs in to {server.logical_id} as {user}, whose password is {own.logical_id}, with {given.logical_id}"
        )
        yield Login(why, path, (given, own, server))
    elif of is not None and of != user and key == "password":
        why = f"It logs in to {server.logical_id} as {user} with {given.logical_id}, which is the password of {of}"
        yield Login(why, path, (given, server))


def _taken(value: Value) -> str:
    """The key that a property takes out of a secret, as CloudFormation resolves it; empty for the whole of it."""
    written = value.value.parts[-1] if isinstance(value, Known) and isinstance(value.value, Text) else ""
    found = _RESOLVED.match(written) if isinstance(written, str) else None
    return found["key"] if found is not None else ""


def _secret(environment: Environment, source: Resolved) -> Resource | None:
    found = environment.referred(source)
    if found is not None and found.type == ATTACHED:
        found = environment.referred(found.get("SecretId"))
    return found if found is not None and found.type == STORED else None


def _login(environment: Environment, value: Resolved) -> str | None:
    """The user's name that a value is: written out, or out of a secret's template."""
    if isinstance(value, str) and "{{" not in value and not value.startswith("arn:"):
        return value
    secret = _secret(environment, value)
    written = value.parts[-1] if isinstance(value, Text) else ""
    found = _RESOLVED.match(written) if isinstance(written, str) else None
    key = found["key"] if found is not None else _key_of(value)
    return _username(secret, key) if secret is not None and key else None


def _username(secret: Resource, key: str) -> str | None:
    made = secret.get("GenerateSecretString.SecretStringTemplate")
    found = as_object(made.value).get(key) if isinstance(made, Known) and isinstance(made.value, str) else None
    return found if isinstance(found, str) else None


def _listed(value: Resolved) -> Iterator[dict[str, Resolved]]:
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()
