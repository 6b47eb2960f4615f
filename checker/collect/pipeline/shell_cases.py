"""``case`` whose branches go on into others: as one whose branches do not.

Source: Bash Reference Manual, "Conditional Constructs": behind ``;&`` the next body is run too, behind ``;;&`` the
patterns that follow are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from checker.model.pipeline.shell import Block, Case, Word

# Patterns, the body, and the sign that ends it.
Branch: TypeAlias = "tuple[tuple[Word, ...], Block, str]"


def case_of(word: Word, branches: Sequence[Branch]) -> Case:
    """The statement, each body with what is run behind it."""
    items: list[tuple[tuple[Word, ...], Block]] = []  # from the last one on
    for patterns, body, end in reversed(branches):
        statements = body.statements
        if end == ";&" and items:
            statements += items[0][1].statements
        elif end == ";;&" and items:
            statements += (Case(word, tuple(items)),)
        items.insert(0, (patterns, Block(statements)))
    return Case(word, tuple(items))
