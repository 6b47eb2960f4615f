"""How a failure is taken: what is surely an end, and what nobody has looked at."""

from __future__ import annotations

import pytest

from checker.model.answers import NO, YES, Answer, Open
from checker.model.pipeline.handling import Handling, Rehearsal


@pytest.mark.parametrize(
    ("handling", "stops"),
    [
        (Handling(), False),  # without `set -e` the script goes on
        (Handling(errexit=True), True),
        (Handling(errexit=True, tested="if"), False),
        (Handling(errexit=True, tested="if", fallback_stops=True), True),
        (Handling(errexit=True, tested="and"), False),
        (Handling(errexit=True, tested="while"), False),
        (Handling(errexit=True, negated=True), False),
        (Handling(errexit=True, lost=True), False),
        (Handling(errexit=True, swallowed=True), False),
        (Handling(errexit=True, fallback="true"), False),
        (Handling(errexit=True, fallback="exit 1", fallback_stops=True), True),
        (Handling(fallback="exit 1", fallback_stops=True), True),  # needs no `set -e`
        (Handling(fallback="exit 1", fallback_stops=True, lost=True), False),
    ],
)
def test_what_surely_ends_the_script(handling: Handling, stops: bool) -> None:
    assert handling.stops is stops


@pytest.mark.parametrize("asked", ["ends", "decides", "notices", "lasts", "turns", "missed"])
def test_what_nobody_rehearsed_is_open(asked: str) -> None:
    assert isinstance(getattr(Handling(), asked), Open)


class Gone(Rehearsal):
    """A rehearsal that answers each question in another way."""

    def ends(self) -> Answer:
        return YES

    def decides(self) -> Answer:
        return NO

    def notices(self) -> Answer:
        return Open("one")

    def lasts(self) -> Answer:
        return NO

    def turns(self) -> Answer:
        return Open("two")

    def missed(self) -> Answer:
        return YES

    def waited(self) -> float | None:
        return 3.0

    def worked_out(self) -> tuple[str, ...]:
        return ("word",)

    def left(self) -> tuple[str, ...]:
        return ("file",)


def test_each_question_is_asked_of_its_own_rehearsal() -> None:
    handling = Handling(rehearsal=Gone())
    assert handling.ends is YES
    assert handling.decides is NO
    assert handling.notices == Open("one")
    assert handling.lasts is NO
    assert handling.turns == Open("two")
    assert handling.missed is YES
    assert (handling.waited, handling.worked_out, handling.left) == (3.0, ("word",), ("file",))
    none = Handling()
    assert (none.waited, none.worked_out, none.left) == (None, (), ())


def test_two_calls_are_alike_whoever_rehearses_them() -> None:
    assert Handling(errexit=True, rehearsal=Gone()) == Handling(errexit=True)
    assert Handling(errexit=True) != Handling(errexit=False)
