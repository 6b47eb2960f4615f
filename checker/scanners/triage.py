"""The reviewed file of what outside scanners say: real, by plan or noise, with an owner, a reason and an end.

An entry excuses what it names until its end, as a waiver does and with a waiver's strictness: what is misspelt is
refused, what has expired fails the run, what matches nothing is said. ``real`` is a defect that its owner removes by
then; ``by plan`` was decided otherwise; ``noise`` would make nothing better where it was said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from checker.collect.config.data_files import nearest, parse_config, read_config, refuse_unknown
from checker.collect.config.register import OUTSIDE
from checker.collect.documents import Document
from checker.errors import ConfigError, printable
from checker.model.verdicts import Location
from checker.scanners.tools import PREFIXES, scanner_of
from checker.waivers import Selector, Waiver

# Where a project keeps it; the first that is there counts.
TRIAGE_FILES: Final = ("policies/scanners.yaml", "checker-scanners.yaml")
# All of it, each entry as the waiver that it is.
Triage = tuple[Waiver, ...]
SORTS: Final = ("real", "by plan", "noise")
_REQUIRED: Final = ("result", "where", "sorted", "reason", "owner", "since", "until")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_ID: Final = re.compile(r"([^\[\]]+)(?:\[(.+)\])?", re.DOTALL)


def load_triage(path: Path, shown: str, *, max_days: int) -> Triage:
    """Read and validate the file: each entry as the waiver that it is. Raises :class:`ConfigError`."""
    return parse_triage(read_config(path, shown), shown, max_days=max_days)


def parse_triage(text: str, shown: str, *, max_days: int) -> Triage:
    """The entries of the file's YAML text: ``triage:`` and a list of them."""
    document = parse_config(text, shown)
    for key in document.data:
        refuse_unknown((key,), ("triage",), f"{shown}:{document.line_of((key,))}", "the file")
    entries = document.data.get("triage")
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise ConfigError(f"{shown}:{document.line_of(('triage',))}: triage is not a list", "Begin each with a dash.")
    return tuple(each for index, raw in enumerate(entries) for each in _Entry(document, index, raw, max_days).waivers())


@dataclass(frozen=True, slots=True)
class _Entry:
    document: Document
    index: int
    raw: object
    max_days: int

    def where(self, key: str | None = None) -> str:
        path: tuple[str | int, ...] = ("triage", self.index)
        return f"{self.document.file}:{self.document.line_of(path if key is None else (*path, key))}"

    def waivers(self) -> list[Waiver]:
        """One for each place: an entry may list several, and each has to match something."""
        raw = self.raw
        if not isinstance(raw, dict):
            raise ConfigError(f"{self.where()}: an entry is a mapping", f"Give it {', '.join(_REQUIRED)}.")
        for key in raw:
            refuse_unknown((key,), _REQUIRED, self.where(key), "an entry")
        missing = [key for key in _REQUIRED if raw.get(key) in (None, "", [])]
        if missing:
            raise ConfigError(f"{self.where()}: the entry lacks {', '.join(missing)}", "None may be left out.")
        if raw["sorted"] not in SORTS:
            said = str(raw["sorted"])
            raise ConfigError(f"{self.where('sorted')}: no sort {printable(said, 60)!r}", nearest(said, SORTS))
        since, until = self._date(raw, "since"), self._date(raw, "until")
        if until < since:
            raise ConfigError(f"{self.where('until')}: it ends before it begins", "Check both dates.")
        if (days := (until - since).days) > self.max_days:
            raise ConfigError(
                f"{self.where('until')}: it would hold for {days} days, and {self.max_days} are allowed",
                "Choose an earlier day; an entry is renewed by looking at it again.",
            )
        places = raw["where"] if isinstance(raw["where"], list) else [raw["where"]]
        if not all(isinstance(each, str) and each.strip() for each in places):
            raise ConfigError(f"{self.where('where')}: where is neither text nor a list of texts", "Globs, in quotes.")
        line = self.document.line_of(("triage", self.index))
        return [
            Waiver(
                covers=self._result(raw),
                environments=("*",),
                resource=place,
                reason=f"{raw['sorted']}: {self._text(raw, 'reason')}",
                owner=self._text(raw, "owner"),
                approved_on=since,
                expires_on=until,
                location=Location(self.document.file, line),
            )
            for place in places
        ]

    def _result(self, raw: Mapping[str, Any]) -> Selector:
        text = self._text(raw, "result")
        match = _ID.fullmatch(text)
        if match is None or not OUTSIDE.fullmatch(match[1]) or scanner_of(match[1]) is None:
            known = f"An id begins with {', '.join(PREFIXES)}."
            raise ConfigError(f"{self.where('result')}: {printable(text, 60)!r} is no scanner's result", known)
        return Selector(match[1], match[2])

    def _text(self, raw: Mapping[str, Any], key: str) -> str:
        value = raw[key]
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{self.where(key)}: {key} is not text", "Write it as text, in quotes where needed.")
        return printable(" ".join(value.split()))

    def _date(self, raw: Mapping[str, Any], key: str) -> date:
        value = raw[key]
        try:
            if isinstance(value, str) and _DATE.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise ConfigError(f"{self.where(key)}: {key} is no date", "Write it as 2026-11-20.")
