"""Python that a command starts: files, modules, code in a line, entry points, and the tests of a runner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from msgspec.structs import replace

from checker.data.harmless import module_is_harmless
from checker.model.pipeline.python import PythonLibrary
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.shell import Block, Script
from checker.model.possible import Possible
from checker.model.sources import Problem, Spot
from checker.model.values import Text
from checker.resolve.shell.state import State
from checker.resolve.trace.commands import loaded_first
from checker.resolve.trace.commands.foreign import too_many_tests, unread_module
from checker.resolve.trace.commands.python_cli import File, Inline, Module, parse_python
from checker.resolve.trace.tests_started import names_tests, selected

# Modules that run another program of Python in their own process: Python documentation, "The Python Profilers", "pdb",
# "trace", "runpy"; their words are those of the interpreter, once their own options are taken off.
_RUNNERS: Final[Mapping[str, frozenset[str]]] = {
    "cProfile": frozenset({"-o", "-s"}),
    "profile": frozenset({"-o", "-s"}),
    "pdb": frozenset({"-c"}),
    "trace": frozenset({"-f", "-C", "-R", "--file", "--coverdir", "--ignore-module", "--ignore-dir"}),
    "runpy": frozenset(),
    "coverage": frozenset({"--source", "--include", "--omit", "--rcfile", "--data-file", "--concurrency", "--context"}),
}


class Library(PythonLibrary, Protocol):
    """The repository's Python, and code that stands in other files."""

    def fault(self, path: str) -> Problem | None: ...

    def python_text(self, text: str, file: str, line: int) -> str | None: ...

    def python_in(self, folder: str) -> tuple[str, ...]: ...

    def text(self, path: str) -> str | None: ...


class Starting(Protocol):
    """Who puts on record what a job does."""

    foreign: list[Problem]

    @property
    def may_act(self) -> bool:
        """Whether the job holds something to act with, at some time."""
        ...

    @property
    def library(self) -> Library: ...

    def complain(self, spot: Spot, message: str, fix: str) -> None: ...

    def aws_cli(self, command: Command) -> None: ...

    def python(
        self,
        path: str,
        words: tuple[Possible, ...] | None,
        started: Command,
        environment: Mapping[str, Possible],
        function: str = "",
    ) -> None: ...


def read_first(by: Starting, command: Command, names: Iterable[str], environment: Mapping[str, Possible]) -> None:
    """Files that Python, or a program in it, runs before what it was asked for."""
    for name in dict.fromkeys(names):
        if by.library.python(name) is not None:
            by.python(name, (), command, environment)


def start_python(by: Starting, command: Command, environment: Mapping[str, Possible]) -> None:
    """``python FILE``, ``python -m NAME``, ``python -c CODE``."""
    read_first(by, command, loaded_first.customized(command, environment), environment)
    match parse_python(command.words, command.writes):
        case Module(name, words):
            _module(by, name, words, command, environment)
        case Inline(text, words):
            _inline(by, text, words, command, environment)
        case File(file, words):
            path = State(Script("", Block()), folder=command.folder).path(file)
            if path is not None and by.library.python(path) is not None:
                by.python(path, words, command, environment)
            elif path is not None and (fault := by.library.fault(path)) is not None:
                message = fault.message if path in fault.message else f"{fault.spot}: {fault.message}"
                by.complain(command.spot, message, fault.fix)
            else:
                message = f"the Python file {file} was not found in the repository"
                by.complain(command.spot, message, "Correct the path.")


def _module(
    by: Starting,
    name: Possible,
    words: tuple[Possible, ...],
    command: Command,
    environment: Mapping[str, Possible],
) -> None:
    if not isinstance(name, str):
        by.complain(command.spot, "a Python module that is not known before it runs", "Name it.")
        return
    given = environment.get("PYTHONPATH")
    roots = (*loaded_first.folders(command, given), command.folder or "", "", "src")
    path = loaded_first.module_file(by.library, name, "__main__", roots)
    if path is not None:
        read_first(by, command, loaded_first.packages_above(path, name.count(".")), environment)
        by.python(path, words, command, environment)
    elif name in loaded_first.TEST_RUNNERS:
        start_tests(by, command, words, environment)
    elif name == "unittest":
        start_tests(by, command, words, environment, unittest=True)
    elif name == "awscli":
        by.aws_cli(replace(command, words=("aws", *words)))
    elif name in _RUNNERS and (behind := _behind(name, words)):
        start_python(by, replace(command, words=("python", *behind)), environment)
    elif not module_is_harmless(name):
        by.foreign.append(unread_module(command, name))


def _behind(name: str, words: Sequence[Possible]) -> list[Possible]:
    """The words of the program that a module runs; empty where it only tells about one."""
    rest = list(words)
    if name == "coverage":
        if rest[:1] != ["run"]:
            return []
        rest = rest[1:]
    while rest and isinstance(rest[0], str) and rest[0].startswith("-") and rest[0] != "-m":
        rest = rest[2 if rest[0] in _RUNNERS[name] else 1 :]
    return ["-m", *rest] if name == "runpy" and rest else rest


def start_entry(by: Starting, entry: str, command: Command, environment: Mapping[str, Possible]) -> bool:
    """Follow the function that a name stands for in ``pyproject.toml``; whether it is there."""
    module, _, function = entry.partition(":")
    path = loaded_first.module_file(by.library, module, "__init__", ("", "src"))
    if path is not None:
        by.python(path, command.words[1:], command, environment, function)
    return path is not None


def _inline(
    by: Starting, text: Possible, words: tuple[Possible, ...], command: Command, environment: Mapping[str, Possible]
) -> None:
    shown = re.sub(r"\$\{\{.*?\}\}", "expression", str(text)) if isinstance(text, str | Text) else None
    path = by.library.python_text(shown, command.spot.file, command.spot.line) if shown else None
    if path is None:
        by.complain(command.spot, "Python code that is not known before it runs", "Put it in a file.")
        return
    by.python(path, words, command, environment)


def start_tests(
    by: Starting,
    command: Command,
    words: Sequence[Possible],
    environment: Mapping[str, Possible],
    *,
    unittest: bool = False,
) -> None:
    """What a runner of tests runs: the files that it reads before them, and the tests that reach out of the process."""
    if not unittest:
        read_first(by, command, loaded_first.configured(words, command.folder), environment)
    if not by.may_act and not names_tests(words):
        return
    tests = selected(by.library, words, command.folder or "", unittest=unittest)
    if tests is None:
        by.foreign.append(too_many_tests(command))
        return
    for each in tests:
        path = by.library.python_text(each.text, each.path, 1)
        if path is not None:
            reached = command.reached if each.certain else command.reached._replace(certain=False)
            by.python(path, (), replace(command, reached=reached), environment)
