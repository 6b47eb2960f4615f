"""What a change does to all that excuses or leaves out: whoever reviews it sees that first, for it moves the bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from checker.collect.config.drift_file import load_decisions
from checker.collect.config.excusing_files import DRIFT_FILE, TRIAGE_FILES
from checker.collect.config.settings_file import FILE_NAME as SETTINGS_FILE
from checker.collect.config.settings_file import project_settings
from checker.collect.config.waiver_files import file_of
from checker.errors import CheckerError
from checker.model.live.drift_decisions import Decision
from checker.model.settings import EnvironmentSettings, Settings
from checker.review.files import baselines, own_rules
from checker.scanners.triage import load_triage
from checker.waivers import Known, Waiver, load_waivers

_ANY: Final = 10**6  # days: how long an entry may hold is for the gate to say
_NOT_SHOWN: Final = frozenset({"places", "origin"})


def excuses(base: Path, head: Path, waiver_files: Sequence[str], findings: Known) -> list[str]:
    """One line for each change between two checkouts of a project. Empty where nothing of the kind was touched."""
    settings = _both(project_settings, base, head, SETTINGS_FILE)
    rules = {name for each in (settings.before, settings.after) if each is not None for name in each.rules}
    return [
        *_waivers(base, head, waiver_files, findings),
        *_triage(base, head),
        *_drift(base, head),
        *baselines(base, head),
        *_settings(settings),
        *own_rules(base, head, sorted(rules)),
    ]


def _waivers(base: Path, head: Path, names: Sequence[str], findings: Known) -> Iterator[str]:
    def read(project: Path) -> Sequence[Waiver]:
        found = file_of(project, names)
        return load_waivers(project / found, found, findings=findings, max_days=_ANY) if found else ()

    yield from _entries(_both(read, base, head, "the waivers"), "waiver")


def _triage(base: Path, head: Path) -> Iterator[str]:
    def read(project: Path) -> Sequence[Waiver]:
        found = file_of(project, TRIAGE_FILES)
        return load_triage(project / found, found, max_days=_ANY) if found else ()

    yield from _entries(_both(read, base, head, "what scanners say, sorted,"), "scanner's result")


def _drift(base: Path, head: Path) -> Iterator[str]:
    def read(project: Path) -> Sequence[Decision]:
        return load_decisions(project / DRIFT_FILE) if (project / DRIFT_FILE).is_file() else ()

    both = _both(read, base, head, DRIFT_FILE)
    yield from both.faults
    if both.before is None or both.after is None:
        return
    old, new = (dict.fromkeys(replace(each, place="") for each in side) for side in (both.before, both.after))
    for verb, entries, others in (("added", new, old), ("removed", old, new)):
        for each in entries:
            if each not in others:
                yield f"drift record {verb}: {_record(each)}"


def _record(each: Decision) -> str:
    where = f"{each.resource}{' ' + each.path if each.path else ''} in {each.environment}"
    if each.next_deploy is not None:
        what = f"the next deploy may {each.next_deploy.value} it"
    else:
        what = "ignored" if each.ignored else "a value is recorded"  # which may be a secret
    review = f", until {each.expires_on}, by {each.owner}: {each.reason}" if each.reviewed else ", not reviewed yet"
    return f"{where}: {what}{review}"


def _entries(both: _Both, noun: str) -> Iterator[str]:
    yield from both.faults
    if both.before is None or both.after is None:
        return
    old, new = _by_subject(both.before), _by_subject(both.after)
    for key in dict.fromkeys([*new, *old]):
        was, now = old.get(key), new.get(key)
        if now is None:
            yield f"{noun} removed: {key}"
        elif was is None:
            yield (f"{noun} added: {key}, until {now.expires_on}, by {now.owner}, as {now.location} says: {now.reason}")
        else:
            changed = list(_waiver_changes(was, now))
            if changed:
                yield f"{noun} changed: {key}: {'; '.join(changed)}"


def _by_subject(waivers: Sequence[Waiver]) -> dict[str, Waiver]:
    found: dict[str, Waiver] = {}
    for each in waivers:
        what = f"{each.covers} on {each.resource} in {', '.join(each.environments)}"
        key = what if each.outcome.value == "fail" else f"{what} (undecided)"
        count = 2
        while key in found:
            key, count = f"{what} #{count}", count + 1
        found[key] = each
    return found


def _waiver_changes(was: Waiver, now: Waiver) -> Iterator[str]:
    for name in ("expires_on", "approved_on", "owner", "reason", "holds_while"):
        before, after = getattr(was, name), getattr(now, name)
        if before != after:
            yield f"{name.replace('_', '-')} {before} -> {after}"


def _settings(both: _Both) -> Iterator[str]:
    yield from both.faults
    before, after = both.before, both.after
    if before is None or after is None:
        return
    for field in fields(Settings):
        if field.name in _NOT_SHOWN:
            continue
        was, now = getattr(before, field.name), getattr(after, field.name)
        if was == now:
            continue
        what = "exclusion" if field.name == "exclude" else f"setting {field.name}:"
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            for key in dict.fromkeys([*now, *was]):
                if was.get(key) != now.get(key):
                    yield f"{what} {key}: {_shown(was.get(key))} -> {_shown(now.get(key))}"
        else:
            yield f"{what} {_shown(was)} -> {_shown(now)}"


class _Both(Struct, frozen=True):
    """What stands in both checkouts; None, and a fault, where it cannot be read."""

    before: Any | None
    after: Any | None
    faults: tuple[str, ...]


def _both(read: Callable[[Path], Any], base: Path, head: Path, what: str) -> _Both:
    """What cannot be read is said, never taken for nothing."""
    found: list[Any | None] = []
    faults: list[str] = []
    for side, project in (("before", base), ("after", head)):
        try:
            found.append(read(project))
        except CheckerError as error:
            found.append(None)
            faults.append(f"{what} {side} the change cannot be read: {error.message}")
    return _Both(found[0], found[1], tuple(faults))


def _shown(value: object) -> str:
    if value in (None, "", ()):
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(each)}" for key, each in value.items()) or "not set"
    if isinstance(value, EnvironmentSettings):
        said = ((each.name, getattr(value, each.name)) for each in fields(value))
        return "; ".join(f"{name} {_shown(each)}" for name, each in said if each) or "not set"
    return str(value)
