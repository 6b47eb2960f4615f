"""The commands. The exit codes are listed in `errors` and in `--help`."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from infra.migrations import config, files, history, indexes, lock, planning, session, stop
from infra.migrations.config import Settings
from infra.migrations.errors import OK, HistoryError, MigrationError, StepError, Stopped, printable
from infra.migrations.files import Migration
from infra.migrations.history import History
from infra.migrations.planning import Step
from infra.migrations.runner import Runner, describe
from infra.migrations.session import Connection


@dataclass(frozen=True, slots=True)
class Voice:
    """Prints what happens, at once, and never the password, whoever may have put it into a message."""

    secret: str

    def say(self, text: str) -> None:
        sys.stdout.write(self._clean(text) + "\n")
        sys.stdout.flush()

    def fail(self, problem: str, fix: str) -> None:
        sys.stderr.write(self._clean(f"error: {problem}\n  fix: {fix}") + "\n")
        sys.stderr.flush()

    def _clean(self, text: str) -> str:
        return text.replace(self.secret, "[password]") if self.secret else text


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs one command and gives its exit code. Usage errors leave through argparse, with 2."""
    voice = Voice(environ.get("DB_PASSWORD", ""))
    try:
        settings = config.settings(arguments, environ)
        with stop.bounded(settings.limits.deadline):
            _run(settings, voice)
    except MigrationError as error:
        voice.fail(str(error), error.fix)
        return error.exit_code
    except Stopped as error:
        voice.fail(f"stopped: {error}", "Run `status`, then the same command again: it goes on where this one ended.")
        return error.exit_code
    except psycopg.Error as error:
        voice.fail(describe(error), "Run `status` once the database answers, then the same command again.")
        return StepError.exit_code
    return OK


def _run(settings: Settings, voice: Voice) -> None:
    migrations = files.discover(settings.directory)
    with session.connect(settings.database, settings.limits, settings.release) as connection:
        connection.add_notice_handler(lambda notice: voice.say(f"server: {printable(notice.message_primary or '')}"))
        voice.say(f"connected to {settings.database.name} on {settings.database.host}:{settings.database.port}")
        match settings.command:
            case "status":
                _status(connection, migrations, voice)
            case "plan":
                _plan(connection, settings, migrations, voice)
            case "up" | "down":
                _migrate(connection, settings, migrations, voice)


def _migrate(connection: Connection, settings: Settings, migrations: Sequence[Migration], voice: Voice) -> None:
    limits = settings.limits
    with lock.held(connection, wait=limits.lock_wait, poll=limits.poll, say=voice.say):
        history.ensure(connection)
        done = history.read(connection)
        steps = _steps(settings, migrations, done)
        for row in planning.ahead(migrations, done):
            voice.say(f"{row.label}: applied by the later release {row.release[:12]}, left as it is")
        runner = Runner(connection, limits, settings.release, voice.say)
        for step in steps:
            runner.perform(step)
        past = "applied" if settings.command == "up" else "reverted"
        voice.say(f"done: {len(steps)} {past}" if steps else f"nothing to be {past}")


def _steps(settings: Settings, migrations: Sequence[Migration], done: History) -> tuple[Step, ...]:
    if settings.command == "down":
        return planning.down(migrations, done, to=settings.to)
    return planning.up(migrations, done, release=settings.release, to=settings.to)


def _plan(connection: Connection, settings: Settings, migrations: Sequence[Migration], voice: Voice) -> None:
    steps = _steps(settings, migrations, history.read(connection))
    for step in steps:
        header = step.migration.up.header
        notes = [
            "expand" if header.change == "expand" else "",
            f"contract of {step.migration.contract.expand:04d}" if step.migration.contract else "",
            "without a transaction" if header.no_transaction else "in a transaction",
            "goes on with a run that was stopped" if step.resume else "",
            "no way down" if step.migration.down is None else "",
        ]
        voice.say(f"{step.migration.label}: {', '.join(note for note in notes if note)}")
        for statement in step.migration.up.statements:
            voice.say(f"  line {statement.line}: {printable(statement.summary)}")
    voice.say(f"to be applied: {len(steps)}")


def _status(connection: Connection, migrations: Sequence[Migration], voice: Voice) -> None:
    done = history.read(connection)
    by_number = {migration.number: migration for migration in migrations}
    for number in sorted({*by_number, *done}):
        voice.say(_standing(number, by_number.get(number), done))
    for index in indexes.invalid(connection):
        voice.say(f"invalid index: {printable(index)}")
    voice.say(f"lock: {lock.holder(connection) or 'free'}")
    planning.check(migrations, done)
    for row in planning.unfinished(done):
        if lock.holder(connection) is None:
            raise HistoryError(
                f"{row.label} was stopped half way ({row.state}) and nobody is finishing it",
                fix=f"Run `{'up' if row.state == 'started' else 'down'}` again.",
            )


def _standing(number: int, migration: Migration | None, done: History) -> str:
    row = done.get(number)
    if row is None:
        return f"{migration.label if migration else number}: pending"
    if row.state == "reverted":
        return f"{row.label}: reverted, pending" if migration else f"{row.label}: reverted, no file"
    when = f" {row.applied_at:%Y-%m-%dT%H:%M:%S%z}" if row.applied_at else ""
    took = f" in {row.duration_ms} ms" if row.duration_ms is not None else ""
    label = row.label if migration else f"{row.label} (no file)"
    state = row.state if row.state not in history.UNFINISHED else f"unfinished ({row.state})"
    return f"{label}: {state}{when}{took} by {row.release[:12]}"
