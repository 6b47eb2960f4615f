"""SQL migrations: folders of numbered files, and what each statement does to a schema that is in use.

Overview. A :class:`MigrationFolder` holds its :class:`Migration` in the order in which they run; each has an up and
perhaps a down :class:`SqlFile`; each of those its :class:`Statement` with the table, the columns and what makes it
safe or not (``concurrently``, NOT NULL without a default, a type change). The grammar is PostgreSQL's own. A file that
it refuses has a problem and no statements: a rule that would pass on it must say unknown. A migration is a place:
``migration.fails(...)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar, Final

from msgspec import Struct, field

from checker.model.judgements import Judgeable
from checker.model.migrations.images import ImageStart
from checker.model.migrations.shaping import Shapes
from checker.model.sources import Problem, Spot
from checker.model.values import as_count
from checker.model.verdicts import Location, Subject, SubjectKind, Surface

# What files of SQL end in, whichever client goes through them.
SQL_ENDINGS: Final = (".sql", ".psql", ".pgsql", ".ddl")


# The same, as a part of a pattern; and change logs that say what to do and are no program.
SQL_ENDING: Final = rf"\.(?:{'|'.join(each[1:] for each in SQL_ENDINGS)})"
_DECLARED: Final = (".xml", ".yaml", ".yml", ".json")


def is_sql(file: str) -> bool:
    return file.lower().endswith(SQL_ENDINGS)


def is_program(file: str) -> bool:
    """Whether a migration is code that sends its statements itself."""
    return not is_sql(file) and not file.lower().endswith(_DECLARED)


class Effect(StrEnum):
    """What a statement means for a release that is still running on the schema."""

    EXPAND = "expand"  # only adds; what runs now does not notice
    CONTRACT = "contract"  # takes away, renames or tightens what a running release may use
    DATA = "data"  # changes rows
    SETTING = "setting"  # SET, BEGIN, COMMIT, LOCK, comments and the like
    OTHER = "other"  # anything that this table does not know


class Statement(Struct, frozen=True):
    """One thing that one statement does; an ``ALTER TABLE`` with several parts is several of them.

    ``kind`` is in words: ``create table``, ``add column``, ``drop column``, ``alter type``, ``set not null``, ``rename
    column``, ``create index`` ... ``volatile_default`` marks a default that is computed per row; ``validated`` is false
    for a constraint added ``NOT VALID``.
    """

    kind: str
    effect: Effect
    spot: Spot
    table: str = ""
    columns: tuple[str, ...] = ()
    name: str = ""  # of the index, constraint, new name, setting
    value: str = ""  # of a setting; of a transaction's ``begin`` or ``end``
    local: bool = False  # of a setting: for its transaction alone
    concurrently: bool = False
    alone: bool = False  # refused inside a transaction
    together: bool = False  # stands in one text with other statements
    has_default: bool = False
    validated: bool = True
    if_exists: bool = False
    unique: bool = False
    new_table: bool = False  # on a table that the same migration creates: nobody uses it yet
    why: str = ""  # why it contracts
    # CHECK constraints that it makes: the name that each has or gets, and its condition (the grammar's tree as JSON).
    checks: tuple[tuple[str, str], ...] = ()
    # Unique, primary and foreign keys that it makes, and indexes that are none; of what is dropped the unique key that
    # no other one in force stands in for.
    keys: tuple[Key, ...] = ()
    # The type that each column gets, as PostgreSQL calls it (``varchar(50)``); of an ``alter type`` that computes its
    # values by an expression of its own, none. ``was`` is the type that its author says a column had.
    types: tuple[tuple[str, str], ...] = ()
    was: str = ""  # or the name before a new one
    filled: tuple[str, ...] = ()  # the columns of a new table that are never empty
    # Of a view its columns; of a function the types of what it is given, with ``=`` behind those that have a default,
    # and its result. Not told where ``None``.
    signature: tuple[str, ...] | None = None
    # What code changes or takes away that it runs: a block, or a function that the same file makes.
    inside: tuple[Statement, ...] = ()
    beside: tuple[str, ...] = ()  # all that the same DROP takes away
    # The functions that it calls, or of a trigger the one that this calls; of a function what its code does.
    calls: tuple[str, ...] = ()
    code: Code | None = None


class Key(Struct, frozen=True):
    """A key by the name that it has or gets: its kind (``primary``, ``unique``, ``foreign``, empty for an index that is
    no key), its columns, and what else is told of it (JSON). A foreign one refers to a ``target`` and columns there."""

    name: str
    kind: str
    columns: tuple[str, ...]
    told: str
    target: str = ""
    others: tuple[str, ...] = ()


class Upsert(Struct, frozen=True):
    """An insert in a program that names a unique key, by its columns or its own name, for what it does with a row that
    is there. Its table is empty where the program does not tell; where it is not ``sure``, the columns are among what
    stands there."""

    spot: Spot
    table: str
    columns: tuple[str, ...] = ()
    constraint: str = ""
    sure: bool = True


class Code(Struct, frozen=True):
    """What a function changes or takes away by being called, the functions that it calls, and its ways: ``unread``,
    ``fails``, and of one for triggers ``swallows`` and ``refuses`` (a write), ``keeps`` (the row as it was), ``asks``
    (what is done)."""

    held: tuple[Statement, ...] = ()
    calls: tuple[str, ...] = ()
    ways: frozenset[str] = frozenset()


class SqlFile(Struct, frozen=True):
    """One file. ``header`` are the comment lines above its first statement, without ``--``."""

    file: str
    statements: tuple[Statement, ...]
    header: tuple[tuple[Spot, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    outside: bool = False  # it asks its tool to run it outside of a transaction
    unlocked: bool = False  # it asks its tool to run it without the tool's lock
    system: str = ""  # whose SQL it is, where that is not PostgreSQL's
    stops: bool = False  # it has psql stop at an error (ON_ERROR_STOP)

    @property
    def readable(self) -> bool:
        return not any(problem.unread for problem in self.problems)


class SourceFile(Struct, frozen=True):
    """One file of code. ``code`` is its text with comments (and docstrings) blanked, lines kept; ``strings`` are its
    string literals with the line on which each begins."""

    file: str
    language: str  # python, script (JavaScript and TypeScript), go, rust, csharp, or other
    code: str
    strings: tuple[tuple[int, str], ...] = ()

    def line_at(self, offset: int) -> int:
        return self.code.count("\n", 0, offset) + 1


class MigrationRunner(Judgeable, Struct, frozen=True, eq=False):
    """A program of the repository that applies migrations. ``entry`` is the file that drives it, ``files`` are it and
    all that it imports of the repository's own; ``library`` the tool whose library does the work, by its name in
    :mod:`checker.model.migrations.tools`. ``callers`` are files that import one of them. It is a place; a path is
    ``FILE:LINE``. ``shapes``: it applies no migrations, but brings the database to the schema of its models, and what
    that does to what is there; ``doubt`` is why it may not."""

    surface: ClassVar[Surface] = Surface.SCRIPT
    environment_name: ClassVar[str] = ""
    entry: SourceFile
    files: tuple[SourceFile, ...]
    library: str = ""
    callers: tuple[str, ...] = ()
    line: int = 1  # where it does so, as far as that is told
    shapes: Shapes | None = None
    doubt: str = ""
    recipe: str = ""  # of the image whose containers start with it
    starts: tuple[SourceFile, ...] = ()  # callers that Python runs where it is told the package's name

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.SCRIPT_LINE, self.entry.file)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - a line is exact enough
        file, _, line = path.rpartition(":")
        return Location(file, at) if file and (at := as_count(line)) else Location(self.entry.file, self.line)


class Connection(Struct, frozen=True):
    """A file that says how a tool (by its name in :mod:`checker.model.migrations.tools`) connects to the database."""

    tool: str
    file: str
    text: str


class TaskThatMigrates(Struct, frozen=True):
    """A task definition of a template that migrates and serves nothing: its family, empty where that is not written
    out, and the tool, by its name; empty where that is not told."""

    family: str
    tool: str


class MigrationCode(Struct, frozen=True, eq=False):
    """The code around migrations: what runs them, and the tests that run their way back. ``scripts`` are the commands
    that package.json files give names to, ``connections`` the files that say how tools connect. ``drivers``: files of
    SQL that a client is given and that include others (``\\i``), with their texts. ``upserts`` are the keys that
    programs rely on, ``at_start`` what applies migrations whenever a container starts, ``versions`` the major versions
    of tools' libraries that projects ask for, by the tools' names; 0 is one that is not told. ``in_tasks`` are task
    definitions that migrate when somebody starts them, ``images`` what recipes for images say that containers start."""

    runners: tuple[MigrationRunner, ...] = ()
    tests_back: tuple[Spot, ...] = ()
    scripts: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    connections: tuple[Connection, ...] = ()
    drivers: tuple[tuple[str, str], ...] = ()
    upserts: tuple[Upsert, ...] = ()
    at_start: tuple[MigrationRunner, ...] = ()
    versions: tuple[tuple[str, int], ...] = ()
    in_tasks: tuple[TaskThatMigrates, ...] = ()
    shaping: tuple[MigrationRunner, ...] = ()
    images: tuple[ImageStart, ...] = ()


class Migration(Judgeable, Struct, frozen=True, eq=False):
    """A numbered change. ``down`` is ``None`` where there is no way back of it."""

    surface: ClassVar[Surface] = Surface.MIGRATION
    environment_name: ClassVar[str] = ""
    number: str
    name: str
    up: SqlFile
    down: SqlFile | None = None
    part: str = ""  # which of several of one file it is

    @property
    def file(self) -> str:
        return self.up.file

    @property
    def statements(self) -> tuple[Statement, ...]:
        return self.up.statements

    @property
    def label(self) -> str:
        return f"{self.number}_{self.name}" if self.name else self.number

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.MIGRATION, f"{self.file} ({self.part})" if self.part else self.file)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - the statement's line is in the path
        """``path`` is a line of the up file (``12``), of the down file (``down:12``), or empty."""
        way, _, line = path.rpartition(":")
        file = self.down.file if way == "down" and self.down is not None else self.file
        return Location(file, as_count(line) or 1)


class MigrationFolder(Judgeable, Struct, frozen=True, eq=False):
    """Migrations of one folder, in execution order. ``tool`` is what its naming looks like: ``flyway``, ``pairs``,
    ``goose``, ``dbmate``, ``prisma``, ``diesel``, ``drizzle``, ``liquibase``, ``sqitch``, ``numbered``; ``given`` where
    a job gives them to a client; ``code`` where they are programs, which are not read. It is a place too."""

    surface: ClassVar[Surface] = Surface.MIGRATION
    environment_name: ClassVar[str] = ""
    folder: str
    tool: str
    migrations: tuple[Migration, ...]
    problems: tuple[Problem, ...] = field(default=())

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.MIGRATION, self.folder)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - the folder is all there is
        first = self.migrations[0].file if self.migrations else next((each.spot.file for each in self.problems), "")
        return Location(first, 1, path or None) if first else Location(self.folder, None, path or None)

    @property
    def all_problems(self) -> Iterator[Problem]:
        yield from self.problems
        for migration in self.migrations:
            yield from migration.up.problems
            if migration.down is not None:
                yield from migration.down.problems
