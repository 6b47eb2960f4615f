"""Commands that run a task by its name, and what they come to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible
from checker.resolve.tasks import packages
from checker.resolve.tasks.recipes import Line, TaskLibrary, Tasks, joined_path

_MAKES: Final = frozenset({"make", "gmake"})
_TASKS: Final = frozenset({"task", "go-task"})
_INVOKES: Final = frozenset({"invoke", "inv"})
# Runners whose files are not read.
_OTHERS: Final = frozenset({"rake", "ant", "tsx", "ts-node", "rush", "moon", "mage", "earthly"})


def runs_tasks(program: str) -> bool:
    known = packages.MANAGERS | packages.SEVERAL | {"just", "projen", "turbo", "lerna", "nx", *_INVOKES}
    return program in _MAKES or program in _TASKS or program in known


def is_other_runner(program: str) -> bool:
    """Whether a program runs what a file of its own says, which is not followed."""
    return program in _OTHERS


def tasks_of(command: Command, environment: Mapping[str, Possible], library: TaskLibrary) -> Tasks | Sequence[Possible]:
    """What a command of a task runner runs: lines of shell, or the words of another program."""
    words, folder, program = command.words[1:], command.folder, command.program
    if folder is None:
        return Tasks(missing=f"{program} in a folder that is not known")
    if program in packages.MANAGERS:
        return packages.tasks(program, words, folder, library)
    if program in packages.SEVERAL:
        return packages.several(program, words, folder, library)
    # Readers of files that few repositories have are imported when one is read.
    if program in _MAKES:
        from checker.resolve.tasks import makefile

        return makefile.tasks(words, folder, environment, library)
    if program == "just":
        from checker.resolve.tasks import justfile

        return justfile.tasks(words, folder, environment, library)
    if program in {"turbo", "lerna"}:
        from checker.resolve.tasks import workspaces

        return workspaces.tasks(program, words, folder, library)
    if program == "nx":
        from checker.resolve.tasks import nx

        return nx.tasks(words, folder, library)
    if program in _INVOKES:
        from checker.resolve.tasks import invoke

        return invoke.tasks(words, folder, library)
    if program == "projen":
        return _projen(words, folder, library)
    from checker.resolve.tasks import taskfile

    return taskfile.tasks(words, folder, environment, library)


def _projen(words: Sequence[Possible], folder: str, library: TaskLibrary) -> Tasks:
    """A task of projen's list (projen documentation, "Tasks")."""
    name = next((word for word in words if isinstance(word, str) and not word.startswith("-")), "")
    file = joined_path(folder, ".projen/tasks.json")
    text = library.text(file)
    try:
        data: Any = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        data = {}
    listed = data.get("tasks") if isinstance(data, dict) else None
    if not name or not isinstance(listed, dict) or name not in listed:
        return Tasks(missing=f"projen {name}".strip())
    lines: list[Line] = []
    pending, seen = [name], set()
    while pending:
        each = pending.pop(0)
        steps = listed.get(each, {}).get("steps", []) if isinstance(listed.get(each), dict) else []
        if each in seen or not isinstance(steps, list):
            continue
        seen.add(each)
        match = re.search(rf'"{re.escape(each)}"\s*:', text or "")
        at = (text or "")[: match.start() if match else 0].count("\n") + 1
        inner: list[str] = []
        for step in steps:
            if isinstance(step, dict) and isinstance(step.get("exec"), str):
                lines.append(Line(step["exec"], file, at))
            elif isinstance(step, dict) and isinstance(step.get("spawn"), str):
                inner.append(step["spawn"])
        pending[0:0] = inner
    return Tasks(tuple(lines), folder)
