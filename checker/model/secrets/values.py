"""Whether a setting holds a secret as plain text. Says what gives it away, and never the value.

A name that speaks of a secret is a hint, a value that looks like one is another; what only names a secret (an ARN, a
path in a secret store, a file) is none. Which formats are secrets: :mod:`checker.model.secrets.formats`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from checker import lazy_re
from checker.model.environment_words import kind_of, words
from checker.model.environments import EnvironmentKind
from checker.model.secrets.commands import spans_of_arguments
from checker.model.secrets.formats import format_of_secret

_RESOLVED_AT_DEPLOYMENT: Final = lazy_re.compile(r"\{\{resolve:(?:secretsmanager|ssm-secure):")
_REFERENCE_TO_RESOLVE: Final = lazy_re.compile(r"\{\{resolve:[^{}]+\}\}")

# What stands in a template that was read from an account where a value may be a secret.
NOT_KEPT: Final = "(not kept: may be a secret)"

_PASSWORDS: Final = frozenset({"password", "passwd", "passphrase", "passcode", "pswd", "pwd", "pass", "pw"})
_SECRETS: Final = frozenset({
    "secret", "secrets", "passwords", "credential", "credentials", "creds", "token", "tokens", "apikey", "apikeys",
})  # fmt: skip
# Words that may stand for a secret or for a way (``REDIS_AUTH``, ``GITHUB_PAT``): the value decides.
_PERHAPS: Final = frozenset({"auth", "hmac", "pat", "pepper", "salt", "signing"})
# What asks for its password by the word AUTH alone (Redis documentation, "AUTH"), and what else a setting of that name
# may say: whether, or in which way.
_ASKS_FOR_AUTH: Final = frozenset({"redis", "rediscli", "valkey", "keydb"})
_WAYS: Final = frozenset({
    "acl", "basic", "default", "disable", "disabled", "enable", "enabled", "iam", "mtls", "noauth", "optional",
    "password", "plain", "required", "tls", "token", "user", "username",
})  # fmt: skip
# Words that are sure enough to be seen at the end of a longer one: PGPASSWORD, CLIENTSECRET.
_ENDINGS: Final = (
    ("passphrase", "password"), ("password", "password"), ("passwd", "password"), ("pwd", "password"),
    ("credentials", "secret"), ("secret", "secret"), ("token", "secret"), ("apikey", "secret"),
)  # fmt: skip
# Short ones are parts of other words (COMPASS, BYPASS): only after one that has a password.
_OWNERS: Final = frozenset({
    "admin", "amqp", "app", "basic", "bind", "broker", "cache", "cassandra", "cert", "clickhouse", "database", "db",
    "elastic", "email", "ftp", "git", "github", "gitlab", "http", "imap", "jdbc", "jenkins", "jwt", "kafka",
    "keystore", "ldap", "ldapbind", "login", "mail", "mariadb", "mongo", "mongodb", "mq", "mqtt", "mssql", "my",
    "mysql", "neo4j", "npm", "oracle", "pg", "postgres", "postgresql", "proxy", "rabbit", "rabbitmq", "rds",
    "redis", "rediscli", "redshift", "require", "root", "sa", "service", "session", "sftp", "slack", "smtp",
    "snowflake", "sql", "ssh", "ssl", "stripe", "truststore", "twilio", "user", "vault", "vpn", "web", "wifi",
})  # fmt: skip
_JOINING: Final = frozenset({"for", "of", "the", "to"})  # PASSWORD_FOR_DB
# What is said about a secret, and is none: TOKEN_TTL, PASSWORD_RESET_URL.
_ABOUT: Final = frozenset({
    "age", "alg", "algo", "algorithm", "allow", "allowed", "arn", "arns", "attempts", "audience", "backend", "bucket",
    "budget", "cache", "change", "check", "checksum", "ciphertext", "class", "column", "complexity", "cost",
    "count", "days", "digest", "dir", "disabled", "domain", "driver", "duration", "email", "enable", "enabled",
    "encoding", "encrypted", "endpoint", "engine", "error", "expiration", "expire", "expires", "expiry", "field",
    "file", "files", "fingerprint", "flow", "folder", "forgot", "format", "function", "grant", "group", "hash",
    "hashed", "hasher", "hashing", "header", "headers", "hidden", "hint", "history", "host", "hostname", "hours",
    "id", "ids", "index", "interval", "issuer", "kind", "label", "labels", "lambda", "len", "length", "lifetime",
    "limit", "link", "location", "manager", "mask", "max", "message", "min", "minutes", "mode", "model", "name",
    "names", "namespace", "optional", "owner", "page", "param", "parameter", "path", "paths", "pattern", "policy",
    "port", "prefix", "prompt", "provider", "query", "queue", "ref", "reference", "regex", "region", "required",
    "reset", "retries", "retry", "role", "rotate", "rotated", "rotation", "rounds", "rule", "rules", "schedule",
    "scope", "scopes", "seconds", "size", "source", "stage", "store", "strategy", "strength", "subject", "suffix",
    "table", "template", "thumbprint", "timeout", "topic", "ttl", "type", "update", "uri", "url", "urls", "usage",
    "user", "username", "valid", "validation", "validator", "verify", "version", "versions", "visible", "window",
})  # fmt: skip
# What makes a key a secret one; any other key is taken for a name (PARTITION_KEY, CACHE_KEY) unless it looks random.
_KEY_OF: Final = frozenset({
    "access", "account", "api", "auth", "client", "encryption", "fernet", "hmac", "invite", "jwt", "license", "mailgun",
    "master", "private", "secret", "sendgrid", "service", "session", "shared", "signature", "signing", "storage",
    "webhook",
})  # fmt: skip
# Keys of these may be names too (COOKIE_KEY), and short: the value decides.
_PERHAPS_KEY_OF: Final = frozenset({"admin", "cipher", "cookie", "crypto", "salt"})
# Of the first those that say it in front as well: KEY_API. And what a variable alone is called that nothing else is.
_SURE_KEYS: Final = frozenset({"access", "api", "encryption", "license", "master", "private", "signing", "webhook"})
_ALONE: Final = frozenset({"PASS", "PW"})
_PUBLIC_KEY_OF: Final = frozenset({
    "cache", "cmk", "foreign", "hash", "idempotency", "index", "json", "kms", "lookup", "object", "partition",
    "primary", "public", "publishable", "range", "routing", "site", "sort", "tag",
})  # fmt: skip
# Whose secret it is may be said by the object that holds it: {"smtp": {"pass": "…"}}, {"auth": {"user": …, "pass": …}}.
_GLUED_KEYS: Final = tuple(f"{owner}key" for owner in _KEY_OF)
_GLUED_PASSWORDS: Final = frozenset(f"{owner}{short}" for owner in _OWNERS for short in ("pass", "pw"))
_HOLDERS: Final = _OWNERS | {"auth", "authentication", "connection", "credentials", "datasource"}
_SHORT: Final = frozenset({"auth", "pass", "pw", "pwd"})
_NO_VALUE: Final = frozenset({"", "none", "null", "undefined", "true", "false", "yes", "no", "on", "off"})
# Filled in later, or a name of something else: $VAR, an ARN, a key's alias, a mounted file, a URL, an e-mail address.
_REFERENCE: Final = lazy_re.compile(
    r"\$.*|%\w+%|arn:.*|alias/.*|file:.*|/(?:run|var|etc|mnt|secrets)/.*|[a-z][a-z0-9+.-]*://\S*", re.DOTALL
)
# A path in a secret store (prod/shop/db), a header or a field (x-csrf-token): lower-case words.
_NAME_OF_SOMETHING: Final = lazy_re.compile(
    r"/?[a-z]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)+|[a-z]+(?:[_-][a-z]+)+"
)
# What basic authentication is told: `admin:hunter2`.
_NAME_AND_PASSWORD: Final = lazy_re.compile(r"[\w.+@-]{1,64}:(?=[^\s:/]*\d)[^\s:/$]{4,256}")
_SHORTEST_GENERATED: Final = 8
_RANDOM: Final = lazy_re.compile(r"(?=.*\d)(?=.*[A-Za-z])[0-9A-Za-z+/=_-]{20,}")


def plain_secret(value: str) -> str | None:
    """What secret ``value`` holds in plain text, judged by the value alone; ``None`` where it shows none."""
    if "{{" in value and _RESOLVED_AT_DEPLOYMENT.search(value):
        return "a secret that CloudFormation writes out in plain text when it deploys"
    return format_of_secret(value)


def name_inside(holder: str, key: str) -> str:
    """What a value is called that stands under ``key`` in an object called ``holder``: a short word says little by
    itself, and enough in what has a password."""
    around = words(holder)
    owned = key.lower() in _SHORT and around and around[-1] in _HOLDERS
    return f"{holder}_{key}" if owned else key


def is_secret_name(name: str) -> bool:
    """Whether a setting of this name is meant to hold a secret itself, and not its name, its age or its length."""
    return _kind(name) in {"password", "secret", "key"}


def looks_secret(name: str, value: str) -> bool:
    """Whether ``name`` calls for a secret and ``value`` is one: not empty, not a flag, and not a reference to one."""
    kind = _kind(name)
    value = value.strip()
    if kind is None or value.lower() in _NO_VALUE or _REFERENCE.fullmatch(value):
        return False
    if kind == "password":
        return True
    if kind == "auth" and value.lower() not in _WAYS and not _NAME_OF_SOMETHING.fullmatch(value):
        return len(value) > 1
    if value.replace(".", "", 1).isdigit() or _NAME_OF_SOMETHING.fullmatch(value):
        return False
    if kind == "login":
        return _NAME_AND_PASSWORD.fullmatch(value) is not None
    if kind in {"perhaps", "auth"}:
        return _is_generated(value) or _NAME_AND_PASSWORD.fullmatch(value) is not None
    if kind == "key" and not _PERHAPS_KEY_OF.isdisjoint(words(name)) and _is_generated(value):
        return True
    return kind == "secret" or _RANDOM.fullmatch(value) is not None


def _is_generated(value: str) -> bool:
    """Whether a short value mixes letters and digits as nobody names a thing."""
    if " " in value or not (re.search(r"\d", value) and re.search(r"[A-Za-z]", value)):
        return False
    if len(value) >= _SHORTEST_GENERATED and re.search(r"[!#^&*?]", value):
        return True
    return any(
        len(part) >= _SHORTEST_GENERATED and len(re.findall(r"\d+", part)) > 1 and re.search(r"[A-Za-z]", part)
        for part in re.split(r"[^0-9A-Za-z]+", value)
    )


@lru_cache(maxsize=4096)
def _kind(name: str) -> str | None:
    """``password``, ``auth``, ``secret``, ``key``, ``login`` or ``perhaps`` (may be no secret at all); ``None`` for
    others."""
    parts = words(name)
    while parts and (parts[-1].isdigit() or parts[-1] in {"v", "base", "binary", "plaintext", "string", "value"}):
        parts.pop()
    if not parts:
        return None
    kind = _kind_of_last(parts)
    if kind is not None:
        return kind
    behind = [word for word in parts[1:] if not _says_environment(word)]
    if name in _ALONE or (parts[0] in {"key", "keys"} and behind and _SURE_KEYS.issuperset(behind)):
        return "secret"
    # The word comes before whose secret it is (PASSWORD_DB, API_KEY_PROD), unless what follows tells about it.
    for end in range(len(parts) - 1, 0, -1):
        rest = parts[end:]
        # A short word says little by itself (PASS_RATE): only in front of what has a password.
        short = end == 1 and parts[0] in {"pass", "pwd"} and _OWNERS.issuperset(rest)
        kind = "password" if short else _kind_of_last(parts[:end])
        if kind in {"password", "secret"}:
            if not _ABOUT.isdisjoint(rest):
                return None
            owned = all(word in _OWNERS or word in _JOINING or _says_environment(word) for word in rest)
            return kind if owned else "perhaps"
    return None


def _says_environment(word: str) -> bool:
    return kind_of(word) is not EnvironmentKind.OTHER


def _kind_of_last(parts: list[str]) -> str | None:
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    if last in _PASSWORDS and (before or last not in {"pwd", "pass", "pw"}):
        return "password" if last != "pw" or before in _OWNERS else "perhaps"
    if last in _SECRETS:
        return "secret"
    if last in _PERHAPS and (before or last in {"hmac", "pepper"}):
        return "auth" if last == "auth" and before in _ASKS_FOR_AUTH else "perhaps"
    if last == "login":
        return "login"
    if last in {"key", "keys"} and before not in _PUBLIC_KEY_OF:
        return "secret" if before in _KEY_OF else "perhaps" if before == "token" else "key"
    return _kind_of_glued(last)


def _kind_of_glued(word: str) -> str | None:
    if word == "oldpwd":  # the folder before this one, as a shell has it
        return None
    for ending, kind in _ENDINGS:
        if word.endswith(ending) and word != ending:
            return kind
    if word.endswith(_GLUED_KEYS):
        return "secret"
    return "password" if word in _GLUED_PASSWORDS else None


@lru_cache(maxsize=8192)  # templates say the same of thousands of resources
def keeps_no_secret(name: str, value: str) -> bool:
    """Whether ``value``, under this name, may be kept and shown: it neither looks like a secret nor is called one.

    A reference that CloudFormation resolves (``{{resolve:secretsmanager:…}}``) is none.
    """
    if value == NOT_KEPT or _REFERENCE_TO_RESOLVE.fullmatch(value.strip()):
        return True
    if plain_secret(value) is not None or looks_secret(name, value):
        return False
    return next(spans_of_arguments(value), None) is None
