"""What ``go generate`` runs: the lines ``//go:generate`` of the files that it is given.

Source: ``go help generate``. The words of a line are apart at spaces, a word in double quotes is a Go string, and no
shell reads them: what stands for a variable is replaced, and nothing else. ``-command`` gives other words a name.
"""

from __future__ import annotations

import ast
import posixpath
import re
import shlex
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.resolve.shell.handed.kinds import Handed, Told, line

_LINE: Final = lazy_re.compile(r"^//go:generate[ \t]+(.+?)[ \t\r]*$", re.MULTILINE)
_PACKAGE: Final = lazy_re.compile(r"^package\s+(\w+)", re.MULTILINE)
_WORD: Final = lazy_re.compile(r'"(?:\\.|[^"\\])*"|[^\s"]\S*')
_VARIABLE: Final = lazy_re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_UNREAD: Final = "what lines of //go:generate run was not followed"


def go(told: Told) -> Iterator[Handed]:
    """The commands of the lines, each where it stands."""
    words = [str(word) for word in told.words]
    if words[1:2] != ["generate"] or {"-n", "-h"} & set(words):
        return
    plain = [word for word in words[2:] if not word.startswith("-")]
    for file in dict.fromkeys(_files(told, plain or ["."])):
        text = told.text_of(file) if file is not None else None
        if file is None or text is None:
            yield _UNREAD
        elif "//go:generate" in text:
            yield from _commands(file, text)


def _files(told: Told, plain: list[str]) -> Iterator[str | None]:
    for each in plain:
        if each.endswith(".go"):
            yield each
            continue
        found = told.go_files(each) if each.startswith((".", "/")) else None
        yield from found if found is not None else [None]


def _commands(file: str, text: str) -> Iterator[Handed]:
    called: dict[str, list[str]] = {}
    package = _PACKAGE.search(text)
    known = {
        "GOFILE": posixpath.basename(file),
        "GOPACKAGE": package[1] if package is not None else "",
        "DOLLAR": "$",
        "PWD": posixpath.dirname(file) or ".",
    }
    for match in _LINE.finditer(text):
        words = [_unquoted(word) for word in _WORD.findall(match[1])]
        if not words:
            continue
        if words[0] == "-command":
            called[words[1] if len(words) > 1 else ""] = words[2:]
            continue
        started = [*called.get(words[0], words[:1]), *words[1:]]
        yield line(f"cd {shlex.quote(known['PWD'])} && {' '.join(_put(word, known) for word in started)}")


def _unquoted(word: str) -> str:
    """A string of Go: all of what stands in such lines is one of Python as well."""
    try:
        return str(ast.literal_eval(word)) if word.startswith('"') else word
    except (SyntaxError, ValueError):
        return word


def _put(word: str, known: dict[str, str]) -> str:
    """A word for a shell: variables of ``go generate`` replaced, those of the environment left to it."""
    pieces = _VARIABLE.split(word)
    written = [shlex.quote(pieces[0]) if pieces[0] or len(pieces) == 1 else ""]
    for at in range(1, len(pieces), 3):
        name = pieces[at] or pieces[at + 1]
        written.append(shlex.quote(known[name]) if name in known else f'"${{{name}}}"')
        written.append(shlex.quote(pieces[at + 2]) if pieces[at + 2] else "")
    return "".join(written)
