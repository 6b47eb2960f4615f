"""What is left to do, from the files and the history. Pure: no database, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.migrations.errors import HistoryError, SetupError
from infra.migrations.files import Direction, Migration
from infra.migrations.history import UNFINISHED, History, Row


@dataclass(frozen=True, slots=True)
class Step:
    """One migration in one direction; `resume` if an earlier run was stopped in the middle of it."""

    migration: Migration
    direction: Direction
    resume: bool


def ahead(migrations: Sequence[Migration], history: History) -> tuple[Row, ...]:
    """What a later release has applied and this one has no files for: what a rollback of the code looks like."""
    last = migrations[-1].number if migrations else 0
    return tuple(row for row in history.values() if row.number > last and row.state != "reverted")


def up(migrations: Sequence[Migration], history: History, *, release: str, to: int | None) -> tuple[Step, ...]:
    """The steps of `up`, to and including number `to`. Raises HistoryError if a person must decide first."""
    _check_target(migrations, to, lowest=1)
    check(migrations, history)
    for row in history.values():
        if row.state == "reverting":
            raise _unfinished(row, f"`down --to {row.number - 1}`", "up")
    steps = []
    for migration in migrations:
        past = history.get(migration.number)
        if (to is None or migration.number <= to) and (past is None or past.state in ("started", "reverted")):
            steps.append(Step(migration, "up", past is not None and past.state == "started"))
    applied = max((row.number for row in history.values() if row.state == "applied"), default=0)
    for step in steps:
        if step.migration.number < applied:
            raise HistoryError(
                f"{step.migration.label} is pending, but {history[applied].label} after it is applied",
                fix="Give the pending migration the next free number: it was written against an older schema.",
            )
    _check_contracts([step.migration for step in steps], history, release)
    return tuple(steps)


def down(migrations: Sequence[Migration], history: History, *, to: int | None) -> tuple[Step, ...]:
    """The steps of `down`, latest first, until `to` is the last one applied; one step if `to` is None."""
    _check_target(migrations, to, lowest=0)
    check(migrations, history)
    present = sorted((row for row in history.values() if row.state != "reverted"), key=lambda row: -row.number)
    for row in present:
        if row.state == "started":
            raise _unfinished(row, f"`up --to {row.number}`", "down")
    target = to if to is not None else (present[0].number - 1 if present else 0)
    by_number = {migration.number: migration for migration in migrations}
    steps = []
    for row in present:
        if row.number <= target:
            break
        migration = by_number.get(row.number)
        if migration is None:
            raise HistoryError(
                f"{row.label} was applied by release {row.release[:12]}, and this release has no file for it",
                fix="Run `down` from that release's image.",
            )
        if migration.down is None:
            raise HistoryError(
                f"{migration.label} only expands and has no down file",
                fix="Leave it: the previous release runs on the expanded schema. Or release a down file for it.",
            )
        steps.append(Step(migration, "down", row.state == "reverting"))
    return tuple(steps)


def check(migrations: Sequence[Migration], history: History) -> None:
    """Raises HistoryError if a file that was applied has since been edited, renamed or removed."""
    by_number = {migration.number: migration for migration in migrations}
    beyond = {row.number for row in ahead(migrations, history)}
    for row in history.values():
        migration = by_number.get(row.number)
        if row.state == "reverted" or row.number in beyond:
            continue
        if migration is None:
            raise HistoryError(
                f"{row.label} is applied, and its file is gone",
                fix="Restore the file from the release that applied it.",
            )
        if row.state == "started" and migration.up.header.rerunnable:
            continue  # it failed, and says itself that any version of it may be run over what an earlier one left
        if (migration.name, migration.up.checksum) != (row.name, row.checksum):
            raise HistoryError(
                f"{migration.up.path}: the file was edited or renamed after it was applied as {row.label} by release "
                f"{row.release[:12]}",
                fix="Restore it (git log -p shows how it was), and make the change in a new migration.",
            )


def unfinished(history: History) -> tuple[Row, ...]:
    """What was stopped half way outside a transaction."""
    return tuple(row for row in history.values() if row.state in UNFINISHED)


def _check_target(migrations: Sequence[Migration], to: int | None, *, lowest: int) -> None:
    last = migrations[-1].number if migrations else 0
    if to is not None and not lowest <= to <= last:
        raise SetupError(f"--to {to:04d}: there is no such migration", fix=f"Name one from {lowest:04d} to {last:04d}.")


def _check_contracts(pending: Sequence[Migration], history: History, release: str) -> None:
    """A contract waits for a release of its own, because the code that still runs is that of the release before.

    A database that no earlier release has touched has no such code, and takes everything at once.
    """
    applied = [row for row in history.values() if row.state == "applied"]
    if all(row.release == release for row in applied):
        return
    for migration in pending:
        if migration.contract is None:
            continue
        row = history.get(migration.contract.expand)
        if row is None or row.state != "applied" or row.release == release:
            raise HistoryError(
                f"{migration.label} takes away what {migration.contract.expand:04d} replaced, and that has not been "
                "released before: the code that is running still uses it",
                fix=f"Deploy {migration.contract.release} first, then this release.",
            )


def _unfinished(row: Row, command: str, wanted: str) -> HistoryError:
    return HistoryError(
        f"{row.label} was stopped half way ({row.state}), so `{wanted}` would build on a state that nobody knows",
        fix=f"Run {command} first: it finishes what was begun.",
    )
