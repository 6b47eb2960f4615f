"""STS asked for a role over HTTP: presenting a web identity or an assertion of SAML needs no signature.

Source: AWS STS API Reference, "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML" (parameters in the query or the body),
"Making Query Requests"; curl(1), ``-d``, ``--data-urlencode``, ``-G``; GNU Wget manual, ``--post-data``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote_plus

from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.scripts import AwsCall, Command, How, plain_name
from checker.model.possible import Possible, shown
from checker.model.values import Hole, Text, pieces, split, text

_CLIENTS: Final = frozenset({"curl", "wget", "wget2", "http", "https", "xh"})
_HOST: Final = lazy_re.compile(r"^(?:https?://)?sts(?:\.[^/?.]+(?:\.[^/?.]+)*)?\.amazonaws\.com(?:\.cn)?(?:[:/?]|$)")
_BODY: Final = ("-d", "--data", "--data-raw", "--data-ascii", "--data-binary", "--data-urlencode", "--url-query")
_POSTED: Final = "--post-data"
_UNSIGNED: Final = frozenset({"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})


def asked_over_http(command: Command) -> list[AwsCall] | None:
    """The call that a command makes of STS; ``None`` where it makes none."""
    words = command.words[1:]
    if command.program not in _CLIENTS or not any(_HOST.search(shown(word)) for word in words):
        return None
    given = dict(each for word in _queries(words) for each in _parameters(word))
    operation = given.pop("Action", "")
    if not isinstance(operation, str) or operation not in _UNSIGNED:
        return None
    arguments: Mapping[str, Possible] = {plain_name(name): value for name, value in given.items()}
    call = AwsCall("sts", operation, How.CLI, arguments, command.reached, command.handling, command.source)
    return [replace(call, complete="RoleArn" in given, folder=command.folder)]


def _queries(words: tuple[Possible, ...]) -> Iterator[Possible]:
    """The texts that hold parameters: what is behind the address's question mark, and the bodies."""
    for before, word in zip(("", *words), words, strict=False):
        option = before if isinstance(before, str) else ""
        begun = shown(word).partition("=")[0]
        if option in _BODY or option == _POSTED or (_is_word_of_body(word) and begun not in _BODY):
            yield word
        elif begun in (*_BODY, _POSTED):
            yield _behind(word, "=")
        elif _HOST.search(shown(word)):
            yield _behind(word, "?")


def _is_word_of_body(word: Possible) -> bool:
    """``http POST URL Action==X``: HTTPie's parameters are words of their own."""
    return not shown(word).startswith(("-", "http", "sts.")) and shown(word).partition("=")[0].isalnum()


def _behind(word: Possible, mark: str) -> Possible:
    parts = pieces(word) if isinstance(word, str | Text) else ()
    for index, part in enumerate(parts):
        if isinstance(part, str) and mark in part:
            return text([part.partition(mark)[2], *parts[index + 1 :]])
    return ""


def _parameters(query: Possible) -> Iterator[tuple[str, Possible]]:
    """Names and values of ``a=x&b=$Y``."""
    for parts in split(query, "&") if isinstance(query, str | Text) else ():
        yield from _parameter(parts)


def _parameter(parts: list[str | Hole]) -> Iterator[tuple[str, Possible]]:
    first = parts[0] if parts else ""
    name, equals, begun = first.partition("=") if isinstance(first, str) else ("", "", "")
    if equals:
        rest = [unquote_plus(part) if isinstance(part, str) else part for part in (begun.lstrip("="), *parts[1:])]
        yield name, text([part for part in rest if part != ""]) if any(part != "" for part in rest) else ""
