"""Earlier runs, kept in a local SQLite file: when, of which commit, how it ended.

A file that is no such store is refused with its name; a store that another process writes to is waited for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from checker.errors import InputError
from checker.model.shown.facts import EarlierRun
from checker.model.verdicts import Run

DEFAULT: Final = Path(".checker/history.sqlite")
_VERSION: Final = 1
_WAIT_SECONDS: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS runs (
  id INTEGER PRIMARY KEY,
  time TEXT NOT NULL,
  command TEXT NOT NULL,
  repository TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  environments TEXT NOT NULL,
  totals TEXT NOT NULL,
  failing TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE
)
"""


def keep(store: Path, run: Run, time: str, digest: str) -> bool:
    """Keep a run. False where this very run is kept already (``digest`` is that of its document)."""
    failing = sorted({f"{each.severity.value}:{each.id}" for each in run.verdicts if each.outcome.value == "fail"})
    row = (
        time,
        run.command,
        run.project.repository,
        run.project.commit,
        ",".join(run.environments),
        json.dumps(run.totals),
        json.dumps(failing),
        digest,
    )
    with _opened(store, create=True) as connection, connection:
        done = connection.execute(
            "INSERT OR IGNORE INTO runs "
            "(time, command, repository, commit_id, environments, totals, failing, digest) VALUES (?,?,?,?,?,?,?,?)",
            row,
        )
        return done.rowcount == 1


def earlier(store: Path, command: str = "gate", limit: int = 100) -> tuple[EarlierRun, ...]:
    """The latest runs of a command, oldest first."""
    with _opened(store, create=False) as connection:
        rows = connection.execute(
            "SELECT time, commit_id, totals FROM runs WHERE command = ? ORDER BY time DESC, id DESC LIMIT ?",
            (command, limit),
        ).fetchall()
    try:
        return tuple(
            EarlierRun(str(time), str(commit), {str(k): int(v) for k, v in json.loads(totals).items()})
            for time, commit, totals in reversed(rows)
        )
    except (ValueError, AttributeError, TypeError):
        raise InputError(
            f"{store}: its totals are no totals", "Remove the file: it is a record, and made anew."
        ) from None


@contextmanager
def _opened(store: Path, *, create: bool) -> Iterator[sqlite3.Connection]:
    if not create and not store.is_file():
        raise InputError(f"{store}: no runs are kept there", "Keep one: checker gate --history.")
    try:
        if create:
            store.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(store, timeout=_WAIT_SECONDS)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise InputError(f"{store}: kept by another version ({version})", "Name another file.")
            if create:
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise InputError(f"{store}: not a store of runs, or not to be had: {error}", "Name another file.") from None
