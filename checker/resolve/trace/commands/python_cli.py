"""Python's command line taken apart. Source: Python documentation, "Command line and environment"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from checker.model.pipeline.scripts import Write
from checker.model.possible import Possible

_PROGRAM: Final = re.compile(r"(?:python|pypy)(?:\d(?:\.\d+)?)?")
_WITH_VALUE: Final = frozenset({"-W", "-X"})


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
    """What the interpreter runs; ``None`` where it runs nothing that is told here. ``words`` begin with its name."""
    fed = next((write.target for write in writes if write.operator.startswith("<<")), None)
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word == "-m" and rest:
            return Module(rest[0], tuple(rest[1:]))
        if word == "-c" and rest:
            return Inline(rest[0], tuple(rest[1:]))
        if word == "-":
            return None if fed is None else Inline(fed, tuple(rest))
        if isinstance(word, str) and word.startswith("-"):
            if word in _WITH_VALUE and rest:
                rest.pop(0)
            continue
        return File(word, tuple(rest))
    return None if fed is None else Inline(fed, ())
