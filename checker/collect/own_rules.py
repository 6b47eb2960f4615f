"""Rules of the judged project's own: Python modules in the folders that ``rules`` in checker.toml names.

They are code of what is judged, so they run only where whoever starts the checker says so, which a change under review
cannot. Which ids they have is told by their files' names, without running them: ``x1_no_public_bucket.py`` is X1.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from checker import lazy_re
from checker.errors import ConfigError
from checker.model.rules import Rule
from checker.model.settings import Settings
from checker.model.verdicts import Finding, Severity, Unread

_NAME: Final = lazy_re.compile(r"([a-z]{1,8}[1-9][0-9]{0,4})_[a-z0-9_]+\.py")
_MOST: Final = 500


class OwnRule(Struct, frozen=True):
    """A file that is a rule by its name. ``shown`` is how people name the file."""

    id: str
    path: Path
    shown: str


class Loaded(Struct, frozen=True):
    """An own rule whose code was run. Its finding is what its docstring and ``SEVERITY`` say."""

    rule: Rule
    finding: Finding


class Usable(Struct, frozen=True):
    """The project's own rules, as far as a run may use them."""

    rules: tuple[Rule, ...] = ()
    findings: Mapping[str, Finding] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()


def usable(project: Path, settings: Settings, taken: Collection[str], *, allowed: bool) -> Usable:
    """What ``rules`` of checker.toml names: run where the command line allows it, else on record as not run."""
    folders = settings.rules
    if not folders:
        return Usable()
    found = find(project, folders, taken)
    if not allowed:
        why = f"{len(found)} rules of the project are its own code, and were not run"
        return Usable(unread=(Unread(f"rules: {', '.join(folders)}", why, "--allow-project-rules"),))
    loaded = load(found)
    names = ", ".join(each.rule.id for each in loaded)
    return Usable(
        tuple(each.rule for each in loaded),
        {each.rule.id: each.finding for each in loaded},
        (f"ran rules of the project's own, which are its code: {names} ({', '.join(folders)})",),
    )


def own_ids(project: Path, settings: Settings, taken: Collection[str]) -> list[str]:
    """The ids that the project's own rules have, whether they may run or not: waivers name them."""
    return [each.id for each in find(project, settings.rules, taken)]


def find(project: Path, folders: Sequence[str], taken: Collection[str]) -> list[OwnRule]:
    """The rules of these folders, by their files' names. Nothing is run. Raises :class:`ConfigError`."""
    found: dict[str, OwnRule] = {}
    for folder in folders:
        root = project / folder
        if not root.is_dir() or not root.resolve().is_relative_to(project.resolve()):
            raise ConfigError(f"checker.toml: rules: there is no folder {folder}", "Name a folder of the project.")
        for path in sorted(root.glob("*.py")):
            if path.name.startswith("_"):
                continue
            shown = f"{folder.rstrip('/')}/{path.name}"
            match = _NAME.fullmatch(path.name)
            if match is None:
                raise ConfigError(f"{shown}: its name tells no id", "Name it after its finding: x1_what_holds.py.")
            identifier = match[1].upper()
            if identifier in taken or identifier in found:
                raise ConfigError(f"{shown}: there is a finding {identifier} already", "Choose another id.")
            found[identifier] = OwnRule(identifier, path, shown)
            if len(found) > _MOST:
                raise ConfigError(f"{folder}: more than {_MOST} rules", "Is this the folder you meant?")
    return list(found.values())


def load(rules: Sequence[OwnRule]) -> list[Loaded]:
    """Run the rules' modules. Whoever calls this has been told that it may. Raises :class:`ConfigError`."""
    return [_loaded(each) for each in rules]


def _loaded(own: OwnRule) -> Loaded:
    module = _module(own)
    rule = getattr(module, "RULE", None)
    if not isinstance(rule, Rule) or rule.id != own.id:
        raise ConfigError(f"{own.shown}: it defines no RULE with the id {own.id}", "See docs/own-rules.md.")
    if not rule.surfaces:
        raise ConfigError(f"{own.shown}: its RULE checks nothing", "Give it a check function.")
    title = (module.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    if not title:
        raise ConfigError(f"{own.shown}: it has no docstring", "Its first line states what holds when it passes.")
    severity = getattr(module, "SEVERITY", Severity.WARNING)
    if severity not in list(Severity):
        raise ConfigError(f"{own.shown}: no severity {severity!r}", "critical, warning or suggestion.")
    return Loaded(rule, Finding(own.id, title, Severity(severity), reviewed=False))


def _module(own: OwnRule) -> Any:
    name = f"checker_own_rules.{own.path.stem}"
    spec = importlib.util.spec_from_file_location(name, own.path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{own.shown}: no Python module", "See docs/own-rules.md.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - somebody else's code: whatever it raises is its fault
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{own.shown}: it cannot be loaded: {said}", "Run it by hand.") from None
    return module
