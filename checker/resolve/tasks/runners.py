"""Commands that run a task by its name, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible
from checker.resolve.tasks import packages
from checker.resolve.tasks.recipes import TaskLibrary, Tasks

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
        return packages.projen(words, folder, library)
    from checker.resolve.tasks import taskfile

    return taskfile.tasks(words, folder, environment, library)
