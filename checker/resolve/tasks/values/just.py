"""Expressions of just.

Source: just manual, "Expressions and Substitutions", "Environment Variables".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible, joined, open_text

_ASKS: Final = lazy_re.compile(
    r"env(?:_var)?(?:_or_default)?\(\s*['\"](\w+)['\"]\s*(?:,\s*([\w$-]+|'[^']*'|\"[^\"]*\"))?\s*\)"
)
_OF_RUNNERS: Final = lazy_re.compile(r"CI|HOME|PATH|USER|SHELL|LANG|TMPDIR|(?:RUNNER|GITHUB|AWS|ACTIONS)_\w+")
_LONGEST: Final = 500  # characters of an expression that is looked into
_CHOICE: Final = lazy_re.compile(
    r"if\s+(.+?)\s*(==|!=)\s*(.+?)\s*\{\s*(.*?)\s*\}\s*else\s*(?:\{\s*(.*?)\s*\}|(if\b.*))", re.DOTALL
)
_PARTS: Final = lazy_re.compile(r"((?:'[^']*'|\"[^\"]*\"|[^'\"+/])+)\s*([+/]|$)")


def is_asked(written: str, bound: Mapping[str, Possible]) -> bool:
    """Whether an expression asks the environment for what is there."""
    return any(f"${each[1]}" in bound for each in _ASKS.finditer(written))


def expression(written: str, bound: Mapping[str, Possible]) -> Possible:
    """A value of just: a string, a name, several put together, a choice between known ones, a variable of the
    environment (``bound`` under ``$NAME``); anything else is open."""
    written = written.strip()
    quote = written[:1]
    if len(written) > 1 and quote in "'\"" and written.find(quote, 1) == len(written) - 1:
        return written[1:-1]
    if written in bound:
        return bound[written]
    if len(written) > _LONGEST:
        return open_text(f"{{{{{written[:80]}}}}}", "just")
    if (asked := _ASKS.fullmatch(written)) and (f"${asked[1]}" in bound or asked[2]):
        # An empty variable is set (just manual, "Environment Variables"); what the runner sets is not all known.
        if f"${asked[1]}" in bound:
            return bound[f"${asked[1]}"]
        return open_text(written, "just") if _OF_RUNNERS.fullmatch(asked[1]) else expression(asked[2], bound)
    if choice := _CHOICE.fullmatch(written):
        left, right = expression(choice[1], bound), expression(choice[3], bound)
        if isinstance(left, str) and isinstance(right, str):
            holds = (left == right) is (choice[2] == "==")
            return expression(choice[4] if holds else choice[5] if choice[5] is not None else choice[6], bound)
    parts = _PARTS.findall(written)
    if len(parts) > 1 and "".join(f"{part}{sign}" for part, sign in parts) == written:
        values = [expression(part, bound) for part, _ in parts]
        signs = ["", *({"+": "", "/": "/"}[sign] for _, sign in parts[:-1])]
        return joined(each for sign, value in zip(signs, values, strict=True) for each in (sign, value))
    return open_text(f"{{{{{written}}}}}", "just")
