"""``timeout`` around a command, and programs that let one go on by itself: what becomes of the command's status.

Sources: GNU Coreutils manual, "timeout"; util-linux, setsid(1); Bash Reference Manual, "Coprocesses".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.shell.wrappers import MOST_WRAPPERS, Unwrapped, after_options, once, unwrapped

_VALUES: Final = frozenset({"-k", "-s", "--signal", "--kill-after"})
_FORKS: Final = lazy_re.compile(r"-[a-z]*f[a-z]*|--fork")


class Timed(Struct, frozen=True):
    """A command that ``timeout`` ends: after how long, and with which status."""

    inner: Unwrapped
    limit: Possible
    status: str


def ends_in_time(program: Possible) -> bool:
    """Whether a program is ``timeout``, by whichever path; ``gtimeout`` is what Homebrew calls it."""
    return isinstance(program, str) and program.rsplit("/", 1)[-1] in {"timeout", "gtimeout"}


def timed(words: list[Possible]) -> Timed | None:
    """A command that ``timeout`` ends, also where other programs start that: ``sudo timeout 60 X``, ``env A=1 nice
    timeout 60 X``."""
    found = Unwrapped(words)
    for _ in range(MOST_WRAPPERS):
        inner = once(found)
        if inner is None:
            return None
        if ends_in_time(found.words[0]):
            limit = next(iter(after_options(found.words[1:], _VALUES, Unwrapped([]))), None)
            return Timed(Unwrapped(inner, found.given, found.folder), limit, status_in_time(found.words))
        found.words = inner
    return None


def is_left_alone(words: list[Possible]) -> bool:
    """Whether a program goes on by itself, and nobody gets its status: util-linux, setsid(1), ``--fork``; Bash
    Reference Manual, "Coprocesses"."""
    found = Unwrapped(words)
    for _ in range(MOST_WRAPPERS):
        inner = once(found)
        name = found.words[0].rsplit("/", 1)[-1] if inner is not None and isinstance(found.words[0], str) else ""
        if inner is None:
            return False
        options = itertools.takewhile(lambda each: isinstance(each, str) and each.startswith("-"), found.words[1:])
        if name == "coproc" or (name == "setsid" and any(map(_FORKS.fullmatch, map(str, options)))):
            return True
        found.words = inner
    return False


def status_in_time(words: Sequence[Possible]) -> str:
    """The status with which ``timeout`` ends a command when its time is up: 124, the signal's where it is KILL or the
    command's own is preserved (GNU Coreutils manual, "timeout")."""
    before = words[1 : len(words) - len(unwrapped(list(words)).words)]
    written = " ".join(word for word in before if isinstance(word, str))
    if re.search(r"(?:-s|--signal)[ =]?(?:SIG)?(?:KILL|9)\b", written):
        return "137"
    return "143" if re.search(r"(?:^|\s)(?:--preserve-status|-p)(?:\s|$)", written) else "124"
