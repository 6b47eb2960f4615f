"""Where a fact of a workflow, a script or a migration was written, and what could not be read there."""

from __future__ import annotations

from msgspec import Struct

from checker.model.verdicts import Location


def brief(text: str, limit: int = 300) -> str:
    """Text of a scanned file on one line and short, as messages quote it."""
    line = text[: limit * 4]
    if not line.isprintable():
        line = "".join(sign if sign.isprintable() else " " for sign in line)
    line = " ".join(line.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


class Spot(Struct, frozen=True, order=True):
    """A place in a file: ``file`` relative to the project's root, ``line`` and ``column`` from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def location(self) -> Location:
        return Location(self.file, self.line)


class Problem(Struct, frozen=True):
    """Something that could not be read, or that the platform would refuse. Never a stop, never silent.

    ``unread`` is true where facts are missing because of it: a rule that would pass on what is left must say unknown.
    ``elsewhere``: what was not read runs in AWS with a role of its own, and makes no calls as the job.
    """

    spot: Spot
    message: str
    fix: str = ""
    unread: bool = True
    elsewhere: bool = False

    def __str__(self) -> str:
        return f"{self.spot}: {self.message}"
