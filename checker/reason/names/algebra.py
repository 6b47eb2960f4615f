"""Whether two strings with open parts can be equal: what both begin and end with is taken off, and the rest compared.

``jobs-${Stage}`` and ``jobs-${Stage}-dead`` differ whatever the stage is; ``${A}-x`` and ``${B}-y-x`` may be one.
"""

from __future__ import annotations

from collections.abc import Sequence

from checker.model.values import Hole


def could_be_equal(one: Sequence[str | Hole], other: Sequence[str | Hole]) -> bool:
    """Whether two strings of literals and holes can be equal. An equal hole is the same string in both."""
    if any("{{resolve:" in each for each in (*one, *other) if isinstance(each, str)):
        return True
    left, right = _without_same_start(list(one), list(other))
    left, right = _without_same_start(_reversed(left), _reversed(right))
    if not left or not right:
        return not any(isinstance(each, str) for each in (*left, *right))
    if any(isinstance(a, str) and isinstance(b, str) for a, b in ((left[0], right[0]), (left[-1], right[-1]))):
        return False
    holes = [sorted(repr(each) for each in side if not isinstance(each, str)) for side in (left, right)]
    lengths = [sum(len(each) for each in side if isinstance(each, str)) for side in (left, right)]
    return holes[0] != holes[1] or lengths[0] == lengths[1]


def _without_same_start(one: list[str | Hole], other: list[str | Hole]) -> tuple[list[str | Hole], list[str | Hole]]:
    one, other = one[::-1], other[::-1]
    while one and other:
        first, second = one[-1], other[-1]
        if isinstance(first, str) and isinstance(second, str):
            same_length = next((at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
            cut = min(len(first), len(second)) if same_length is None else same_length
            if cut == 0:
                break
            for side, text_of in ((one, first), (other, second)):
                side.pop()
                if text_of[cut:]:
                    side.append(text_of[cut:])
            if same_length is not None:
                break
        elif first == second:
            one.pop()
            other.pop()
        else:
            break
    return one[::-1], other[::-1]


def _reversed(parts: list[str | Hole]) -> list[str | Hole]:
    return [each[::-1] if isinstance(each, str) else each for each in reversed(parts)]
