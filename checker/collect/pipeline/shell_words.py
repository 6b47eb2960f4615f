"""The words of shell text: literals with their escapes removed, expansions, substitutions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from checker import lazy_re
from checker.collect.pipeline.here_documents import EXPANSIONS, Parse, expansions, is_literal
from checker.model.pipeline.shell import Block, Literal, Opaque, Part, Substitution, Variable, Word

if TYPE_CHECKING:
    from tree_sitter import Node

_BRACED: Final = lazy_re.compile(
    rb"\$\{(?P<prefix>[#!]?)(?P<name>[A-Za-z_]\w*|\d+|[@*#?$!_-])(?:\[(?P<index>[^\]]*)\])?"
    rb"(?P<operator>:[-=?+]|[-=?+]|##?|%%?|//?|\^\^?|,,?|:|@)?(?P<rest>.*)\}\Z",
    re.DOTALL,
)
_UNQUOTED_ESCAPE: Final = lazy_re.compile(r"\\(\n|.)", re.DOTALL)
_QUOTED_ESCAPE: Final = lazy_re.compile(r'\\([$`"\\\n])')
# Operators whose argument is a pattern, and what of it a quote or a backslash takes for itself.
_BY_PATTERN: Final = frozenset({"#", "##", "%", "%%", "/", "//"})
_OF_A_PATTERN: Final = EXPANSIONS | {
    "extglob_pattern",
    "string",
    "raw_string",
    "ansi_c_string",
    "concatenation",
    "word",
}
_OPENED: Final = lazy_re.compile(rb"[$`\"']")
_SLASH: Final = Literal("/", quoted=False)
_SIMPLE_NAME: Final = lazy_re.compile(rb"\$(\d|[A-Za-z_]\w*)")
_ANSI: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "e": "\x1b"}


class Words:
    """Makes words from nodes of the grammar. ``block`` reads the statements inside a substitution."""

    def __init__(self, source: bytes, block: Callable[[list[Node], int], Block], parse: Parse) -> None:
        self._source = source
        self._block = block
        self._parse = parse
        self.unread: list[int] = []  # offsets of commands in here-documents

    def _text(self, start: int, end: int) -> str:
        return self._source[start:end].decode("utf-8", "replace")

    def word(self, node: Node, depth: int) -> Word:
        row, column = node.start_point
        return Word(tuple(self._parts(node, depth)), row, column)

    def add(self, words: list[Word], node: Node, depth: int) -> None:
        """Puts a word behind others; where the grammar makes two of one, it goes on with the last."""
        word, before = self.word(node, depth), node.prev_sibling
        if words and before is not None and before.end_byte == node.start_byte and self._goes_on(before, node):
            words[-1] = replace(words[-1], parts=(*words[-1].parts, *word.parts))
        else:
            words.append(word)

    def _goes_on(self, before: Node, node: Node) -> bool:
        """Whether what follows without a space is of the same word: a backquote, and a part of a pattern, of which the
        grammar makes several where some of it is quoted (``*"in it"*``)."""
        pattern = node.parent is not None and node.parent.type in {"binary_expression", "case_item"}
        return self._source[node.start_byte] == 96 or (pattern and _OF_A_PATTERN.issuperset((before.type, node.type)))

    def heredoc(self, node: Node, depth: int) -> Word:
        """The text of a here-document; its expansions count as quoted."""
        row, column = node.start_point
        begin = self._begins(node)
        if is_literal(self._source, node):
            return Word((Literal(self._text(begin, node.end_byte), True),), row, column)
        inside = expansions(self._source, node, begin, self._parse, self.unread)
        return Word(tuple(self._between(inside, begin, node.end_byte, depth)), row, column)

    def _begins(self, node: Node) -> int:
        """Where a here-document begins: the grammar leaves out what comes before the first text of one whose first line
        begins with a backslash."""
        parent = node.parent
        start = next((each for each in parent.children if each.type == "heredoc_start"), None) if parent else None
        if start is None:
            return node.start_byte
        between = self._text(start.end_byte, node.start_byte)
        first, _, rest = between.partition("\n")
        if not rest.startswith("\\") or first.strip():
            return node.start_byte
        return node.start_byte - len(rest.encode())

    def _parts(self, node: Node, depth: int) -> list[Part]:
        match node.type:
            case "string" | "translated_string":
                start = node.start_byte + (2 if node.type == "translated_string" else 1)
                inner = node if node.type == "string" else (node.named_children or [node])[0]
                return self._between(inner.children, start, max(start, node.end_byte - 1), depth) or [Literal("", True)]
            case "raw_string":
                return [Literal(self._text(node.start_byte + 1, node.end_byte - 1), True)]
            case "ansi_c_string":
                inside = self._text(node.start_byte + 2, node.end_byte - 1)
                return [Literal(re.sub(r"\\(.)", lambda match: _ANSI.get(match[1], match[0]), inside), True)]
            case "concatenation" | "command_name":
                return [part for child in node.children for part in self._parts(child, depth + 1)]
            case kind if kind in EXPANSIONS:
                return [self._expansion(node, False, depth)]
            case "extglob_pattern" if _OPENED.search(self._source, node.start_byte, node.end_byte):
                pattern = self._pattern(node, node.start_byte, node.end_byte, depth, replaces=False)
                return pattern or [Opaque(self._text(node.start_byte, node.end_byte), False)]
            case _:
                if any(child.type in EXPANSIONS for child in node.children):
                    return self._between(node.children, node.start_byte, node.end_byte, depth, quoted=False)
                return [Literal(_unescaped(self._text(node.start_byte, node.end_byte)), False)]

    def _between(self, nodes: Sequence[Node], start: int, end: int, depth: int, *, quoted: bool = True) -> list[Part]:
        """Literal text and expansions between two offsets. The grammar leaves blanks out; the offsets do not."""
        parts: list[Part] = []
        position = start
        for child in nodes:
            if child.type not in EXPANSIONS or child.start_byte < position:
                continue
            written = self._text(child.start_byte, child.end_byte)
            begin = child.start_byte + len(written) - len(written.lstrip())  # it may begin with the blanks before it
            if begin > position:
                parts.append(self._literal(position, begin, quoted))
            parts.append(self._expansion(child, quoted, depth))
            position = child.end_byte
        if position < end:
            parts.append(self._literal(position, end, quoted))
        return parts

    def _literal(self, start: int, end: int, quoted: bool) -> Literal:
        text = self._text(start, end)
        if not quoted:
            return Literal(_unescaped(text), False)
        return Literal(_QUOTED_ESCAPE.sub(lambda match: "" if match[1] == "\n" else match[1], text), True)

    def _expansion(self, node: Node, quoted: bool, depth: int) -> Part:
        source = self._text(node.start_byte, node.end_byte).lstrip()
        if node.type == "command_substitution":
            inside = [child for child in node.children if child.type not in {"$(", ")", "`"}]
            if source.startswith("`"):  # the older form of the same, which is shown and looked at as the other
                source = "$(" + re.sub(r"\\(?=[$`\\])", "", source[1:-1]) + ")"
            return Substitution(self._block(inside, depth + 1), source, quoted)
        if node.type == "process_substitution":
            inside = [child for child in node.children if child.type not in {"<(", ">(", ")"}]
            return Opaque(source, quoted, (self._block(inside, depth + 1),))
        if node.type == "simple_expansion":
            return Variable(source[1:], quoted)
        if node.type == "arithmetic_expansion":
            return Opaque(source, quoted, asked=tuple(self.substitutions(node, depth)))
        return self._braced(node, source, quoted, depth)

    def substitutions(self, node: Node, depth: int) -> Iterator[Substitution]:
        """The substitutions in an arithmetic expression, those inside of them left out."""
        left = list(reversed(node.children))  # not by calls of itself: parentheses may be thousands deep
        while left:
            child = left.pop()
            if child.type == "command_substitution":
                found = self._expansion(child, True, depth + 1)
                assert isinstance(found, Substitution)
                yield found
            else:
                left.extend(reversed(child.children))

    def inside(self, node: Node, depth: int) -> Iterator[Substitution]:
        """Likewise, where the node may be one of them itself."""
        if node.type == "command_substitution":
            yield Substitution(self._block([each for each in node.children if each.is_named], depth + 1), "$()", True)
        else:
            yield from self.substitutions(node, depth)

    def _braced(self, node: Node, source: str, quoted: bool, depth: int) -> Part:
        match = _BRACED.match(self._source[node.start_byte : node.end_byte])
        indirect = match is not None and match["prefix"] == b"!"
        if match is None or (indirect and (match["operator"] == b"@" or (match["rest"] and not match["operator"]))):
            return Opaque(source, quoted, asked=tuple(self.substitutions(node, depth)))
        name = match["name"].decode()
        operator = (match["operator"] or b"").decode()
        index = (match["index"] or b"").decode("utf-8", "replace")
        inside = next((child for child in node.children if child.type == "subscript"), None)
        asked = tuple(self.substitutions(inside, depth)) if inside is not None else ()
        if match["prefix"] == b"#":
            return Variable(name, quoted, "length", None, index, asked)
        argument = None
        if operator in _BY_PATTERN:
            begin = node.start_byte + match.start("rest")
            pattern = self._pattern(node, begin, node.end_byte - 1, depth, replaces=operator[0] == "/")
            whole = Opaque(source, quoted, asked=tuple(self.substitutions(node, depth)))
            argument = Word(tuple(pattern) if pattern is not None else (whole,), *node.start_point)
        elif operator:
            offset = node.start_byte + match.start("rest")
            parts: list[Part] = []
            position, end = offset, node.end_byte - 1
            for child in node.children:
                if child.start_byte < position or child.end_byte > end or not child.is_named:
                    continue
                if child.start_byte > position:
                    parts.append(self._literal(position, child.start_byte, quoted))
                parts.extend(self._parts(child, depth + 1))
                position = child.end_byte
            if position < end:
                parts.append(self._literal(position, end, quoted))
            argument = Word(tuple(parts), *node.start_point)
        return Variable(name, quoted, operator, argument, index, asked, indirect)

    def _pattern(self, node: Node, begin: int, end: int, depth: int, *, replaces: bool) -> list[Part] | None:
        """A pattern, with what is quoted in it told apart. Of ``/old/new`` the slash between is an unquoted one of its
        own, all others are quoted. ``None`` where it is not read."""
        expansions = {each.start_byte: each for each in _within(node) if each.type in EXPANSIONS}
        parts: list[Part] = []
        position, quote = begin, b""
        while position < end:
            sign = self._source[position : position + 1]
            if sign == quote:
                quote = b""
            elif quote == b"'" or (sign not in {b"$", b"`", b"\\", b'"'} and (quote or sign != b"'")):
                parts.append(self._sign(position, quote, replaces=replaces and position > begin))
                replaces = replaces and (bool(quote) or sign != b"/" or position == begin)
            elif sign in {b"'", b'"'}:
                quote = sign
                parts.append(Literal("", True))
            elif sign == b"\\":
                position += 1
                parts.append(Literal(self._text(position, position + 1), True))
            elif (inner := expansions.get(position)) is not None:
                parts.append(self._expansion(inner, bool(quote), depth))
                position = inner.end_byte - 1
            elif (name := _SIMPLE_NAME.match(self._source, position, end)) is not None:
                parts.append(Variable(name[1].decode(), bool(quote)))
                position = name.end() - 1
            else:
                return None
            position += 1
        return None if quote or not self._source[begin:end].isascii() else _together(parts)

    def _sign(self, position: int, quote: bytes, *, replaces: bool) -> Literal:
        text = self._text(position, position + 1)
        return Literal(text, bool(quote) or (text == "/" and not replaces))


def _together(parts: Iterable[Part]) -> list[Part]:
    """Literals that stand side by side as one, but for the slash between two patterns."""
    found: list[Part] = []
    for each in parts:
        last = found[-1] if found else None
        joins = isinstance(each, Literal) and isinstance(last, Literal) and last.quoted is each.quoted
        if isinstance(each, Literal) and isinstance(last, Literal) and joins and _SLASH not in {each, last}:
            found[-1] = Literal(last.text + each.text, each.quoted)
        else:
            found.append(each)
    return found


def _within(node: Node) -> Iterator[Node]:
    """All that is inside of a node."""
    left = [*node.children]
    while left:
        each = left.pop()
        yield each
        left.extend(each.children)


def _unescaped(text: str) -> str:
    return _UNQUOTED_ESCAPE.sub(lambda match: "" if match[1] == "\n" else match[1], text) if "\\" in text else text
