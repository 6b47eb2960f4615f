"""Commands in what clients of databases read: ``\\!`` of psql and mysql, ``.shell`` of sqlite3.

Sources: PostgreSQL documentation, "psql", "Meta-Commands" (``\\!``, ``\\copy ... program``, ``\\o |``, backquotes);
SQLite documentation, "Command Line Shell For SQLite" (``.shell``, ``.system``, ``.import "|..."``, ``.output |``,
``.read "|..."``, ``.load``); MySQL Reference Manual, "mysql Client Commands" (``system``, ``\\!``, ``source``,
``pager``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible, shown
from checker.resolve.shell.handed.kinds import Handed, Told, apart, filled, given, line, plain, unknown

_MAX_FILES: Final = 20  # files that read files
_TOO_DEEP: Final = "what files that read one another have a client run was not followed"
# What psql does not look into for its own commands, and these.
_PSQL: Final = lazy_re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:''|[^'])*'|\"[^\"]*\"|\$(\w*)\$.*?\$\1\$|\\(?P<name>!|[A-Za-z_?+;]+)(?P<rest>[^\n]*)",
    re.DOTALL,
)
_PIPED: Final = lazy_re.compile(r"\s*(?:\([^)]*\)\s*)?\|(.+)", re.DOTALL)
_PROGRAM: Final = lazy_re.compile(r"\b(?:from|to)\s+program\s+'((?:''|[^'])*)'", re.IGNORECASE)
_BACKQUOTED: Final = lazy_re.compile(r"`([^`]*)`")
_WHOLLY_OPEN: Final = lazy_re.compile(r"\$\{\{")  # the run's start chooses the file, its folder too
_WRITES: Final = frozenset({"o", "out", "g", "gx", "w", "write"})
_READS: Final = frozenset({"i", "include", "ir", "include_relative"})


def psql(told: Told) -> Iterator[Handed]:
    """The commands that psql's own ones run: in what it is told, what comes in, and files of the repository."""
    words = apart(told.words[1:], "cf")
    texts = [*given(words, ("-c", "--command"))]
    files = [*given(words, ("-f", "--file"))]
    if (not texts and not files) or "-" in files:
        texts.append(told.fed)
        files.append(told.fed_by)
    for text in texts:
        yield from _meta(told, text, "", 0)
    for file in files:
        if _WHOLLY_OPEN.match(shown(file)):
            yield "what psql reads from a file that only the run names was not followed"
        for path in told.files_of(file):
            yield from _meta(told, told.text_of(path), str(path), 0)


def _meta(told: Told, text: Possible, file: str, depth: int) -> Iterator[Handed]:
    written = plain(text) if text is not None else None
    if written is None or "\\" not in written[0]:
        return
    if depth > _MAX_FILES:
        yield _TOO_DEEP
        return
    for match in _PSQL.finditer(written[0]):
        name, rest = match["name"], match["rest"] or ""
        if name is None:
            continue
        found: list[str] = []
        if name == "!":
            found.append(rest.strip())
        elif name == "copy":
            found.extend(each[1].replace("''", "'") for each in _PROGRAM.finditer(rest))
        elif name in _WRITES and (piped := _PIPED.fullmatch(rest)):
            found.append(piped[1].strip())
        elif name in _READS:
            inner = rest.strip().strip("'\"")
            path = posixpath.join(posixpath.dirname(file), inner) if name in {"ir", "include_relative"} else inner
            for each in told.files_of(path):
                yield from _meta(told, told.text_of(each), str(each), depth + 1)
        if name != "!":
            found.extend(each[1] for each in _BACKQUOTED.finditer(rest))
        yield from (line(filled(command, written[1])) for command in found if command)


_DOT: Final = lazy_re.compile(r"^\s*\.(\w+)\s*(.*)$", re.MULTILINE)


def sqlite3(told: Told) -> Iterator[Handed]:
    """The commands that the dot-commands of sqlite3 run."""
    texts: list[Possible] = [word for word in told.words[1:] if word is not None]
    texts.extend([told.fed, *(told.text_of(file) for file in given(told.words[1:], ("-init", "--init")))])
    texts.extend(map(told.text_of, told.files_of(told.fed_by)))
    for text in texts:
        yield from _dotted(told, text, 0)


def _dotted(told: Told, text: Possible, depth: int) -> Iterator[Handed]:
    written = plain(text) if text is not None else None
    if written is None:
        return
    if depth > _MAX_FILES:
        yield _TOO_DEEP
        return
    if re.search(r"\bload_extension\s*\(", written[0], re.IGNORECASE):
        yield "an extension that sqlite3 loads was not followed"
    for match in _DOT.finditer(written[0]):
        name, rest = match[1].lower(), match[2].strip()
        inner = rest.strip("'\"")
        if (len(name) > 1 and "shell".startswith(name)) or (len(name) > 1 and "system".startswith(name)):
            yield line(filled(rest, written[1])) if rest else unknown("what sqlite3 runs")
        elif name == "load":
            yield "an extension that sqlite3 loads was not followed"
        elif name in {"output", "once", "import", "read"} and (inner.startswith("|") or " |" in rest):
            yield line(filled(re.split(r"['\"]\s", inner.partition("|")[2])[0], written[1]))
        elif name == "read":
            for each in told.files_of(inner):
                yield from _dotted(told, told.text_of(each), depth + 1)


_MYSQL: Final = lazy_re.compile(
    r"--\s[^\n]*|#[^\n]*|/\*.*?\*/|'(?:\\.|''|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\\(?P<letter>[!P.])\s*(?P<short>[^\n]*)"
    r"|(?:^|(?<=;))[ \t]*(?P<name>system|pager|source)[ \t]+(?P<long>[^\n;]*)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)


def mysql(told: Told) -> Iterator[Handed]:
    """The commands that the client's own ones run."""
    texts = [*given(apart(told.words[1:], "e"), ("-e", "--execute", "--init-command"))]
    texts = texts or [told.fed, *map(told.text_of, told.files_of(told.fed_by))]
    for text in texts:
        yield from _own(told, text, 0)


def _own(told: Told, text: Possible, depth: int) -> Iterator[Handed]:
    written = plain(text) if text is not None else None
    if written is None:
        return
    if depth > _MAX_FILES:
        yield _TOO_DEEP
        return
    for match in _MYSQL.finditer(written[0]):
        name = (match["name"] or "").lower() or {"!": "system", "P": "pager", ".": "source"}.get(
            match["letter"] or "", ""
        )
        rest = (match["short"] or match["long"] or "").strip()
        if name == "source":
            for each in told.files_of(rest):
                yield from _own(told, told.text_of(each), depth + 1)
        elif name and rest:
            yield line(filled(rest, written[1]))
