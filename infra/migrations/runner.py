"""Carries out the steps of a plan, one migration at a time.

A file runs in one transaction with its own record in the history. A file that cannot (`no-transaction`) is marked
first, then run, then recorded: whatever moment a stop hits, the next run knows what is unfinished and can finish it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from infra.migrations import history, indexes, lock, session
from infra.migrations.config import Limits
from infra.migrations.errors import StepError, Stopped, printable
from infra.migrations.files import Script
from infra.migrations.planning import Step
from infra.migrations.session import Connection
from infra.migrations.sql import IndexBuild, Statement

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs steps on `connection`, which must hold the lock, for `release` (a commit SHA)."""

    connection: Connection
    limits: Limits
    release: str
    say: Say

    def perform(self, step: Step) -> None:
        """Does one step and records it.

        Raises StepError: the migration is then rolled back, or, if it runs outside a transaction and left something
        behind, marked as unfinished. Stopped passes through, with the same promise.
        """
        script = _script(step)
        header = script.header
        began = time.monotonic()
        session.limit(
            self.connection,
            header.statement_timeout or self.limits.statement_timeout,
            header.lock_timeout or self.limits.lock_timeout,
        )
        outside = header.no_transaction
        self.say(f"{_label(step)}: started" + (" without a transaction" if outside else ""))
        try:
            if outside:
                self._alone(step, script, began)
            else:
                self._in_transaction(step, script, began)
        except Stopped:
            self.say(f"{_label(step)}: stopped; " + _after_stop(step, outside))
            raise
        self.say(f"{_label(step)}: {'applied' if step.direction == 'up' else 'reverted'}")

    def _in_transaction(self, step: Step, script: Script, began: float) -> None:
        statement: Statement | None = None
        try:
            with self.connection.transaction():
                if step.direction == "up":
                    history.begin_up(self.connection, step.migration, self.release)
                for number, statement in enumerate(script.statements, start=1):
                    self._announce(step, statement, number, len(script.statements))
                    _send(self.connection, statement)
                statement = None
                session.own_role(self.connection)
                self._record(step, began)
                lock.check(self.connection)
        except psycopg.Error as error:
            raise _failed(script, statement, error, "Nothing of it remains: it was rolled back.") from error

    def _alone(self, step: Step, script: Script, began: float) -> None:
        [statement] = script.statements
        try:
            if self._already_done(step, script):
                self._record(step, began)
                return
            self._mark(step)
            self._announce(step, statement, 1, 1)
        except psycopg.Error as error:
            raise _failed(script, None, error, "Its statement was not run.") from error
        try:
            _send(self.connection, statement)
        except psycopg.Error as error:
            raise _failed(script, statement, error, self._tidy(step, script)) from error
        try:
            if script.index is not None and not indexes.done(self.connection, script.index):
                raise StepError(
                    f"{script.path}:{statement.line}: the server reported success, but the index is not so",
                    fix="Run again: the migration is marked as unfinished, and will be begun anew.",
                )
            lock.check(self.connection)
            self._record(step, began)
        except psycopg.Error as error:
            raise _failed(script, None, error, "It is marked as unfinished; the next run finishes it.") from error

    def _already_done(self, step: Step, script: Script) -> bool:
        """Settles what an earlier run left behind; True if that run had done all but record it."""
        work = script.index
        if work is None:
            return False
        if step.resume:
            if indexes.done(self.connection, work):
                self.say(f"{_label(step)}: an earlier run had finished it, but was stopped before it could say so")
                return True
            if isinstance(work, IndexBuild) and indexes.drop_half_built(self.connection, work):
                self.say(f"{_label(step)}: dropped the invalid index {printable(work.index)} of a run that was stopped")
        elif isinstance(work, IndexBuild) and indexes.state(self.connection, work) == "invalid":
            raise StepError(
                f"{script.path}: an invalid index {printable(work.index)} that no migration left is in the way",
                fix=f"Find out whose it is, then: DROP INDEX CONCURRENTLY {printable(work.index)}",
            )
        return False

    def _tidy(self, step: Step, script: Script) -> str:
        """After a failure outside a transaction: removes what is left, and the mark if nothing is. Says which."""
        label = _label(step)
        try:
            if script.index is None:
                return f"{label} is marked as unfinished; the next run begins it anew."
            if isinstance(script.index, IndexBuild) and indexes.drop_half_built(self.connection, script.index):
                self.say(f"{label}: dropped the invalid index {printable(script.index.index)} that the failure left")
            if not isinstance(script.index, IndexBuild) and indexes.state(self.connection, script.index) != "valid":
                return f"{label} is marked as unfinished; the next run finishes it."
            if step.direction == "up":
                history.forget(self.connection, step.migration.number)
            else:
                history.mark(self.connection, step.migration.number, "applied")
        except psycopg.Error:
            return f"{label} is marked as unfinished; the next run removes what is left and begins it anew."
        return "Nothing of it remains."

    def _mark(self, step: Step) -> None:
        if step.direction == "up":
            history.begin_up(self.connection, step.migration, self.release)
        else:
            history.mark(self.connection, step.migration.number, "reverting")

    def _record(self, step: Step, began: float) -> None:
        if step.direction == "up":
            history.end_up(self.connection, step.migration.number, time.monotonic() - began)
        else:
            history.mark(self.connection, step.migration.number, "reverted")

    def _announce(self, step: Step, statement: Statement, number: int, count: int) -> None:
        self.say(f"{_label(step)}: statement {number}/{count}, line {statement.line}: {printable(statement.summary)}")


def describe(error: psycopg.Error) -> str:
    """What the server said, without its DETAIL and CONTEXT, which quote rows."""
    message = error.diag.message_primary or next(iter(str(error).splitlines()), "") or type(error).__name__
    code = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    return printable(message) + code


def _send(connection: Connection, statement: Statement) -> None:
    # binary=True asks for the extended query protocol, in which the server refuses a second statement in one message.
    connection.execute(statement.text.encode(), binary=True)


def _failed(script: Script, statement: Statement | None, error: psycopg.Error, remains: str) -> StepError:
    place = str(script.path)
    if statement is not None:
        position = error.diag.statement_position
        inside = statement.text.count("\n", 0, int(position) - 1) if position else 0
        place = f"{place}:{statement.line + inside}"
    if isinstance(error, psycopg.errors.LockNotAvailable):
        advice = "What it needs was in use for longer than the lock timeout: run again when there is less to do."
    elif isinstance(error, psycopg.errors.QueryCanceled):
        advice = "Make it smaller, or give the file `-- migrate: statement-timeout …`."
    elif isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        remains = "The connection was lost: `status` tells what came of it."
        advice = "Run again once the database answers."
    else:
        advice = "Correct the file, which no release has applied here yet, and run again."
    return StepError(f"{place}: {describe(error)}", fix=f"{remains} {advice}")


def _script(step: Step) -> Script:
    script = step.migration.up if step.direction == "up" else step.migration.down
    if script is None:  # planning refuses such a step before anything is done
        raise AssertionError(step)
    return script


def _label(step: Step) -> str:
    return f"{step.migration.label} {step.direction}"


def _after_stop(step: Step, outside: bool) -> str:
    if outside:
        return f"it may be unfinished: run `{step.direction}` again to finish it"
    return "rolled back, unless the stop came after its commit: `status` tells"
