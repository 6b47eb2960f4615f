"""What a change does to waivers, settings and exclusions: whoever reviews it sees that first, for it moves the bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from checker.collect.config.drift_file import FILE_NAME as DRIFT_FILE
from checker.collect.config.settings_file import FILE_NAME as SETTINGS_FILE
from checker.collect.config.settings_file import project_settings
from checker.collect.config.waiver_files import file_of
from checker.errors import CheckerError
from checker.model.settings import Settings
from checker.waivers import Waiver, load_waivers

_NOT_SHOWN: Final = frozenset({"places", "origin"})
# Kept whole: what stands in one of these is shown as changed, without its parts.
_WHOLE: Final = (DRIFT_FILE,)


def excuses(base: Path, head: Path, waiver_files: Sequence[str], findings: Mapping[str, Any]) -> list[str]:
    """One line for each change between two checkouts of a project. Empty where nothing of the kind was touched."""
    return [
        *_waivers(base, head, waiver_files, findings),
        *_settings(base, head),
        *(f"{name} was changed" for name in _WHOLE if _content(base / name) != _content(head / name)),
    ]


def _waivers(base: Path, head: Path, names: Sequence[str], findings: Mapping[str, Any]) -> Iterator[str]:
    def read(project: Path) -> Sequence[Waiver]:
        found = file_of(project, names)
        return load_waivers(project / found, found, findings=findings, max_days=10**6) if found else ()

    before, after, faults = _both(read, base, head, "the waivers")
    yield from faults
    if before is None or after is None:
        return
    old, new = _by_subject(before), _by_subject(after)
    for key in dict.fromkeys([*new, *old]):
        was, now = old.get(key), new.get(key)
        if now is None:
            yield f"waiver removed: {key}"
        elif was is None:
            yield (f"waiver added: {key}, until {now.expires_on}, by {now.owner}, as {now.location} says: {now.reason}")
        else:
            changed = list(_waiver_changes(was, now))
            if changed:
                yield f"waiver changed: {key}: {'; '.join(changed)}"


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


def _settings(base: Path, head: Path) -> Iterator[str]:
    before, after, faults = _both(project_settings, base, head, SETTINGS_FILE)
    yield from faults
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


def _both(read: Callable[[Path], Any], base: Path, head: Path, what: str) -> tuple[Any | None, Any | None, list[str]]:
    """What stands in both checkouts; what cannot be read is said, never taken for nothing."""
    found: list[Any | None] = []
    faults: list[str] = []
    for side, project in (("before", base), ("after", head)):
        try:
            found.append(read(project))
        except CheckerError as error:
            found.append(None)
            faults.append(f"{what} {side} the change cannot be read: {error.message}")
    return found[0], found[1], faults


def _shown(value: object) -> str:
    if value in (None, "", ()):
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
