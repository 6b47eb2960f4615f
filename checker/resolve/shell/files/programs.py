"""Files that programs of Python, JavaScript, Ruby, Perl, PHP and Go change which a job runs: which ones, and what of
them is known after that."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible
from checker.resolve.shell.files import program_writes
from checker.resolve.shell.files.program_writes import Code, module_files, named
from checker.resolve.shell.files.python_edits import Following, Made
from checker.resolve.shell.files.python_places import Places
from checker.resolve.shell.files.python_writes import around, written

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
    inside = (Code(text_of(path) or "", path, (), python=True) for path in modules_of(code.file, text_of, code.text))
    for each in (code, *inside):
        tree = parsed(each.text) if may_write(each.text) else None
        if tree is not None:
            yield from _by_python(Places(tree, each.file, code.words, command.environment), each, held)


def modules_of(file: str, text_of: Callable[[str], str | None], text: str | None = None) -> Iterator[str]:
    """The repository's modules that a program imports, and that these import."""
    pending = [*_imported(text if text is not None else text_of(file) or "")]
    folder, seen = posixpath.dirname(file), set[str]()
    while pending and len(seen) < _MODULES:
        name = pending.pop(0)
        for path in _places(folder, name):
            if path in seen or (text := text_of(path)) is None:
                continue
            seen.add(path)
            yield path
            pending += _imported(text)
            break


_IMPORTS = lazy_re.compile(
    r"^[ \t]*(?:from[ \t]+(\w[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)|import[ \t]+([^\n#]+))", re.MULTILINE
)


@lru_cache(maxsize=4096)
def _places(folder: str, name: str) -> tuple[str, ...]:
    """Where a module may lie that a program of a folder imports: beside it, or below the roots of modules."""
    base = name.replace(".", "/")
    beside = [posixpath.join(folder, end) for end in (f"{base}.py", f"{base}/__init__.py")]
    return tuple(dict.fromkeys((*beside, *module_files(name))))


@lru_cache(maxsize=1024)
def _imported(text: str) -> tuple[str, ...]:
    """The modules that a program imports, by their names with dots; those of Python itself are left out.

    By the lines that say so: to take a program apart takes a hundred times as long, and jobs start many.
    """
    found: dict[str, None] = {}
    for module, names, plain in _IMPORTS.findall(text):
        each = [name.split(" as ")[0].strip() for name in (names or plain).strip("()").split(",")]
        found.update(dict.fromkeys([module, *(f"{module}.{name}" for name in each)] if module else each))
    return tuple(each for each in found if each.partition(".")[0] not in sys.stdlib_module_names)


# Beside what else a call that writes a file has in it (:func:`~checker.resolve.shell.files.python_writes.targets`).
_MAY_WRITE = lazy_re.compile(
    r"\.(?:write_text|write_bytes|symlink_to|rename|extract|extractall|unpack_archive)\b|\bunpack_archive\b|\bshutil\."
    r"|\bos\.(?:rename|replace|remove|unlink|symlink|link|truncate|rmdir|open)\b|\burlretrieve\b|\bdownload_file\b"
    r"|\bfileinput\b|\bcopytree\b|\.replace\([^,()]*(?:\([^()]*\))?[^,()]*\)"
    r"|\bopen\s*\((?=[^)]*(?:['\"][rbtU]*[wax+]|mode\s*=|,\s*[A-Za-z_]))"
)
# What its matches begin with.
_OF_WRITES = (
    "open", "os.", ".replace(", "shutil.", ".write_text", ".write_bytes", ".rename", ".symlink_to", ".extract",
    ".unpack_archive", "unpack_archive", "copytree", "urlretrieve", "download_file", "fileinput",
)  # fmt: skip


@lru_cache(maxsize=1024)
def may_write(text: str) -> bool:
    """Whether a program may write files, by its words: most do not, and need not be taken apart."""
    return lazy_re.at_words(_MAY_WRITE, _OF_WRITES, text)


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
def parsed(text: str) -> ast.Module | None:
    """A program taken apart; ``None`` where it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
