"""Whether a setting holds a secret as plain text. Says what gives it away, and never the value.

A name that ends like a secret's is a hint, a value that looks like one is another; what only names a secret (an ARN, a
path in a secret store, a file) is none. Formats of keys: the issuers' own documentation on secret scanning.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from checker.model.environment_words import words

# Values that are secrets whatever they are called.
_KEYS: Final = (
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), "an AWS access key"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"), "a private key"),
    (re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{30,}|github_pat_[0-9A-Za-z_]{30,})"), "a GitHub token"),
    (re.compile(r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}"), "a Slack token"),
    (re.compile(r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,}"), "a Stripe key"),
    (re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"), "a Google API key"),
)
_SHORTEST_KEY: Final = 15
# A password in a URL, unless it is a reference that a shell or the program fills in.
_URL_PASSWORD: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/@:]*:(?!\$|\{(?!\{resolve:)|%)[^\s/@]+@", re.IGNORECASE)
_RESOLVED_AT_DEPLOYMENT: Final = re.compile(r"\{\{resolve:(?:secretsmanager|ssm-secure):")
_REFERENCE_TO_RESOLVE: Final = re.compile(r"\{\{resolve:[^{}]+\}\}")

# What stands in a template that was read from an account where a value may be a secret.
NOT_KEPT: Final = "(not kept: may be a secret)"

_PASSWORDS: Final = frozenset({"password", "passwd", "passphrase", "pwd", "pass"})
_SECRETS: Final = frozenset({"secret", "secrets", "credential", "credentials", "token", "tokens", "apikey", "apikeys"})
# What makes a key a secret one; any other key is taken for a name (PARTITION_KEY, CACHE_KEY) unless it looks random.
_KEY_OF: Final = frozenset({
    "access", "account", "api", "auth", "client", "encryption", "hmac", "invite", "jwt", "license", "master", "private",
    "secret", "service", "session", "shared", "signature", "signing", "storage", "webhook",
})  # fmt: skip
_PUBLIC_KEY_OF: Final = frozenset({
    "cache", "foreign", "hash", "idempotency", "index", "json", "lookup", "object", "partition", "primary", "public",
    "publishable", "range", "routing", "site", "sort", "tag",
})  # fmt: skip
_NO_VALUE: Final = frozenset({"", "none", "null", "undefined", "true", "false", "yes", "no", "on", "off"})
# Filled in later, or a name of something else: $VAR, an ARN, a key's alias, a mounted file, a URL, an e-mail address.
_REFERENCE: Final = re.compile(
    r"\$.*|%\w+%|arn:.*|alias/.*|file:.*|/(?:run|var|etc|mnt|secrets)/.*|[a-z][a-z0-9+.-]*://\S*", re.DOTALL
)
# A path in a secret store (prod/shop/db), a header or a field (x-csrf-token): lower-case words.
_NAME_OF_SOMETHING: Final = re.compile(
    r"/?[a-z]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)+|[a-z]+(?:[_-][a-z]+)+"
)
_RANDOM: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[0-9A-Za-z+/=_-]{20,}")


def plain_secret(value: str) -> str | None:
    """What secret ``value`` holds in plain text, judged by the value alone; ``None`` where it shows none."""
    if "{{" in value and _RESOLVED_AT_DEPLOYMENT.search(value):
        return "a secret that CloudFormation writes out in plain text when it deploys"
    if "@" in value and _URL_PASSWORD.search(value):
        return "a URL with a password in it"
    if len(value) < _SHORTEST_KEY:
        return None
    return next((what for pattern, what in _KEYS if pattern.search(value)), None)


def is_secret_name(name: str) -> bool:
    """Whether a setting of this name is meant to hold a secret itself, and not its name, its age or its length."""
    return _kind(name) is not None


def looks_secret(name: str, value: str) -> bool:
    """Whether ``name`` calls for a secret and ``value`` is one: not empty, not a flag, and not a reference to one."""
    kind = _kind(name)
    value = value.strip()
    if kind is None or value.lower() in _NO_VALUE or _REFERENCE.fullmatch(value):
        return False
    if kind == "password":
        return True
    if value.replace(".", "", 1).isdigit() or _NAME_OF_SOMETHING.fullmatch(value):
        return False
    return kind == "secret" or _RANDOM.fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _kind(name: str) -> str | None:
    """``password``, ``secret`` or ``key`` (which may be no secret at all); ``None`` for every other name."""
    parts = words(name)
    while parts and (parts[-1].isdigit() or parts[-1] in {"v", "base", "value"}):
        parts.pop()
    if not parts:
        return None
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    if last in _PASSWORDS and (before or last not in {"pwd", "pass"}):
        return "password"
    if last in _SECRETS:
        return "secret"
    if last in {"key", "keys"} and before not in _PUBLIC_KEY_OF:
        return "secret" if before in _KEY_OF else "key"
    return None


def keeps_no_secret(name: str, value: str) -> bool:
    """Whether ``value``, under this name, may be kept and shown: it neither looks like a secret nor is called one.

    A reference that CloudFormation resolves (``{{resolve:secretsmanager:…}}``) is none.
    """
    if value == NOT_KEPT or _REFERENCE_TO_RESOLVE.fullmatch(value.strip()):
        return True
    return plain_secret(value) is None and not looks_secret(name, value)
