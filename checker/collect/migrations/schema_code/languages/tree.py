"""A file's tree by its language's grammar, and what all the readers of such trees have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from checker.errors import InputError, install_with

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

# Language -> the module that holds its grammar, and the function there that gives it.
_GRAMMARS: Final = {
    "ruby": ("tree_sitter_ruby", "language"),
    "script": ("tree_sitter_typescript", "language_typescript"),
    "php": ("tree_sitter_php", "language_php"),
    "elixir": ("tree_sitter_elixir", "language"),
    "csharp": ("tree_sitter_c_sharp", "language"),
}
MAX_DEPTH: Final = 60


@cache
def _parser(language: str) -> Parser:
    module, function = _GRAMMARS[language]
    try:
        from tree_sitter import Language, Parser

        grammar = getattr(import_module(module), function)()
    except ImportError:
        why = "migrations written as code cannot be read: their grammar is not installed"
        raise InputError(why, install_with("pipeline")) from None
    return Parser(Language(grammar))


def tree_of(language: str, text: str) -> Node | None:
    """The root of a file's tree; ``None`` where the grammar refuses a part of it, or it is nested too deeply."""
    root = _parser(language).parse(text.encode("utf-8", "replace")).root_node
    return None if root.has_error or not _is_shallow(root) else root


def _is_shallow(root: Node) -> bool:
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH * 2:
            return False
        level = [each for node in level for each in node.named_children]
    return True


def said(node: Node | None) -> str:
    """What is written at a place."""
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""


def line(node: Node) -> int:
    """The line at which it begins, from 1."""
    return node.start_point[0] + 1


def below(node: Node, *kinds: str) -> Iterator[Node]:
    """Every node of these kinds, in the order of the text."""
    pending = [node]
    while pending:
        each = pending.pop()
        if each.type in kinds:
            yield each
        pending.extend(reversed(each.named_children))


_CONTENTS: Final = frozenset({"string_content", "string_fragment", "heredoc_content", "nowdoc_string"})
_ESCAPES: Final = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\n": ""}


def text_of(pieces: Iterable[Node], value: Callable[[Node], object]) -> str | None:
    """A string's text, with what it has put in where ``value`` knows that; ``None`` where a part of it is not known."""
    written: list[str] = []
    for each in pieces:
        held: object = said(each)
        if each.type == "escape_sequence":
            # Of other letters and of digits the languages make characters, each in its own way.
            held = _ESCAPES.get(said(each), said(each)[1:] if not said(each)[1:2].isalnum() else None)
        elif each.type in {"interpolation", "template_substitution"}:
            inner = plain(each)
            held = value(inner[0]) if len(inner) == 1 else None
        elif each.type == "heredoc_end":
            continue
        elif each.type not in _CONTENTS:
            held = value(each)
        if not isinstance(held, str | int):
            return None
        written.append(str(held))
    return "".join(written)


def plain(node: Node) -> list[Node]:
    """The named children that are no comments."""
    return [each for each in node.named_children if each.type != "comment"]
