"""Reads a file of targets: the accounts, regions and environments that one audit looks at.

```yaml
targets:
  - account: "111111111111"
    regions: [us-west-2]                  # default: the usual chain's
    role-arn: arn:aws:iam::111111111111:role/doc-platform-audit
    environments: [production]            # default: all that are found there
    stacks: [DocPlatformProd]             # default: those that checker.toml names, or all
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from checker import lazy_re
from checker.collect.account.target import Target
from checker.collect.config.data_files import parse_config, read_config, refuse_unknown
from checker.errors import ConfigError

_KEYS: Final = ("account", "regions", "role-arn", "external-id", "profile", "endpoint-url", "environments", "stacks")
_ACCOUNT: Final = lazy_re.compile(r"\d{12}")
_REGION: Final = lazy_re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")
_ROLE: Final = lazy_re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/.+")
_HINT: Final = "Write account (twelve digits, quoted), regions, role-arn, environments."


class Audited(Struct, frozen=True):
    """One account in one region, and which environments of it are judged: all where none is named."""

    target: Target
    environments: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """``111111111111/us-west-2``."""
        return f"{self.target.account}/{self.target.region or 'default region'}"


def load_targets(path: Path) -> tuple[Audited, ...]:
    """The targets of a file. Raises :class:`ConfigError` with file and line."""
    return tuple(_targets(read_config(path, str(path)), str(path)))


def _targets(text: str, shown: str) -> Iterator[Audited]:
    document = parse_config(text, shown, "targets")
    refuse_unknown(document.data, ("targets",), shown, "the file")
    entries = document.data.get("targets")
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{shown}:1: no targets", "Write targets: and a list below it.")
    seen = set()
    for index, entry in enumerate(entries):
        where = f"{shown}:{document.line_of(('targets', index))}"
        if not isinstance(entry, dict):
            raise ConfigError(f"{where}: a target is a mapping", _HINT)
        refuse_unknown(entry, _KEYS, where, "a target")
        for each in _regions(entry, where):
            if (each.target.account, each.target.region) in seen:
                raise ConfigError(f"{where}: {each.place} stands twice", "Name each account and region once.")
            seen.add((each.target.account, each.target.region))
            yield each


def _regions(entry: Mapping[str, Any], where: str) -> Iterator[Audited]:
    account = entry.get("account")
    if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
        raise ConfigError(f"{where}: account is {account!r}", _HINT)
    stacks = _words(entry, "stacks", where)
    role_arn = _role(entry, account, where)
    for region in _words(entry, "regions", where) or ("",):
        if region and not _REGION.fullmatch(region):
            raise ConfigError(f"{where}: {region!r} is no AWS region", "Name it as AWS writes it, such as us-west-2.")
        target = Target(
            account=account,
            region=region,
            profile=_word(entry, "profile", where),
            role_arn=role_arn,
            external_id=_word(entry, "external-id", where),
            endpoint_url=_word(entry, "endpoint-url", where),
            stacks=stacks or None,
        )
        yield Audited(target, _words(entry, "environments", where))


def _role(entry: Mapping[str, Any], account: str, where: str) -> str:
    """The role to take: one of the account that is read, since what it sees is its own account."""
    arn = _word(entry, "role-arn", where)
    match = _ROLE.fullmatch(arn)
    if arn and match is None:
        raise ConfigError(f"{where}: {arn!r} is no role's ARN", f"Write it as arn:aws:iam::{account}:role/NAME.")
    if match is not None and match[1] != account:
        raise ConfigError(
            f"{where}: the role {arn} is of account {match[1]}, and the target is {account}",
            "Name a role of the target's own account.",
        )
    return arn


def _word(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise ConfigError(f"{where}: {key} is {value!r}", "Write it as text.")
    return value


def _words(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigError(f"{where}: {key} is {value!r}", "Write a list of texts.")
    return tuple(value)
