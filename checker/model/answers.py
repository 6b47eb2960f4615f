"""The answer to a question that has two answers where everything is known, and a third where it is not.

``YES`` and ``NO`` are certain; ``Open(why)`` is neither, and ``why`` completes the sentence "cannot be decided: ...". A
caller says which of the three it asks about: ``answer is YES``, ``answer is NO``, ``answer is not NO``,
``isinstance(answer, Open)``. An answer has no truth value: ``if answer:`` would take an open one for a yes, and
``if not answer:`` would never be a no. The type checker tells of it, and at run time it raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from msgspec import Struct

_NO_TRUTH: Final = "an answer is yes, no or open: ask which with `is YES`, `is NO` or `isinstance(..., Open)`"


class Certain(Enum):
    """An answer that holds whatever is not known. Use :data:`YES` and :data:`NO`."""

    YES = "yes"
    NO = "no"

    # Hidden from the type checker, which reports a truth value asked of a type that defines none.
    if not TYPE_CHECKING:

        def __bool__(self) -> NoReturn:
            raise TypeError(_NO_TRUTH)


class Open(Struct, frozen=True):
    """Neither yes nor no from what is known; ``why`` says what would have to be known."""

    why: str

    if not TYPE_CHECKING:

        def __bool__(self) -> NoReturn:
            raise TypeError(_NO_TRUTH)


YES: Final = Certain.YES
NO: Final = Certain.NO
Answer: TypeAlias = "Certain | Open"


def yes_if(fact: bool) -> Certain:
    """The answer to a question that what is known settles."""
    return YES if fact else NO


def negated(answer: Answer) -> Answer:
    """Yes for no and no for yes; what is open stays open, for the same reason."""
    return NO if answer is YES else YES if answer is NO else answer


def either(answers: Iterable[Answer]) -> Answer:
    """Whether one of several is yes; stops at the first. Where none is and one is open, the first that is open."""
    found: Answer = NO
    for answer in answers:
        if answer is YES:
            return YES
        if found is NO:
            found = answer
    return found


def every(answers: Iterable[Answer]) -> Answer:
    """Whether all of several are yes; stops at the first no. Where none is no and one is open, the first that is."""
    found: Answer = YES
    for answer in answers:
        if answer is NO:
            return NO
        if found is YES:
            found = answer
    return found


def alike(answers: Iterable[Answer], why: str) -> Answer:
    """What several possibilities have in common: yes or no where all of them say so.

    ``why`` is the reason where some are yes and some no, and where there is none at all.
    """
    found: Answer | None = None
    for answer in answers:
        if isinstance(answer, Open):
            return answer
        if found is None:
            found = answer
        elif found is not answer:
            return Open(why)
    return Open(why) if found is None else found


def why_open(answer: Answer) -> str:
    """The reason of an open answer; nothing for one that is certain."""
    return answer.why if isinstance(answer, Open) else ""
