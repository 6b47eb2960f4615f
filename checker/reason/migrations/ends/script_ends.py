"""Whether a runner for Node.js ends well although a migration has failed, by what it makes of the error.

Read by its braces: a ``catch`` that only tells of the error, a ``.catch(console.error)``, an exit with 0 in
``finally``.
Anything else in a handler (a variable that is set, a function of its own) may tell of the failure: no fault then.
Source: Node.js documentation, "Process", exit codes and ``process.exitCode``: an error that nobody catches ends with 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.migrations.folders import MigrationRunner
from checker.reason.migrations.script_locks import Text, read

_TOO_LONG: Final = Open("whether it ends with 0 after a failure: it is too long to follow")
_LONGEST: Final = 100_000  # signs of a file
_MOST: Final = 60  # handlers
_NEAR: Final = 4_000  # signs of one
_FAR: Final = 20_000  # signs of what a link hangs on
_FOLLOWED: Final = 100  # functions
_CATCH: Final = lazy_re.compile(r"\bcatch\s*(?:\([^()]*\))?\s*\{")
_TRY: Final = lazy_re.compile(r"\btry\s*$")
_FINALLY: Final = lazy_re.compile(r"\bfinally\s*\{")
_CHAIN: Final = lazy_re.compile(r"\.(?P<how>catch|finally)\s*\(\s*")
_KEPT: Final = lazy_re.compile(r"(?:=>?|\breturn|[(,?:])\s*$")
_LISTENER: Final = lazy_re.compile(r"\bprocess\.on(?:ce)?\s*\(\s*['\"`][^'\"`\n]*['\"`]\s*,\s*")
_HEARD: Final = ("unhandledRejection", "uncaughtException")
_TELLS: Final = r"(?:console|log(?:ger)?|winston|pino)(?:\.\w+)*"
# Statements that tell of an error, or tidy up, and leave the program's end as it is.
_IDLE: Final = lazy_re.compile(
    rf"(?:await\s+)?(?:{_TELLS}\s*\([^;]*\)|[A-Za-z_$][\w$]*\.(?:query|end|release|close|destroy|disconnect)\s*\([^;]*\)"
    r"|\$?[A-Za-z_$][\w$]*\.rollback\s*\(\s*\)|process\.exit\s*\(\s*0?\s*\)|process\.stderr\.write\s*\([^;]*\)"
    r"|continue|break|return)\s*"
)
_LEAVES: Final = lazy_re.compile(r"\bprocess\.exit\s*\(\s*(0?)\s*\)")
_CODE: Final = lazy_re.compile(r"\bprocess\.exitCode\b|\bDeno\.exit\b|\bsetExitCode\b")
_ARROW: Final = lazy_re.compile(
    r"(?:async\s*)?(?:\(?\s*(?:\w+\s*(?::\s*\w+)?)?\s*\)?\s*=>|function\s*\w*\s*\([^()]*\))\s*"
)
_REFERENCE: Final = lazy_re.compile(rf"{_TELLS}\s*[,)]")
_SENDS: Final = lazy_re.compile(
    r"(?:\.(?:query|execute\w*|unsafe|raw|none|batch|multi)|\b(?:db|client|conn|connection|database|sqlite)\.exec)"
    r"\s*(?:<[^<>]*>)?\(\s*(?!['\"`]|\s*\))"
    r"|\.migrate\.latest\s*\(|\.runMigrations\s*\(|\bmigrate\s*\(|\bumzug\.up\s*\(|\.up\s*\(\s*\)"
)
_CALLED: Final = lazy_re.compile(r"([A-Za-z_$][\w$]*)\s*\(")


def ends_well(runner: MigrationRunner) -> Answer:
    """Whether a failure of a migration ends the program with 0: yes where it surely does."""
    entry = runner.entry
    if entry.language != "script":
        return NO
    return _ends_well(entry.code) if len(entry.code) <= _LONGEST else _TOO_LONG


@lru_cache(maxsize=64)
def _ends_well(code: str) -> Answer:
    text = read(code)
    if _CODE.search(text.plain):
        return NO  # what it ends with is set somewhere
    if any(_caught(text)) or any(_chained(text)) or any(_heard(text, code)):
        return YES
    handlers = (len(each.findall(text.plain)) for each in (_CATCH, _FINALLY, _CHAIN, _LISTENER))
    return _TOO_LONG if max(handlers) > _MOST else NO


def _caught(text: Text) -> Iterator[bool]:
    """Blocks in which migrations are sent, whose errors are told and forgotten; and exits with 0 behind ``finally``."""
    for match in islice(_CATCH.finditer(text.plain), _MOST):
        opened = match.end() - 1
        handler = next((each for each in text.blocks if each[0] == opened), None)
        before = next((each for each in text.blocks if each[1] == len(text.plain[: match.start()].rstrip()) - 1), None)
        if handler is None or before is None or not _TRY.search(text.plain, max(0, before[0] - 20), before[0]):
            continue
        if handler[1] - handler[0] < _NEAR and _is_idle(text.plain[handler[0] + 1 : handler[1]]):
            yield _sends(text, text.plain[before[0] : before[1]])
    for match in islice(_FINALLY.finditer(text.plain), _MOST):
        block = next((each for each in text.blocks if each[0] == match.end() - 1), None)
        left = _LEAVES.search(text.plain, block[0], block[1]) if block is not None else None
        yield left is not None and not _leaves_badly(text.plain)


def _chained(text: Text) -> Iterator[bool]:
    """Links at the end of what the program starts and nobody waits for: ``main().catch(...)``."""
    for match in islice(_CHAIN.finditer(text.plain), _MOST):
        start = _start(text.plain, match.start())
        given = _handler(text, match.end())
        if given is None or text.around(match.start()) or _KEPT.search(text.plain, max(0, start - 20), start):
            continue
        if match["how"] == "catch":
            idle = _is_idle(given) and not _told_inside(text)
        else:
            idle = _LEAVES.search(given) is not None and not _leaves_badly(text.plain)
        yield idle and _sends(text, text.plain[start : match.start()])


def _start(plain: str, place: int) -> int:
    """Where the expression begins that ends before a place: calls, members and brackets."""
    depth, at = 0, place
    first = max(0, place - _FAR)
    while at > first:
        sign = plain[at - 1]
        if sign in ")]}":
            depth += 1
        elif sign in "([{":
            if not depth:
                break
            depth -= 1
        elif not depth and not (sign.isalnum() or sign in "_$.!?"):
            before = at
            while before > first and plain[before - 1].isspace():
                before -= 1
            if not sign.isspace() or not plain[at : at + 2].startswith((".", "?.")) or before == first:
                break
            at = before + 1
        at -= 1
    return at


def _heard(text: Text, code: str) -> Iterator[bool]:
    """Listeners for errors that nobody catches: with one the program does not end for them."""
    for match in islice(_LISTENER.finditer(text.plain), _MOST):
        if any(each in code[match.start() : match.end()] for each in _HEARD):
            given = _handler(text, match.end())
            yield given is not None and _is_idle(given) and not _leaves_badly(text.plain)


def _leaves_badly(plain: str) -> bool:
    """Whether it exits with another status than 0 somewhere: which of the two comes first is not worked out."""
    return any(True for _ in _BADLY.finditer(plain))


_BADLY: Final = lazy_re.compile(r"\bprocess\.(?:exit\s*\(\s*(?!0?\s*\))|abort\b|kill\b)")


_HANDLER: Final = lazy_re.compile(r"\bcatch\s*(?:\([^()]*\))?\s*$|\.catch\s*\(\s*(?:async\s*)?\(?[\w\s:]*\)?\s*=>\s*$")


def _told_inside(text: Text) -> bool:
    """Whether a handler further inside ends the program with a failure: what comes out then is not known."""
    return any(
        _HANDLER.search(text.plain, max(0, block[0] - 80), block[0])
        for match in islice(_BADLY.finditer(text.plain), _MOST)
        for block in text.around(match.start())
    )


def _handler(text: Text, start: int) -> str | None:
    """The statements of the function that stands at a place; ``None`` for one that has a name of its own."""
    if _REFERENCE.match(text.plain, start):
        return ""
    head = _ARROW.match(text.plain, start)
    if head is None:
        return None
    if text.plain[head.end() : head.end() + 1] == "{":
        block = next((each for each in text.blocks if each[0] == head.end()), None)
        return text.plain[block[0] + 1 : block[1]] if block is not None and block[1] - block[0] < _NEAR else None
    depth = 0
    for place in range(head.end(), min(len(text.plain), head.end() + _NEAR)):
        depth += {"(": 1, ")": -1}.get(text.plain[place], 0)
        if depth < 0:
            return text.plain[head.end() : place]
    return None


def _is_idle(body: str) -> bool:
    """Whether nothing in a handler ends the program with a failure, or hands one on."""
    statements = [each.strip() for each in body.replace("\n", ";\n").split(";")]
    joined: list[str] = []
    for each in statements:  # a call over several lines is one statement
        if joined and joined[-1].count("(") > joined[-1].count(")"):
            joined[-1] = f"{joined[-1]} {each}"
        elif each:
            joined.append(each)
    return all(_IDLE.fullmatch(each) for each in joined)


def _sends(text: Text, block: str) -> bool:
    """Whether migrations are sent in a block, or in a function of the file that it leads to."""
    seen: set[str] = set()
    pending = [block]
    while pending:
        each = pending.pop()
        if _SENDS.search(each):
            return True
        names = {found[1] for found in islice(_CALLED.finditer(each), _FOLLOWED)} - seen
        seen |= names
        pending += [body for name in names if len(seen) < _FOLLOWED for body in text.bodies_of(name)]
    return False
