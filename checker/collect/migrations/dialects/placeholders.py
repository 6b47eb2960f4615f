"""SQL in which a tool puts values before it is run: ``${schema}.users``.

Where a placeholder can only be a name, or a part of one, a name stands in for it: what is done is told all the same.
Sources: Flyway documentation, "Placeholders"; Liquibase documentation, "Substituting Properties in Changelogs".
"""

from __future__ import annotations

import re
from typing import Final

from checker import lazy_re

_PLACE: Final = lazy_re.compile(
    r"(?P<before>[\w.\"]|\b(?:table|exists|only|into|from|update|join|schema|references|view|index|sequence|on|to)"
    r"[ \t]+)?"
    r"\$\{(?P<name>[\w.:-]{1,80})\}(?P<after>[\w.\"])?",
    re.IGNORECASE,
)  # fmt: skip


def with_names(text: str) -> str:
    """The same text with names for its placeholders, those left out that may be anything else."""
    return _PLACE.sub(_named, text) if "${" in text else text


def _named(match: re.Match[str]) -> str:
    before, after = match["before"] or "", match["after"] or ""
    if not before and not after:
        return match[0]
    name = "".join(sign if sign.isalnum() else "_" for sign in match["name"].lower())
    part = before[-1:] not in {"", " ", "\t", "."} or after not in {"", "."}  # of a name, or quoted already
    return f"{before}{name}{after}" if part else f'{before}"{name}"{after}'  # a word of the grammar's may be one
