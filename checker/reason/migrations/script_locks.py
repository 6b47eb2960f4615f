"""Whether a runner in JavaScript ends the connection that holds its lock before anything is done under it.

A session's lock ends with its session (PostgreSQL documentation, "Advisory Locks"); ``end`` of node-postgres closes it,
``release`` gives it back to a pool, which closes connections that are idle (node-postgres documentation, ``pg.Pool``,
``idleTimeoutMillis``). Read by its braces: what is called between the place that takes the lock and the one that ends
the connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.migrations.folders import MigrationRunner

_LOCK: Final = lazy_re.compile(r"pg_(?:try_)?advisory_lock\s*\(", re.IGNORECASE)
_QUOTED: Final = lazy_re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`")
_SENT: Final = lazy_re.compile(r"([A-Za-z_$][\w$]*)\.(?:query|unsafe|execute)\s*(?:<[^<>]*>)?\(\s*$")
_CALL: Final = lazy_re.compile(r"([A-Za-z_$][\w$.]*)\s*\(\s*(.?)")
_ENDS: Final = lazy_re.compile(r"end|close|destroy|terminate|\$disconnect")
# What is called around a lock, and migrates nothing.
_SMALL: Final = lazy_re.compile(
    r"(?:console|log|logger|process\.(?:stdout|stderr)|JSON|Date|Math|Number|String|Boolean|performance)\b.*"
    r"|(?:\w*[sS]leep|\w*[dD]elay|wait\w*|setTimeout|Error|Promise|resolve|if|for|while|switch|catch|return|await)"
)
_HELPER: Final = lazy_re.compile(
    r"(?:function\s+(?P<named>[A-Za-z_$][\w$]*)\s*\(|(?:const|let|var)\s+(?P<kept>[A-Za-z_$][\w$]*)\s*=\s*(?:async\s*)?"
    r"(?:function\s*)?\()\s*(?P<first>[A-Za-z_$][\w$]*)?"
)
_HANDED: Final = lazy_re.compile(
    r"([A-Za-z_$][\w$]*)\s*\(\s*(?:async\s*)?\(?\s*([A-Za-z_$][\w$]*)\s*\)?\s*=>\s*\{?\s*(?:await\s+|return\s+)*$"
)
_IF: Final = lazy_re.compile(r"(?:^|[;{}\n])\s*(?:\}?\s*else\b|if\s*\()[^;{}\n]*$")
_MOST: Final = 20
_LONGEST: Final = 100_000  # signs of a file


class Text(Struct, frozen=True):
    """A file's code, what is in its quotes blanked, and for each place the braces that are open there."""

    plain: str
    blocks: tuple[tuple[int, int], ...]  # where each opens and closes

    def around(self, place: int) -> list[tuple[int, int]]:
        """The blocks around a place, innermost first."""
        return sorted((each for each in self.blocks if each[0] < place < each[1]), reverse=True)

    def is_finally(self, block: tuple[int, int]) -> bool:
        return self.plain[: block[0]].rstrip().endswith("finally")

    def bodies_of(self, name: str) -> list[str]:
        """What the functions of a name hold."""
        return [body for _, body in _helpers(self, name)]

    def is_function(self, block: tuple[int, int]) -> bool:
        before = self.plain[max(0, block[0] - 200) : block[0]].rstrip()
        if before.endswith("=>"):
            return True
        head = re.search(r"([A-Za-z_$][\w$]*)?\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?::\s*[\w<>\[\]|. ]+)?$", before)
        return head is not None and head[1] not in {"if", "for", "while", "switch", "catch", "with"}


def fault_of(runner: MigrationRunner) -> tuple[str, str]:
    """Why the lock is gone before the migrations run, empty where nothing says so; and why that is not certain."""
    files = tuple(file.code for file in runner.files if file.language == "script" and len(file.code) <= _LONGEST)
    found = [each for code in files for each in _faults(code)]
    return next((each for each in found if not each[1]), found[0] if found else ("", ""))


@lru_cache(maxsize=64)
def _faults(code: str) -> tuple[tuple[str, str], ...]:
    text = read(code)
    found = []
    for match in islice(_LOCK.finditer(code), _MOST):
        quoted = next((each for each in _QUOTED.finditer(code) if each.start() < match.start() < each.end()), None)
        sent = _SENT.search(text.plain, max(0, quoted.start() - 200), quoted.start()) if quoted is not None else None
        if quoted is None or sent is None:
            continue
        found += [each for each in (_fault(text, sent[1], sent.start(), quoted.end()),) if each is not None]
    return tuple(found)


def read(code: str) -> Text:
    plain = _QUOTED.sub(lambda match: match[0][0] + re.sub(r"[^\n]", " ", match[0][1:-1]) + match[0][-1], code)
    blocks, opened = [], []
    for place, sign in enumerate(plain):
        if sign == "{":
            opened.append(place)
        elif sign == "}" and opened:
            blocks.append((opened.pop(), place))
    return Text(plain, tuple(blocks))


def _fault(text: Text, name: str, start: int, behind: int) -> tuple[str, str] | None:
    handed = _HANDED.search(text.plain, max(0, start - 200), start)
    handed = handed if handed is not None and handed[2] == name else None
    if handed is not None and "{" not in handed[0]:
        return _ended_by_caller(text, handed[1])
    around = text.around(behind)
    function = next((each for each in around if text.is_function(each)), None)
    last = function[1] if function is not None else len(text.plain)
    for match in _CALL.finditer(text.plain, behind, last):
        how = _ends_it(text, match, name)
        if not how:
            if not _is_small(match, name):
                return None
            continue
        inner = text.around(match.start())
        block = inner[0] if inner else None
        outer = inner[1] if len(inner) > 1 else None
        runs = block is None or block in around or (text.is_finally(block) and (outer is None or outer in around))
        if runs and not _IF.search(text.plain, max(0, match.start() - 300), match.start()):
            return _said(how)
    # The function comes to its end, and so does the connection where whoever called it ends that.
    return _ended_by_caller(text, handed[1]) if handed is not None else None


def _said(how: str) -> tuple[str, str]:
    if how == "release":
        return "it is let go before the migrations run", "its connection goes back to the pool, which may end it"
    return "the connection that holds it is ended before the migrations run", ""


def _is_small(match: re.Match[str], name: str) -> bool:
    """Whether a call is of no account: it waits, says something, or sends SQL that is written out."""
    called, first = match[1], match[2]
    if called.partition(".")[0] == name:
        return not re.search(r"\.(?:query|unsafe|execute)$", called) or first in {"'", '"', "`"}
    return _SMALL.fullmatch(called) is not None


def _ends_it(text: Text, match: re.Match[str], name: str) -> str:
    """How a call ends a connection: by itself, or as a function of the file that ends what it is given."""
    holder, _, method = match[1].rpartition(".")
    if holder == name:
        return "end" if _ENDS.fullmatch(method) else "release" if method == "release" else ""
    given = re.compile(rf"\(\s*{re.escape(name)}\s*[,)]").match(text.plain, text.plain.index("(", match.start()))
    if holder or given is None:
        return ""
    for first, body in _helpers(text, match[1]):
        for each in _CALL.finditer(body) if first else ():
            owner, _, done = each[1].rpartition(".")
            if owner == first and (_ENDS.fullmatch(done) or done == "release"):
                return "release" if done == "release" else "end"
            if not _is_small(each, first):
                break
    return ""


def _ended_by_caller(text: Text, name: str) -> tuple[str, str] | None:
    """Whether a function of the file calls what it is given, and then ends the connection that it gave."""
    for first, body in _helpers(text, name):
        called = re.search(rf"\b{re.escape(first)}\s*\(\s*([A-Za-z_$][\w$]*)", body) if first else None
        if called is None:
            continue
        for each in _CALL.finditer(body, called.end()):
            owner, _, done = each[1].rpartition(".")
            if owner == called[1] and (_ENDS.fullmatch(done) or done == "release"):
                return _said("release" if done == "release" else "end")
    return None


def _helpers(text: Text, name: str) -> Iterator[tuple[str, str]]:
    """The functions of a name: their first parameter, and their bodies."""
    for match in islice(_HELPER.finditer(text.plain), 200):
        if name in {match["named"], match["kept"]}:
            body = min(
                (each for each in text.blocks if each[0] >= match.end() and text.is_function(each)), default=None
            )
            if body is not None:
                yield match["first"] or "", text.plain[body[0] : body[1]]
