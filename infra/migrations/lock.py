"""At most one runner migrates a database at a time.

A session-level advisory lock, held on the very connection that migrates, so that it is gone with the session however
the runner ends. It is taken by polling: a blocking `pg_advisory_lock` would hold a snapshot while it waits, and the
holder's `CREATE INDEX CONCURRENTLY` would wait for that snapshot, a deadlock (PostgreSQL manual, "Building Indexes
Concurrently"; "Advisory Locks"). Advisory locks are per database, and do not survive a transaction pooler.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from infra.migrations.errors import LockError, StepError, printable
from infra.migrations.session import Connection

_TRY = "SELECT pg_try_advisory_lock(hashtext('doc-platform-migrations'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('doc-platform-migrations'))"
# One bigint key is shown in two halves, with objsubid 1 (PostgreSQL manual, "pg_locks").
_HOLDER = """
SELECT lock.pid, activity.application_name, activity.client_addr::text, activity.state,
       extract(epoch FROM clock_timestamp() - activity.backend_start)::bigint
FROM pg_catalog.pg_locks AS lock
LEFT JOIN pg_catalog.pg_stat_activity AS activity USING (pid)
WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
  AND lock.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND (lock.classid::bigint << 32) | lock.objid::bigint = hashtext('doc-platform-migrations')::bigint
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """A session that holds the lock; `seconds` since it connected. No query's text, which may be private."""

    pid: int
    application: str | None
    address: str | None
    state: str | None
    seconds: int | None

    def __str__(self) -> str:
        where = f"from {self.address}" if self.address else "over a local socket"
        name = printable(self.application or "unnamed")
        return f"pid {self.pid} ({name}, {where}, {self.state or 'state not visible'}, connected for {self.seconds} s)"


@contextmanager
def held(connection: Connection, *, wait: float, poll: float, say: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock for the block. `wait` and `poll` in seconds.

    Raises LockError, naming the holder, when the lock was not to be had in time; StepError if at the end the server
    says that it was not held.
    """
    _acquire(connection, wait, poll, say)
    try:
        yield
    except BaseException:
        _release_quietly(connection)
        raise
    if not _answer(connection, _UNLOCK):
        raise _lost()
    say("lock released")


def check(connection: Connection) -> None:
    """Raises StepError unless this very session holds the lock: a migration may have released it."""
    current = holder(connection)
    if current is None or current.pid != connection.info.backend_pid:
        raise _lost()


def holder(connection: Connection) -> Holder | None:
    """The session that holds the lock now, or None."""
    row = connection.execute(_HOLDER).fetchone()
    return Holder(*row) if row is not None else None


def _acquire(connection: Connection, wait: float, poll: float, say: Callable[[str], None]) -> None:
    until = time.monotonic() + wait
    announced: int | None = None
    while not _answer(connection, _TRY):
        current = holder(connection)
        if current is not None and current.pid != announced:
            announced = current.pid
            say(f"waiting for the lock, held by {current}")
        left = until - time.monotonic()
        if left <= 0:
            raise LockError(
                f"the lock was not obtained within {wait:g} s: held by {current or 'a session that just ended'}",
                fix="Let the other run finish and run again. If it hangs, end it: SELECT pg_terminate_backend(pid).",
            )
        time.sleep(min(poll, left))
    say("lock obtained")


def _release_quietly(connection: Connection) -> None:
    """On the way out of an error, which must not be hidden: the lock goes with the session in any case."""
    if not connection.closed:
        try:
            _answer(connection, _UNLOCK)
        except psycopg.Error:
            connection.close()


def _answer(connection: Connection, query: str) -> bool:
    return connection.execute(query.encode()).fetchone() == (True,)


def _lost() -> StepError:
    return StepError(
        "the lock was not held any more: a migration released it, and another runner may have run beside this one",
        fix="Remove pg_advisory_unlock from the migration, and compare `status` with the schema.",
    )
