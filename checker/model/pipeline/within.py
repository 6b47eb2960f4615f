"""How the failure of a call is taken where a program makes it that something else starts: ``python3 roll.py || true``.

The call fails, so the program may; what becomes of that is for the script around it to say. So the handling of the one
is put into that of the other, and whoever asks sees no more than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, either, every
from checker.model.pipeline.handling import Handling, Rehearsal, Stream


class _Whole(Rehearsal):
    """Of a program that is all that there is: a step in Python ends as its program does."""

    __slots__ = ()

    def ends(self) -> Answer:
        return YES

    def decides(self) -> Answer:
        return NO

    def turns(self) -> Answer:
        return NO

    def missed(self) -> Answer:
        return NO

    def names(self, name: str, instead: Mapping[str, str]) -> Answer:  # noqa: ARG002
        return NO


WHOLE_STEP: Final = Handling(errexit=True, rehearsal=_Whole())
_NO_NAME: Final = "another"
ASKED: Final = Open("whether the script asks what its program puts out is not followed")


def within(inner: Handling, around: Handling, printed: tuple[str, ...] = (), *, kept: bool = False) -> Handling:
    """The handling of a call by a program and by the script that starts it. ``printed``: the words of a command whose
    answer is what the program prints. ``kept``: whether a later step gets what the program prints.

    Where the program ends with the call's failure, the script takes the one as the other: so it is written as there.
    """
    prints = printed and inner.stdout is Stream.SHOWN and not (inner.captured or inner.piped or inner.inside)
    rehearsal = _Within(inner, around, around.rehearsal.printing(printed) if prints else None, kept)
    plain = _is_plain(inner)
    if not (inner.stops or (not around.stops and plain and inner.ends is YES)):
        taken = inner
    else:
        taken = replace(around, caught=inner.caught, captured=inner.captured or around.captured)
    if plain and not inner.piped and not inner.inside:
        taken = replace(taken, captured=around.captured, piped=around.piped, inside=around.inside)
    return replace(
        taken,
        rehearsal=rehearsal,
        stdout=inner.stdout if inner.stdout is not Stream.SHOWN else around.stdout,
        stderr=inner.stderr if inner.stderr is not Stream.SHOWN else around.stderr,
        background=inner.background or around.background,
        left_alone=inner.left_alone or around.left_alone,
        beside=inner.beside or around.beside,
        retried=inner.retried or around.retried,
        bounded=inner.bounded or around.bounded,
        fed_by=(*around.fed_by, *inner.fed_by),
    )


def _is_plain(taken: Handling) -> bool:
    """Whether nothing is made of a command's failure where it stands: the only line of a shell fails as the shell."""
    return not (taken.tested or taken.fallback or taken.captured or taken.lost or taken.swallowed or taken.background)


class _Within(Rehearsal, Struct, frozen=True, eq=False):
    """What becomes of the script that starts a program, of one call that the program makes."""

    inner: Handling
    around: Handling
    asked: Rehearsal | None  # of the script that asks what the program prints
    kept: bool = False  # a later step gets what the program prints

    def ends(self) -> Answer:
        return self._let_through(self.inner.ends)

    def ends_once(self) -> Answer:
        return self._let_through(self.inner.ends_once)

    def late(self) -> Answer:
        return every((self._let_through(self.inner.late), self.around.late))

    def decides(self) -> Answer:
        # What the program puts out may be asked by the script.
        return either((self._let_through(self.inner.decides), self.around.decides))

    def notices(self) -> Answer:
        found = self._let_through(self.inner.notices)
        if self.asked is not None:
            return either((found, self.asked.notices()))
        return self._unless_asked(found)

    def unended(self) -> Answer:
        found = self._let_through(self.inner.unended)
        if self.asked is not None and found is NO:
            return self.asked.unended()
        return self._unless_asked(found)

    def unstarted(self) -> Answer:
        return self._let_through(self.inner.unstarted)

    def outdated(self) -> Answer:
        return self._unless_asked(self._let_through(self.inner.outdated))

    def lasts(self) -> Answer:
        return self.inner.lasts

    def repeated(self) -> Answer:
        return either((self.inner.repeated, self.around.repeated))

    def turns(self) -> Answer:
        if self.inner.stops:  # a program that an exception ends goes no other way: looking for one costs much
            return self.around.turns
        own = self.inner.turns
        return either((own, self.around.turns)) if self.inner.ends is YES else own

    def adds(self) -> Answer:
        if self.inner.stops:
            return self.around.adds
        own = self.inner.adds
        return either((own, self.around.adds)) if self.inner.ends is YES else own

    def idle(self) -> Answer:
        own = self.inner.idle
        return self.around.idle if own is not YES and self.inner.ends is YES else own

    def retold(self, *, printed: bool) -> Answer:
        taken = bool(self.around.captured) or self.around.inside
        found = self.inner.rehearsal.retold(printed=printed or self.kept or taken)
        if found is not YES or not taken or self.inner.retold is YES:
            return found
        return found if self.around.decides is NO else ASKED

    def reaches(self, other: Rehearsal) -> Answer:
        theirs = other if isinstance(other, _Within) else None
        if theirs is not None and theirs.around is self.around:
            found = self.inner.reaches(theirs.inner)
            if found is not NO or self.inner.ends is not YES:
                return found
        if self.inner.ends is NO:
            return Rehearsal.reaches(self, other)
        return self.around.reaches(theirs.around if theirs is not None else Handling(rehearsal=other))

    def mends(self, other: Rehearsal) -> Answer:
        same = isinstance(other, _Within) and other.around is self.around
        return self.inner.mends(other.inner) if same and isinstance(other, _Within) else Rehearsal.mends(self, other)

    def missed(self) -> Answer:
        return either((self.around.missed, self.inner.missed))

    def waited(self) -> float | None:
        asked = self.asked.waited() if self.asked is not None else None
        return self.inner.waited if asked is None else asked

    def worked_out(self) -> tuple[str, ...]:
        return self.inner.worked_out

    def names(self, name: str, instead: Mapping[str, str]) -> Answer:
        own = self.inner.names(name, {**instead, name: _NO_NAME})
        # What the script around gives the program is what that script names; a shell has it in its text.
        given = own is NO or (own is YES and self.around.names(name, {}) is YES)
        return self.around.names(name, instead) if given else own

    def left(self) -> tuple[str, ...]:
        return (*self.inner.left, *(self.around.left if self.inner.ends is YES else ()))

    def alone(self) -> Handling:
        return self.inner

    def printing(self, words: tuple[str, ...]) -> Rehearsal | None:
        return self.asked.printing(words) if self.asked is not None else None

    def _unless_asked(self, found: Answer) -> Answer:
        """A no is open where the script may ask what its program puts out."""
        return ASKED if found is NO and self.around.decides is not NO else found

    def _let_through(self, inner: Answer) -> Answer:
        """Whether a failure of the program is one of the script; ``inner``: whether it is one of the program."""
        if inner is NO:
            return NO
        around = self.around.ends
        return inner if around is YES else NO if around is NO else around
