"""What a run was asked to do: the command line, and the database's address from the environment.

DB_HOST, DB_PORT (5432), DB_NAME, DB_USER, DB_PASSWORD: as the application's containers get them.
DB_CA_FILE: the certificates that the server's own must descend from. Needed for every host that is not a local socket.
DB_TLS: `verify-full` (the default), or `local-socket`, which is accepted only together with a DB_HOST that is a folder.
MIGRATIONS_DIR: the folder of SQL files, where --dir does not name it.
RELEASE_SHA: the commit that the migrations belong to; `up` and `down` record it.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from infra.migrations.errors import SetupError

Command = Literal["up", "down", "status", "plan"]
_EXITS = """exit codes:
  0  done, or nothing to do
  1  a migration failed: rolled back, or marked as unfinished and named
  2  usage, configuration, files or connection: nothing was done
  3  another runner held the lock for longer than --lock-wait: nothing was done
  4  the files and the database's history disagree: nothing was done
  5  the overall deadline passed or a signal came: the running migration was rolled back or marked as unfinished
"""


@dataclass(frozen=True, slots=True)
class Database:
    """Where to connect, and how the server proves who it is. A `ca_file` of None means a local socket."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a run, in seconds."""

    deadline: float
    lock_wait: float
    poll: float
    statement_timeout: float
    lock_timeout: float


@dataclass(frozen=True, slots=True)
class Settings:
    """One run. `to` is the number that `up` or `down` goes to: None for all the way up, or one step down."""

    command: Command
    directory: Path
    to: int | None
    release: str
    database: Database
    limits: Limits


def parser() -> argparse.ArgumentParser:
    """The command line, as `--help` shows it."""
    top = argparse.ArgumentParser(
        prog="python -m infra.migrations",
        description="Apply numbered SQL files to one PostgreSQL database, once each, in order, under a lock.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="{up,down,status,plan}")
    for name, description in (
        ("up", "apply what is pending"),
        ("down", "revert the latest migration, or all above --to"),
        ("status", "what was applied, what is pending, who holds the lock"),
        ("plan", "what `up` would do; changes nothing"),
    ):
        command = commands.add_parser(name, help=description, description=description)
        command.add_argument("--dir", type=Path, help="folder of SQL files (default: MIGRATIONS_DIR)")
        _seconds(command, "--deadline", 1800, "the whole run")
        _seconds(command, "--statement-timeout", 300, "any one statement")
        _seconds(command, "--lock-timeout", 5, "a statement's wait for a table that is in use")
        if name in ("up", "down"):
            _seconds(command, "--lock-wait", 300, "the wait for another runner to finish")
            _seconds(command, "--poll", 1, "the pause between two tries for the lock", most=60)
        if name != "status":
            command.add_argument("--to", type=_number, metavar="NNNN", help="the last migration to be left applied")
    return top


def settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """The run that `arguments` and `environ` ask for.

    Raises SetupError for a missing or unsound value, and SystemExit (2) for an unknown option, as argparse does.
    """
    asked = parser().parse_args(arguments)
    limits = Limits(
        deadline=asked.deadline,
        lock_wait=getattr(asked, "lock_wait", 0.0),
        poll=getattr(asked, "poll", 1.0),
        statement_timeout=asked.statement_timeout,
        lock_timeout=asked.lock_timeout,
    )
    release = environ.get("RELEASE_SHA", "")
    if asked.command in ("up", "down") and not re.fullmatch(r"[0-9a-f]{40}", release):
        raise SetupError(
            "RELEASE_SHA is not a full commit SHA", fix="Set it to the 40 hexadecimal digits of the release's commit."
        )
    directory = asked.dir or Path(environ.get("MIGRATIONS_DIR", ""))
    if not directory.name:
        raise SetupError("no folder of migrations is named", fix="Set MIGRATIONS_DIR, or pass --dir.")
    return Settings(asked.command, directory, getattr(asked, "to", None), release, database(environ), limits)


def database(environ: Mapping[str, str]) -> Database:
    """The database that `environ` names. Raises SetupError; never repeats the password."""
    missing = [name for name in ("DB_HOST", "DB_NAME", "DB_USER") if not environ.get(name)]
    if missing:
        raise SetupError(f"not set: {', '.join(missing)}", fix="Set them as for the application's containers.")
    host, port, password = environ["DB_HOST"], environ.get("DB_PORT") or "5432", environ.get("DB_PASSWORD", "")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SetupError("DB_PORT is not a port number", fix="Set it to a number such as 5432.")
    local = Path(host).is_absolute()
    tls = environ.get("DB_TLS") or "verify-full"
    if tls not in ("verify-full", "local-socket"):
        raise SetupError("DB_TLS is neither verify-full nor local-socket", fix="Unset it: verify-full is the default.")
    if local != (tls == "local-socket"):
        raise SetupError(
            "DB_TLS=local-socket and a DB_HOST that is a folder go together only",
            fix="Name a host and unset DB_TLS; a connection over a network is always encrypted and verified.",
        )
    ca_file = None if local else _ca_file(environ.get("DB_CA_FILE", ""))
    if not local and not password:
        raise SetupError("not set: DB_PASSWORD", fix="Set it from the database's secret.")
    return Database(host, int(port), environ["DB_NAME"], environ["DB_USER"], password, ca_file)


def _ca_file(value: str) -> Path:
    path = Path(value)
    if not value or not path.is_file():
        raise SetupError(
            "DB_CA_FILE names no file",
            fix="Set it to the certificate bundle of the database's region; the container image carries it.",
        )
    return path


def _seconds(command: argparse.ArgumentParser, option: str, default: int, what: str, most: int = 86_400) -> None:
    def seconds(text: str) -> float:
        value = float(text)
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"not between 0 and {most} seconds")
        return value

    command.add_argument(
        option, type=seconds, default=default, metavar="SECONDS", help=f"bound on {what} (default: %(default)s)"
    )


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise argparse.ArgumentTypeError("not a migration's number, such as 0007, or 0 for none")
    return int(text)
