"""The table that says what was done to this database, one row per migration.

`state` is `applied` or `reverted`, and, for a file that runs outside a transaction, `started` or `reverting` while it
runs: what a stop half way leaves behind. A file inside a transaction is recorded in that same transaction, so that the
change and its record stand or fall together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from infra.migrations.files import Migration
from infra.migrations.session import Connection

State = Literal["applied", "reverted", "started", "reverting"]
UNFINISHED: tuple[State, ...] = ("started", "reverting")

_CREATE = """
CREATE TABLE public.doc_platform_migrations (
    number      integer     PRIMARY KEY,
    name        text        NOT NULL,
    checksum    text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('applied', 'reverted', 'started', 'reverting')),
    started_at  timestamptz NOT NULL,
    applied_at  timestamptz,
    duration_ms bigint,
    release_sha text        NOT NULL
)
"""
_EXISTS = "SELECT to_regclass('public.doc_platform_migrations') IS NOT NULL"
_READ = """
SELECT number, name, checksum, state, applied_at, duration_ms, release_sha
FROM public.doc_platform_migrations ORDER BY number
"""
_BEGIN_UP = """
INSERT INTO public.doc_platform_migrations (number, name, checksum, state, started_at, release_sha)
VALUES (%(number)s, %(name)s, %(checksum)s, 'started', clock_timestamp(), %(release)s)
ON CONFLICT (number) DO UPDATE SET name = excluded.name, checksum = excluded.checksum, state = excluded.state,
    started_at = excluded.started_at, applied_at = NULL, duration_ms = NULL, release_sha = excluded.release_sha
"""
_END_UP = """
UPDATE public.doc_platform_migrations
SET state = 'applied', applied_at = clock_timestamp(), duration_ms = %(duration)s WHERE number = %(number)s
"""
_FORGET = "DELETE FROM public.doc_platform_migrations WHERE number = %(number)s"
_STATE = "UPDATE public.doc_platform_migrations SET state = %(state)s WHERE number = %(number)s"


@dataclass(frozen=True, slots=True)
class Row:
    """A migration as the database remembers it. `duration_ms` is None while it is unfinished."""

    number: int
    name: str
    checksum: str
    state: State
    applied_at: datetime | None
    duration_ms: int | None
    release: str

    @property
    def label(self) -> str:
        return f"{self.number:04d}_{self.name}"


History = Mapping[int, Row]


def ensure(connection: Connection) -> None:
    """Makes the table, if it is not there. Only under the lock: two sessions that do so at once can collide."""
    if connection.execute(_EXISTS).fetchone() != (True,):
        connection.execute(_CREATE)


def read(connection: Connection) -> History:
    """All rows by number; none if the table is not there."""
    if connection.execute(_EXISTS).fetchone() != (True,):
        return {}
    return {row[0]: Row(*row) for row in connection.execute(_READ).fetchall()}


def begin_up(connection: Connection, migration: Migration, release: str) -> None:
    """Marks the migration as started. Outside a transaction this must be done before its statement is sent."""
    connection.execute(
        _BEGIN_UP,
        {
            "number": migration.number,
            "name": migration.name,
            "checksum": migration.up.checksum,
            "release": release,
        },
    )


def end_up(connection: Connection, number: int, seconds: float) -> None:
    """Records that the migration is applied, and how long it took."""
    connection.execute(_END_UP, {"number": number, "duration": round(seconds * 1000)})


def mark(connection: Connection, number: int, state: State) -> None:
    """Moves the row to `state` and leaves the rest as it is."""
    connection.execute(_STATE, {"number": number, "state": state})


def forget(connection: Connection, number: int) -> None:
    """Removes the mark of a migration that left nothing behind."""
    connection.execute(_FORGET, {"number": number})
