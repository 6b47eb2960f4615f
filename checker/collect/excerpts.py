"""The lines of the project's own sources that verdicts point at, for reports to show."""

from __future__ import annotations

from collections.abc import Iterable, Set
from pathlib import Path
from typing import Final

from checker.collect.documents import read_text
from checker.errors import CheckerError, printable
from checker.model.shown.facts import Excerpt
from checker.model.shown.secret_text import lines_of_keys, shown_lines
from checker.model.verdicts import Location

AROUND: Final = 3  # lines before and after
MOST: Final = 500  # excerpts of one run
WIDEST: Final = 200  # characters of one line
_READ: Final = 2000  # characters of one line that are looked at at all


def read_excerpts(root: Path, places: Iterable[Location]) -> tuple[Excerpt, ...]:
    """An excerpt for each place that is a line of a file inside ``root``, in the order of the places.

    What cannot be read has none: that it could not is told elsewhere, by whoever needed it.
    """
    files: dict[str, tuple[list[str], Set[int]]] = {}
    found: dict[tuple[str, int], Excerpt] = {}
    for place in places:
        if place.line is None or (place.file, place.line) in found:
            continue
        if len(found) == MOST:
            break
        if place.file not in files:
            files[place.file] = _lines(root, place.file)
        lines, keys = files[place.file]
        if not 1 <= place.line <= len(lines):
            continue
        first = max(place.line - 1 - AROUND, 0)
        shown = shown_lines(lines, first, place.line - 1 + AROUND, keys)
        clean = tuple(None if each is None else printable(each.expandtabs(4))[:WIDEST] for each in shown)
        found[place.file, place.line] = Excerpt(place.file, place.line, first + 1, clean)
    return tuple(found.values())


def _lines(root: Path, name: str) -> tuple[list[str], Set[int]]:
    """The lines of a file, and those that are of a private key (from 0); none for what is outside of the project, also
    by way of a link."""
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            return [], frozenset()
        text = read_text(path, name)
    except (CheckerError, OSError, ValueError):
        return [], frozenset()
    lines = [line[:_READ] for line in text.splitlines()]
    return lines, lines_of_keys(lines) if "PRIVATE KEY" in text else frozenset()
