"""Which packages of a workspace a command is about, and which of them run at the same time.

Sources: pnpm, "Filtering" (``...`` in front of a name or behind it, ``^``, ``!``, folders, commits) and "pnpm -r"
(``--workspace-concurrency`` is 4, what a package needs runs before it); Yarn, "yarn workspaces foreach"; Bun,
"--filter"; npm, "workspaces" (one after the other).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.tasks.recipes import TaskLibrary, joined_path, plain

_NEEDS: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_SELECTOR: Final = lazy_re.compile(
    r"(?P<users>\.\.\.(?P<no_first>\^)?)?(?P<named>.*?)(?:(?P<no_last>\^)?(?P<needs>\.\.\.))?"
)
_IN_TURN: Final = lazy_re.compile(r"--(?:workspace-concurrency|jobs)[ =]1\b|(?<![\w-])-j ?1\b|--sequential\b")
_BESIDE: Final = lazy_re.compile(r"--parallel\b|\bforeach\b.* -[A-Za-z]*p[A-Za-z]*(?: |$)")


def root_of(folder: str, library: TaskLibrary) -> str:
    """The root of pnpm's workspace that a folder is in; the folder itself where it is in none."""
    above = folder
    while True:
        if library.is_file(joined_path(above, "pnpm-workspace.yaml")):
            return above
        if not above:
            return folder
        above = above.rpartition("/")[0]


def selected(selectors: Sequence[str], start: str, library: TaskLibrary) -> list[str] | str:
    """The folders of the packages that are asked for; a selector of which that cannot be told."""
    packages = library.packages()
    found: list[str] = [] if any(not each.startswith("!") for each in selectors) else list(packages.values())
    for selector in selectors:
        each = _fitting(selector.removeprefix("!"), start, packages, library)
        if not each and not selector.startswith("!"):
            return selector
        if selector.startswith("!"):
            found = [at for at in found if at not in each]
        else:
            found.extend(each)
    return list(dict.fromkeys(found))


def _fitting(selector: str, start: str, packages: Mapping[str, str], library: TaskLibrary) -> list[str]:
    match = _SELECTOR.fullmatch(selector)
    named = _named(match["named"], start, packages) if match is not None else []
    if match is None or not (match["users"] or match["needs"]):
        return named
    needs = _needs(packages, library)
    used: dict[str, set[str]] = {at: {other for other in needs if at in needs[other]} for at in needs}
    before = _all_from(named, needs) if match["needs"] else []
    behind = _all_from(named, used) if match["users"] else []
    itself = [] if match["no_first"] or match["no_last"] else named
    return [at for at in packages.values() if at in {*before, *behind, *itself}]


def _named(selector: str, start: str, packages: Mapping[str, str]) -> list[str]:
    """The packages of a name, or in a folder."""
    inside = selector[1:-1] if selector.startswith("{") and selector.endswith("}") else selector
    if not inside or "[" in inside:
        return []  # those that a commit has changed
    if inside.startswith(".") or inside != selector:
        folder = posixpath.normpath(posixpath.join(start, inside))
        within = re.compile(rf"(?:{_pattern(folder)})(?:/.*)?" if folder != "." else ".*")
        return [at for at in packages.values() if within.fullmatch(at)]
    fits = re.compile(_pattern(inside.lstrip("/")))
    found = [at for known, at in packages.items() if fits.fullmatch(known) or fits.fullmatch(at)]
    return found or [at for known, at in packages.items() if known.rpartition("/")[2] == inside]


def _pattern(written: str) -> str:
    return re.escape(written).replace(r"\*", ".*")


def _needs(packages: Mapping[str, str], library: TaskLibrary) -> dict[str, set[str]]:
    """By the packages' folders, those of the packages that they need."""
    found: dict[str, set[str]] = {}
    for at in packages.values():
        try:
            data: Any = json.loads(library.text(joined_path(at, "package.json")) or "{}")
        except (ValueError, RecursionError):
            data = {}
        parts = [data.get(each) for each in _NEEDS] if isinstance(data, dict) else []
        found[at] = {packages[name] for part in parts if isinstance(part, dict) for name in part if name in packages}
    return found


def _all_from(begun: Iterable[str], leads: Mapping[str, set[str]]) -> list[str]:
    """All that comes after, and not what it begins with."""
    seen: dict[str, None] = {}
    left = [other for at in begun for other in leads.get(at, ())]
    while left:
        if (at := left.pop()) not in seen:
            seen[at] = None
            left.extend(leads.get(at, ()))
    return list(seen)


def in_order(folders: Sequence[str], library: TaskLibrary) -> list[str]:
    """The packages with what they need in front of them."""
    needs = _needs(library.packages(), library)
    ordered: dict[str, None] = {}
    for at in folders:
        before = set(_all_from([at], needs)) - {at}
        ordered.update(dict.fromkeys(other for other in folders if other in before and other not in ordered))
        ordered[at] = None
    return list(ordered)


def run_beside(manager: str, words: Sequence[Possible], folders: Sequence[str], library: TaskLibrary) -> bool:
    """Whether some of the packages' scripts run at the same time: each may, but for one that another needs."""
    text = " ".join(plain(words))
    if len(folders) < 2 or _IN_TURN.search(text) is not None:
        return False
    if _BESIDE.search(text) is not None:
        return True
    needs = _needs(library.packages(), library)
    closed = {at: set(_all_from([at], needs)) for at in folders}
    apart = any(
        one not in closed[other] and other not in closed[one]
        for index, one in enumerate(folders)
        for other in folders[index + 1 :]
    )
    return manager in {"pnpm", "bun"} and apart
