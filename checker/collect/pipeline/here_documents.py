"""What the shell puts into a here-document, and where one ends: the grammar misses expansions at the beginning of a
line's text and between backquotes, takes a calculation for a shell of its own in a substitution, and a delimiter with
blanks before it for the end.

Source: Bash Reference Manual, "Here Documents".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from checker import lazy_re

if TYPE_CHECKING:
    from tree_sitter import Node

EXPANSIONS: Final = frozenset(
    {"simple_expansion", "expansion", "command_substitution", "arithmetic_expansion", "process_substitution"}
)
_BEGINS: Final = lazy_re.compile(rb"\\.|(?P<begin>`|\$[\w({@*#?$!-])", re.DOTALL)
_SUM: Final = b"$(("
_QUOTES: Final = lazy_re.compile(rb"[\"'\\]")
# How often what is never closed is looked for beyond its line: bash refuses such a script.
_MAX_UNCLOSED: Final = 20
# Parses a part of the script as one of its own; offsets are those in the whole.
Parse = Callable[[int, int], "Node"]


def is_literal(source: bytes, body: Node) -> bool:
    """Whether nothing is expanded in it: a part of its delimiter is quoted."""
    start = _sibling(body, "heredoc_start")
    return start is not None and _QUOTES.search(source, start.start_byte, start.end_byte) is not None


def expansions(source: bytes, body: Node, begin: int, parse: Parse, unread: list[int]) -> list[Node]:
    """The expansions in a here-document that begins there, one after the other. Where a command in it could not be
    read, its offset is put into ``unread``."""
    known = {each.start_byte + _blanks(source, each): each for each in body.children if each.type in EXPANSIONS}
    found: list[Node] = []
    position, end, unclosed = begin, body.end_byte, 0
    while (match := _BEGINS.search(source, position, end)) is not None:
        position = match.end()
        if match["begin"] is None:
            continue
        at = match.start()
        line = source.find(b"\n", at, end)
        taken = known.get(at)
        sum_ = taken is not None and source.startswith(_SUM, at)
        node = taken if not sum_ and taken is not None else _parsed(at, end if line < 0 else line, parse) or taken
        if node is None and line >= 0 and unclosed < _MAX_UNCLOSED:
            node = _parsed(at, end, parse)
            unclosed += node is None
        if node is not None:
            found.append(node)
            position = max(position, node.end_byte)
        elif match["begin"] in {b"`", b"$("}:
            unread.append(at)
    return found


def false_ends(source: bytes, root: Node) -> Iterator[Node]:
    """The delimiters with blanks before them: the text goes on behind them. Behind ``<<-`` there may be tabs."""
    pending = [root] if b"<<" in source else []
    while pending:
        node = pending.pop()
        pending.extend(node.named_children)
        if node.type != "heredoc_end":
            continue
        before = source[source.rfind(b"\n", 0, node.start_byte) + 1 : node.start_byte]
        before += source[node.start_byte : node.end_byte][: _blanks(source, node)]
        tabs = node.parent is not None and any(each.type == "<<-" for each in node.parent.children)
        if before.strip(b"\t") if tabs else before:
            yield node


def _blanks(source: bytes, node: Node) -> int:
    written = source[node.start_byte : node.end_byte]
    return len(written) - len(written.lstrip())


def _sibling(node: Node, kind: str) -> Node | None:
    return next((each for each in node.parent.children if each.type == kind), None) if node.parent else None


def _parsed(begin: int, end: int, parse: Parse) -> Node | None:
    """The expansion that begins there, and ends before that."""
    node: Node | None = parse(begin, end).descendant_for_byte_range(begin, begin + 1)
    widest = None
    while node is not None and node.start_byte == begin:
        if node.type in EXPANSIONS:
            widest = node
        node = node.parent
    return widest if widest is not None and not widest.has_error else None
