"""What a file of ``docker buildx bake`` says of its targets, in HCL or in JSON.

Sources: Docker documentation, "Bake file reference" and "Variables in Bake"; HCL's native syntax specification. What is
more than a text, a list of texts or a name stands for something that only the run knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

from checker import lazy_re

# A text is a list of what it is put together of: text as it stands, and expressions.
Piece: TypeAlias = "str | Expression"
Value: TypeAlias = "tuple[Piece, ...] | list[Value] | None"
_TOKEN: Final = lazy_re.compile(
    r"(?P<blank>[ \t\r]+|#[^\n]*|//[^\n]*|/\*.*?\*/)|(?P<text>\"(?:[^\"\\$\n]|\\.|\$(?!\{)|\$\{[^{}\"\n]*\})*+\")"
    r"|(?P<name>[A-Za-z_][\w.-]*)|(?P<sign>\n|[{}\[\](),=]|[^\s\"{}\[\](),=]+)",
    re.DOTALL,
)
_HOLE: Final = lazy_re.compile(r"\$\{([^{}]*)\}")
_MOST: Final = 20_000


class Expression(Struct, frozen=True):
    """What stands in ``${ }``, or by itself."""

    written: str


class BakeFile(Struct):
    """The targets by their names, what each group holds, and what variables are where nobody sets them."""

    targets: dict[str, dict[str, Value]] = field(default_factory=dict)
    groups: dict[str, Value] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)

    def add(self, kind: str, name: str, settings: Mapping[str, Value]) -> None:
        """A block, which changes what one of the same name said before it."""
        if kind == "target":
            self.targets.setdefault(name, {}).update(settings)
        elif kind == "group":
            self.groups[name] = settings.get("targets")
        elif kind == "variable":
            self.variables[name] = settings.get("default")


class UnreadError(Exception):
    """A file that is written in another way."""


def read(text: str, into: BakeFile, *, as_json: bool) -> None:
    """Take in a file; ``UnreadError`` where it cannot be read."""
    if not as_json:
        _Reader(_tokens(text)).blocks(into)
        return
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadError from error
    for kind in ("variable", "group", "target"):
        named = data.get(kind) if isinstance(data, dict) else None
        for name, settings in named.items() if isinstance(named, dict) else ():
            if isinstance(settings, dict):
                into.add(kind, name, {key: _of_json(each) for key, each in settings.items()})


def _of_json(value: Any) -> Value:
    if isinstance(value, str):
        return _pieces(value)
    return [_of_json(each) for each in value] if isinstance(value, list) else None


def _pieces(text: str) -> tuple[Piece, ...]:
    parts = _HOLE.split(text)
    found = (Expression(part.strip()) if index % 2 else part for index, part in enumerate(parts))
    return tuple(part for part in found if part)


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) > _MOST:
            raise UnreadError
        at = match.end()
        if match.lastgroup != "blank":
            found.append(match[0])
    return found


class _Reader(Struct):
    """Goes through the tokens of a file in HCL."""

    tokens: list[str]
    at: int = 0

    def blocks(self, into: BakeFile) -> None:
        while (kind := self._next()) is not None:
            if kind == "\n":
                continue
            named = self._next()
            if named == "=":  # a name of the file's own
                into.variables[kind] = self._value()
            elif named is not None and named.startswith('"') and self._next() == "{":
                into.add(kind, named[1:-1], self._settings())
            else:
                raise UnreadError

    def _settings(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while (name := self._next()) != "}":
            if name == "\n":
                continue
            sign = self._next()
            if name is None or sign not in {"=", "{"}:
                raise UnreadError
            if sign == "=":
                found[name.strip('"')] = self._value()
            else:
                self._settings()  # a block in a block: what a variable has to be
        return found

    def _value(self) -> Value:
        """What stands behind an equals sign, or between the commas of a list."""
        start = self.at
        first = self._next()
        found: Value = None
        if first is not None and first.startswith('"'):
            found = _pieces(first[1:-1].replace('\\"', '"'))
        elif first == "[":
            found = self._list()
        elif first is not None and re.fullmatch(r"[A-Za-z_]\w*", first):
            found = (Expression(first),) if first not in {"true", "false", "null"} else (first,)
        elif first in {"{", "("}:
            self._skip(1)
        if self._peek() not in {"\n", ",", "]", "}", ")", None}:
            found = None
            self.at = start
            self._skip(0)
        return found

    def _list(self) -> Value:
        found: list[Value] = []
        while True:
            sign = self._peek()
            if sign in {"\n", ","}:
                self.at += 1
            elif sign == "]":
                self.at += 1
                return found
            elif sign is None:
                raise UnreadError
            else:
                found.append(self._value())

    def _skip(self, depth: int) -> None:
        """Pass over an expression: to what closes it, or to the end of its line."""
        while (sign := self._peek()) is not None:
            if depth == 0 and sign in {"\n", ",", "]", "}", ")"}:
                return
            depth += (sign in {"{", "[", "("}) - (sign in {"}", "]", ")"})
            self.at += 1
            if depth == 0 and sign in {"}", ")"} and self._peek() in {"\n", ",", "]", "}", None}:
                return

    def _peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _next(self) -> str | None:
        token = self._peek()
        self.at += 1
        return token
