"""The file that ``BASH_ENV`` names, which every bash that runs a script reads before that.

It is read as if the script began with it: what it sets, defines and ends counts, but no ``-e`` that the shell is
started with. ``sh`` and bash as ``sh`` read none. Source: Bash Reference Manual, "Bash Startup Files" ("Invoked
non-interactively", "Invoked with name sh").
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from msgspec.structs import replace

from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.shell import Block, Script
from checker.model.possible import Possible, shown
from checker.model.sources import Problem, Spot
from checker.model.values import Text
from checker.resolve.shell.handed.variables import loading
from checker.resolve.shell.state import State
from checker.resolve.shell.variables.exported import STARTS_NONE
from checker.resolve.shell.variables.search_path import AT_TOP, HERE

NAME: Final = "BASH_ENV"
_MARK: Final = "__gha900__"  # no step has as many expressions


class Files(Protocol):
    def is_file(self, path: str) -> bool: ...

    def shell_text(self, text: str, file: str, lines: tuple[int, ...]) -> Script: ...


def begun_with(script: Script, state: State, files: Files, spot: Spot, problems: list[Problem]) -> Script:
    """The script, with what its shell reads first in front."""
    value = state.variables.get(NAME) if NAME in state.exported else None
    if value is None or value == "" or isinstance(value, tuple) or state.dialect:
        return script
    named = _known_file(value, state, files)
    if named is None:
        problems.append(Problem(spot, f"the code that {NAME} names runs first, and was not followed", "Call it."))
        return script
    if not isinstance(named, str):
        state.marks = {**state.marks, _MARK: named}
    word = shlex.quote(named) if isinstance(named, str) else f'"{_MARK}"'
    first = files.shell_text(f". {word} || true", script.file, (spot.line,)).body
    return replace(script, body=Block((*first.statements, *script.body.statements)))


def _known_file(value: Possible, state: State, files: Files) -> Possible:
    """The file that a value names, where that is one of the repository, or one that the job has written and whose text
    is known; ``None`` for any other."""
    written = state.written
    if written is not None and written.has(value, state.folder):
        return value if written.text(value, state.folder) is not None else None
    here = f"{WORKSPACE}/{state.folder}".rstrip("/") if state.folder is not None else "$PWD"
    text = HERE.sub(here, AT_TOP.sub(WORKSPACE, shown(value))) if isinstance(value, str | Text) else ""
    if written is not None and written.has(text, state.folder):
        return text if written.text(text, state.folder) is not None else None
    path = state.path(text)
    return text if path and files.is_file(path) else None


def loading_others(variables: Mapping[str, Possible]) -> Iterator[str]:
    """The other variables of a step that have code run first."""
    return (name for name in loading(variables) if name != NAME)


def exported_alone(variables: Mapping[str, Possible], by: Command) -> dict[str, Possible]:
    """The variables that a command's shell knows, with that one only where the command is handed it."""
    return {name: value for name, value in variables.items() if name != NAME or name in by.handed}


def unseen(command: Command, read: set[Possible]) -> Command | None:
    """The bash that a program, which is not followed, may start, and which does nothing but read its file; ``None``
    where it reads none, or one that was ``read`` before."""
    value = command.handed.get(NAME)
    if value is None or value == "" or value in read or command.program in STARTS_NONE:
        return None
    read.add(value)
    return replace(command, words=("bash", "-c", ":"), reached=command.reached._replace(certain=False))
