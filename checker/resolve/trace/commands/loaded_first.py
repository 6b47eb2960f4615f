"""Code that runs before, or in place of, what was asked for: files of a fixed name for Python, programs of the path.

Sources: Python documentation, "site" (``sitecustomize``); pytest documentation, "conftest.py: sharing fixtures".
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.python import PythonLibrary
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.shell import Block, Script
from checker.model.possible import Possible
from checker.resolve.shell.files.written import Written
from checker.resolve.shell.state import State
from checker.resolve.shell.variables.search_path import Files, own_programs

TEST_RUNNERS: Final = frozenset({"pytest", "py.test"})


def customized(command: Command, environment: Mapping[str, Possible]) -> Iterator[str]:
    """The modules that every Python runs when it starts, where a folder of the repository has them."""
    for folder in folders(command, environment.get("PYTHONPATH")):
        for name in ("sitecustomize.py", "usercustomize.py"):
            yield posixpath.normpath(posixpath.join(folder, name))


def folders(command: Command, path: Possible) -> Iterator[str]:
    """The folders of a ``PYTHONPATH`` that are the repository's."""
    for folder in path.split(":") if isinstance(path, str) else ():
        inside = folder.removeprefix(WORKSPACE).lstrip("/") if folder.startswith(WORKSPACE) else folder
        if folder and not inside.startswith("/"):
            yield posixpath.normpath(posixpath.join("" if inside != folder else command.folder or "", inside))


def configured(words: Sequence[Possible], folder: str | None) -> Iterator[str]:
    """The files that pytest runs before its tests, and those tests that are named: the outermost first."""
    named = [word for word in words if isinstance(word, str) and not word.startswith("-")]
    for each in named or ("tests",):
        path = posixpath.normpath(posixpath.join(folder or "", each.partition("::")[0]))
        parts = [] if path == "." else path.split("/")
        for length in range(len(parts) + 1):
            yield "/".join((*parts[:length], "conftest.py"))
        if path.endswith(".py"):
            yield path


def packages_above(path: str, levels: int) -> Iterator[str]:
    """The packages that are imported before a module which stands ``levels`` below the outermost of them."""
    folders = path.split("/")[:-1]
    for length in range(max(1, len(folders) - levels), len(folders) + 1):
        name = "/".join((*folders[:length], "__init__.py"))
        if name != path:
            yield name


def module_file(library: PythonLibrary, name: str, package: str, roots: Iterable[str]) -> str | None:
    """The file of a module, or ``package`` in the folder of its name."""
    for root in dict.fromkeys(roots):
        base = "/".join(filter(None, (root, *name.split("."))))
        for path in (f"{base}.py", f"{base}/{package}.py"):
            if library.python(path) is not None:
                return path
    return None


def is_own_program(command: Command, environment: Mapping[str, Possible], written: Written, files: Files) -> bool:
    """Whether a program that another language starts by its name is one of the repository's own."""
    path, state = environment.get("PATH"), State(Script("", Block()), folder=command.folder, written=written)
    name = command.words[0] if command.words else ""
    return path is not None and isinstance(name, str) and own_programs(name, path, state, files) != {None}
