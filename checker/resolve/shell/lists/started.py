"""Programs that start another one for each thing that they find or read: ``find -exec``, ``parallel``, ``watch``.

Sources: GNU findutils manual, "Run Commands"; GNU Parallel manual; each program's own.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.possible import OneOf, Possible
from checker.resolve.shell.wrappers import Unwrapped, after_options


def _each_found(where: Sequence[Possible], command: list[Possible]) -> list[Possible]:
    """A command of ``find`` with what it is started for in place of ``{}``: the folder, and the names' pattern."""
    root = where[0] if where and isinstance(where[0], str) and not where[0].startswith("-") else ""
    pattern = next((word for before, word in itertools.pairwise(where) if before in {"-name", "-iname"}), "")
    if not root or not isinstance(pattern, str):
        return command
    return [posixpath.join(root, pattern) if word == "{}" else word for word in command]


_FEW: Final = 8


def is_one_of_few(words: Sequence[Possible]) -> bool:
    """Whether a program is one of so many that each of them is looked at."""
    return bool(words) and isinstance(words[0], OneOf) and len(words[0].options) <= _FEW


def started(words: Sequence[Possible]) -> Iterator[list[Possible]]:
    """The commands that a program starts for each thing that it finds or reads: ``find -exec``, ``parallel``. Where
    the program is one of several, each of them."""
    if is_one_of_few(words):
        for each in words[0].options if isinstance(words[0], OneOf) else ():
            yield [*(each.split() if isinstance(each, str) else [each]), *words[1:]]
        return
    name = words[0].rsplit("/", 1)[-1] if words and isinstance(words[0], str) else ""
    listed = list(words)
    if name in {"find", "fd", "fdfind"}:
        for index, word in enumerate(listed):
            if word in {"-exec", "-execdir", "-ok", "-okdir", "-x", "--exec", "-X", "--exec-batch"}:
                rest = listed[index + 1 :]
                end = next((at for at, each in enumerate(rest) if each in {";", "+", "\\;"}), len(rest))
                if end:
                    yield _each_found(listed[1:index], rest[:end])
    elif name == "parallel":
        rest = after_options(
            listed[1:], frozenset({"-j", "-P", "--jobs", "-a", "--arg-file", "--delay"}), Unwrapped([])
        )
        end = next((at for at, each in enumerate(rest) if each in {":::", "::::", ":::+"}), len(rest))
        if end:
            yield rest[:end]
    elif name in {"watch", "entr", "nodemon"}:
        rest = after_options(listed[1:], frozenset({"-n", "--interval", "-e", "--ext"}), Unwrapped([]))
        if rest:
            yield rest
