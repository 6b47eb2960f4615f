"""What asking comes to: each call as it was made, and the answer to each question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from checker.collect.account.asking.failures import Failure
from checker.collect.account.operations import Operation


class Call(Struct, frozen=True):
    """One request as it was made: ``seconds`` it took, ``outcome`` in words (``ok``, ``absent``, or why it failed)."""

    operation: Operation
    seconds: float
    outcome: str = "ok"
    attempts: int = 1


class Outcome(Struct, frozen=True):
    """What a question came to. ``pages`` are whole answers; with a ``failure`` those that came before it."""

    pages: tuple[Mapping[str, Any], ...] = ()
    failure: Failure | None = None
    absent: bool = False
    asked: bool = True
    code: str = ""  # the service's word for the absence


class Answer:
    """The answer to one question, which may not have come yet: looking at it waits."""

    def __init__(self, operation: Operation, settle: Callable[[], Outcome]) -> None:
        self.operation = operation
        self._settle = settle
        self._outcome: Outcome | None = None

    @property
    def outcome(self) -> Outcome:
        if self._outcome is None:
            self._outcome = self._settle()
        return self._outcome

    @property
    def failure(self) -> Failure | None:
        return self.outcome.failure

    @property
    def complete(self) -> bool:
        """Whether it was asked for, and all of it was read."""
        return self.outcome.asked and self.outcome.failure is None

    @property
    def value(self) -> Mapping[str, Any]:
        """The answer's body; empty where there is none."""
        return self.outcome.pages[0] if self.outcome.pages else {}

    @property
    def items(self) -> list[Any]:
        """What a list named, over all its pages that were read."""
        return self.items_of(self.operation.items)

    def items_of(self, name: str) -> list[Any]:
        return [item for page in self.outcome.pages for item in page.get(name) or ()]
