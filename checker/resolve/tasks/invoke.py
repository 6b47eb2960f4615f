"""Tasks of Invoke: functions of ``tasks.py`` that are called with a context, which runs lines of shell.

Each comes to a program that calls it so. Tasks in collections of their own, and lines that run in another folder by
``cd`` of the context, are not followed. Source: Invoke documentation, "Invoking tasks", "Constructing namespaces",
"API: Context" (``run``: a line that fails ends the program unless it is told to ``warn``).
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.tasks.recipes import Line, TaskLibrary, Tasks, joined_path

_FILES: Final = ("tasks.py", "tasks/__init__.py")
_ONLY_TELLS: Final = frozenset({"-l", "--list", "-h", "--help", "-V", "--version", "-R", "--dry"})
_PLAIN: Final = frozenset({"-e", "--echo", "-d", "--debug", "-p", "--pty", "-D", "--write-pyc"})
# What of a context runs its lines otherwise than in the folder, and what makes collections.
_MORE: Final = lazy_re.compile(r"\.(?:cd|prefix)\(|\bCollection\b|^(?:ns|namespace)\s*=")
_MOST_TEXT: Final = 200_000
_MAX_TASKS: Final = 20
_CONTEXT: Final = """\
import subprocess
class _Context:
    def run(self, command, warn=False, **others):
        return subprocess.run(command, shell=True, check=not warn)
    def sudo(self, command, warn=False, **others):
        return subprocess.run(command, shell=True, check=not warn)
_context = _Context()
"""
_FOLLOWED: Final = frozenset({"run", "sudo"})
_RUNS: Final = 3  # lines above the one that runs what a task says: that is told as the task's own


class _Task(Struct, frozen=True):
    name: str  # of the function
    parameters: tuple[str, ...]
    required: int
    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]


def tasks(words: Sequence[Possible], folder: str, library: TaskLibrary) -> Tasks:
    """What ``invoke`` with these words runs."""
    rest = list(words)
    while rest and isinstance(rest[0], str) and rest[0].startswith("-"):
        if rest[0] in _ONLY_TELLS:
            return Tasks()
        if rest.pop(0) not in _PLAIN:
            return Tasks(missing="invoke with an option that is not followed")
    if _ONLY_TELLS & {each for each in rest if isinstance(each, str)}:
        return Tasks()
    file = next((at for name in _FILES if library.is_file(at := joined_path(folder, name))), "")
    text = library.text(file) if file else None
    named = f"invoke {rest[0]}" if rest and isinstance(rest[0], str) else "invoke"
    if text is None or not rest or len(text) > _MOST_TEXT or _MORE.search(text):
        return Tasks(missing=named)
    known = _known(text)
    lines: list[Line] = []
    while rest:
        task = known.get(str(rest.pop(0)).replace("-", "_"))
        given = _given(task, rest, known) if task is not None else None
        if task is None or given is None or len(lines) > _MAX_TASKS:
            return Tasks(tuple(lines), folder, named)
        around = [known.get(each) for each in (*task.before, *task.after)]
        if None in around:
            return Tasks(tuple(lines), folder, named)
        lines += [_line(each, (), file) for each in around[: len(task.before)] if each is not None]
        lines.append(_line(task, given, file))
        lines += [_line(each, (), file) for each in around[len(task.before) :] if each is not None]
    return Tasks(tuple(lines), folder)


def _line(task: _Task, given: Sequence[str], file: str) -> Line:
    program = f"{_CONTEXT}from tasks import {task.name}\n{task.name}({', '.join(['_context', *given])})"
    return Line(f"python -c {shlex.quote(program)}", file, max(1, task.line - _RUNS), exported=True)


def _known(text: str) -> dict[str, _Task]:
    """The tasks of a file, by the names that they can be called."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[str, _Task] = {}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) != "task":
                continue
            options = {each.arg: each.value for each in decorator.keywords} if isinstance(decorator, ast.Call) else {}
            first = decorator.args if isinstance(decorator, ast.Call) else []
            parameters = tuple(each.arg for each in node.args.args[1:])
            before = (*_names(first), *_names(_items(options.get("pre"))))
            after = (*_names(_items(options.get("post"))),)
            required = len(parameters) - len(node.args.defaults)
            if not _uses(node) <= _FOLLOWED:
                continue
            task = _Task(node.name, parameters, required, node.lineno, before, after)
            names = [node.name, options.get("name"), *_items(options.get("aliases"))]
            for each in names:
                name = each.value if isinstance(each, ast.Constant) else each
                if isinstance(name, str):
                    found[name.replace("-", "_")] = task
    return found


def _uses(node: ast.FunctionDef) -> set[str]:
    """What a task asks of its context."""
    context = node.args.args[0].arg if node.args.args else ""
    asked = (each for each in ast.walk(node) if isinstance(each, ast.Attribute))
    return {each.attr for each in asked if isinstance(each.value, ast.Name) and each.value.id == context}


def _items(node: ast.expr | None) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.List | ast.Tuple) else []


def _names(nodes: Sequence[ast.expr]) -> Iterator[str]:
    """Functions by their names; one that is anything else has none, and is not found."""
    yield from (each.id if isinstance(each, ast.Name) else "" for each in nodes)


def _given(task: _Task, rest: list[Possible], known: dict[str, _Task]) -> list[str] | None:
    """The arguments of a task's call, taken off the words; ``None`` for words that are not followed."""
    given: dict[str, str] = {}
    while rest:
        word = rest[0]
        if not isinstance(word, str):
            return None
        if word.startswith("--"):
            name, has_value, value = word[2:].partition("=")
            name = name.replace("-", "_")
            rest.pop(0)
            if name.startswith("no_") and name[3:] in task.parameters:
                given[name[3:]] = "False"
            elif name not in task.parameters:
                return None
            elif has_value:
                given[name] = repr(value)
            elif rest and isinstance(rest[0], str) and not rest[0].startswith("-") and not _is_task(rest[0], known):
                given[name] = repr(rest.pop(0))
            elif not rest or isinstance(rest[0], str):
                given[name] = "True"
            else:
                return None
        elif word.startswith("-"):
            return None
        else:
            free = next((each for each in task.parameters[: task.required] if each not in given), None)
            if free is None:
                return [f"{name}={value}" for name, value in given.items()]
            given[free] = repr(rest.pop(0))
    return [f"{name}={value}" for name, value in given.items()]


def _is_task(word: str, known: dict[str, _Task]) -> bool:
    return word.replace("-", "_") in known
