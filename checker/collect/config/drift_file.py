"""Reads and writes ``policies/drift.yaml``: what people decided about drift, see :mod:`checker.drift.decisions`.

::

    drift:
      - environment: production
        resource: DocPlatformProd/Database     # LogicalId, Stack/LogicalId or physical id; * is any text
        path: BackupRetentionPeriod            # all of the resource where there is none
        value: 1                               # recorded; or `ignored: true`; or `next_deploy: replace`
        owner: platform
        reason: Raised by hand during the incident of 12 May.
        expires-on: 2027-01-31
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checker.collect.config.data_files import (
    parse_config,
    read_config,
    refuse_silent,
    refuse_unknown,
    refuse_unseen,
)
from checker.errors import ConfigError
from checker.model.live.drift import NextDeploy
from checker.model.live.drift_decisions import NOT_SET, Decision

if TYPE_CHECKING:
    from checker.collect.documents import Document

FILE_NAME: Final = "policies/drift.yaml"
_KEYS: Final = (
    "environment",
    "resource",
    "path",
    "value",
    "ignored",
    "next_deploy",
    "owner",
    "reason",
    "expires-on",
)
_HEAD: Final = """\
# What the account may show beyond or against the code. `checker drift --record` adds entries; nobody's entry excuses
# anything before it has an owner, a reason and an end (`expires-on`, the last day on which it holds).
drift:
"""


def load_decisions(path: Path, shown: str = FILE_NAME) -> tuple[Decision, ...]:
    """The entries of a file. Raises :class:`ConfigError` with file and line."""
    return parse_decisions(read_config(path, shown), shown)


def parse_decisions(text: str, shown: str = FILE_NAME) -> tuple[Decision, ...]:
    document = parse_config(text, shown)
    refuse_unknown(document.data, ("drift",), shown, "the file")
    entries = document.data.get("drift")
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise ConfigError(f"{shown}:{document.line_of(('drift',))}: drift is not a list", "Begin each with a dash.")
    return tuple(_decision(document, index, raw) for index, raw in enumerate(entries))


def appended(text: str, entries: Iterable[Mapping[str, Any]]) -> str:
    """The file's text with new entries at its end; what stands there is not touched."""
    import yaml

    new = yaml.safe_dump([dict(each) for each in entries], sort_keys=False, allow_unicode=True, width=110)
    lines = "".join(f"  {line}\n" if line else "\n" for line in new.splitlines())
    return (text.rstrip("\n") + "\n" if text.strip() else _HEAD) + lines


def _decision(document: Document, index: int, raw: Any) -> Decision:
    place = f"{document.file}:{document.line_of(('drift', index))}"
    if not isinstance(raw, dict):
        raise ConfigError(f"{place}: an entry is not a mapping", "Give it environment, resource and path.")
    refuse_unknown(raw, _KEYS, place, "an entry")
    said = [key for key in ("value", "ignored", "next_deploy") if key in raw]
    if len(said) != 1:
        raise ConfigError(
            f"{place}: an entry says one of value, ignored and next_deploy", "Leave one of them, drop the others."
        )
    return Decision(
        environment=_text(raw, "environment", place) or "*",
        resource=_text(raw, "resource", place, needed=True),
        path=_text(raw, "path", place, needed="value" in raw),
        value=raw.get("value", NOT_SET),
        ignored=_flag(raw, "ignored", place),
        next_deploy=_deploy(raw, place),
        owner=_text(raw, "owner", place),
        reason=_text(raw, "reason", place),
        expires_on=_date(raw, "expires-on", place),
        place=place,
    )


def _text(raw: Mapping[str, Any], key: str, place: str, *, needed: bool = False) -> str:
    value = raw.get(key)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value.strip()):
        raise ConfigError(f"{place}: {key} is not text", f"Give {key} as text.")
    (refuse_silent if value and key in {"owner", "reason"} else refuse_unseen)(value, f"{place}: {key}")
    return value.strip()


def _flag(raw: Mapping[str, Any], key: str, place: str) -> bool:
    value = raw.get(key, False)
    if not isinstance(value, bool):
        raise ConfigError(f"{place}: {key} is neither true nor false", f"Write {key}: true.")
    return value


def _deploy(raw: Mapping[str, Any], place: str) -> NextDeploy | None:
    value = raw.get("next_deploy")
    if value is None:
        return None
    if value not in (NextDeploy.REPLACE, NextDeploy.DELETE):
        raise ConfigError(f"{place}: next_deploy is neither replace nor delete", "Only those lose data.")
    return NextDeploy(value)


def _date(raw: Mapping[str, Any], key: str, place: str) -> date | None:
    value = raw.get(key)
    if value is None or value == "":
        return None
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise ConfigError(f"{place}: {key} is no date", "Write it as 2027-01-31.") from None
