"""Extended patterns of bash: ``@(a|b)``, ``?(a)``, ``*(a)``, ``+(a)``; of ``!(a)`` nothing is told.

Source: Bash Reference Manual, "Pattern Matching", "Conditional Constructs" (between ``[[`` and ``]]`` they are on).
"""

from __future__ import annotations

import fnmatch
import re
from typing import Final

from checker import lazy_re

_GROUP: Final = lazy_re.compile(r"([@?*+!])\(([^()]*)\)")
_REPEATED: Final = {"@": "", "?": "?", "*": "*", "+": "+"}
_MOST: Final = 500  # signs of a pattern, and of what is held against it


def is_extended(pattern: str) -> bool:
    return _GROUP.search(pattern) is not None


def fits_extended(value: object, pattern: str) -> bool | None:
    """Whether a pattern lets a value through; ``None`` where that is not worked out: a value that is open, one group
    inside of another, a negated one, or a pattern that may be quoted, and then stands for itself."""
    if not isinstance(value, str) or value == pattern or len(value) + len(pattern) > _MOST:
        return None
    made, position = "", 0
    for match in _GROUP.finditer(pattern):
        if match[1] == "!":
            return None
        inner = "|".join(_plain(each) for each in match[2].split("|"))
        made += f"{_plain(pattern[position : match.start()])}(?:{inner}){_REPEATED[match[1]]}"
        position = match.end()
    rest = pattern[position:]
    if "(" in rest or "(" in _GROUP.sub("", pattern) or _repeats_in_itself(pattern):
        return None
    return re.fullmatch(made + _plain(rest), value, re.DOTALL) is not None


def _plain(pattern: str) -> str:
    """A pattern without groups, as a regular expression."""
    return fnmatch.translate(pattern).removeprefix("(?s:").removesuffix(r")\Z")


def _repeats_in_itself(pattern: str) -> bool:
    """Whether a group that repeats holds a wildcard: held against a long text such a one takes very long."""
    return any(match[1] in "*+" and any(sign in match[2] for sign in "*?[") for match in _GROUP.finditer(pattern))
