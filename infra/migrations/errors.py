"""What can go wrong, one class per exit code.

MigrationError                 never raised itself
├── StepError           1      a migration failed; what it changed was rolled back, or is marked as unfinished
├── SetupError          2      usage, configuration, files or connection: nothing was done
├── LockError           3      another runner held the lock for as long as we were willing to wait
└── HistoryError        4      the files and the database disagree and a person must decide: nothing was done

Stopped (KeyboardInterrupt) 5  the overall deadline passed, or a signal asked the run to end
"""

from typing import ClassVar

OK = 0


class MigrationError(Exception):
    """An error for people: what is wrong, and `fix`, what to do about it."""

    exit_code: ClassVar[int]

    def __init__(self, problem: str, *, fix: str) -> None:
        super().__init__(problem)
        self.fix = fix


class StepError(MigrationError):
    """A migration, or the bookkeeping around it, failed in the database."""

    exit_code = 1


class SetupError(MigrationError):
    """The run could not begin."""

    exit_code = 2


class LockError(MigrationError):
    """The advisory lock was not obtained in time."""

    exit_code = 3


class HistoryError(MigrationError):
    """What the database says was applied does not fit the files."""

    exit_code = 4


class Stopped(KeyboardInterrupt):
    """The run was asked to end.

    A KeyboardInterrupt, because that is the one exception upon which psycopg cancels the statement that the server is
    still executing before it lets the exception pass.
    """

    exit_code: ClassVar[int] = 5


def printable(text: str) -> str:
    """`text` with control characters made visible: what a server or a file says must not steer a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
