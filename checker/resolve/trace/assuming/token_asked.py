"""What a script asks GitHub's OIDC provider for: a token, made for an audience.

Source: GitHub Docs, "OpenID Connect reference": a request to ``ACTIONS_ID_TOKEN_REQUEST_URL``, with ``audience`` in its
query; the URL of the repository's owner where it names none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, shown
from checker.model.values import Hole, Text, Unknown, pieces, text

_URL: Final = "ACTIONS_ID_TOKEN_REQUEST_URL"
_NAME: Final = "audience="
_CLIENTS: Final = frozenset({"curl", "wget", "wget2", "http", "https", "xh"})
# A file of settings, or of a query, may name it.
_FILES: Final = ("-K", "--config", "@", "-d@", "--data=@")


def audience_asked(command: Command) -> Possible | None:
    """The audience that a command asks a token for, empty where it names none; ``None`` where it asks for no token."""
    words = command.words[1:]
    if command.program not in _CLIENTS or not any(_URL in shown(word) for word in words):
        return None
    for word in words:
        if (found := _named(word)) is not None:
            return found
    plain = command.program in {"curl", "wget", "wget2"} and not any(map(_may_name, words))
    return "" if plain else Unknown("the audience that the token is asked for is not known before it runs")


def _named(word: Possible) -> Possible | None:
    """What stands behind ``audience=``, up to the next part of the query."""
    parts = pieces(word) if isinstance(word, str | Text) else ()
    for index, part in enumerate(parts):
        _, named, behind = part.partition(_NAME) if isinstance(part, str) else ("", "", "")
        if named:
            return _until_next([behind.removeprefix("="), *parts[index + 1 :]])
    return None


def _until_next(parts: Sequence[str | Hole]) -> Possible:
    found: list[str | Hole] = []
    for part in parts:
        if isinstance(part, str):
            own, more, _ = part.partition("&")
            found.append(unquote(own))
            if more:
                break
        else:
            found.append(part)
    return text([part for part in found if part != ""]) if any(found) else ""


def _may_name(word: Possible) -> bool:
    """Whether a word that only the run knows, or a file, may hold the audience."""
    if isinstance(word, str):
        return word.startswith(_FILES)
    if not isinstance(word, Text):
        return True
    holes = [part for part in pieces(word) if not isinstance(part, str)]
    first = pieces(word)[0]
    if _URL in shown(word):
        return len(holes) > 1
    return not isinstance(first, str) or first.startswith(_FILES)
