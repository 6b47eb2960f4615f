"""Discovers and reads the numbered SQL files. Reads the disk, touches no database.

`0001_name.up.sql` goes forward, `0001_name.down.sql` goes back. Every migration has a way back: a down file, or the
header `-- migrate: expand`, which promises that the previous release runs on the expanded schema.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.migrations import headers, sql
from infra.migrations.errors import SetupError, printable
from infra.migrations.headers import Contract, Header
from infra.migrations.sql import IndexBuild, IndexDrop, Statement

Direction = Literal["up", "down"]
_NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9]+(?:_[a-z0-9]+)*)\.(?P<direction>up|down)\.sql")


@dataclass(frozen=True, slots=True)
class Script:
    """One file. `checksum` is the SHA-256, in hexadecimal, of its text with line ends made `\\n`."""

    path: Path
    checksum: str
    header: Header
    statements: tuple[Statement, ...]
    index: IndexBuild | IndexDrop | None


@dataclass(frozen=True, slots=True)
class Migration:
    """A numbered change: `down` is None only if `up` says that it expands."""

    number: int
    name: str
    up: Script
    down: Script | None

    @property
    def label(self) -> str:
        return f"{self.number:04d}_{self.name}"

    @property
    def contract(self) -> Contract | None:
        change = self.up.header.change
        return change if isinstance(change, Contract) else None


def discover(directory: Path) -> tuple[Migration, ...]:
    """The migrations in `directory`, by number.

    Raises SetupError for a folder that cannot be read, a file that is not named or written as above, a number that is
    missing or used twice, and a migration without a way back.
    """
    try:
        paths = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise SetupError(
            f"{directory}: the folder of migrations cannot be read ({error.strerror})",
            fix="Name the folder with --dir.",
        ) from error
    found: dict[tuple[int, Direction], tuple[str, Script]] = {}
    for path in paths:
        number, name, direction = _parse_name(path)
        if (number, direction) in found:
            raise SetupError(
                f"{path}: number {number:04d} is also {found[number, direction][1].path.name}",
                fix="Renumber the one that was never released.",
            )
        found[number, direction] = (name, read(path, direction))
    migrations = tuple(_pair(number, found) for number in sorted({number for number, _ in found}))
    _check_order(directory, migrations)
    return migrations


def read(path: Path, direction: Direction) -> Script:
    """The file at `path`. Raises SetupError, naming the file and the line, if the runner could not run it safely."""
    try:
        text = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: the file cannot be read as UTF-8 text", fix="Save it as UTF-8.") from error
    try:
        statements = sql.statements(text)
        first = statements[0].start if statements else len(text)
        header = headers.parse(text, sql.comments(text), first)
        index = _check(header, statements, direction)
    except SetupError as error:
        raise SetupError(f"{path}: {error}", fix=error.fix) from error
    checksum = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return Script(path, checksum, header, statements, index)


def _check(header: Header, statements: tuple[Statement, ...], direction: Direction) -> IndexBuild | IndexDrop | None:
    if not statements:
        raise SetupError("the file holds no statement", fix="Write one, or delete the file.")
    for statement in statements:
        if sql.ends_transaction(statement):
            raise SetupError(
                f"line {statement.line}: {printable(statement.summary)} would take the transaction or the session "
                "out of the runner's hands",
                fix="Remove it: each file is one transaction, unless it says `-- migrate: no-transaction`.",
            )
    if direction == "down" and header.change is not None:
        raise SetupError("a down file says that it expands or contracts", fix="Say so in the up file.")
    work = [sql.index_work(statement) for statement in statements]
    if not header.no_transaction:
        for statement, concurrent in zip(statements, work, strict=True):
            if concurrent is not None:
                raise SetupError(
                    f"line {statement.line}: an index cannot be built or dropped concurrently inside a transaction",
                    fix="Put the statement in a file of its own that begins with `-- migrate: no-transaction`.",
                )
        if header.rerunnable:
            raise SetupError("`rerunnable` without `no-transaction`", fix="Remove it: a transaction leaves no halves.")
        return None
    if len(statements) > 1:
        raise SetupError(
            f"line {statements[1].line}: a second statement in a file without a transaction",
            fix="One statement per such file: what was done before a stop between two of them could not be known.",
        )
    if work[0] is None and not header.rerunnable:
        raise SetupError(
            f"line {statements[0].line}: the runner cannot tell how far this statement came when it is stopped half "
            "way without a transaction",
            fix="Write it so that running it again is right, and say `-- migrate: rerunnable`, or use a transaction.",
        )
    return work[0]


def _parse_name(path: Path) -> tuple[int, str, Direction]:
    match = _NAME.fullmatch(path.name)
    if match is None or not path.is_file():
        raise SetupError(
            f"{printable(str(path))}: not a migration's name",
            fix="Name files like 0007_add_users.up.sql and 0007_add_users.down.sql, and keep others elsewhere.",
        )
    return int(match["number"]), match["name"], "up" if match["direction"] == "up" else "down"


def _pair(number: int, found: dict[tuple[int, Direction], tuple[str, Script]]) -> Migration:
    up, down = found.get((number, "up")), found.get((number, "down"))
    if up is None:
        path = found[number, "down"][1].path
        raise SetupError(f"{path}: a down file without its up file", fix="Add the up file, or delete this one.")
    name, script = up
    if down is None:
        if script.header.change != "expand":
            raise SetupError(
                f"{script.path}: no way back",
                fix=f"Add {number:04d}_{name}.down.sql; or, if the previous release runs unchanged on the new schema, "
                "begin the file with `-- migrate: expand`.",
            )
        return Migration(number, name, script, None)
    if down[0] != name:
        raise SetupError(
            f"{down[1].path}: the up file of {number:04d} is called {script.path.name}", fix="Give both one name."
        )
    return Migration(number, name, script, down[1])


def _check_order(directory: Path, migrations: Iterable[Migration]) -> None:
    earlier: set[int] = set()
    for expected, migration in enumerate(migrations, start=1):
        if migration.number != expected:
            raise SetupError(
                f"{directory}: number {expected:04d} is missing before {migration.label}",
                fix="Numbers run from 0001 without gaps: renumber what was never released, or restore the file.",
            )
        if migration.contract is not None and migration.contract.expand not in earlier:
            raise SetupError(
                f"{migration.up.path}: it contracts {migration.contract.expand:04d}, which is no earlier migration",
                fix="Name the migration that expanded.",
            )
        earlier.add(migration.number)
