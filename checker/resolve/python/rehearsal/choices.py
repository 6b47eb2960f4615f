"""The questions of one way through a program that nobody can answer beforehand, and their answers."""

from __future__ import annotations

import ast
from collections.abc import Sequence, Set
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.values import Text
from checker.resolve.python.rehearsal.gone import Place
from checker.resolve.python.values import Extern, Value

_ASKED_FREELY: Final = 2  # how often one question is answered both ways on one way through the program


class Choices(Struct):
    """``answers`` are those that the way has to give, in order; after them all goes well. ``turns``: which of them are
    the other way than on the way before. ``given`` are the answers that another way may change, with their ``askers``.
    """

    answers: Sequence[bool]
    turns: Set[int]
    given: list[bool] = field(default_factory=list)
    askers: list[int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    asked: int = 0  # how many questions so far
    _repeated: set[int] = field(default_factory=set)
    _turned: dict[int, bool] = field(default_factory=dict)
    _times: dict[int, int] = field(default_factory=dict)
    _steady: dict[Value, bool] = field(default_factory=dict)

    def choose(self, asker: ast.AST, about: Value, *, rather: bool) -> bool:
        """The answer to a question. What an option is stays what it is."""
        steady = about if isinstance(about, Text) or (isinstance(about, Extern) and about.parsed) else None
        if steady is not None and steady in self._steady:
            return self._steady[steady]
        self.asked += 1
        who = id(asker)
        if who in self._times:
            self._repeated.add(who)
        times = self._times[who] = self._times.get(who, 0) + 1
        if who in self._turned:
            return self._turned[who]
        if times > _ASKED_FREELY:
            return rather
        number = len(self.given)
        taken = self.answers[number] if number < len(self.answers) else rather
        self.given.append(taken)
        self.askers.append(who)
        self.places.append(place_of(asker))
        if number in self.turns:
            self._turned[who] = taken  # the time that is up for one is up for all
        if steady is not None:
            self._steady[steady] = taken
        return taken

    def again(self) -> frozenset[int]:
        """Which of the given answers are those of questions that were asked once more."""
        return frozenset(number for number, who in enumerate(self.askers) if who in self._repeated)

    def copy(self) -> Choices:
        return replace(
            self,
            given=list(self.given),
            askers=list(self.askers),
            places=list(self.places),
            _repeated=set(self._repeated),
            _turned=dict(self._turned),
            _times=dict(self._times),
            _steady=dict(self._steady),
        )


def place_of(asker: ast.AST) -> Place:
    """Where a question stands in its file."""
    return getattr(asker, "lineno", 0), getattr(asker, "col_offset", 0)
