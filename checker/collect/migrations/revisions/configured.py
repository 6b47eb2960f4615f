"""Where Alembic's configuration says that its revisions lie, where that is not beside its ``env.py``.

Source: Alembic documentation, "Tutorial" (``version_locations``, ``path_separator``, ``recursive_version_locations``,
``[tool.alembic]`` of ``pyproject.toml``).
"""

from __future__ import annotations

import configparser
import os
import posixpath
import tomllib
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from checker import lazy_re
from checker.collect.documents import read_text
from checker.errors import InputError

CONFIGURATIONS: Final = frozenset({"alembic.ini", "pyproject.toml"})
_HERE: Final = lazy_re.compile(r"%\(here\)s/?")
_BETWEEN: Final = lazy_re.compile(r"[\s,;:]+")
_MOST: Final = 1_000_000  # bytes of a configuration
_MOST_FOLDERS: Final = 1_000


def revision_folders(root: Path, configuration: Path) -> list[str]:
    """Folders below the root that a configuration names, none where it is not Alembic's or cannot be read."""
    shown = configuration.relative_to(root).as_posix()
    try:
        text = read_text(configuration, shown, _MOST)
        told, deep = _told(_of_toml(text) if configuration.suffix == ".toml" else _of_ini(text))
    except (InputError, ValueError, configparser.Error, RecursionError):
        return []
    below = posixpath.dirname(shown)
    found = [posixpath.normpath(posixpath.join(below, _HERE.sub("", each))) for each in told if each]
    folders = [each for each in found if not each.startswith(("..", "/")) and (root / each).is_dir()]
    if deep:
        inside = (Path(at).relative_to(root).as_posix() for each in folders for at, _, _ in os.walk(root / each))
        folders = list(islice(inside, _MOST_FOLDERS))
    return folders


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
