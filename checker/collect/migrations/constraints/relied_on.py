"""Which unique keys code relies on: those that its inserts name for what they do with a row that is there.

Sources: PostgreSQL documentation, "INSERT", ``ON CONFLICT`` (it is refused where no key has just these columns); those
of Knex, Kysely, Drizzle, SQLAlchemy, Django, Rails and Ecto for how their builders name them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.migrations.folders import Upsert
from checker.model.sources import Spot

_CONFLICT: Final = lazy_re.compile(
    r"\bON\s+CONFLICT\s*(?:\((?P<columns>[^()]*)\)|ON\s+CONSTRAINT\s+(?P<constraint>[\w\"]+))", re.IGNORECASE
)
_INTO: Final = lazy_re.compile(r"\bINSERT\s+INTO\s+(?P<table>\S+?)(?=[\s(])", re.IGNORECASE)
_NAME: Final = lazy_re.compile(r"[\w.]+")
# What a builder is told, and the names that stand behind that.
_BUILDERS: Final = lazy_re.compile(
    r"\b(?:onConflict\w*|on_conflict\w*|index_elements|conflict_target|unique_by|unique_fields|upsert\w*)\b(?P<rest>[^;]{0,200})"
)
_WORD: Final = lazy_re.compile(r"\w+")
_WORDS: Final = ("onflict", "ONFLICT", "unique_by", "unique_fields", "upsert")
_BACK: Final = 4_000  # signs in front of it in which the insert begins
_MOST: Final = 200  # of one file


def may_upsert(text: str) -> bool:
    """Whether a text may rely on a key: told quickly."""
    return any(word in text for word in _WORDS)


def upserts_of(file: str, code: str) -> Iterator[Upsert]:
    """What the code of a file relies on. A builder's table is not told, nor are all of its words names of columns."""
    for index, match in enumerate(_CONFLICT.finditer(code)):
        if index == _MOST:
            return
        written = [each.strip().strip('"`\\') for each in (match["columns"] or "").split(",")]
        if match["constraint"] is None and not all(map(_NAME.fullmatch, written)):
            continue  # an expression, or what only the run knows
        into = [*_INTO.finditer(code, max(match.start() - _BACK, 0), match.start())]
        named = re.sub(r"[\"`\\]", "", into[-1]["table"]) if into else ""
        table = named.rpartition(".")[2] if _NAME.fullmatch(named) else ""
        spot = Spot(file, code.count("\n", 0, match.start()) + 1)
        constraint = (match["constraint"] or "").strip('"')
        yield Upsert(spot, table, () if constraint else tuple(written), constraint)
    for index, match in enumerate(_BUILDERS.finditer(code)):
        if index == _MOST:
            return
        names = tuple(dict.fromkeys(_WORD.findall(match["rest"])))
        if names:
            yield Upsert(Spot(file, code.count("\n", 0, match.start()) + 1), "", names, sure=False)
