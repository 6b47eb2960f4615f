"""One file that holds both directions of a migration, told apart by its comments.

A mark that a tool reads (``-- +goose Down``, ``-- migrate:down``, ``--//@UNDO``, ``# --- !Downs``) is one alone. Bare
words (``-- Down``, ``-- Down Migration``) are marks only where both directions have one and the first stands above all
statements: a remark in the middle of a migration parts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.collect.migrations.naming import BACK, FORWARD
from checker.collect.migrations.sql import parse_sql
from checker.model.migrations.folders import SqlFile
from checker.model.migrations.tools import TOOLS

_WORDS: Final = "|".join(sorted(FORWARD | BACK, key=len, reverse=True))
_COMMENT: Final = lazy_re.compile(r"^[ \t]*(?:--|#|/\*)(?P<said>[^\n]*)$", re.MULTILINE)
# goose, dbmate and sql-migrate (their documentation), micrate (`+micrate Up`), Play (`!Ups`), MyBatis (`//@UNDO`).
_SIGNED: Final = lazy_re.compile(
    rf"(?:\+\w+[ \t]+|\w+:|//[ \t]*@|@|!)(?P<way>{_WORDS})\b(?:[ \t]+\w+(?::\w+)?)*", re.IGNORECASE
)
_BARE: Final = lazy_re.compile(
    rf"(?:\w+[ \t]+)?(?P<way>{_WORDS})(?:[ \t]+(?:migration|section|script|sql|part))?:?", re.IGNORECASE
)
_TERN: Final = lazy_re.compile(r"create above[ \t]*/[ \t]*drop below", re.IGNORECASE)  # tern documentation, migrations
_TOOLS: Final = tuple(
    (tool.name, lazy_re.compile(rf"--[ \t]*{tool.section}(?:up|down)\b", re.IGNORECASE))
    for tool in TOOLS
    if tool.section
)
_OUTSIDE: Final = tuple(lazy_re.compile(tool.outside, re.IGNORECASE) for tool in TOOLS if tool.outside)
_STATEMENT: Final = lazy_re.compile(r"^[ \t]*(?!--|#|/\*|\*)[^\s]", re.MULTILINE)


class _Mark(Struct, frozen=True):
    start: int
    back: bool
    signed: bool


def directions(text: str, file: str) -> tuple[SqlFile, SqlFile | None, str]:
    """What a file does, what takes it back (``None``: nothing in it), and the tool that tells them apart, if any."""
    marks = list(_marks(text))
    if not all(mark.signed for mark in marks):
        bare_counts = {mark.back for mark in marks} == {True, False} and not marks[0].back
        above = _STATEMENT.search(text)
        if not bare_counts or (above is not None and above.start() < marks[0].start):
            marks = [mark for mark in marks if mark.signed]
    if not marks:
        return replace(parse_sql(text, file), outside=_outside(text, marks, back=False)), None, ""
    up = replace(parse_sql(_only(text, marks, back=False), file), outside=_outside(text, marks, back=False))
    down = replace(parse_sql(_only(text, marks, back=True), file), outside=_outside(text, marks, back=True))
    tool = next((name for name, mark in _TOOLS if mark.search(text)), "sections")
    return up, down if down.statements or down.problems else None, tool


def _outside(text: str, marks: list[_Mark], *, back: bool) -> bool:
    """Whether a comment of this direction, or of the file, asks its tool for no transaction."""
    others = {mark.start for mark in marks if mark.back != back}
    return any(
        comment.start() not in others and any(asks.match(comment["said"].strip()) for asks in _OUTSIDE)
        for comment in _COMMENT.finditer(text)
    )


def _marks(text: str) -> Iterator[_Mark]:
    for comment in _COMMENT.finditer(text):
        said = comment["said"].strip(" \t\r-=*/#") if "@" not in comment["said"] else comment["said"].strip()
        if _TERN.fullmatch(said):
            yield _Mark(comment.start(), back=True, signed=True)
        elif match := _SIGNED.fullmatch(said):
            yield _Mark(comment.start(), match["way"].lower() in BACK, signed=True)
        elif match := _BARE.fullmatch(said):
            yield _Mark(comment.start(), match["way"].lower() in BACK, signed=False)


def _only(text: str, marks: list[_Mark], *, back: bool) -> str:
    """The text of one direction, the other blanked: every statement stays on its line. What stands above the first
    mark belongs to the way there."""
    pieces = [text[: marks[0].start] if not back else _blank(text[: marks[0].start])]
    for index, mark in enumerate(marks):
        part = text[mark.start : marks[index + 1].start if index + 1 < len(marks) else len(text)]
        # A mark that begins with # is a comment to its tool, not to the grammar.
        first, line, rest = part.partition("\n")
        pieces.append(_blank(first) + line + rest if mark.back == back else _blank(part))
    return "".join(pieces)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
