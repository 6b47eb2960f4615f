"""Bodies of functions and loops that the grammar takes in braces or between ``do`` and ``done`` alone.

Source: Bash Reference Manual, "Shell Functions" (the body is any compound command), "Looping Constructs"; that a loop
over words may have braces is in bash's grammar (parse.y, ``for_command``, ``select_command``).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from checker import lazy_re
from checker.collect.pipeline.shell_spellings import MAX_SIGNS, closing_brace, plain_signs, word_end
from checker.model.pipeline.shell import Block, Case, Word

_LOOP: Final = lazy_re.compile(r"(?<![^\s;&|({])(?:for|select)\s+[A-Za-z_]\w*(?=[\s;])")
# How many of them are looked at.
_MAX_LOOPS: Final = 500
_MAX_FUNCTIONS: Final = 100
_WORDS: Final = lazy_re.compile(r"\s+in(?=[\s;])")
_BRACE: Final = lazy_re.compile(r"[ \t]*;?\s*\{(?=\s)")
_FUNCTION: Final = lazy_re.compile(
    r"(?<![^\s;&|({])(?:function[ \t]+[\w.:@+-]+(?:[ \t]*\([ \t]*\))?|[\w.:@+-]+[ \t]*\([ \t]*\))"
    r"\s+(?=(?:for|select|while|until|case)\s)"
)
# Words that begin or end a compound command, where a command may begin.
_RESERVED: Final = lazy_re.compile(
    r"(?:(?<=[;&|({)\n])|(?<![\w$-])(?:do|then|else|elif|if|while|until|time|in|!)(?=\s)|\A)\s*"
    r"(for|select|while|until|done|case|esac)(?![\w=./-])"
)
_ENDS: Final = {"done": 0, "esac": 1}


def with_plain_bodies(text: str) -> str:
    """``for x in a; { b; }`` with ``do`` and ``done``, ``f() for ...; done`` with braces around the body."""
    if len(text) > MAX_SIGNS:
        return text
    return _functions(_loops(text))


def _loops(text: str) -> str:
    for match in reversed([*itertools.islice(_LOOP.finditer(text), _MAX_LOOPS)]):
        at = match.end()
        words = _WORDS.match(text, at)
        if words is not None:
            at = words.end()
            while at < len(text) and text[at] not in ";\n":
                at = max(word_end(text, at), at + 1)
        brace = _BRACE.match(text, at)
        plain = plain_signs(text) if brace is not None else []
        end = closing_brace(text, brace.end() - 1, plain) if brace is not None and plain[match.start()] else 0
        if brace is None or not end:
            continue
        head = text[:at] + ("" if ";" in brace[0] or "\n" in brace[0] else ";") + brace[0][:-1]
        text = f"{head}do{text[brace.end() : end]}done{text[end + 1 :]}"
    return text


def _functions(text: str) -> str:
    for match in reversed([*itertools.islice(_FUNCTION.finditer(text), _MAX_FUNCTIONS)]):
        plain = plain_signs(text)
        end = _end(text, match.end(), plain) if plain[match.start()] else 0
        if end:
            text = f"{text[: match.end()]}{{ {text[match.end() : end]}; }}{text[end:]}"
    return text


def _end(text: str, start: int, plain: list[bool]) -> int:
    """Where the compound command ends that begins there, with its redirections left out; 0 where it does not."""
    depth = 0
    at = start
    while (match := _next(text, at, start)) is not None:
        at = match.end()
        if not plain[match.start(1)]:
            continue
        depth += -1 if match[1] in _ENDS else 1
        if not depth:
            return at
    return 0


def _next(text: str, at: int, start: int) -> re.Match[str] | None:
    if at == start:
        first = re.compile(r"(for|select|while|until|case)").match(text, at)
        if first is not None:
            return first
    return _RESERVED.search(text, max(at - 1, start))


# Patterns, the body, and the sign that ends it.
Branch: TypeAlias = "tuple[tuple[Word, ...], Block, str]"


def case_of(word: Word, branches: Sequence[Branch]) -> Case:
    """A ``case``, each body with what is run behind it: behind ``;&`` the next one, behind ``;;&`` the patterns that
    follow are tried (Bash Reference Manual, "Conditional Constructs")."""
    items: list[tuple[tuple[Word, ...], Block]] = []  # from the last one on
    for patterns, body, end in reversed(branches):
        statements = body.statements
        if end == ";&" and items:
            statements += items[0][1].statements
        elif end == ";;&" and items:
            statements += (Case(word, tuple(items)),)
        items.insert(0, (patterns, Block(statements)))
    return Case(word, tuple(items))
