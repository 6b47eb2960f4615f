"""The one connection of a run: encrypted, bounded, and in our hands from its first statement on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg

from infra.migrations.config import Database, Limits
from infra.migrations.errors import SetupError, printable

Connection = psycopg.Connection[tuple[Any, ...]]
APPLICATION = "doc-platform-migrations"


@contextmanager
def connect(database: Database, limits: Limits, release: str) -> Iterator[Connection]:
    """A session in autocommit mode, closed at the end.

    The timeouts travel in the start-up packet, so that they are in force before the first statement. Raises SetupError
    if there is no server, or it does not prove who it is, or it is not the writer.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # libpq fills gaps from these: PGHOSTADDR alone would lead elsewhere
    try:
        connection = psycopg.connect(**_parameters(database, limits, release))
    except psycopg.OperationalError as error:
        _refuse(database, error)
    try:
        _check(connection, database)
        yield connection
    finally:
        connection.close()


def limit(connection: Connection, statement_timeout: float, lock_timeout: float) -> None:
    """Gives the session back its own settings, and these bounds, whatever an earlier file has set.

    RESET ALL leaves the role alone, and DISCARD ALL would release the advisory lock: hence two statements.
    """
    own_role(connection)
    connection.execute("RESET ALL")
    connection.execute(
        "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)",
        (_milliseconds(statement_timeout), _milliseconds(lock_timeout)),
    )


def own_role(connection: Connection) -> None:
    """Takes back the role of DB_USER: a file may have created its objects as another, with SET ROLE."""
    connection.execute("RESET SESSION AUTHORIZATION")


def _parameters(database: Database, limits: Limits, release: str) -> dict[str, Any]:
    options = {
        "statement_timeout": _milliseconds(limits.statement_timeout),
        "lock_timeout": _milliseconds(limits.lock_timeout),
        # A runner that was frozen must not keep its locks for ever (the pause between two tries is shorter than these)…
        "idle_in_transaction_session_timeout": "60s",
        "idle_session_timeout": "300s",
        # …and the server must notice one that was killed while it waits for a long statement (PostgreSQL 14 and later).
        "client_connection_check_interval": "1s",
    }
    parameters: dict[str, Any] = {
        "host": database.host,
        "port": database.port,
        "dbname": database.name,
        "user": database.user,
        "password": database.password,
        "application_name": f"{APPLICATION} {release[:12]}".strip(),
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "target_session_attrs": "read-write",
        "gssencmode": "disable",  # GSS encryption would be used in place of TLS, and would not check the certificate
        "autocommit": True,
        "prepare_threshold": None,
    }
    if database.ca_file is None:
        return parameters | {"sslmode": "disable"}
    return parameters | {
        "sslmode": "verify-full",
        "sslrootcert": str(database.ca_file),
        "ssl_min_protocol_version": "TLSv1.2",
    }


def _check(connection: Connection, database: Database) -> None:
    if database.ca_file is not None and not connection.pgconn.ssl_in_use:
        raise SetupError("the connection is not encrypted", fix="Connect to the database itself, with TLS.")
    row = connection.execute(
        "SELECT current_setting('statement_timeout') <> '0' AND current_setting('lock_timeout') <> '0'"
    ).fetchone()
    if row != (True,):
        raise SetupError(
            "the server ignored the session's timeouts, as poolers do",
            fix="Connect to the database itself: an advisory lock belongs to a session, which a pooler shares.",
        )


def _refuse(database: Database, error: psycopg.OperationalError) -> NoReturn:
    """Says why there is no session, in libpq's words, which never hold the password."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = printable("; ".join(lines) or type(error).__name__)
    place = f"{database.name} on {database.host}:{database.port}"
    if any(sign in message for sign in ("SSL", "certificate", "TLS")):
        raise SetupError(
            f"no encrypted and verified connection to {place}: {message}",
            fix="The server must offer TLS, with a certificate for DB_HOST that descends from DB_CA_FILE.",
        ) from error
    raise SetupError(
        f"no connection to {place}: {message}",
        fix="Check DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD, and that the network lets this task through.",
    ) from error


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
