"""JSON that ``jq -n`` makes of the words that it is given, as far as its filter only puts them into place.

Source: jq manual, "Invoking jq" (``--null-input``, ``--arg``, ``--argjson``, ``--args``) and "Types and Values" (object
and array construction, ``{$name}``, string interpolation). A filter that does anything else is left to the run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.possible import Possible, Scalar, joined, mapped
from checker.model.values import Text, pieces, text

_TOKEN: Final = lazy_re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>\$?[A-Za-z_]\w*)|(?P<sign>[][{}(),:.|]))'
)
_PART: Final = lazy_re.compile(r"\\\(\s*\$(\w+)\s*\)")
_PLAIN: Final = frozenset({"true", "false", "null"})
_DEPTH: Final = 20
_ALL: Final = ("$ARGS", ".", "positional")


class _Given(Struct):
    """What a filter may name: texts, JSON that is written out, and words by their place."""

    texts: dict[str, Possible] = field(default_factory=dict)
    written: dict[str, Possible] = field(default_factory=dict)
    words: list[Possible] = field(default_factory=list)


class _UnreadError(Exception):
    """The filter does more than put words into place."""


def made_json(words: Sequence[Possible]) -> Possible | None:
    """What ``jq`` prints for the words behind it; ``None`` where only running it tells."""
    given, nothing = _Given(), False
    told: list[Possible] = []
    left = list(words)
    behind = False  # `--args`: what no option takes is a word for the filter
    while left:
        word = left.pop(0)
        if not isinstance(word, str) or not word.startswith("-") or word == "-":
            (given.words if behind and told else told).append(word)
        elif word in {"--arg", "--argjson"} and len(left) >= 2:
            name, value = left.pop(0), left.pop(0)
            (given.texts if word == "--arg" else given.written)[str(name)] = value
        elif word == "--args":
            behind = True
        elif word == "--null-input" or re.fullmatch(r"-[ncrSMa]*n[ncrSMa]*", word):
            nothing = True
        elif not re.fullmatch(r"-[crSMa]+|--compact-output|--raw-output|--sort-keys|--monochrome-output|--tab", word):
            return None
    if not nothing or len(told) != 1 or not isinstance(told[0], str):
        return None
    try:
        tokens = list(_tokens(told[0]))
        made, rest = _value(tokens, given, 0)
    except _UnreadError:
        return None
    return joined(made) if not rest else None


def _tokens(written: str) -> Iterator[str]:
    at = 0
    while written[at:].strip():
        match = _TOKEN.match(written, at)
        if match is None:
            raise _UnreadError
        yield match[0].strip()
        at = match.end()


def _value(tokens: Sequence[str], given: _Given, depth: int) -> tuple[list[Possible], Sequence[str]]:
    if not tokens or depth > _DEPTH:
        raise _UnreadError
    first, rest = tokens[0], tokens[1:]
    if first == "(":
        made, rest = _value(rest, given, depth + 1)
        return made, _past(")", rest)
    if first in {"{", "["}:
        return _several(first, rest, given, depth)
    if first.startswith('"'):
        return _string(first, given), rest
    if first in _PLAIN or first[0].isdigit() or first[0] == "-":
        return [first], rest
    if tuple(tokens[:3]) == _ALL:
        if tokens[3:4] == ["["] and tokens[4:5] and tokens[4].isdigit() and tokens[5:6] == ["]"]:
            word = given.words[int(tokens[4])] if int(tokens[4]) < len(given.words) else None
            return (["null"] if word is None else _quoted(word)), tokens[6:]
        return _listed([_quoted(each) for each in given.words], "[]"), tokens[3:]
    if first.startswith("$") and rest[:1] != ["."]:
        return _named(first[1:], given), rest
    raise _UnreadError


def _several(sign: str, rest: Sequence[str], given: _Given, depth: int) -> tuple[list[Possible], Sequence[str]]:
    end = "}" if sign == "{" else "]"
    entries: list[list[Possible]] = []
    while rest[:1] != [end]:
        if entries:
            rest = _past(",", rest)
        entry: list[Possible] = []
        if sign == "{":
            key, rest = (rest[0] if rest else ""), rest[1:]
            if key.startswith("$"):
                entries.append([json.dumps(key[1:]), ":", *_named(key[1:], given)])
                continue
            if not re.fullmatch(r'[A-Za-z_]\w*|"[^\\]*"', key):
                raise _UnreadError
            entry, rest = [json.dumps(key.strip('"')), ":"], _past(":", rest)
        value, rest = _value(rest, given, depth + 1)
        entries.append([*entry, *value])
    return _listed(entries, sign + end), rest[1:]


def _listed(entries: Sequence[Sequence[Possible]], signs: str) -> list[Possible]:
    made: list[Possible] = [signs[0]]
    for index, entry in enumerate(entries):
        made += [", ", *entry] if index else entry
    return [*made, signs[1]]


def _past(sign: str, rest: Sequence[str]) -> Sequence[str]:
    if rest[:1] != [sign]:
        raise _UnreadError
    return rest[1:]


def _named(name: str, given: _Given) -> list[Possible]:
    if name in given.texts:
        return _quoted(given.texts[name])
    if name in given.written:
        return [given.written[name]]
    raise _UnreadError


def _string(token: str, given: _Given) -> list[Possible]:
    """A string of the filter, with the words that it has inside ``\\(...)``."""
    made: list[Possible] = ['"']
    for index, part in enumerate(_PART.split(token[1:-1])):
        if index % 2:
            inside: Mapping[str, Possible] = given.texts
            if part not in inside:
                raise _UnreadError
            made += _quoted(inside[part])[1:-1]
        elif "\\(" in part:
            raise _UnreadError
        else:
            made.append(part)
    return [*made, '"']


def _quoted(value: Possible) -> list[Possible]:
    """A value as a JSON string: what is open stays so inside of it."""
    return ['"', mapped(value, _escaped), '"']


def _escaped(value: Scalar) -> Possible:
    if isinstance(value, str):
        return json.dumps(value)[1:-1]
    if isinstance(value, Text):
        return joined([_escaped(each) if isinstance(each, str) else text([each]) for each in pieces(value)])
    raise _UnreadError
