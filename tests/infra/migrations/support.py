"""A folder of migrations and a database of one's own, to run the real runner on."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

REPOSITORY = Path(__file__).parents[3]
FIRST, SECOND, THIRD = "1" * 40, "2" * 40, "3" * 40
"""Commits of three releases."""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Site:
    """`folder` holds the SQL files; `name` is the database, reached over the socket folder `host`."""

    host: str
    name: str
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    def write(self, **files: str) -> None:
        """Writes files: `_0001_a__up="…"` becomes 0001_a.up.sql."""
        for key, text in files.items():
            stem, _, direction = key.removeprefix("_").rpartition("__")
            (self.folder / f"{stem}.{direction}.sql").write_text(text)

    def environ(self, release: str = FIRST) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "DB_HOST": self.host,
            "DB_NAME": self.name,
            "DB_USER": "postgres",
            "DB_TLS": "local-socket",
            "RELEASE_SHA": release,
            **self.extra,
        }

    def start(self, *arguments: str, release: str = FIRST, environ: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        """The runner as a process of its own, with its output in pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "infra.migrations", *arguments[:1], "--dir", str(self.folder), *arguments[1:]],
            cwd=REPOSITORY,
            env=self.environ(release) | dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def connect(self, application: str = "test") -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host=self.host, dbname=self.name, user="postgres", autocommit=True, application_name=application
        )

    def query(self, text: str) -> Rows:
        """Runs one or more statements; the rows of the last one, if it has any."""
        with self.connect() as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def history(self) -> Rows:
        """Number, state and release of each row."""
        return self.query("SELECT number, state, release_sha FROM doc_platform_migrations ORDER BY number")

    def until(self, condition: str, *, seconds: float = 10) -> None:
        """Waits until the SQL expression is true."""
        wait_until(lambda: self.query(f"SELECT {condition}") == [(True,)], condition, seconds=seconds)


def wait_until(happened: Callable[[], bool], what: str, *, seconds: float = 10) -> None:
    """Polls until `happened()`; fails the test, naming `what`, when it does not."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, f"never happened: {what}"
        time.sleep(0.02)


def finish(process: subprocess.Popen[str], *, seconds: float = 30) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a process that must end by itself."""
    try:
        output, errors = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, output, errors


LOCK_HELD = (
    "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database()))"
)
