"""Worlds: what the templates leave open, answered one way; and the budget of time that judging each of them has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from checker.model.values import Hole


@dataclass(frozen=True, slots=True)
class World:
    """One consistent set of answers to what the templates leave open.

    ``parameters``: open parameter -> its value here, or ``None`` for "some value that no condition names".
    ``conditions``: an equality that cannot be evaluated -> its answer here. ``sparse``: whatever exists only under a
    condition that is still open does not exist here.
    """

    parameters: Mapping[Hole, str | None] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    sparse: bool = False


class Budget:
    """Counts work. ``spend`` raises :class:`BudgetExceeded` when the current rule has used up its time."""

    def __init__(self) -> None:
        self.expired: Callable[[], bool] = lambda: False
        self._ticks = 0

    def spend(self) -> None:
        self._ticks += 1
        if not self._ticks & 0xFF and self.expired():
            raise BudgetExceeded


class BudgetExceeded(Exception):  # noqa: N818 - it is a signal to the judge, not an error of the user's
    """The time that a rule may take is over."""
