"""Filters of jq taken apart, as far as they stand in deploy scripts.

Source: jq 1.7 manual, "Basic filters" to "Assignment". A filter with anything else is left to the run
(:class:`UnreadError`): definitions, ``reduce``, ``try``, ``input``, formats.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from checker import lazy_re

_TOKEN: Final = lazy_re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>\d+(?:\.\d+)?)|(?P<field>\.[A-Za-z_]\w*)|(?P<name>\$?[A-Za-z_]\w*)"""
    r"""|(?P<sign>\?//|//=|\|=|\+=|-=|\*=|/=|==|!=|<=|>=|//|\.\.|[][{}(),:.|=<>+*/%?;-]))""",
)
_MOST: Final = 4_000  # signs of a filter
_DEPTH: Final = 60
# Operators by how strongly they bind, the weakest first; those that take their right side first, and those that take
# no other beside them.
_LEVELS: Final[Sequence[frozenset[str]]] = (
    frozenset({","}),
    frozenset({"//"}),
    frozenset({"=", "|=", "+=", "-=", "*=", "/=", "//="}),
    frozenset({"or"}),
    frozenset({"and"}),
    frozenset({"==", "!=", "<", "<=", ">", ">="}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_RIGHT: Final = frozenset({"//"})
_ENDS: Final = frozenset({"then", "elif", "else", "end", "as"})
_UNREAD: Final = frozenset(
    {"def", "reduce", "foreach", "try", "label", "input", "inputs", "import", "include", "limit"}
)


class UnreadError(Exception):
    """The filter does what only the run tells."""


class Node(Struct, frozen=True):
    """A filter: what it does, with filters of its own and a word."""

    kind: str
    inner: tuple[Node | None, ...] = ()
    word: Any = None


def parsed(written: str) -> Node:
    """A filter as a tree; :class:`UnreadError` where it is more than is known here."""
    if len(written) > _MOST:
        raise UnreadError
    parser = _Parser(_tokens(written))
    found = parser.pipe()
    if parser.left():
        raise UnreadError
    return found


def _tokens(written: str) -> list[str]:
    found: list[str] = []
    at = 0
    while written[at:].strip():
        match = _TOKEN.match(written, at)
        if match is None:
            raise UnreadError
        found.append(match[0].strip())
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def left(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> str:
        found = self.left()
        if not found or (wanted and found != wanted):
            raise UnreadError
        self._at += 1
        return found

    def _took(self, *signs: str) -> bool:
        if self.left() not in signs:
            return False
        self._at += 1
        return True

    def pipe(self) -> Node:
        self._depth += 1
        if self._depth > _DEPTH:
            raise UnreadError
        first = self._binary(0)
        if self._took("as"):
            name = self._take()
            self._take("|")
            if not name.startswith("$"):
                raise UnreadError
            found = Node("bind", (first, self.pipe()), name[1:])
        else:
            found = Node("pipe", (first, self.pipe())) if self._took("|") else first
        self._depth -= 1
        return found

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._postfix()
        found = self._binary(level + 1)
        while (sign := self.left()) in _LEVELS[level]:
            self._at += 1
            found = Node("binary", (found, self._binary(level if sign in _RIGHT else level + 1)), sign)
        return found

    def _postfix(self) -> Node:
        found = self._term()
        while True:
            sign = self.left()
            if sign == "?":
                self._at += 1
                found = Node("maybe", (found,))
            elif sign.startswith(".") and len(sign) > 1 and sign != "..":
                self._at += 1
                found = Node("at", (found, Node("value", word=sign[1:])))
            elif sign == "." and self._tokens[self._at + 1 : self._at + 2] and self._following().startswith('"'):
                self._at += 1
                found = Node("at", (found, self._text(self._take())))
            elif sign == "[" or (sign == "." and self._following() == "["):
                self._at += 1 + (sign == ".")
                found = self._index(found)
            else:
                return found

    def _following(self) -> str:
        return next(iter(self._tokens[self._at + 1 : self._at + 2]), "")

    def _index(self, of: Node) -> Node:
        if self._took("]"):
            return Node("each", (of,))
        if self._took(":"):
            end = self.pipe()
            self._take("]")
            return Node("slice", (of, None, end))
        first = self.pipe()
        if self._took(":"):
            last = None if self.left() == "]" else self.pipe()
            self._take("]")
            return Node("slice", (of, first, last))
        self._take("]")
        return Node("at", (of, first))

    def _term(self) -> Node:
        sign = self._take()
        if sign in _UNREAD or sign in _ENDS:
            raise UnreadError
        if sign == ".":
            return Node("at", (Node("self"), self._text(self._take()))) if self.left().startswith('"') else Node("self")
        if sign == "..":
            return Node("call", (), "recurse")
        if sign == "-":
            return Node("binary", (Node("value", word=0), self._postfix()), "-")
        if sign.startswith(".") and len(sign) > 1:
            return Node("at", (Node("self"), Node("value", word=sign[1:])))
        if sign.startswith('"'):
            return self._text(sign)
        if sign[0].isdigit():
            return Node("value", word=json.loads(sign))
        if sign in {"true", "false", "null"}:
            return Node("value", word=json.loads(sign))
        if sign.startswith("$"):
            return Node("variable", word=sign[1:])
        if sign == "(":
            found = self.pipe()
            self._take(")")
            return found
        if sign == "[":
            inner = None if self.left() == "]" else self.pipe()
            self._take("]")
            return Node("list", (inner,))
        if sign == "{":
            return self._object()
        if sign == "if":
            return self._if()
        if sign[0].isalpha() or sign[0] == "_":
            return self._call(sign)
        raise UnreadError

    def _if(self) -> Node:
        test = self.pipe()
        self._take("then")
        then = self.pipe()
        if self._took("elif"):
            return Node("if", (test, then, self._if()))
        otherwise = self.pipe() if self._took("else") else Node("self")
        self._take("end")
        return Node("if", (test, then, otherwise))

    def _call(self, name: str) -> Node:
        given: list[Node] = []
        if self._took("("):
            given.append(self.pipe())
            while self._took(";"):
                given.append(self.pipe())
            self._take(")")
        return Node("call", tuple(given), name)

    def _object(self) -> Node:
        entries: list[Node] = []
        while not self._took("}"):
            if entries:
                self._take(",")
            sign = self._take()
            if sign == "(":
                key = self.pipe()
                self._take(")")
            elif sign.startswith('"'):
                key = self._text(sign)
            elif sign.startswith("$"):
                entries.append(Node("entry", (Node("value", word=sign[1:]), Node("variable", word=sign[1:]))))
                continue
            elif sign[0].isalpha() or sign[0] == "_":
                key = Node("value", word=sign)
            else:
                raise UnreadError
            # ``{name}`` is ``{name: .name}``; a value goes to the next comma.
            value = self._binary(1) if self._took(":") else Node("at", (Node("self"), key))
            while self._took("|"):
                value = Node("pipe", (value, self._binary(1)))
            entries.append(Node("entry", (key, value)))
        return Node("object", tuple(entries))

    def _text(self, sign: str) -> Node:
        """A text, with what stands in ``\\(...)`` put in."""
        parts: list[Node] = []
        at = start = 1
        while at < len(sign) - 1:
            if sign[at] == "\\" and sign[at + 1] == "(":
                end = _closing(sign, at + 2)
                parts += [_literal(sign[start:at]), parsed(sign[at + 2 : end].replace('\\"', '"'))]
                at = start = end + 1
            else:
                at += 2 if sign[at] == "\\" else 1
        parts.append(_literal(sign[start:-1]))
        return parts[0] if len(parts) == 1 else Node("text", tuple(parts))


def _literal(written: str) -> Node:
    try:
        return Node("value", word=json.loads(f'"{written}"', strict=False))
    except ValueError:
        raise UnreadError from None


def _closing(written: str, start: int) -> int:
    depth = 1
    for index in range(start, len(written)):
        depth += {"(": 1, ")": -1}.get(written[index], 0)
        if depth == 0:
            return index
    raise UnreadError
