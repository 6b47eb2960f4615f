"""Python's command line taken apart. Source: Python documentation, "Command line and environment"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from checker.model.pipeline.scripts import Write
from checker.model.possible import Possible
from checker.model.values import Unknown

_PROGRAM: Final = re.compile(r"(?:python|pypy)(?:\d(?:\.\d+)?)?")
_WITH_VALUE: Final = frozenset({"-W", "-X"})
_TELLS: Final = frozenset(
    {"-V", "-VV", "--version", "-h", "-?", "--help", "--help-all", "--help-env", "--help-xoptions"}
)


@dataclass(frozen=True, slots=True)
class Module:
    """``-m NAME``."""

    name: Possible
    words: tuple[Possible, ...]


@dataclass(frozen=True, slots=True)
class Inline:
    """Code that stands in the command line, or that the program reads from what it is fed."""

    text: Possible
    words: tuple[Possible, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file by its path."""

    path: Possible
    words: tuple[Possible, ...]


Run: TypeAlias = Module | Inline | File


def is_python(program: str) -> bool:
    """Whether a program is an interpreter of Python."""
    return _PROGRAM.fullmatch(program) is not None


def parse_python(words: Sequence[Possible], writes: Sequence[Write]) -> Run | None:
    """What the interpreter runs; ``None`` where it only tells its version. ``words`` begin with its name."""
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word == "-m" and rest:
            return Module(rest[0], tuple(rest[1:]))
        if word == "-c" and rest:
            return Inline(rest[0], tuple(rest[1:]))
        if word == "-":
            return _fed(writes, tuple(rest))
        if word in _TELLS:
            return None
        if isinstance(word, str) and word.startswith("-"):
            if word in _WITH_VALUE and rest:
                rest.pop(0)
            continue
        return File(word, tuple(rest))
    return _fed(writes, ())


def _fed(writes: Sequence[Write], words: tuple[Possible, ...]) -> Run:
    """What comes in: text that stands in the script, a file, or what another command prints."""
    given = next((write for write in writes if write.operator.startswith("<")), None)
    if given is None:
        return Inline(Unknown("what another command prints"), words)
    return Inline(given.target, words) if given.operator.startswith("<<") else File(given.target, words)
