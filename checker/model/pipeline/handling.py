"""How the failure of a command or call is taken by the script that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from enum import StrEnum
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open
from checker.model.sources import Spot


class Stream(StrEnum):
    """Where an output goes."""

    SHOWN = "shown"
    DISCARDED = "discarded"
    MERGED = "merged"  # standard error into standard output
    FILE = "file"


UNASKED: Final = Open("what a program is told when it runs decides what it does after a failure")
# What nobody has gone through to its end: the way that was left off may be the one that goes on after a failure.
SCRIPT_TOO_LONG: Final = Open("its script can go too many ways to follow them all")
PROGRAM_TOO_LONG: Final = Open("its program can go too many ways to follow them all")
_UNREHEARSED: Final = Open("how its script goes on is not followed")


class Rehearsal:
    """What becomes of a script, of one command of it: found by going through the script, each time that it is asked.

    This one goes through none: all is open. Those who follow a script answer what they can. Handlings that are written
    the same are equal, whoever goes through their scripts: so all of these are.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rehearsal)

    def __hash__(self) -> int:
        return hash(Rehearsal)

    def __repr__(self) -> str:
        return "Rehearsal"  # never what it goes through: all of the program

    def ends(self) -> Answer:
        return _UNREHEARSED

    def ends_once(self) -> Answer:
        return self.ends()

    def late(self) -> Answer:
        return YES

    def decides(self) -> Answer:
        return _UNREHEARSED

    def notices(self) -> Answer:
        return _UNREHEARSED

    def unended(self) -> Answer:
        return YES

    def unstarted(self) -> Answer:
        return _UNREHEARSED

    def outdated(self) -> Answer:
        return _UNREHEARSED

    def lasts(self) -> Answer:
        return _UNREHEARSED

    def turns(self) -> Answer:
        return _UNREHEARSED

    def adds(self) -> Answer:
        return self.turns()

    def idle(self) -> Answer:
        return _UNREHEARSED

    def retold(self, *, printed: bool) -> Answer:  # noqa: ARG002
        return _UNREHEARSED

    def reaches(self, other: Rehearsal) -> Answer:  # noqa: ARG002
        return _UNREHEARSED

    def omits(self, others: Sequence[Rehearsal]) -> Answer:  # noqa: ARG002
        return _UNREHEARSED

    def mends(self, other: Rehearsal) -> Answer:  # noqa: ARG002
        return _UNREHEARSED

    def missed(self) -> Answer:
        return _UNREHEARSED

    def waited(self) -> float | None:
        return None

    def repeated(self) -> Answer:
        return _UNREHEARSED

    def worked_out(self) -> tuple[str, ...]:
        return ()

    def names(self, name: str, instead: Mapping[str, str]) -> Answer:  # noqa: ARG002
        return _UNREHEARSED

    def left(self) -> tuple[str, ...]:
        return ()

    def shown(self, name: str, files: Set[str]) -> tuple[Spot, ...]:  # noqa: ARG002
        return ()

    def alone(self) -> Handling | None:
        """The handling in its own program, where something else starts that; ``None`` where nothing does."""
        return None

    def printing(self, words: tuple[str, ...]) -> Rehearsal | None:  # noqa: ARG002
        """The same where the command prints what another one answers, ``state=$(make -s state)``: of its words.
        ``None`` where what is printed is not followed."""
        return None


class Handling(Struct, frozen=True):
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
    fed_by: tuple[Spot, ...] = ()  # where the commands stand whose output it reads, through a pipe
    inside: bool = False  # its output becomes a part of another command's words
    background: bool = False
    left_alone: bool = False  # in the background, and nothing waits until it is done
    beside: bool = False  # what starts it starts others at the same time, and waits for all
    retried: bool = False
    caught: tuple[str, ...] = ()
    swallowed: bool = False
    untold: bool = False  # swallowed by a handler that neither says anything nor keeps what it caught
    bounded: bool = False  # `timeout` ends it
    rehearsal: Rehearsal = Rehearsal()

    @property
    def apart(self) -> Stream:
        """Where errors go once the output goes elsewhere, into a pipe or a substitution: with the output before that
        (GNU Bash manual, "Redirections": what ``2>&1`` copies is where the output goes then)."""
        return Stream.SHOWN if self.stderr is Stream.MERGED else self.stderr

    @property
    def ends(self) -> Answer:
        """Whether its failure ends the script with a failure, whichever way the script goes; no where it ends well on
        every way."""
        return self.rehearsal.ends()

    @property
    def ends_once(self) -> Answer:
        """The same, where it works when it is made again, of what is brought back."""
        return self.rehearsal.ends_once()

    @property
    def late(self) -> Answer:
        """Whether the script ends with a failure where ``timeout`` ends the command; yes where nothing does."""
        return self.rehearsal.late() if self.bounded else YES

    @property
    def decides(self) -> Answer:
        """Whether what it answers can end the script with a failure, although it works."""
        return self.rehearsal.decides()

    @property
    def notices(self) -> Answer:
        """Whether the script ends with a failure when what it waits for fails, or never comes."""
        return self.rehearsal.notices()

    @property
    def unended(self) -> Answer:
        """Whether the script ends with a failure when what it asks about is not over by then; yes where none tells."""
        return self.rehearsal.unended()

    @property
    def unstarted(self) -> Answer:
        """Whether the script ends with a failure when what it starts, or asks about, could not be started."""
        return self.rehearsal.unstarted()

    @property
    def outdated(self) -> Answer:
        """Whether the script ends with a failure when it is answered that what was rolled out was taken back."""
        return self.rehearsal.outdated()

    @property
    def lasts(self) -> Answer:
        """Whether what it waits for is asked for without end, where it never comes."""
        return self.rehearsal.lasts()

    @property
    def turns(self) -> Answer:
        """Whether its failure, for whatever reason, makes the script do something else and end well."""
        return self.rehearsal.turns()

    @property
    def adds(self) -> Answer:
        """Whether its failure makes the script do what it does not do otherwise, and end well: not only less."""
        return self.rehearsal.adds()

    @property
    def idle(self) -> Answer:
        """Whether its failure makes no difference: the script ends on every way as it does where the command works,
        which other things decide. What takes its output may be one of these things."""
        taken = self.piped or self.captured or self.inside or self.stdout not in {Stream.SHOWN, Stream.DISCARDED}
        return NO if taken or not isinstance(self.ends, Open) else self.rehearsal.idle()

    @property
    def retold(self) -> Answer:
        """Whether its failure makes a program tell something else to whoever takes what it puts out, and end well."""
        return self.rehearsal.retold(printed=False)

    def reaches(self, other: Handling) -> Answer:
        """Whether the script goes on to another of its commands although this one fails."""
        return self.rehearsal.reaches(other.rehearsal)

    def omits(self, others: Sequence[Handling]) -> Answer:
        """Whether the script can end well, having made this command, and come to none of these others after it."""
        return self.rehearsal.omits([each.rehearsal for each in others])

    def mends(self, other: Handling) -> Answer:
        """Whether a program comes to another of its commands where what this one waits for fails, and where it never
        comes; :data:`UNASKED` where what it is told when it runs decides that."""
        return self.rehearsal.mends(other.rehearsal)

    @property
    def missed(self) -> Answer:
        """Whether the script can end well and never come to this command, where nothing fails."""
        return self.rehearsal.missed()

    @property
    def alone(self) -> Handling:
        """As its own program takes it, whatever becomes of that."""
        return self.rehearsal.alone() or self

    @property
    def repeated(self) -> Answer:
        """Whether it is made once more after it has failed; no where no way comes to it again."""
        return self.rehearsal.repeated()

    @property
    def waited(self) -> float | None:
        """How long it is waited for, in seconds, where what it waits for never comes: infinite where without end,
        ``None`` where nobody knows."""
        return self.rehearsal.waited()

    @property
    def worked_out(self) -> tuple[str, ...]:
        """The words of the command as its script works them out where all goes well and every call of AWS takes a
        second, as far as they are known; empty where none are."""
        return self.rehearsal.worked_out()

    def names(self, name: str, instead: Mapping[str, str]) -> Answer:
        """Whether the command has a name among its words where what its script is given is something ``instead``."""
        return self.rehearsal.names(name, instead)

    def shown(self, files: Set[str]) -> tuple[Spot, ...]:
        """Where what it answers is shown by ``echo`` or ``printf``, if surely nothing else comes of it; ``files`` are
        those on the way to it."""
        return self.rehearsal.shown(self.captured, files)

    @property
    def left(self) -> tuple[str, ...]:
        """The files, outputs and variables that tell a later step of its failure, where the script ends well."""
        return self.rehearsal.left()

    @property
    def stops(self) -> bool:
        """Whether a failure surely ends the script with a failure."""
        if self.lost or self.swallowed:
            return False
        if self.fallback or self.tested == "if":
            return self.fallback_stops
        return self.errexit and not self.tested and not self.negated
