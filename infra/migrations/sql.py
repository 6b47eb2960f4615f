"""Where each statement of a file begins and ends, and what the runner must know of it: by PostgreSQL's own parser.

Three things: the line of the statement that failed, statements that would end the runner's transaction, and the index
that a concurrent build leaves behind. The parser (pglast, which holds the server's) is two majors newer than the server
and refuses what that would refuse, before the database is touched. It is never trusted alone: every statement is sent
through the extended query protocol, in which the server takes one at a time.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from pglast import ast, keywords, parser
from pglast.enums import ObjectType

from infra.migrations.errors import SetupError

_WORDS = 6


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as written; `start` is its offset in the file."""

    text: str
    start: int


@dataclass(frozen=True)
class Statement:
    """One statement without its semicolon. `start` and `line` (from 1) are where its first token stands."""

    text: str
    start: int
    line: int

    @cached_property
    def node(self) -> ast.Node | None:
        return parser.parse_sql(self.text)[0].stmt

    @property
    def summary(self) -> str:
        """Its first words: enough to recognise it by, and no literal values, which may be private."""
        leading: list[str] = []
        for token in parser.scan(self.text):
            if token.name in ("C_COMMENT", "SQL_COMMENT"):
                continue
            if len(leading) == _WORDS or not (token.kind != "NO_KEYWORD" or token.name in ("IDENT", "UIDENT")):
                break
            leading.append(self.text[token.start : token.end + 1])
        return " ".join(leading)


@dataclass(frozen=True, slots=True)
class IndexBuild:
    """`CREATE INDEX CONCURRENTLY index ON table`; both names as SQL takes them, quoted where they must be."""

    index: str
    table: str


@dataclass(frozen=True, slots=True)
class IndexDrop:
    """`DROP INDEX CONCURRENTLY index`; the name as SQL takes it, with its schema if the statement names one."""

    index: str


def statements(text: str) -> tuple[Statement, ...]:
    """The statements of `text`; what holds only comments between two semicolons is none.

    Raises SetupError, with its line, for text that PostgreSQL could not read.
    """
    try:
        return tuple(
            Statement(text[part], part.start, line_of(text, part.start))
            for part in parser.split(text, with_parser=True, only_slices=True)
        )
    except parser.ParseError as error:
        message, *rest = error.args
        offset = rest[0] if rest and isinstance(rest[0], int) else 0
        # What follows quotes the file, and may quote a value.
        what = str(message).partition(" at or near ")[0]
        raise SetupError(
            f"line {line_of(text, offset)}: PostgreSQL cannot read this: {what}", fix="Correct the statement."
        ) from None


def comments(text: str) -> list[Comment]:
    """The comments of a text that `statements` could read."""
    return [
        Comment(text[token.start : token.end + 1], token.start)
        for token in parser.scan(text)
        if token.name in ("C_COMMENT", "SQL_COMMENT")
    ]


def line_of(text: str, offset: int) -> int:
    """The line, counted from 1, on which `offset` lies."""
    return text.count("\n", 0, offset) + 1


def ends_transaction(statement: Statement) -> bool:
    """Whether the statement begins, ends or prepares a transaction, or resets the session that holds the lock."""
    return isinstance(statement.node, ast.TransactionStmt | ast.DiscardStmt)


def index_work(statement: Statement) -> IndexBuild | IndexDrop | None:
    """The concurrent index work that the statement does, or None for any other statement.

    Raises SetupError for a concurrent build without a name: the server would choose one, and a build that was killed
    half way could not be found again.
    """
    match statement.node:
        case ast.IndexStmt(concurrent=True, idxname=None):
            raise SetupError(
                f"line {statement.line}: a concurrent index is built without a name",
                fix="Name the index, so that a build which was stopped half way can be found again.",
            )
        case ast.IndexStmt(concurrent=True, idxname=index, relation=ast.RangeVar() as table):
            return IndexBuild(_name(index), _name(table.catalogname, table.schemaname, table.relname))
        case ast.DropStmt(concurrent=True, removeType=ObjectType.OBJECT_INDEX, objects=[parts, *_]):
            return IndexDrop(_name(*(part.sval for part in parts)))
    return None


def _name(*parts: str | None) -> str:
    return ".".join(_quoted(part) for part in parts if part)


def _quoted(name: str) -> str:
    reserved = name in keywords.RESERVED_KEYWORDS or name in keywords.TYPE_FUNC_NAME_KEYWORDS
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and not reserved:
        return name
    return '"' + name.replace('"', '""') + '"'
