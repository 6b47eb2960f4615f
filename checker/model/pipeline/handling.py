"""How the failure of a command or call is taken by the script that makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from checker.model.answers import Answer, Open


class Stream(StrEnum):
    """Where an output goes."""

    SHOWN = "shown"
    DISCARDED = "discarded"
    MERGED = "merged"  # standard error into standard output
    FILE = "file"


_UNREHEARSED: Final = Open("how its script goes on is not followed")


@dataclass(frozen=True, slots=True)
class Handling:
    """How the failure of a call is taken. Facts; which of them is a fault is for a rule to say.

    ``tested`` names the construct that asks whether it worked: ``if``, ``while``, ``until``, ``and`` (left of ``&&``),
    ``or`` (left of ``||``), ``not``. ``fallback`` is what stands right of ``||``, ``fallback_stops`` whether that (or
    the branch of an ``if`` for a failure) ends the script with a failure. ``captured`` is the variable its output goes
    to; ``lost`` is true where its exit status
    cannot reach ``set -e`` (a substitution inside other words, ``local x=$(...)``, a pipeline's earlier command without
    ``pipefail``, ``&``). ``caught`` are the exceptions that a Python ``try`` around it catches, ``swallowed`` is true
    where such a handler neither raises nor leaves the program.
    """

    errexit: bool = False
    pipefail: bool = False
    tested: str = ""
    negated: bool = False
    fallback: str = ""
    fallback_stops: bool = False
    captured: str = ""
    lost: bool = False
    stdout: Stream = Stream.SHOWN
    stderr: Stream = Stream.SHOWN
    piped: bool = False  # another command reads its output
    inside: bool = False  # its output becomes a part of another command's words
    background: bool = False
    retried: bool = False
    caught: tuple[str, ...] = ()
    swallowed: bool = False
    untold: bool = False  # swallowed by a handler that neither says anything nor keeps what it caught
    bounded: bool = False  # `timeout` ends it
    # Asks what becomes of the script when this command fails, by going through it.
    rehearse: Callable[[], Answer] | None = field(default=None, compare=False, repr=False)

    @property
    def ends(self) -> Answer:
        """Whether its failure ends the script with a failure, whichever way the script goes; no where it ends well on
        every way."""
        return self.rehearse() if self.rehearse is not None else _UNREHEARSED

    # Asks whether the script can end with a failure although this command works: its answer may decide that.
    weigh: Callable[[], Answer] | None = field(default=None, compare=False, repr=False)

    @property
    def decides(self) -> Answer:
        """Whether what it answers can end the script with a failure."""
        return self.weigh() if self.weigh is not None else _UNREHEARSED

    # Asks whether the script ends with a failure when this call answers that what it asks about has failed, or is not
    # there yet whenever it is asked.
    notice: Callable[[], Answer] | None = field(default=None, compare=False, repr=False)

    @property
    def notices(self) -> Answer:
        """Whether the script ends with a failure when what it waits for fails, or never comes."""
        return self.notice() if self.notice is not None else _UNREHEARSED

    # Asks whether the script goes on asking, for as long as what it asks about is not there.
    last: Callable[[], Answer] | None = field(default=None, compare=False, repr=False)

    @property
    def lasts(self) -> Answer:
        """Whether what it waits for is asked for without end, where it never comes."""
        return self.last() if self.last is not None else _UNREHEARSED

    # Asks whether the script ends well and does something else where this command fails.
    turn: Callable[[], Answer] | None = field(default=None, compare=False, repr=False)

    @property
    def turns(self) -> Answer:
        """Whether its failure, for whatever reason, makes the script do something else and end well."""
        return self.turn() if self.turn is not None else _UNREHEARSED

    # Asks for how many seconds the script goes on asking for what never comes: infinite, or None where nobody knows.
    wait: Callable[[], float | None] | None = field(default=None, compare=False, repr=False)

    @property
    def waited(self) -> float | None:
        """How long it is waited for, in seconds, where what it waits for never comes; ``None`` if not known."""
        return self.wait() if self.wait is not None else None

    # Asks for the words that the command gets where all goes well, what the script works out itself among them.
    tell: Callable[[], tuple[str, ...]] | None = field(default=None, compare=False, repr=False)

    @property
    def worked_out(self) -> tuple[str, ...]:
        """The words of the command as its script works them out, as far as they are known; empty where none are."""
        return self.tell() if self.tell is not None else ()

    # Asks what the script leaves behind that tells of this command's failure, where it ends well.
    leave: Callable[[], tuple[str, ...]] | None = field(default=None, compare=False, repr=False)

    @property
    def left(self) -> tuple[str, ...]:
        """The files, outputs and variables that tell a later step of its failure, where the script ends well."""
        return self.leave() if self.leave is not None else ()

    # Asks whether the script can end well without coming to this command, where nothing fails.
    miss: Callable[[], Answer] | None = field(default=None, compare=False, repr=False)

    @property
    def missed(self) -> Answer:
        """Whether the script can end well and never come to this command."""
        return self.miss() if self.miss is not None else _UNREHEARSED

    @property
    def stops(self) -> bool:
        """Whether a failure surely ends the script with a failure."""
        if self.lost or self.swallowed:
            return False
        if self.fallback or self.tested == "if":
            return self.fallback_stops
        return self.errexit and not self.tested and not self.negated
