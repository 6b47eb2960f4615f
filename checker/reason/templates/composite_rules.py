"""Whether a composite alarm can ever fire."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from typing import Final

from msgspec import Struct

from checker import lazy_re

_TOKEN: Final = lazy_re.compile(
    r"\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*+[\"']?([^\"')]*+)[\"']?\s*\)|(TRUE|FALSE|AND|OR|NOT|\(|\)))\s*",
    re.IGNORECASE,
)
_MOST_ALARMS: Final = 6


def may_fire(rule: str, heard: Collection[str] = ()) -> bool:
    """Whether a composite alarm's rule holds in any state of the alarms that it reads; with ``heard``, the names that
    one of them may have, in any state in which that one is in ALARM.

    Source: CloudWatch API Reference, PutCompositeAlarm, ``AlarmRule``. What cannot be read may hold.
    """
    parts: list[str] = []
    names: dict[str, int] = {}
    position = 0
    while position < len(rule):
        found = _TOKEN.match(rule, position)
        if found is None:
            return True
        position = found.end()
        if found[1]:
            index = names.setdefault(found[2], len(names))
            parts.append(f"{found[1].upper()}:{index}")
        else:
            parts.append(found[3].upper())
    if len(names) > _MOST_ALARMS:
        return True
    states = ("ALARM", "OK", "INSUFFICIENT_DATA")
    try:
        of_each = [("ALARM",) if name.strip().rpartition(":alarm:")[2] in heard else states for name in names]
        return any(_Rule(parts, chosen).holds() for chosen in itertools.product(*of_each))
    except (ValueError, IndexError, RecursionError):
        return True


class _Rule(Struct):
    """A rule's tokens, read in one state of all its alarms: ``NOT`` before ``AND`` before ``OR``."""

    parts: list[str]
    states: tuple[str, ...]
    position: int = 0

    def holds(self) -> bool:
        answer = self._either()
        if self.position != len(self.parts):
            raise ValueError("words after the end")
        return answer

    def _next(self, *words: str) -> bool:
        if self.position < len(self.parts) and self.parts[self.position] in words:
            self.position += 1
            return True
        return False

    def _either(self) -> bool:
        answer = self._both()
        while self._next("OR"):
            answer = self._both() or answer
        return answer

    def _both(self) -> bool:
        answer = self._one()
        while self._next("AND"):
            answer = self._one() and answer
        return answer

    def _one(self) -> bool:
        if self._next("NOT"):
            return not self._one()
        if self._next("("):
            answer = self._either()
            if not self._next(")"):
                raise ValueError("a bracket is open")
            return answer
        word = self.parts[self.position]
        self.position += 1
        if word in ("TRUE", "FALSE"):
            return word == "TRUE"
        state, _, index = word.partition(":")
        return self.states[int(index)] == state
