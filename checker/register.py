"""The register of findings: what the review found, how grave it is, what became of it. Data, validated on load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from checker.errors import ConfigError
from checker.model.verdicts import Finding, Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding as the register keeps it. ``surfaces`` are the register's letters (``T A W S M G``)."""

    id: str
    title: str
    severity: Severity
    plan: str
    disposition: str
    surfaces: str
    reviewed: bool
    controls: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Register:
    """All findings, in the register's order."""

    entries: Mapping[str, Entry]

    @property
    def findings(self) -> dict[str, Finding]:
        return {e.id: Finding(e.id, e.title, e.severity, e.reviewed) for e in self.entries.values()}


@cache
def load_register(path: Path | None = None) -> Register:
    """Read and validate the register (the package's own, where no path is given). Raises :class:`ConfigError`."""
    from checker.collect.documents import parse_yaml

    source = path or Path(str(resources.files("policies").joinpath("register.yaml")))
    document = parse_yaml(source.read_text(encoding="utf-8"), source.name)
    entries: dict[str, Entry] = {}
    for identifier, raw in document.data.items():
        line = document.line_of((identifier,))
        entries[identifier] = _entry(identifier, raw, f"{source.name}:{line}")
    return Register(entries)


def _entry(identifier: str, raw: Any, where: str) -> Entry:
    if not isinstance(raw, dict):
        raise ConfigError(f"{where}: {identifier} is not a mapping", "Give it title, severity, plan and surfaces.")
    missing = [
        key for key in ("title", "severity", "plan", "disposition", "surfaces") if not isinstance(raw.get(key), str)
    ]
    if missing:
        raise ConfigError(
            f"{where}: {identifier} lacks {', '.join(missing)}", "Each is text, and none may be left out."
        )
    try:
        severity = Severity(raw["severity"])
    except ValueError:
        known = ", ".join(Severity)
        raise ConfigError(f"{where}: {identifier}: no severity {raw['severity']!r}", f"One of {known}.") from None
    controls = raw.get("controls") or {}
    return Entry(
        identifier,
        raw["title"],
        severity,
        raw["plan"],
        raw["disposition"],
        raw["surfaces"],
        bool(raw.get("reviewed", True)),
        {str(name): tuple(map(str, ids)) for name, ids in controls.items()},
    )
