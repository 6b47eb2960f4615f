"""How the failure of a call is taken where a program makes it that something else starts: ``python3 roll.py || true``.

The call fails, so the program may; what becomes of that is for the script around it to say. So the handling of the one
is put into that of the other, and whoever asks sees no more than one.
"""

from __future__ import annotations

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


WHOLE_STEP: Final = Handling(errexit=True, rehearsal=_Whole())
_ASKED: Final = Open("whether the script asks what its program puts out is not followed")


def within(inner: Handling, around: Handling) -> Handling:
    """The handling of a call by a program and by the script that starts it.

    Where the program ends with the call's failure, the script takes the one as the other: so it is written as there.
    """
    rehearsal = _Within(inner, around)
    if not inner.stops:
        return replace(inner, rehearsal=rehearsal, background=inner.background or around.background)
    return replace(
        around,
        rehearsal=rehearsal,
        stdout=inner.stdout if inner.stdout is not Stream.SHOWN else around.stdout,
        stderr=inner.stderr if inner.stderr is not Stream.SHOWN else around.stderr,
        captured=inner.captured or around.captured,
        background=inner.background or around.background,
        left_alone=inner.left_alone or around.left_alone,
        retried=inner.retried or around.retried,
        caught=inner.caught,
        bounded=inner.bounded or around.bounded,
    )


class _Within(Rehearsal, Struct, frozen=True, eq=False):
    """What becomes of the script that starts a program, of one call that the program makes."""

    inner: Handling
    around: Handling

    def ends(self) -> Answer:
        return self._let_through(self.inner.ends)

    def late(self) -> Answer:
        return every((self._let_through(self.inner.late), self.around.late))

    def decides(self) -> Answer:
        # What the program puts out may be asked by the script.
        return either((self._let_through(self.inner.decides), self.around.decides))

    def notices(self) -> Answer:
        found = self._let_through(self.inner.notices)
        return _ASKED if found is NO and self.around.decides is not NO else found

    def unended(self) -> Answer:
        return self._let_through(self.inner.unended)

    def unstarted(self) -> Answer:
        return self._let_through(self.inner.unstarted)

    def lasts(self) -> Answer:
        return self.inner.lasts

    def turns(self) -> Answer:
        own = self.inner.turns
        return either((own, self.around.turns)) if self.inner.ends is YES else own

    def reaches(self, other: Rehearsal) -> Answer:
        theirs = other if isinstance(other, _Within) else None
        if theirs is not None and theirs.around is self.around:
            found = self.inner.reaches(theirs.inner)
            if found is not NO or self.inner.ends is not YES:
                return found
        if self.inner.ends is NO:
            return Rehearsal.reaches(self, other)
        return self.around.reaches(theirs.around if theirs is not None else Handling(rehearsal=other))

    def missed(self) -> Answer:
        return either((self.around.missed, self.inner.missed))

    def waited(self) -> float | None:
        return self.inner.waited

    def worked_out(self) -> tuple[str, ...]:
        return self.inner.worked_out

    def left(self) -> tuple[str, ...]:
        return (*self.inner.left, *(self.around.left if self.inner.ends is YES else ()))

    def _let_through(self, inner: Answer) -> Answer:
        """Whether a failure of the program is one of the script; ``inner``: whether it is one of the program."""
        if inner is NO:
            return NO
        around = self.around.ends
        return inner if around is YES else NO if around is NO else around
