"""The reviewed file of what outside scanners say: real, by plan or noise, with an owner, a reason and an end.

An entry excuses what it names until its end, as a waiver does and with a waiver's strictness: what is misspelt is
refused, what has expired fails the run, what matches nothing is said. ``real`` is a defect that its owner removes by
then; ``by plan`` was decided otherwise; ``noise`` would make nothing better where it was said.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from checker import lazy_re
from checker.collect.config.data_files import nearest, read_config
from checker.collect.config.entries import Entry, entries
from checker.collect.config.register import OUTSIDE
from checker.errors import ConfigError, printable
from checker.model.verdicts import Location
from checker.scanners.tools import PREFIXES, scanner_of
from checker.waivers import Selector, Waiver

# Where a project keeps it; the first that is there counts.
# All of it, each entry as the waiver that it is.
Triage = tuple[Waiver, ...]
SORTS: Final = ("real", "by plan", "noise")
_REQUIRED: Final = ("result", "where", "sorted", "reason", "owner", "since", "until")
_ID: Final = lazy_re.compile(r"([^\[\]]+)(?:\[(.+)\])?", re.DOTALL)


def load_triage(path: Path, shown: str, *, max_days: int) -> Triage:
    """Read and validate the file: each entry as the waiver that it is. Raises :class:`ConfigError`."""
    return parse_triage(read_config(path, shown), shown, max_days=max_days)


def parse_triage(text: str, shown: str, *, max_days: int) -> Triage:
    """The entries of the file's YAML text: ``triage:`` and a list of them."""
    found = entries(text, shown, "triage", known=_REQUIRED, required=_REQUIRED)
    return tuple(waiver for entry in found for waiver in _waivers(entry, max_days))


def _waivers(entry: Entry, max_days: int) -> list[Waiver]:
    """One for each place: an entry may list several, and each has to match something."""
    raw = entry.raw
    if raw["sorted"] not in SORTS:
        said = str(raw["sorted"])
        raise ConfigError(f"{entry.where('sorted')}: no sort {printable(said, 60)!r}", nearest(said, SORTS))
    since, until = entry.term("since", "until", max_days)
    places = raw["where"] if isinstance(raw["where"], list) else [raw["where"]]
    if not all(isinstance(each, str) and each.strip() for each in places):
        raise ConfigError(f"{entry.where('where')}: where is neither text nor a list of texts", "Globs, in quotes.")
    for place in places:
        entry.refuse(place, "where")
    return [
        Waiver(
            covers=_result(entry),
            environments=("*",),
            resource=place,
            reason=f"{raw['sorted']}: {entry.text('reason')}",
            owner=entry.text("owner"),
            approved_on=since,
            expires_on=until,
            location=Location(entry.document.file, entry.line()),
        )
        for place in places
    ]


def _result(entry: Entry) -> Selector:
    text = entry.text("result")
    match = _ID.fullmatch(text)
    if match is None or not OUTSIDE.fullmatch(match[1]) or scanner_of(match[1]) is None:
        known = f"An id begins with {', '.join(PREFIXES)}."
        raise ConfigError(f"{entry.where('result')}: {printable(text, 60)!r} is no scanner's result", known)
    return Selector(match[1], match[2])
