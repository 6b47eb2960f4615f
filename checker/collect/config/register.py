"""The register of findings: what the review found, how grave it is, what became of it. Data, validated on load."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from checker import lazy_re
from checker.collect.config.data_files import nearest, parse_config, read_config, refuse_unknown
from checker.errors import ConfigError
from checker.model.verdicts import Finding, Severity, Surface

# Ids of the outside scanners, which the register does not list: CFN:E3012, CKV_AWS_16, ZIZMOR:unpinned-uses.
OUTSIDE: Final = lazy_re.compile(r"(?:[a-z-]+:)?(?:[EWI]\d{4}|CKV2?_\w+)|[A-Z]{3,12}:[\w.-]+")

SURFACES: Final[Mapping[str, Surface]] = {
    "T": Surface.TEMPLATE,
    "A": Surface.ACCOUNT,
    "W": Surface.WORKFLOW,
    "S": Surface.SCRIPT,
    "M": Surface.MIGRATION,
    "G": Surface.SETTING,
}
DISPOSITIONS: Final = ("fixed", "accepted")
_TEXTS: Final = ("title", "severity", "plan", "disposition", "surfaces")
_KEYS: Final = (*_TEXTS, "requirements", "reviewed", "controls", "severities")
_ID: Final = lazy_re.compile(r"[A-Z][1-9][0-9]*")


class Entry(Struct, frozen=True):
    """One finding as the register keeps it. ``surfaces`` are the register's letters (``T A W S M G``).

    ``requirements`` are what its rule judges apart: ``export`` of ``C4[export]``; in ``client=*`` a name follows.
    ``severities`` grades single ones of them other than the finding as a whole.
    """

    id: str
    title: str
    severity: Severity
    plan: str
    disposition: str
    surfaces: str
    reviewed: bool
    controls: Mapping[str, tuple[str, ...]]
    requirements: tuple[str, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)

    @property
    def judged_on(self) -> frozenset[Surface]:
        """The surfaces behind the letters."""
        return frozenset(SURFACES[letter] for letter in self.surfaces.split())


class Register(Struct, frozen=True):
    """All findings, in the register's order."""

    entries: Mapping[str, Entry]

    @property
    def requirements(self) -> dict[str, tuple[str, ...]]:
        """Finding -> what is judged apart of it."""
        return {e.id: e.requirements for e in self.entries.values()}

    @property
    def findings(self) -> dict[str, Finding]:
        return {
            e.id: Finding(
                e.id,
                e.title,
                e.severity,
                e.reviewed,
                tuple(e.controls.items()),
                tuple(e.severities.items()),
                _pages().get(e.id, ""),
            )
            for e in self.entries.values()
        }


@cache
def _pages() -> Mapping[str, str]:
    """Finding -> the file of its rule, by the rules' names: ``c7_redis_encryption.py``."""
    rules = resources.files("checker.policies").joinpath("rules")
    names = (each.name for each in rules.iterdir())
    return {name.partition("_")[0].upper(): f"checker/policies/rules/{name}" for name in names if name.endswith(".py")}


@cache
def load_register(path: Path | None = None) -> Register:
    """Read and validate the register (the package's own, where no path is given). Raises :class:`ConfigError`."""
    source = path or Path(str(resources.files("checker.policies").joinpath("register.yaml")))
    return parse_register(read_config(source, source.name), source.name)


def parse_register(text: str, shown: str) -> Register:
    """The register from its YAML text; ``shown`` is the file's name in errors."""
    document = parse_config(text, shown)
    entries = {}
    for identifier, raw in document.data.items():
        where = f"{shown}:{document.line_of((identifier,))}"
        if not _ID.fullmatch(identifier):
            raise ConfigError(f"{where}: {identifier!r} is no finding's id", "A letter and a number, as in C7.")
        if not isinstance(raw, dict):
            raise ConfigError(f"{where}: {identifier} is not a mapping", "Give it title, severity, plan and surfaces.")
        for key in raw:
            refuse_unknown((key,), _KEYS, f"{shown}:{document.line_of((identifier, key))}", identifier)
        lines = {key: f"{shown}:{document.line_of((identifier, key))}" for key in raw}
        entries[identifier] = _entry(identifier, raw, where, lines)
    return Register(entries)


def _entry(identifier: str, raw: Mapping[str, Any], where: str, lines: Mapping[str, str]) -> Entry:
    missing = [key for key in _TEXTS if not isinstance(raw.get(key), str) or not raw[key].strip()]
    if missing:
        raise ConfigError(
            f"{where}: {identifier} lacks {', '.join(missing)}",
            "Each is text: quote what looks like a number.",
        )
    if raw["severity"] not in list(Severity):
        raise ConfigError(f"{lines['severity']}: no severity {raw['severity']!r}", nearest(raw["severity"], Severity))
    if raw["disposition"] not in DISPOSITIONS:
        said = raw["disposition"]
        raise ConfigError(f"{lines['disposition']}: no disposition {said!r}", nearest(said, DISPOSITIONS))
    letters = raw["surfaces"].split()
    for letter in letters:
        if letter not in SURFACES or letters.count(letter) > 1:
            fault = "stands twice" if letter in SURFACES else "is no surface"
            raise ConfigError(f"{lines['surfaces']}: {letter!r} {fault}", f"Letters of {' '.join(SURFACES)}, spaced.")
    reviewed = raw.get("reviewed", True)
    if not isinstance(reviewed, bool):
        raise ConfigError(f"{lines['reviewed']}: reviewed is {reviewed!r}", "Write true or false.")
    requirements = _requirements(raw.get("requirements", []), lines.get("requirements", where))
    return Entry(
        id=identifier,
        title=raw["title"],
        severity=Severity(raw["severity"]),
        plan=raw["plan"],
        disposition=raw["disposition"],
        surfaces=raw["surfaces"],
        reviewed=reviewed,
        controls=_controls(raw.get("controls", {}), lines.get("controls", where)),
        requirements=requirements,
        severities=_severities(raw.get("severities", {}), requirements, lines.get("severities", where)),
    )


def _requirements(raw: object, where: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(each, str) and each for each in raw):
        raise ConfigError(f"{where}: requirements is not a list of names", "Write [at-rest, client=*].")
    return tuple(raw)


def _severities(raw: object, requirements: Collection[str], where: str) -> dict[str, Severity]:
    if not isinstance(raw, dict):
        raise ConfigError(f"{where}: severities is not a mapping", "Write {requirement: severity}.")
    refuse_unknown(raw, requirements, where, "requirements")
    for requirement, severity in raw.items():
        if severity not in list(Severity):
            raise ConfigError(f"{where}: no severity {severity!r} of {requirement}", nearest(str(severity), Severity))
    return {requirement: Severity(severity) for requirement, severity in raw.items()}


def _controls(raw: object, where: str) -> dict[str, tuple[str, ...]]:
    """Framework -> the ids of its controls. Ids are text: an unquoted ``2.10`` would silently become 2.1."""
    hint = "Write {framework: [id, ...]}, each id as text."
    if not isinstance(raw, dict):
        raise ConfigError(f"{where}: controls is not a mapping", hint)
    for framework, ids in raw.items():
        if not isinstance(ids, list) or not ids or not all(isinstance(each, str) and each for each in ids):
            raise ConfigError(f"{where}: controls of {framework} are not a list of ids", hint)
    return {framework: tuple(ids) for framework, ids in raw.items()}
