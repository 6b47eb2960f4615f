"""Just enough of PostgreSQL's lexical rules to tell where each statement of a file begins and ends.

The runner needs that for three things: to name the line of the statement that failed, to refuse statements that would
end its transaction, and to know which index a concurrent build leaves behind. It is never trusted alone: every
statement is sent through the extended query protocol, in which the server refuses more than one, so a statement that
was cut wrongly is a syntax error and not a surprise.

The rules are those of "Lexical Structure" in the PostgreSQL manual; where a routine's `BEGIN ATOMIC … END` body ends
is decided as psql's own scanner does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from infra.migrations.errors import SetupError

Kind = Literal["word", "quoted", "string", "comment", "symbol"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL: `text` as written, `start` and `end` as offsets into the file."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The folded keyword or identifier; empty for anything else, so that `"commit"` is no COMMIT."""
        return self.text.lower() if self.kind == "word" else ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its semicolon. `line` is where its first token stands, counted from 1."""

    text: str
    line: int
    tokens: tuple[Token, ...]

    @property
    def summary(self) -> str:
        """Its first words: enough to recognise it by, and no literal values, which may be private."""
        leading: list[str] = []
        for token in self.tokens[:6]:
            if token.kind not in ("word", "quoted"):
                break
            leading.append(token.text)
        return " ".join(leading)


@dataclass(frozen=True, slots=True)
class IndexBuild:
    """`CREATE INDEX CONCURRENTLY index ON table`; both names as written, quotes included."""

    index: str
    table: str


@dataclass(frozen=True, slots=True)
class IndexDrop:
    """`DROP INDEX CONCURRENTLY index`; the name as written, quotes and schema included."""

    index: str


_TOKEN = re.compile(
    r"""
      (?P<space>   \s+ )
    | (?P<line>    --[^\r\n]* )
    | (?P<block>   /\* )
    | (?P<escape>  [eE]'(?:[^'\\]|''|\\.)*+'(?:[ \t\f\v]*[\r\n]\s*'(?:[^'\\]|''|\\.)*+')* )
    | (?P<string>  (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*+' )
    | (?P<quoted>  (?:[uU]&)?"(?:[^"]|"")*+" )
    | (?P<word>    (?![eE]')[^\W\d][\w$]* )
    | (?P<number>  \.?\d[\w.]* )
    | (?P<dollar>  \$(?:[^\W\d]\w*)?\$ )
    | (?P<symbol>  . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text`, comments included and white space left out.

    Raises SetupError for a comment, string or quoted name that never ends.
    """
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:  # unreachable: the last alternative takes any character
            raise AssertionError(position)
        group, end = str(match.lastgroup), match.end()
        if group == "block":
            end = _block_end(text, position)
        elif group == "dollar":
            end = _dollar_end(text, position, match.group())
        elif group == "symbol" and match.group() in "'\"eE":  # an E here begins an E'' string without an end
            raise _unended(text, position, "string or quoted name")
        if group != "space":
            yield Token(_KINDS[group], text[position:end], position, end)
        position = end


_KINDS: dict[str, Kind] = {
    "line": "comment",
    "block": "comment",
    "escape": "string",
    "string": "string",
    "dollar": "string",
    "quoted": "quoted",
    "word": "word",
    "number": "symbol",
    "symbol": "symbol",
}


def statements(text: str) -> tuple[Statement, ...]:
    """The statements of `text`; what holds only comments between two semicolons is none."""
    found: list[Statement] = []
    current: list[Token] = []
    parentheses = 0
    routine = _Routine()
    for token in tokens(text):
        if token.kind == "comment":
            continue
        if token.text == ";" and parentheses == 0 and routine.depth == 0:
            if current:
                found.append(_statement(text, current))
            current, routine = [], _Routine()
            continue
        current.append(token)
        if token.kind == "symbol" and token.text in "()":
            parentheses = max(0, parentheses + (1 if token.text == "(" else -1))
        elif token.kind == "word" and parentheses == 0:
            routine.see(token.word)
    if current:
        found.append(_statement(text, current))
    return tuple(found)


def line_of(text: str, offset: int) -> int:
    """The line, counted from 1, on which `offset` lies."""
    return text.count("\n", 0, offset) + 1


def ends_transaction(statement: Statement) -> bool:
    """Whether the statement begins, ends or prepares a transaction, or resets the session that holds the lock."""
    words = [token.word for token in statement.tokens[:2]]
    first, second = (*words, "", "")[:2]
    return first in {"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "discard"} or (
        first,
        second,
    ) == ("prepare", "transaction")


def index_work(statement: Statement) -> IndexBuild | IndexDrop | None:
    """The concurrent index work that the statement does, or None for any other statement.

    Raises SetupError for a concurrent build without a name: the server would choose one, and a build that was killed
    half way could not be found again.
    """
    rest = list(statement.tokens)
    if _take(rest, "drop", "index", "concurrently"):
        _take(rest, "if", "exists")
        return IndexDrop(_name(rest))
    if not _take(rest, "create"):
        return None
    _take(rest, "unique")
    if not _take(rest, "index", "concurrently"):
        return None
    _take(rest, "if", "not", "exists")
    if _take(rest, "on"):
        raise SetupError(
            f"line {statement.line}: a concurrent index is built without a name",
            fix="Name the index, so that a build which was stopped half way can be found again.",
        )
    index = _name(rest)
    _take(rest, "on")
    _take(rest, "only")
    return IndexBuild(index, _name(rest))


class _Routine:
    """Follows `CREATE [OR REPLACE] FUNCTION|PROCEDURE … BEGIN ATOMIC … END`, whose semicolons end nothing.

    CASE counts as well, because its END would otherwise be taken for the body's.
    """

    def __init__(self) -> None:
        self.depth = 0
        self._leading: list[str] = []

    def see(self, word: str) -> None:
        if len(self._leading) < 4:
            self._leading.append(word)
        head = [part for part in self._leading if part not in ("or", "replace")]
        if len(head) < 2 or head[0] != "create" or head[1] not in ("function", "procedure"):
            return
        if word == "begin" or (word == "case" and self.depth):
            self.depth += 1
        elif word == "end" and self.depth:
            self.depth -= 1


def _statement(text: str, parts: list[Token]) -> Statement:
    start, end = parts[0].start, parts[-1].end
    return Statement(text[start:end], line_of(text, start), tuple(parts))


def _take(rest: list[Token], *words: str) -> bool:
    if [token.word for token in rest[: len(words)]] != list(words):
        return False
    del rest[: len(words)]
    return True


def _name(rest: list[Token]) -> str:
    """The dotted name at the start of `rest`, which is consumed."""
    name = ""
    while rest and rest[0].kind in ("word", "quoted"):
        name += rest.pop(0).text
        if not (rest and rest[0].text == "."):
            break
        name += rest.pop(0).text
    return name


def _block_end(text: str, start: int) -> int:
    depth = 0
    for edge in _BLOCK_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise _unended(text, start, "comment")


def _dollar_end(text: str, start: int, tag: str) -> int:
    closing = text.find(tag, start + len(tag))
    if closing < 0:
        raise _unended(text, start, "dollar-quoted string")
    return closing + len(tag)


def _unended(text: str, start: int, what: str) -> SetupError:
    return SetupError(f"line {line_of(text, start)}: a {what} never ends", fix="Close it.")
