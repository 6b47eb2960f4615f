"""Parameters of stacks as the words of commands give them: pairs, JSON, or files of it."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from checker import lazy_re
from checker.model.possible import OneOf, Possible, joined, one_of, shown
from checker.model.values import Text

_PAIR: Final = lazy_re.compile(
    r"ParameterKey=(?P<key>[^,]+)(?:,ParameterValue=(?P<value>.*))?(?:,UsePreviousValue=.*)?", re.DOTALL
)


def values_in(
    words: Iterable[Possible], folder: str | None, read: Callable[[str], str | None]
) -> Mapping[str, Possible] | None:
    """Names and values in the words of an option; ``None`` where not all of them are known."""
    found: dict[str, Possible] = {}
    for word in words:
        if isinstance(word, str) and word.startswith("file://"):
            text = read(posixpath.normpath(posixpath.join(folder or "", word.removeprefix("file://"))))
            inside = _in_json(text) if text is not None else None
        elif isinstance(word, str) and word.lstrip().startswith(("[", "{")):
            inside = _in_json(word)
        elif isinstance(word, str) and " " in word.strip() and word.count("=") > 1:
            inside = values_in(_split(word), folder, read)
        else:
            name, value = pair_in(word)
            inside = {name: value} if name else None
        if inside is None:
            return None
        found.update(inside)
    return found


def _split(text: str) -> list[Possible]:
    try:
        return [*shlex.split(text)]
    except ValueError:
        return [Text(())]


def _in_json(text: str) -> Mapping[str, Possible] | None:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(data, dict):
        data = data.get("Parameters", data)
    if isinstance(data, dict):
        return {str(key): value for key, value in data.items() if isinstance(value, str | int | float | bool)}
    found: dict[str, Possible] = {}
    for each in data if isinstance(data, list) else ():
        if isinstance(each, str) and "=" in each:
            found[each.partition("=")[0]] = each.partition("=")[2]
        elif isinstance(each, dict) and "ParameterKey" in each:
            value = each.get("ParameterValue")
            found[str(each["ParameterKey"])] = value if isinstance(value, str) else None
        else:
            return None
    return found


def pair_in(word: Possible) -> tuple[str, Possible]:
    """``Name=value`` and ``ParameterKey=Name,ParameterValue=value``; no name where it is not known."""
    if isinstance(word, OneOf):
        pairs = [pair_in(each) for each in word.options]
        named = {name for name, _ in pairs}
        return (named.pop(), one_of(value for _, value in pairs)) if len(named) == 1 else ("", None)
    first, *rest = word.parts if isinstance(word, Text) and word.parts else (word,)
    if not isinstance(first, str):
        return "", None
    match = _PAIR.fullmatch(first)
    if match is not None:
        name, value = match["key"], match["value"]
    elif "=" in first and not first.startswith("ParameterKey="):
        name, _, value = first.partition("=")
    else:
        return "", None
    name = name.strip("\"'")
    if value is None:
        return name, None
    if rest:
        return name, joined([value, *(each if isinstance(each, str) else Text((each,)) for each in rest)])
    return name, value.strip("\"'")


def option_of(words: Sequence[Possible], *names: str) -> Possible:
    return next((each for name in names for each in options_of(words, name)), None)


def options_of(words: Sequence[Possible], option: str) -> Iterator[Possible]:
    for index, word in enumerate(words):
        if word == option:
            yield from words[index + 1 : index + 2]
        elif isinstance(word, str) and word.startswith(f"{option}="):
            yield word[len(option) + 1 :]
        elif isinstance(word, Text) and shown(word).startswith(f"{option}="):
            yield Text(word.parts)


def words_of(words: Sequence[Possible], option: str) -> Iterator[Possible]:
    """The words behind an option, up to the next."""
    for index, word in enumerate(words):
        if isinstance(word, str) and word.startswith(f"{option}="):
            yield word[len(option) + 1 :]
        if word != option:
            continue
        for each in words[index + 1 :]:
            if isinstance(each, str) and each.startswith("--"):
                break
            yield each
