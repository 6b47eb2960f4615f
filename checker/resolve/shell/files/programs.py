"""Files that programs of Python, JavaScript, Ruby, Perl, PHP and Go change which a job runs: which ones, and what of
them is known after that."""

from __future__ import annotations

import ast
import posixpath
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache

from msgspec import Struct

from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible
from checker.resolve.shell.files import program_writes
from checker.resolve.shell.files.program_writes import Code, module_files, named
from checker.resolve.shell.files.python_edits import Following, Made
from checker.resolve.shell.files.python_places import Places
from checker.resolve.shell.files.python_writes import around, imported, written

_MODULES = 12  # of the repository's own that a program is followed into


class Rewritten(Struct, frozen=True):
    """A file that a program changes, or with a slash at its end a folder of which it may change any file. ``made``: of
    what it is made, where that is known; ``guessed``: it is only named by a program that writes files."""

    path: Possible
    made: Made | None = None
    guessed: bool = False


def rewritten(
    code: Code,
    command: Command,
    text_of: Callable[[Possible], str | None],
    held: Callable[[Possible], Possible | None],
) -> Iterator[Rewritten]:
    """What a program rewrites. ``text_of``: the text of a program at a place, as it is by then; ``held``: what a file
    holds that the program names."""
    if not code.python:
        found, others = program_writes.written(code, command.environment)
        yield from map(Rewritten, found)
        yield from (Rewritten(each, guessed=True) for each in (named(code) if others else ()))
        return
    tree = _parsed(code.text)
    if tree is None:
        return
    program = Places(tree, code.file, code.words, command.environment)
    yield from _by_python(program, code, held)
    for path in modules_of(code.file, text_of, tree):
        text = text_of(path) or ""
        inner = _parsed(text)
        if inner is not None:
            module = Places(inner, path, code.words, command.environment)
            yield from _by_python(module, Code(text, path, (), python=True), held)


def modules_of(file: str, text_of: Callable[[str], str | None], tree: ast.Module | None = None) -> Iterator[str]:
    """The repository's modules that a program imports, and that these import."""
    first = tree if tree is not None else _parsed(text_of(file) or "")
    pending = [*imported(first)] if first is not None else []
    seen: set[str] = set()
    while pending and len(seen) < _MODULES:
        name = pending.pop(0)
        base = name.replace(".", "/")
        beside = [posixpath.join(posixpath.dirname(file), end) for end in (f"{base}.py", f"{base}/__init__.py")]
        for path in dict.fromkeys((*beside, *module_files(name))):
            if path in seen or (text := text_of(path)) is None:
                continue
            seen.add(path)
            yield path
            inner = _parsed(text)
            pending += imported(inner) if inner is not None else ()
            break


def _by_python(program: Places, code: Code, held: Callable[[Possible], Possible | None]) -> Iterator[Rewritten]:
    files, folders, others = written(program)
    if files:
        following = Following(program, held)
        following.follow(program.tree.body)
        for path, calls in files.items():
            yield Rewritten(path, following.made.get(calls[0]) if len(calls) == 1 else None)
    for folder in folders:
        yield Rewritten(f"{str(folder).rstrip('/')}/")
    for text in dict.fromkeys(around(program.tree, code.text, each) for each in others):
        inside = Code(text, code.file, code.words, python=True)
        yield from (Rewritten(each, guessed=True) for each in named(inside))


@lru_cache(maxsize=256)
def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
