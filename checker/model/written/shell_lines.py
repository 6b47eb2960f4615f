"""The line that a shell is given to run (``sh -ec "..."``), and commands that are written as lists of their words.

Sources: POSIX, ``sh`` ("Options", "Operands"); Bash Reference Manual, "Invoking Bash"; Dockerfile reference, "Shell and
exec form".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from checker import lazy_re

SHELLS: Final = frozenset({"ash", "bash", "dash", "ksh", "sh", "zsh"})
_LINE_FOLLOWS: Final = lazy_re.compile(r"-[a-zA-Z]*c[a-zA-Z]*")
_OPTION_WITH_VALUE: Final = lazy_re.compile(r"[-+][a-zA-Z]*[oO][a-zA-Z]*|--rcfile|--init-file")


def is_shell(word: object) -> bool:
    return isinstance(word, str) and word.rpartition("/")[2] in SHELLS


def behind_options(words: Sequence[object]) -> int:
    """Where a shell's script stands, or the line that it is given; ``words`` begin with the shell."""
    at = 1
    while at < len(words) and isinstance(word := words[at], str) and word.startswith(("-", "+")):
        at += 2 if _OPTION_WITH_VALUE.fullmatch(word) else 1
        if word == "--":
            break
    return min(at, len(words))


def line_at(words: Sequence[object]) -> int | None:
    """Where the line stands that a shell is given in place of a script; ``None`` where the words start no shell, or one
    that is given none."""
    if not words or not is_shell(words[0]):
        return None
    at = behind_options(words)
    asked = any(isinstance(each, str) and _LINE_FOLLOWS.fullmatch(each) for each in words[1:at])
    return at if asked and at < len(words) else None


def line_in(words: Sequence[str]) -> str:
    """The line itself; empty where there is none."""
    at = line_at(words)
    return words[at] if at is not None else ""


def listed(written: str) -> list[str] | None:
    """The words of a command that is written as a list in JSON; ``None`` for any other."""
    if not written.lstrip().startswith("["):
        return None
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(each, str) for each in found) else None
