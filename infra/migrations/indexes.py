"""What a concurrent index statement has come to, so that a run can go on where another was stopped.

`CREATE INDEX CONCURRENTLY` that fails or is killed leaves an index that is marked invalid, which costs every write and,
if unique, still refuses duplicates; with IF NOT EXISTS a second try would take it for the finished one (PostgreSQL
manual, "Building Indexes Concurrently").
"""

from typing import Literal

from infra.migrations.session import Connection
from infra.migrations.sql import IndexBuild, IndexDrop

State = Literal["absent", "invalid", "valid"]

# An index lives in its table's schema; parse_ident folds and unquotes as the server does.
_BUILT = """
SELECT class.oid FROM pg_catalog.pg_class AS class
WHERE class.relkind IN ('i', 'I') AND class.relname = (parse_ident(%(index)s))[1]::name
  AND class.relnamespace = (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = to_regclass(%(table)s))
"""
_NAMED = "SELECT to_regclass(%(index)s)::oid"
_VALID = "SELECT indisvalid AND indisready AND indislive FROM pg_catalog.pg_index WHERE indexrelid = %(oid)s"
_DROP = """
SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %%I.%%I', namespace.nspname, class.relname)
FROM pg_catalog.pg_class AS class JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
WHERE class.oid = %(oid)s
"""
_INVALID = """
SELECT format('%I.%I on %s', namespace.nspname, class.relname, indrelid::regclass)
FROM pg_catalog.pg_index JOIN pg_catalog.pg_class AS class ON class.oid = indexrelid
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
WHERE NOT indisvalid AND class.relkind = 'i' ORDER BY 1
"""


def state(connection: Connection, work: IndexBuild | IndexDrop) -> State:
    """The index that `work` names, as it is now."""
    oid = _oid(connection, work)
    row = connection.execute(_VALID, {"oid": oid}).fetchone() if oid is not None else None
    if row is None:
        return "absent"
    return "valid" if row == (True,) else "invalid"


def done(connection: Connection, work: IndexBuild | IndexDrop) -> bool:
    """Whether `work` needs no doing any more."""
    return state(connection, work) == ("valid" if isinstance(work, IndexBuild) else "absent")


def drop_half_built(connection: Connection, work: IndexBuild) -> bool:
    """Drops what a stopped build left behind; False if there was nothing, or a finished index, which stays."""
    if state(connection, work) != "invalid":
        return False
    row = connection.execute(_DROP, {"oid": _oid(connection, work)}).fetchone()
    if row is not None:
        connection.execute(str(row[0]).encode())
    return True


def invalid(connection: Connection) -> tuple[str, ...]:
    """Every invalid index of the database, as `schema.index on table`."""
    return tuple(str(name) for (name,) in connection.execute(_INVALID).fetchall())


def _oid(connection: Connection, work: IndexBuild | IndexDrop) -> int | None:
    if isinstance(work, IndexBuild):
        row = connection.execute(_BUILT, {"index": work.index, "table": work.table}).fetchone()
    else:
        row = connection.execute(_NAMED, {"index": work.index}).fetchone()
    return row[0] if row is not None else None
