"""The syntax of GitHub's expressions. Source: GitHub documentation, "Evaluate expressions in workflows and actions"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, TypeAlias

from checker import lazy_re

# GitHub refuses expressions longer than this.
MAX_LENGTH: Final = 21_000
_MAX_DEPTH: Final = 50


class ExpressionError(Exception):
    """The expression is not one; the message completes "the expression cannot be read: ..."."""


_TOKEN: Final = lazy_re.compile(
    r"""\s*(?:(?P<number>[+-]?(?:0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Infinity)|NaN\b)(?![\w.])
    |(?P<string>'(?:[^']|'')*')
    |(?P<name>[A-Za-z_][\w-]*)
    |(?P<operator>&&|\|\||==|!=|<=|>=|[<>!()\[\].,*]))""",
    re.VERBOSE,
)
Node: TypeAlias = tuple[Any, ...]
_BINDING: Final = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    position = 0
    end = len(source.rstrip())
    while position < end:
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"unexpected {source[position : position + 20].strip()!r}")
        yield match.lastgroup, match[match.lastgroup]
        position = match.end()


class _Parser:
    def __init__(self, source: str) -> None:
        self._tokens = list(_tokens(source))
        self._at = 0

    def whole(self) -> Node:
        node = self._binary(0, 0)
        if self._at < len(self._tokens):
            raise ExpressionError(f"unexpected {self._tokens[self._at][1]!r}")
        return node

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise ExpressionError("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, wanted: str) -> None:
        kind, value = self._next()
        if kind == "string" or value != wanted:
            raise ExpressionError(f"expected {wanted!r} instead of {value!r}")

    def _is(self, *operators: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][0] == "operator" and self._peek() in operators

    def _binary(self, strength: int, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise ExpressionError(f"nested more than {_MAX_DEPTH} levels deep")
        left = self._unary(depth + 1)
        while self._is(*_BINDING) and _BINDING[self._peek()] > strength:
            operator = self._next()[1]
            left = ("binary", operator, left, self._binary(_BINDING[operator], depth + 1))
        return left

    def _unary(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise ExpressionError(f"nested more than {_MAX_DEPTH} levels deep")
        if self._is("!"):
            self._next()
            return ("not", self._unary(depth + 1))
        return self._postfix(self._primary(depth), depth)

    def _primary(self, depth: int) -> Node:
        kind, value = self._next()
        if kind == "number":
            return self._literal(_number(value))
        if kind == "string":
            return self._literal(value[1:-1].replace("''", "'"))
        if kind == "name":
            literal = {"true": True, "false": False, "null": None}
            if value in literal and not self._is("("):
                return self._literal(literal[value])
            if not self._is("("):
                return ("context", value)
            self._next()
            arguments: list[Node] = []
            while not self._is(")"):
                arguments.append(self._binary(0, depth + 1))
                if not self._is(")"):
                    self._expect(",")
            self._expect(")")
            return ("call", value, tuple(arguments))
        if value == "(":
            inner = self._binary(0, depth + 1)
            self._expect(")")
            return inner
        raise ExpressionError(f"unexpected {value!r}")

    def _literal(self, value: object) -> Node:
        if self._is(".", "["):
            raise ExpressionError(f"unexpected {self._peek()!r}")
        return ("literal", value)

    def _postfix(self, node: Node, depth: int) -> Node:
        while self._is(".", "["):
            if self._next()[1] == ".":
                _, key = self._next()
                node = ("each", node) if key == "*" else ("index", node, ("literal", key))
            elif self._is("*"):
                self._next()
                self._expect("]")
                node = ("each", node)
            else:
                node = ("index", node, self._binary(0, depth + 1))
                self._expect("]")
        return node


def _number(written: str) -> int | float:
    try:
        value = float(int(written, 0)) if "x" in written or "o" in written else float(written)  # "NaN" too
    except (ValueError, OverflowError):
        raise ExpressionError(f"{written[:40]!r} is not a number") from None
    return int(value) if value.is_integer() else value


@lru_cache(maxsize=4096)
def parse(source: str) -> Node:
    """The syntax tree of an expression (without ``${{ }}``). Raises :class:`ExpressionError`."""
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters")
    return _Parser(source).whole()


@lru_cache(maxsize=4096)
def split(template: str) -> tuple[tuple[str, bool], ...]:
    """A string's literal pieces and expressions in order: ``(text, is_expression)``. An unclosed one is literal."""
    found: list[tuple[str, bool]] = []
    position = 0
    while True:
        start = template.find("${{", position)
        if start < 0:
            break
        end, quoted = start + 3, False
        while end < len(template) and (quoted or not template.startswith("}}", end)):
            quoted ^= template[end] == "'"
            end += 1
        if end >= len(template):
            break
        if start > position:
            found.append((template[position:start], False))
        found.append((template[start + 3 : end], True))
        position = end + 2
    if position < len(template) or not found:
        found.append((template[position:], False))
    return tuple(found)


def fault_in(written: object, *, condition: bool = False) -> str:
    """What keeps the expressions of a value from being read, empty where nothing does. ``condition``: an ``if``."""
    if not isinstance(written, str):
        return ""
    whole = condition and "${{" not in written
    for source in [written] if whole else [part for part, is_code in split(written) if is_code]:
        try:
            parse(source)
        except ExpressionError as error:
            return f"the expression {' '.join(source.split())[:80]!r} cannot be read: {error}"
    return ""


@lru_cache(maxsize=1 << 12)  # an `if` is asked for every way to its step
def functions_in(source: str) -> frozenset[str]:
    """The names (lower case) of the functions that an expression calls; empty where it cannot be read."""
    try:
        return frozenset(node[1].lower() for node in _nodes(parse(source)) if node[0] == "call")
    except ExpressionError:
        return frozenset()


def contexts_in(tree: Node) -> frozenset[str]:
    """The names (lower case) of the contexts that an expression asks."""
    return frozenset(node[1].lower() for node in _nodes(tree) if node[0] == "context")


def _nodes(tree: Node) -> Iterator[Node]:
    pending: list[Node] = [tree]
    while pending:
        node = pending.pop()
        yield node
        if node[0] == "call":
            pending.extend(node[2])
        elif node[0] != "literal":
            pending.extend(part for part in node[1:] if isinstance(part, tuple))
