"""Lists of entries for which people answer: waivers, sorted results of outside scanners, decisions about drift.

One form for all: a file holds one key with a list, each entry is a mapping with the keys that it may and must have, and
what it says is read strictly. Every fault is a :class:`~checker.errors.ConfigError` at the line of its key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from checker import lazy_re
from checker.collect.config.data_files import parse_config, refuse_silent, refuse_unknown, refuse_unseen
from checker.errors import ConfigError, printable

if TYPE_CHECKING:
    from checker.collect.documents import Document

# What people tell each other: it has to say something.
_TOLD: Final = ("owner", "reason")
_DATE: Final = lazy_re.compile(r"\d{4}-\d{2}-\d{2}")


class Entry(Struct, frozen=True):
    """One entry: what stands in it, and where."""

    document: Document
    section: str
    index: int
    raw: Mapping[str, Any]

    def line(self, key: str | None = None) -> int | None:
        path: tuple[str | int, ...] = (self.section, self.index)
        return self.document.line_of(path if key is None else (*path, key))

    def where(self, key: str | None = None) -> str:
        return f"{self.document.file}:{self.line(key)}"

    def text(self, key: str) -> str:
        """The text under ``key``, on one line; of an owner or a reason it has to hold words."""
        value = self.raw.get(key)
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{self.where(key)}: {key} is not text", "Write it as text, in quotes where needed.")
        self.refuse(value, key)
        return printable(" ".join(value.split()))

    def refuse(self, value: str, key: str) -> None:
        """Raise for text under ``key`` that no reader sees, or that says nothing where it is to tell something."""
        (refuse_silent if key in _TOLD else refuse_unseen)(value, f"{self.where(key)}: {key}")

    def day(self, key: str) -> date:
        value = self.raw.get(key)
        try:
            if isinstance(value, str) and _DATE.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise ConfigError(f"{self.where(key)}: {key} is no date", "Write it as 2026-11-20.")

    def term(self, begins: str, ends: str, max_days: int) -> tuple[date, date]:
        """The two days between which it holds, at most ``max_days`` apart."""
        first, last = self.day(begins), self.day(ends)
        if last < first:
            raise ConfigError(f"{self.where(ends)}: it ends before it begins ({begins})", "Check both dates.")
        if (days := (last - first).days) > max_days:
            raise ConfigError(
                f"{self.where(ends)}: it would hold for {days} days, and {max_days} are allowed",
                "Choose an earlier day; what still holds then is renewed by looking at it again.",
            )
        return first, last


def entries(
    text: str, shown: str, section: str, *, known: Collection[str], required: Collection[str]
) -> Iterator[Entry]:
    """The entries of a file's YAML text, which holds ``section`` alone; none where it is empty."""
    document = parse_config(text, shown, section)
    for key in document.data:
        refuse_unknown((key,), (section,), f"{shown}:{document.line_of((key,))}", "the file")
    found = document.data.get(section)
    if found is None:
        return
    if not isinstance(found, list):
        line = document.line_of((section,))
        raise ConfigError(f"{shown}:{line}: {section} is not a list", "Begin each entry with a dash.")
    for index, raw in enumerate(found):
        entry = Entry(document, section, index, raw if isinstance(raw, dict) else {})
        if not isinstance(raw, dict):
            raise ConfigError(f"{entry.where()}: an entry is a mapping", f"Give it {', '.join(required)}.")
        for key in raw:
            refuse_unknown((key,), known, entry.where(key), "an entry")
        missing = [key for key in required if raw.get(key) in (None, "", [])]
        if missing:
            raise ConfigError(f"{entry.where()}: the entry lacks {', '.join(missing)}", "None may be left out.")
        yield entry
