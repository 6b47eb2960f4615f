"""SQL migrations: folders of numbered files, and what each statement does to a schema that is in use.

Overview. A :class:`MigrationFolder` holds its :class:`Migration` in the order in which they run; each has an up and
perhaps a down :class:`SqlFile`; each of those its :class:`Statement` with the table, the columns and what makes it
safe or not (``concurrently``, NOT NULL without a default, a type change). The grammar is PostgreSQL's own. A file that
it refuses has a problem and no statements: a rule that would pass on it must say unknown. A migration is a place:
``migration.fails(...)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from checker.model.judgements import Judgeable
from checker.model.sources import Problem, Spot
from checker.model.verdicts import Location, Subject, SubjectKind, Surface


class Effect(StrEnum):
    """What a statement means for a release that is still running on the schema."""

    EXPAND = "expand"  # only adds; what runs now does not notice
    CONTRACT = "contract"  # takes away, renames or tightens what a running release may use
    DATA = "data"  # changes rows
    SETTING = "setting"  # SET, BEGIN, COMMIT, LOCK, comments and the like
    OTHER = "other"  # anything that this table does not know


@dataclass(frozen=True, slots=True)
class Statement:
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
    value: str = ""  # of a setting
    concurrently: bool = False
    not_null: bool = False
    has_default: bool = False
    validated: bool = True
    if_exists: bool = False
    unique: bool = False
    new_table: bool = False  # on a table that the same migration creates: nobody uses it yet
    rewrites: bool = False  # may rewrite or scan the whole table under a lock
    why: str = ""  # why it contracts


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file. ``header`` are the comment lines above its first statement, without ``--``."""

    file: str
    statements: tuple[Statement, ...]
    header: tuple[tuple[Spot, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    down_section: bool = False  # both directions stand in it (goose, dbmate): this is one of them

    @property
    def readable(self) -> bool:
        return not any(problem.unread for problem in self.problems)


@dataclass(frozen=True, slots=True, eq=False)
class Migration(Judgeable):
    """A numbered change. ``down`` is ``None`` where there is no way back in a file."""

    number: str
    name: str
    up: SqlFile
    down: SqlFile | None = None

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
    def surface(self) -> Surface:
        return Surface.MIGRATION

    @property
    def environment_name(self) -> str:
        return ""

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.MIGRATION, self.file)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - the statement's line is in the path
        """``path`` is a line of the up file (``12``) or empty."""
        return Location(self.file, int(path) if path.isdigit() else 1)


@dataclass(frozen=True, slots=True, eq=False)
class MigrationFolder:
    """Migrations of one folder, in execution order. ``tool`` is what its naming looks like: ``flyway``, ``pairs``,
    ``goose``, ``dbmate``, ``prisma``, ``numbered``."""

    folder: str
    tool: str
    migrations: tuple[Migration, ...]
    problems: tuple[Problem, ...] = field(default=())

    @property
    def all_problems(self) -> Iterator[Problem]:
        yield from self.problems
        for migration in self.migrations:
            yield from migration.up.problems
            if migration.down is not None:
                yield from migration.down.problems
