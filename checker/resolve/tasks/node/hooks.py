"""Whether a package manager runs ``preNAME`` and ``postNAME`` around the script NAME.

npm, Yarn 1 and bun do. Yarn has not since 2 (Yarn documentation, "Lifecycle Scripts": no hooks of user-defined
scripts); pnpm did not from 6 to 8 unless ``enable-pre-post-scripts`` said so, and does since 9 unless it says no (pnpm
documentation, "pnpm run" of each version).
"""

from __future__ import annotations

import json
from typing import Any, Final

from checker import lazy_re
from checker.resolve.tasks.recipes import TaskLibrary, joined_path

_MANAGER: Final = lazy_re.compile(r"(yarn|pnpm)@(\d+)\.")
_OF_YARN_2: Final = lazy_re.compile(r"(?m)^__metadata:")
_SET: Final = lazy_re.compile(
    r"(?m)^[ \t]*(?:enable-pre-post-scripts[ \t]*=|enablePrePostScripts[ \t]*:)[ \t]*[\"']?(true|false)\b"
)


def runs_hooks(manager: str, folder: str, library: TaskLibrary) -> bool:
    """Whether ``manager`` runs them for a package in ``folder``; yes where its version is not told."""
    if manager == "yarn":
        return not any(_is_yarn_2(each, library) for each in _upwards(folder))
    if manager != "pnpm":
        return True
    for each in _upwards(folder):
        for settings in (".npmrc", "pnpm-workspace.yaml"):
            if found := _SET.search(library.text(joined_path(each, settings)) or ""):
                return found[1] == "true"
    return not any(_version(each, "pnpm", library) in {6, 7, 8} for each in _upwards(folder))


def _is_yarn_2(folder: str, library: TaskLibrary) -> bool:
    """By the version that the project names, which Yarn 1 refuses to stand in for, or by its kind of lock file."""
    if (version := _version(folder, "yarn", library)) is not None:
        return version >= 2
    return _OF_YARN_2.search(library.text(joined_path(folder, "yarn.lock")) or "") is not None


def _version(folder: str, manager: str, library: TaskLibrary) -> int | None:
    """The major version in ``packageManager`` of a folder's package.json (Node.js documentation, "Corepack")."""
    try:
        data: Any = json.loads(library.text(joined_path(folder, "package.json")) or "null")
    except (ValueError, RecursionError):
        return None
    named = data.get("packageManager") if isinstance(data, dict) else None
    found = _MANAGER.match(named) if isinstance(named, str) else None
    return int(found[2]) if found and found[1] == manager else None


def _upwards(folder: str) -> list[str]:
    """A folder and those above it, up to the repository's own."""
    found = [folder]
    while found[-1]:
        found.append(found[-1].rpartition("/")[0])
    return found
