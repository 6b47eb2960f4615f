"""How much of a run's code is followed: an allowance of statements, so that hostile input ends as ordinary input does.

It counts work, not time: what is followed of an input is the same on every machine.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from checker.resolve.shell.rehearsal.ways import Allowance

# Statements of shell and Python in all jobs of a run together: some eight times what a large pipeline has.
OF_A_RUN: Final = 400_000
# ... and in one job, so that one cannot use up what the others need.
OF_A_JOB: Final = 100_000
# ... and in one start of a Python program.
OF_A_PROGRAM: Final = 30_000
# What a command or a call on record costs, in statements: every rule looks at it.
RECORDING: Final = 5
# What reading a script or a task file costs, in statements.
STARTING: Final = 10
# What working out the recipe of a task costs, in statements.
TASK: Final = 100


class SpentError(Exception):
    """Nothing is left of the allowance: who follows stops, and says so."""


class Effort(Struct):
    """What is left, of the run and of the job at hand."""

    run: int = OF_A_RUN
    of_a_job: int = OF_A_JOB
    job: int = 0
    rehearsals: Allowance = field(default_factory=Allowance)
    # Scripts are short: programs must not use theirs up. Nearly four times what the largest layout in tests takes.
    shells: Allowance = field(default_factory=lambda: Allowance(50_000))
    asides: Allowance = field(default_factory=lambda: Allowance(200_000))  # beside them: what is never come to

    def begin(self) -> None:
        """The next job, or script."""
        self.job = self.of_a_job

    def at_most(self, wanted: int) -> int:
        """How many statements may be followed next. Raises :class:`SpentError` where none may."""
        left = min(self.run, self.job)
        if left <= 0:
            raise SpentError
        return min(wanted, left)

    def spend(self, statements: int) -> None:
        self.run -= statements
        self.job -= statements
