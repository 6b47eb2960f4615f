"""The header of a migration: comment lines `-- migrate: …` above its first statement.

-- migrate: no-transaction                      one statement, outside a transaction
-- migrate: rerunnable                          (with no-transaction) running it again after any stop is right
-- migrate: expand                              only adds what the previous release ignores; needs no down file
-- migrate: contract of 0007 released in v1.2.0 takes away what 0007's release stopped using
-- migrate: statement-timeout 30min             instead of the runner's own; ms, s, min or h
-- migrate: lock-timeout 2min
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from infra.migrations.errors import SetupError, printable
from infra.migrations.sql import Comment, line_of

MARK = re.compile(r"--\s*migrate\s*:\s*(.*?)\s*", re.IGNORECASE)
_CONTRACT = re.compile(r"contract of (\d{4}) released in (v\d+\.\d+\.\d+(?:[-+][\w.+-]+)?)")
_TIMEOUT = re.compile(r"(statement|lock)-timeout (\d+)\s*(ms|s|min|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Contract:
    """The second half of an expand/contract pair: number of the expanding migration, and the tag that released it."""

    expand: int
    release: str


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about itself. Timeouts in seconds; None leaves the runner's own."""

    no_transaction: bool = False
    rerunnable: bool = False
    change: Literal["expand"] | Contract | None = None
    statement_timeout: float | None = None
    lock_timeout: float | None = None


def parse(text: str, comments: list[Comment], first_statement: int) -> Header:
    """The header in `comments`, the line comments of a file whose first statement begins at offset `first_statement`.

    Raises SetupError for a directive that is unknown, repeated, or below the first statement, where it would be taken
    for a directive by a reader and for a comment by the server.
    """
    header = Header()
    seen: set[str] = set()
    for comment in comments:
        mark = MARK.fullmatch(comment.text)
        if mark is None:
            continue
        line, directive = line_of(text, comment.start), mark.group(1)
        if comment.start > first_statement:
            raise SetupError(
                f"line {line}: a `-- migrate:` directive stands below the first statement", fix="Move it to the top."
            )
        header, slot = _apply(header, directive, line)
        if slot in seen:
            raise SetupError(f"line {line}: a second directive sets {slot}", fix="Keep one of the two.")
        seen.add(slot)
    return header


def _apply(header: Header, directive: str, line: int) -> tuple[Header, str]:
    match directive:
        case "no-transaction":
            return replace(header, no_transaction=True), "no-transaction"
        case "rerunnable":
            return replace(header, rerunnable=True), "rerunnable"
        case "expand":
            return replace(header, change="expand"), "the kind of change"
    if contract := _CONTRACT.fullmatch(directive):
        return replace(header, change=Contract(int(contract[1]), contract[2])), "the kind of change"
    if timeout := _TIMEOUT.fullmatch(directive):
        seconds = int(timeout[2]) * _SECONDS[timeout[3]]
        if seconds <= 0:
            raise SetupError(f"line {line}: a timeout of zero is no timeout", fix="Give a bound, such as 30min.")
        if timeout[1] == "lock":
            return replace(header, lock_timeout=seconds), "lock-timeout"
        return replace(header, statement_timeout=seconds), "statement-timeout"
    raise SetupError(
        f"line {line}: unknown directive `-- migrate: {printable(directive)}`",
        fix="Use no-transaction, rerunnable, expand, `contract of NNNN released in vX.Y.Z`, or "
        "`statement-timeout`/`lock-timeout` with ms, s, min or h.",
    )
