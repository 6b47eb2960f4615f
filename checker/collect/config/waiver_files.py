"""Which file of a project holds its waivers, and which look as if they did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from checker.collect.config.data_files import is_there

_SUFFIXES = (".yaml", ".yml", ".json", ".toml")


def file_of(project: Path, names: Sequence[str]) -> str | None:
    """The first of ``names`` that is there. Raises :class:`ConfigError` for one that leads out of the repository."""
    return next((name for name in names if is_there(project, name)), None)


def passed_over(project: Path, names: Sequence[str]) -> Iterator[str]:
    """A note for each file that somebody may take for the project's waivers, and that excuses nothing."""
    read = file_of(project, names)
    for folder, stems in _looked_for(names).items():
        try:
            found = sorted(path.name for path in (project / folder).iterdir())
        except OSError:
            continue
        for name in found:
            stem, dot, suffix = name.rpartition(".")
            shown = name if folder == "." else f"{folder}/{name}"
            if stem.lower() in stems and dot + suffix.lower() in _SUFFIXES and shown != read:
                why = f"waivers are read from {read}" if read else f"waivers are read from {' or '.join(names)}"
                yield f"{shown} excuses nothing: {why}"


def _looked_for(names: Sequence[str]) -> dict[str, set[str]]:
    stems = {Path(name).stem for name in names}
    return dict.fromkeys(dict.fromkeys([*(Path(name).parent.as_posix() for name in names), "."]), stems)
