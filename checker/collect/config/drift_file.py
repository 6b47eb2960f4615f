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

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from checker import lazy_re
from checker.collect.config.data_files import read_config
from checker.collect.config.entries import Entry, entries
from checker.collect.config.excusing_files import DRIFT_FILE
from checker.errors import ConfigError
from checker.model.live.drift import NextDeploy
from checker.model.live.drift_decisions import NOT_SET, Decision, NotSet

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
# The list where it is empty, and how far its entries are indented.
_EMPTY: Final = lazy_re.compile(r"^drift:[ \t]*(\[[ \t]*\]|null|~)?[ \t]*(?=#|$)", re.MULTILINE)
_ITEM: Final = lazy_re.compile(r"^([ ]*)- ", re.MULTILINE)
_HEAD: Final = """\
# What the account may show beyond or against the code. `checker drift --record` adds entries; nobody's entry excuses
# anything before it has an owner, a reason and an end (`expires-on`, the last day on which it holds).
drift:
"""


def load_decisions(path: Path, shown: str = DRIFT_FILE) -> tuple[Decision, ...]:
    """The entries of a file. Raises :class:`ConfigError` with file and line."""
    return parse_decisions(read_config(path, shown), shown)


def parse_decisions(text: str, shown: str = DRIFT_FILE) -> tuple[Decision, ...]:
    found: dict[tuple[str, str, str], Decision] = {}
    every = tuple(map(_decision, entries(text, shown, "drift", known=_KEYS, required=("resource",))))
    for each in every:
        if isinstance(each.value, NotSet):
            continue
        first = found.setdefault((each.environment, each.resource, each.path), each)
        if first is not each:
            raise ConfigError(
                f"{each.place}: a value of {each.path} of {each.resource} is recorded twice (first at {first.place})",
                "Keep the one that holds.",
            )
    return every


def appended(text: str, entries: Sequence[Mapping[str, Any]], shown: str = DRIFT_FILE) -> str:
    """The file's text with new entries at its end, written as those that stand there; they are not touched.

    Raises :class:`ConfigError` where entries are not written one below the other, so that none can be added.
    """
    import yaml

    before = len(parse_decisions(text, shown))
    head = (text if before else _EMPTY.sub("", text)).rstrip("\n") + "\n"
    head = head.lstrip("\n") if before else f"{head.lstrip()}drift:\n" if head.strip() else _HEAD
    indent = next((match[1] for match in _ITEM.finditer(text)), "  ") if before else "  "
    new = yaml.safe_dump([dict(each) for each in entries], sort_keys=False, allow_unicode=True, width=110)
    whole = head + "".join(f"{indent}{line}\n" if line else "\n" for line in new.splitlines())
    try:
        added = len(parse_decisions(whole, shown)) - before
    except ConfigError:
        added = -1
    if added != len(entries):
        raise ConfigError(
            f"{shown}: nothing can be added to how its entries are written",
            "Write them below drift:, each with a dash of its own, and record again.",
        )
    return whole


def _decision(entry: Entry) -> Decision:
    raw = entry.raw
    said = [key for key in ("value", "ignored", "next_deploy") if key in raw]
    if len(said) != 1:
        raise ConfigError(
            f"{entry.where()}: an entry says one of value, ignored and next_deploy",
            "Leave one of them, drop the others.",
        )
    return Decision(
        environment=_text(entry, "environment") or "*",
        resource=entry.text("resource"),
        path=entry.text("path") if "value" in raw else _text(entry, "path"),
        value=raw.get("value", NOT_SET),
        ignored=_flag(entry, "ignored"),
        next_deploy=_deploy(entry),
        owner=_text(entry, "owner"),
        reason=_text(entry, "reason"),
        # Nobody's entry holds before it has an end: that it has none is for who judges to say.
        expires_on=entry.day("expires-on") if raw.get("expires-on") not in (None, "") else None,
        place=entry.where(),
    )


def _text(entry: Entry, key: str) -> str:
    return entry.text(key) if entry.raw.get(key) not in (None, "") else ""


def _flag(entry: Entry, key: str) -> bool:
    value = entry.raw.get(key, False)
    if not isinstance(value, bool):
        raise ConfigError(f"{entry.where(key)}: {key} is neither true nor false", f"Write {key}: true.")
    return value


def _deploy(entry: Entry) -> NextDeploy | None:
    value = entry.raw.get("next_deploy")
    if value is None:
        return None
    if value not in (NextDeploy.REPLACE, NextDeploy.DELETE):
        raise ConfigError(f"{entry.where('next_deploy')}: it is neither replace nor delete", "Only those lose data.")
    return NextDeploy(value)
