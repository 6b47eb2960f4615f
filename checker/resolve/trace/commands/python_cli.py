"""Python's command line taken apart. Source: Python documentation, "Command line and environment"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.scripts import Write
from checker.model.possible import Possible
from checker.model.values import Unknown

_PROGRAM: Final = lazy_re.compile(r"(?:python|pypy)(?:\d(?:\.\d+)?)?")
# Options of one letter that take a value: in the same word behind them, or as the next word. The first two of them end
# the options.
_WITH_VALUE: Final = "cmWX"
_TELLS: Final = frozenset({"--version", "--help", "--help-all", "--help-env", "--help-xoptions"})
_TELLING: Final = "V?h"


class Module(Struct, frozen=True):
    """``-m NAME``."""

    name: Possible
    words: tuple[Possible, ...]


class Inline(Struct, frozen=True):
    """Code that stands in the command line, or that the program reads from what it is fed."""

    text: Possible
    words: tuple[Possible, ...]


class File(Struct, frozen=True):
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
        if word == "-":
            return _fed(writes, tuple(rest))
        if not isinstance(word, str) or not word.startswith("-"):
            return File(word, tuple(rest))
        if word in _TELLS:
            return None
        if word.startswith("--"):
            del rest[: word == "--check-hash-based-pycs"]
            continue
        letter, given = _with_value(word)
        if letter == "V":
            return None
        value: Possible = given
        if letter and not given:
            value = rest.pop(0) if rest else ""
        if letter in ("c", "m"):
            return (Inline if letter == "c" else Module)(value, tuple(rest))
    return _fed(writes, ())


def _with_value(word: str) -> tuple[str, str]:
    """The letter in a word of options that takes a value, and what of it stands in that word: ``W`` and ``ignore`` of
    ``-Wignore``. ``V`` where Python only tells something; empty where none is in it."""
    for index, letter in enumerate(word[1:], 2):
        if letter in _TELLING:
            return "V", ""
        if letter in _WITH_VALUE:
            return letter, word[index:]
    return "", ""


def _fed(writes: Sequence[Write], words: tuple[Possible, ...]) -> Run:
    """What comes in: text that stands in the script, a file, or what another command prints."""
    given = next((write for write in writes if write.operator.startswith("<")), None)
    if given is None:
        return Inline(Unknown("what another command prints"), words)
    return Inline(given.target, words) if given.operator.startswith("<<") else File(given.target, words)
