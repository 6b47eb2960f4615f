"""Where a shell stands: in a folder of the repository, or in one outside of it, of which only the name is known."""

from __future__ import annotations

import posixpath
from typing import Final

from checker.model.pipeline.jobs import WORKSPACE
from checker.model.possible import Possible, open_text, shown
from checker.model.values import Text
from checker.resolve.shell.state import State
from checker.resolve.shell.variables.search_path import ELSEWHERE

BEFORE: Final = "OLDPWD"
_AWAY: Final = "folder outside"
_ABSOLUTE: Final = ("/", "$", "~")


def where(state: State) -> str:
    """The folder that a shell stands in, from any other; empty where it is not known."""
    return f"{WORKSPACE}/{state.folder}".rstrip("/") if state.folder is not None else ""


def away(state: State) -> str:
    """The folder outside of the repository that a shell stands in, as it is written; empty for any other."""
    found = state.variables.get(_AWAY) if state.folder is None else None
    return found if isinstance(found, str) else ""


def go(state: State, target: object) -> None:
    """``cd target``."""
    before, outside = where(state), _outside(state, target)
    state.folder = state.path(target) if isinstance(target, str) else None
    state.set(_AWAY, outside)
    state.set(BEFORE, before or open_text(f"${{{BEFORE}}}"))
    state.set("PWD", where(state) or open_text(ELSEWHERE))


def begin(state: State, folder: Possible) -> str | None:
    """The folder that a step starts in: its own, the repository's root where it names none."""
    state.variables[_AWAY] = _outside(state, folder) if folder else ""
    return state.path(folder) if folder else ""


def _outside(state: State, target: object) -> str:
    if not isinstance(target, str | Text) or not target:
        return ""
    written = shown(target)
    base = "" if written.startswith(_ABSOLUTE) else state.folder if state.folder is not None else away(state)
    known = written.startswith(_ABSOLUTE) or state.folder is not None or base
    return posixpath.normpath(posixpath.join(base, written)) if known else ""


def join_at(state: State, other: State, stands: State) -> None:
    """Become what is left when ``other`` happened or not, in the folder in which one of the two stands."""
    folder, outside = stands.folder, stands.variables.get(_AWAY, "")
    state.join([state.fork(), other])
    state.folder = folder
    state.set(_AWAY, outside)
