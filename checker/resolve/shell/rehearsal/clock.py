"""The time that goes by on one way through a script: what sleeps, what waits, and what asks how late it is.

Source: Bash Reference Manual, "Bash Variables" (``SECONDS``, ``EPOCHSECONDS``); GNU Coreutils manual, "sleep",
"timeout", "date".
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.shell import Declare, Opaque, Simple, Statement, Substitution, Test
from checker.model.possible import Possible
from checker.resolve.shell.state import State
from checker.resolve.shell.syntax_facts import first_word, names_in

# When every rehearsal begins, in seconds of Unix time.
_BEGUN: Final = 1_800_000_000
# GitHub documentation, "Usage limits": no job runs for longer.
LONGEST: Final = 6 * 3600
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN: Final = lazy_re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_ASKS: Final = lazy_re.compile(r"SECONDS\b|\bdate\b")
_LATER: Final = lazy_re.compile(r"(?:-d|--date)[ =]?\+? ?(\d{1,6}) ?(sec|min|hour)\w*")
_WORDS: Final = {"sec": 1, "min": 60, "hour": 3600}
_IN_ARITHMETIC: Final = lazy_re.compile(r"\$\(\s*date\s+(?:-u\s+)?[\"']?\+%s[\"']?\s*\)|`date \+%s`")
_CLOCKS: Final = ("SECONDS", "EPOCHSECONDS")


def span(word: Possible) -> float | None:
    """The seconds that ``sleep`` and ``timeout`` are given."""
    match = _SPAN.fullmatch(word) if isinstance(word, str) else None
    return float(match[1]) * _UNITS[match[2]] if match is not None else None


def asks_for_time(statements: Iterable[Statement], functions: Container[str]) -> bool:
    """Whether statements may ask how late it is; a function that they call may."""
    for each in statements:
        if first_word(each) in functions if isinstance(each, Simple) else False:
            return True
        if not names_in(each).isdisjoint(_CLOCKS):
            return True
        words = each.words if isinstance(each, Simple | Test) else ()
        values = [one.value for one in each.assignments if one.value] if isinstance(each, Simple | Declare) else []
        parts = [part for word in (*words, *values) for part in word.parts]
        texts = [part.source for part in parts if isinstance(part, Substitution | Opaque)]
        texts.append(each.arithmetic if isinstance(each, Test) else "")
        if any(map(_ASKS.search, texts)):
            return True
    return False


class Clock(Struct):
    """How much time has gone by; ``known`` until something takes as long as nobody knows."""

    gone: float = 0.0
    known: bool = True

    def begin(self, state: State) -> None:
        """A shell starts: it counts from now on."""
        state.set("SECONDS", "0")
        state.set("EPOCHSECONDS", str(int(_BEGUN + self.gone)))

    def passes(self, seconds: float | None, state: State | None = None) -> None:
        """Time goes by, which the shell's own variables tell."""
        if seconds is None:
            self.known = False
            return
        self.gone += seconds
        for name in _CLOCKS if state is not None else ():
            counted = state.variables.get(name) if state is not None else None
            if state is not None and isinstance(counted, str) and counted.isdigit():
                state.set(name, str(int(counted) + int(seconds)))

    def cut(self, begun: float, limit: float | None) -> bool:
        """Whether a command that was begun then has taken longer than ``timeout`` lets it: it ends at the limit."""
        if limit is None or self.gone - begun <= limit:
            return False
        self.gone = begun + limit
        return True

    def printed(self, words: Sequence[Possible]) -> str | None:
        """What ``date +%s`` prints, and ``date -d '+15 minutes' +%s``."""
        left = [word for word in words[1:] if word not in {"-u", "--utc"}]
        if words[0] != "date" or "+%s" not in left or not all(isinstance(word, str) for word in left):
            return None
        left.remove("+%s")
        later = _LATER.fullmatch(" ".join(map(str, left))) if left else None
        if left and later is None:
            return None
        ahead = int(later[1]) * _WORDS[later[2]] if later is not None else 0
        return str(int(_BEGUN + self.gone) + ahead)

    def told(self, arithmetic: str) -> str:
        """Arithmetic with what asks how late it is answered."""
        return _IN_ARITHMETIC.sub(str(int(_BEGUN + self.gone)), arithmetic)


def without_clocks(variables: Mapping[str, object]) -> dict[str, object]:
    """The variables of a shell but for those that tell the time."""
    return {name: value for name, value in variables.items() if name not in _CLOCKS}
