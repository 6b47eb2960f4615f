"""What an ``if`` says of the run in which its job runs, so that two jobs that never do in one run are told.

Source: GitHub documentation, "Evaluate expressions in workflows and actions" (texts are compared in any case),
"Contexts" (``github``, ``inputs``, ``needs`` and ``vars`` are what a job's ``if`` may ask).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from checker.model.pipeline.jobs import ANYHOW, Fact, Facts
from checker.resolve.expressions.syntax import ExpressionError, Node, contexts_in, functions_in, parse, split

# Facts are gathered of so few ways in which a condition can hold; of more, none.
_MOST: Final = 16
_OF_THE_RUN: Final = frozenset({"github", "inputs", "needs", "vars"})
_OF_THE_WORKFLOW: Final = frozenset({"inputs", "needs"})  # those of the same name mean something else in another
_OTHERWISE_EACH_TIME: Final = frozenset({"always", "cancelled", "failure", "hashfiles", "success"})


def facts_of(condition: object, scope: str | None) -> Facts:
    """What holds where a condition does, once for each way in which it can. ``scope`` tells apart the workflows whose
    inputs are asked; with ``None`` these are not the same all through a run, since a matrix calls the workflow."""
    if condition is False:
        return ()
    if not isinstance(condition, str):
        return ANYHOW
    parts = split(condition) if "${{" in condition else ((condition, True),)
    codes = [code for code, is_code in parts if is_code or code.strip()]
    if len(codes) != 1 or not any(is_code for _, is_code in parts):
        return ANYHOW
    try:
        tree = parse(codes[0])
    except ExpressionError:
        return ANYHOW
    if functions_in(codes[0]) & {"case"}:
        return ANYHOW
    return _ways(tree, True, scope)


def both(one: Facts, other: Facts) -> Facts:
    """What holds where two conditions do."""
    if len(one) * len(other) > _MOST:
        return ANYHOW
    return tuple(dict.fromkeys(left | right for left in one for right in other))


def _ways(node: Node, holds: bool, scope: str | None) -> Facts:
    kind = node[0]
    if kind == "not":
        return _ways(node[1], not holds, scope)
    if kind == "binary" and node[1] in {"&&", "||"}:
        left, right = _ways(node[2], holds, scope), _ways(node[3], holds, scope)
        if (node[1] == "&&") is holds:
            return both(left, right)
        return _unless_many(dict.fromkeys((*left, *right)))
    if kind == "literal":
        return ANYHOW if bool(node[1]) is holds else ()
    if kind == "binary" and node[1] in {"==", "!="}:
        return _compared(node, (node[1] == "==") is holds, scope)
    about = _about(node, scope)
    return (frozenset({Fact(about, None, holds)}),) if about else ANYHOW


def _unless_many(found: Iterable[frozenset[Fact]]) -> Facts:
    ways = tuple(found)
    return ways if len(ways) <= _MOST else ANYHOW


def _compared(node: Node, holds: bool, scope: str | None) -> Facts:
    _, _, left, right = node
    if left[0] == "literal":
        left, right = right, left
    about = _about(left, scope)
    if not about or right[0] != "literal" or not isinstance(right[1], str | bool | int | float):
        return ANYHOW
    value = right[1].casefold() if isinstance(right[1], str) else right[1]
    return (frozenset({Fact(about, value, holds)}),)


def _about(node: Node, scope: str | None) -> str:
    """What is asked, the same for the same; empty for what is not the same all through a run."""
    contexts = contexts_in(node)
    written = repr(node).casefold()
    if not contexts or not contexts <= _OF_THE_RUN or "'literal', 'job'" in written:
        return ""
    if any(f"'call', '{name}'" in written for name in _OTHERWISE_EACH_TIME):
        return ""
    if not contexts & _OF_THE_WORKFLOW:
        return written
    return f"{scope}: {written}" if scope is not None else ""
