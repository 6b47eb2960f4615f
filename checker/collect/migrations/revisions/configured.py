"""Where Alembic's configuration says that its revisions lie, where that is not beside its ``env.py``.

Source: Alembic documentation, "Tutorial" (``version_locations``, ``path_separator``, ``recursive_version_locations``,
``[tool.alembic]`` of ``pyproject.toml``).
"""

from __future__ import annotations

import configparser
import os
import posixpath
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from checker import lazy_re
from checker.collect.documents import read_text
from checker.collect.seen import asked
from checker.errors import InputError
from checker.model.sources import Problem, Spot

_OWN: Final = "alembic.ini"
CONFIGURATIONS: Final = frozenset({_OWN, "pyproject.toml"})
_HERE: Final = lazy_re.compile(r"%\(here\)s/?")
_BETWEEN: Final = lazy_re.compile(r"[\s,;:]+")
_MOST: Final = 1_000_000  # bytes of a configuration
_MOST_FOLDERS: Final = 1_000


def revision_folders(root: Path, configuration: Path, problems: list[Problem]) -> list[str]:
    """Folders below the root that a configuration names, none where it is not Alembic's. What keeps one from being
    read, or its folders from being looked at, is a problem: there may be revisions that nobody sees."""
    shown = configuration.relative_to(root).as_posix()
    try:
        text = read_text(configuration, shown, _MOST)
    except InputError as error:
        if configuration.name == _OWN:
            problems.append(Problem(Spot(shown), error.message, error.hint))
        return []
    try:
        told, deep = _told(_of_toml(text) if configuration.suffix == ".toml" else _of_ini(text))
    except (ValueError, configparser.Error, RecursionError):
        if configuration.name == _OWN or "[tool.alembic" in text:
            problems.append(
                Problem(Spot(shown), "where Alembic's revisions lie could not be read", "Correct the file.")
            )
        return []
    below = posixpath.dirname(shown)
    found = [posixpath.normpath(posixpath.join(below, _HERE.sub("", each))) for each in told if each]
    folders = [each for each in found if not each.startswith(("..", "/")) and asked(root / each).is_dir()]
    if not deep:
        return folders
    inside = [Path(at).relative_to(root).as_posix() for each in folders for at in _folders_below(root / each)]
    if len(inside) > _MOST_FOLDERS:
        why = f"Alembic's revisions lie in more than {_MOST_FOLDERS} folders: the rest was not read"
        problems.append(Problem(Spot(shown), why, "Name fewer folders in version_locations."))
    return inside[:_MOST_FOLDERS]


def _folders_below(top: Path) -> Iterator[str]:
    """A folder and those inside of it, in the order of their names, as many as are looked at and one more."""
    for number, (at, inner, _) in enumerate(os.walk(top)):
        if number > _MOST_FOLDERS:
            return
        inner[:] = sorted(each for each in inner if each != "__pycache__")
        yield at


def _told(settings: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The folders by their names, and whether those inside of them hold revisions too."""
    listed = settings.get("version_locations", "")
    # Spaces, commas and what the system separates paths by; nothing of these stands in a folder's usual name.
    named = listed if isinstance(listed, list) else _BETWEEN.split(str(listed))
    deep = str(settings.get("recursive_version_locations", "")).lower() in {"true", "1", "yes", "on"}
    script = settings.get("script_location")
    usual = [f"{script}/versions"] if deep and isinstance(script, str) else []
    return [each for each in (*named, *usual) if isinstance(each, str)], deep


def _of_ini(text: str) -> Mapping[str, Any]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return dict(parser.items("alembic")) if parser.has_section("alembic") else {}


def _of_toml(text: str) -> Mapping[str, Any]:
    tools = tomllib.loads(text).get("tool")
    own = tools.get("alembic") if isinstance(tools, dict) else None
    return own if isinstance(own, dict) else {}
