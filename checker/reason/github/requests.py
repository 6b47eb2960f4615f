"""Requests to GitHub's REST API, however a script makes them: ``gh api``, curl, wget, a Python library.

Sources: GitHub CLI manual, "gh api" (``--method``; a field makes a POST of it; ``{owner}``, ``{repo}`` and ``:owner``
are filled in); GitHub Docs, "Getting started with the REST API".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, options, shown
from checker.model.values import Hole, Text, pieces, text
from checker.reason.deploys.http_requests import request_of

_VALUED: Final = frozenset(
    {"-X", "--method", "-f", "--raw-field", "-F", "--field", "-H", "--header", "--hostname", "--input", "-q", "--jq",
     "-t", "--template", "-p", "--preview", "--cache"}
)  # fmt: skip
_FIELDS: Final = frozenset({"-f", "--raw-field", "-F", "--field", "--input"})
_API_HOST: Final = lazy_re.compile(r"^https?://api\.github\.com/?")
# An API whose variable does not say that it is GitHub's is any: the project's own has such a name as well.
_API_HOLE: Final = lazy_re.compile(r"github[-_.]?api", re.IGNORECASE)
_BELOW_REPOSITORY: Final = lazy_re.compile(r"/?repos/")


class Request(Struct, frozen=True):
    """One request. ``url`` is its path below the API's address, without the first slash and the query; holes kept."""

    command: Command
    method: str
    url: str | Text

    @property
    def path(self) -> str:
        """The path as it is written, holes in their own spelling."""
        return str(self.url)

    @property
    def text(self) -> str:
        """All of the command's words: its fields and its filter are among them."""
        return self.command.text()


def requests_of(command: Command) -> Iterator[Request]:
    """Every request that a command may make: one for each path that it can be given."""
    if command.program == "gh" and command.words[1:2] == ("api",):
        yield from _gh(command)
    elif command.program in {"curl", "wget", "http", "https", "xh"}:
        made = request_of(command)
        for option in options(made.url) or () if made is not None else ():
            below = _below_api(option) if isinstance(option, str | Text) else None
            if made is not None and below is not None:
                yield Request(command, made.method.upper(), below)


def _gh(command: Command) -> Iterator[Request]:
    given: dict[str, Possible] = {}
    path: Possible | None = None
    words = list(command.words[2:])
    while words:
        word = words.pop(0)
        if isinstance(word, str) and word.startswith("-"):
            name, equals, inline = word.partition("=")
            if not equals and len(word) > 2 and not word.startswith("--") and word[:2] in _VALUED:
                name, equals, inline = word[:2], "=", word[2:]
            given[name] = inline if equals else (words.pop(0) if name in _VALUED and words else "")
        elif path is None:
            path = word
    method = shown(given.get("-X", given.get("--method", "POST" if _FIELDS & given.keys() else "GET"))).upper()
    for option in options(path) or () if path is not None else ():
        if isinstance(option, str | Text):
            yield Request(command, method, _trimmed(_without_host(option)))


def _without_host(url: str | Text) -> str | Text:
    first, *rest = pieces(url)
    return text([_API_HOST.sub("", first), *rest]) if isinstance(first, str) else url


def _below_api(url: str | Text) -> str | Text | None:
    """The path below the API's address, ``None`` for a request to somewhere else."""
    parts = list(pieces(url))
    first = parts[0]
    if isinstance(first, str) and _API_HOST.match(first):
        return _trimmed(text([_API_HOST.sub("", first), *parts[1:]]))
    if isinstance(first, str) and "://" in first:
        return None
    if isinstance(first, Hole) and _API_HOLE.search(first.shown):
        return _trimmed(text(parts[1:]))
    for index, part in enumerate(parts):
        found = _BELOW_REPOSITORY.match(part) if isinstance(part, str) else None
        if found and index <= 1:
            return _trimmed(text(parts[index:]))
    return None


def _trimmed(path: str | Text) -> str | Text:
    """Without the first slash, and without the query."""
    kept: list[str | Hole] = []
    for part in pieces(path):
        if isinstance(part, str) and ("?" in part or "#" in part):
            kept.append(re.split(r"[?#]", part)[0])
            break
        kept.append(part)
    if kept and isinstance(kept[0], str):
        kept[0] = kept[0].lstrip("/")
    return text(kept)
