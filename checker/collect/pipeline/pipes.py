"""Pipelines, put together as bash does: the grammar takes what follows the second pipe of ``a | b | c || d`` for a list
of its own."""

from __future__ import annotations

from msgspec.structs import replace

from checker.model.pipeline.shell import AndOr, Literal, Not, Pipe, Simple, Statement


def piped(statements: tuple[Statement, ...], source: str, *, merged: bool) -> Statement:
    """A pipeline of these; ``&&`` and ``||`` behind it join the whole of it, and ``!`` before it turns the whole."""
    last = statements[-1] if statements else None
    if isinstance(last, AndOr):  # one in braces or parentheses is a group
        return replace(last, left=piped((*statements[:-1], last.left), source, merged=merged))
    if isinstance(last, Pipe):
        statements, merged = (*statements[:-1], *last.statements), merged or last.merged
    if statements and isinstance(statements[0], Not):
        return Not(Pipe((statements[0].statement, *statements[1:]), source, merged))
    return Pipe(statements, source, merged)


def turned(statement: Simple) -> Statement:
    """``! ! command``, of which the grammar takes the second sign for the name of a command."""
    first = statement.words[0].parts if statement.words else ()
    if first != (Literal("!"),) or len(statement.words) < 2:
        return statement
    return Not(turned(replace(statement, words=statement.words[1:])))
