"""A folder of Flyway's: what its files' names tell.

Sources: Flyway documentation, "Migrations" (versioned, undo and repeatable ones, baselines), "Callbacks" (a script that
is called after an event is run at each such event, in no history; ``__`` and a description may follow).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from checker import lazy_re
from checker.collect.migrations.naming import order
from checker.collect.migrations.transactions import as_told_beside
from checker.model.migrations.folders import Migration, SqlFile

_FLYWAY: Final = lazy_re.compile(r"(?P<kind>[VUR])(?P<number>[\d._]*)__(?P<name>.*)\.sql", re.IGNORECASE)
# The same without a description, which says enough in a folder of migrations alone.
_VERSION: Final = lazy_re.compile(r"(?P<kind>[VU])(?P<number>\d+(?:[._]\d+)*)(?P<name>)\.sql", re.IGNORECASE)
_CLASS: Final = lazy_re.compile(r"(?:[VU]\d[\d_]*__|R__)\w+\.(?:java|kt|groovy|scala)")
# What is run with every migration, or when one fails; those of other commands are theirs.
_CALLED: Final = lazy_re.compile(
    r"(?:(?P<alone>(?:before|after)(?:Each)?Migrate(?:Statement)?(?:Applied|Error)?|beforeRepeatables|afterVersioned)"
    r"|(?:before|after)Connect|createSchema)(?:__.*)?\.sql"
)


def is_flyways(name: str) -> bool:
    """Whether a name is one of Flyway's wherever it lies: with a description, or that of a callback of migrating."""
    called = _CALLED.fullmatch(name)
    return _FLYWAY.fullmatch(name) is not None or (called is not None and called["alone"] is not None)


def is_flyways_code(name: str) -> bool:
    """Whether a name is that of a class that Flyway takes for a migration, in whichever package (Flyway documentation,
    "Java-based migrations")."""
    return _CLASS.fullmatch(name) is not None


def is_version(name: str) -> bool:
    """Whether a name is one that Flyway takes in a folder of migrations."""
    return _VERSION.fullmatch(name) is not None


def versions(
    files: Mapping[str, Path], read: Callable[[Path | None], SqlFile | None], both: Callable[[Path], SqlFile]
) -> tuple[list[Migration], list[str]]:
    """The migrations of a folder in their order, callbacks last; and the numbers of those that have one."""
    matches = [(match, path) for name, path in files.items() if (match := _name(name))]
    undo = {match["number"]: path for match, path in matches if match["kind"].upper() == "U"}
    ups = sorted(((m, p) for m, p in matches if m["kind"].upper() == "V"), key=lambda pair: order(pair[0]["number"]))
    repeatable = sorted((p for m, p in matches if m["kind"].upper() == "R"), key=lambda path: path.name)
    called = sorted((path for name, path in files.items() if _CALLED.fullmatch(name)), key=lambda path: path.name)
    listed = [(m["number"], m["name"], p, undo.get(m["number"])) for m, p in ups]
    listed += [("R", path.stem.partition("__")[2], path, None) for path in repeatable]
    listed += [("R", path.stem, path, None) for path in called]
    found = [
        Migration(number, name, as_told_beside(both(path), path), as_told_beside(read(back), back))
        for number, name, path, back in listed
    ]
    return found, [m["number"] for m, _ in ups]


def _name(name: str) -> re.Match[str] | None:
    return _FLYWAY.fullmatch(name) or _VERSION.fullmatch(name)
