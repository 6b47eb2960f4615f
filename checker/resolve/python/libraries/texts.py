"""What methods of strings give, where what they are given is known."""

from __future__ import annotations

from checker.model.possible import Possible, joined
from checker.resolve.python.machine import Call
from checker.resolve.python.values import SCALARS, Value, elements, formatted


def of_text(owner: str, name: str, given: Call) -> Value:
    """What a method of a string gives; ``None`` for those that are not followed."""
    positional = given.positional
    if name == "format" and not given.named:
        return joined(formatted(owner, [_written(each, given) for each in positional]))
    if name == "join" and positional and (each := elements(positional[0])):
        parts: list[Possible] = []
        for index, found in enumerate(each):
            parts.extend(([owner] if index else []) + [given.plain(found)])
        return joined(parts)
    if name == "split" and not given.named:
        separator = positional[0] if positional and isinstance(positional[0], str) else None
        return tuple(owner.split(separator))
    if name in {"lower", "upper", "strip"} and not positional:
        return str(getattr(owner, name)())
    if name in {"encode", "decode"}:
        return owner  # what a program prints is told as text, whether it is read as that or not
    return None


def _written(found: Value, given: Call) -> Possible:
    """As Python writes a value into a text."""
    return str(found) if found is None or isinstance(found, SCALARS) else given.plain(found)
