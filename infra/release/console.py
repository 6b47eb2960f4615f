"""What a command says, where it leaves values for later steps, and how it waits."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Time, as something that a test can hold in its hand."""

    def now(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def date(self) -> datetime:
        """The time of day, in UTC."""
        ...


class RealClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def date(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Console:
    """Prints at once: a log that is read while a release runs must not lag behind it."""

    outputs: Path | None = None
    """GitHub's file of step outputs; None outside of a workflow."""

    def say(self, text: str) -> None:
        print(printable(text), flush=True)

    def complain(self, problem: str, fix: str) -> None:
        print(f"error: {printable(problem)}", *([f"  fix: {printable(fix)}"] if fix else []), sep="\n", file=sys.stderr)
        sys.stderr.flush()

    def give(self, values: Mapping[str, str]) -> None:
        """Print values, and hand them to the workflow's later steps."""
        for name, value in values.items():
            # A line break would let a value define a second output.
            if any(ord(character) < ord(" ") for character in name + value):
                raise ValueError(f"output {name} holds a control character")
            self.say(f"{name}={value}")
        if self.outputs and values:
            with self.outputs.open("a", encoding="utf-8") as file:
                file.writelines(f"{name}={value}\n" for name, value in values.items())


def printable(text: str) -> str:
    """Text from elsewhere, without what would drive a terminal or a workflow's log.

    GitHub reads commands from lines of a job's output that begin with `::` (GitHub Docs, workflow commands).
    """
    lines = ["".join(c if c == "\t" or c.isprintable() else "?" for c in line) for line in text.split("\n")]
    return "\n".join(f" {line}" if line.lstrip().startswith(("::", "##[")) else line for line in lines)


@dataclass(slots=True)
class Deadline:
    """A bound on waiting. `pause` sleeps, and is False once the time is up."""

    clock: Clock
    seconds: float
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = self.clock.now() + self.seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - self.clock.now())

    def pause(self, seconds: float) -> bool:
        if self.left <= 0:
            return False
        self.clock.sleep(min(seconds, self.left))
        return True
