"""Worlds: what the templates leave open, answered one way; the time that judging has; an account's gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.values import Parameter, Pseudo

_SERVICE: Final = lazy_re.compile(r"arn:aws[\w-]*:([\w-]+):")
_ID: Final = lazy_re.compile(r"[a-z]{1,16}-(?:[0-9a-f]{17}|[0-9a-f]{8})")


class World(Struct, frozen=True):
    """One consistent set of answers to what the templates leave open.

    ``parameters``: open parameter -> its value here, or ``None`` for "some value that no condition names".
    ``conditions``: an equality that cannot be evaluated -> its answer here. ``sparse``: whatever exists only under a
    condition that is still open does not exist here. ``rows``: an open parameter that mappings alone are asked for ->
    the key that they find, or ``None`` for none of theirs. Elsewhere it stays open: a stage's own name is one in each
    template that is judged, and whichever row of a mapping is read says nothing of it.
    """

    parameters: Mapping[Parameter | Pseudo, str | None] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    sparse: bool = False
    rows: Mapping[Parameter | Pseudo, str | None] = field(default_factory=dict)


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


class Gaps:
    """Types of an account whose resources could not all be listed, and which of them the current rule asked for.

    ``blank``: those of which a resource is there that nothing was read of, by environment. Whether such a one is what
    a rule looks for is not known: only its silence is in doubt.
    """

    def __init__(
        self, unlisted: Mapping[str, str] | None = None, blank: Mapping[tuple[str, str], str] | None = None
    ) -> None:
        self.unlisted: Mapping[str, str] = unlisted or {}  # type -> why
        self.blank: Mapping[tuple[str, str], str] = blank or {}  # environment and type -> why
        self.blank_met: set[tuple[str, str]] = set()  # those of them that the current rule looked at
        self.met: set[str] = set()
        self._fresh: set[str] = set()

    def ask(self, types: Iterable[str]) -> None:
        """Take note that somebody looks at these types."""
        if self.unlisted:
            self.meet(kind for kind in types if kind in self.unlisted)

    def look(self, environment: str, types: Iterable[str]) -> None:
        """Take note that somebody looks at these types in an environment."""
        if self.blank:
            self.blank_met.update(key for kind in types if (key := (environment, kind)) in self.blank)

    def meet(self, types: Iterable[str]) -> None:
        """Take note of gaps that somebody meets, or met when what is asked for again was worked out."""
        found = set(types)
        self.met |= found
        self._fresh |= found

    def since(self) -> set[str]:
        """The gaps that were met since this was last asked."""
        fresh, self._fresh = self._fresh, set()
        return fresh

    def forget(self) -> None:
        """Another rule begins."""
        self.met, self._fresh, self.blank_met = set(), set(), set()

    def missed(self, value: str) -> None:
        """Take note that a value names nothing that was read: an ARN or an id may be that of what was not listed."""
        if self.unlisted:
            match = _SERVICE.match(value)
            service = "ec2" if match is None and _ID.fullmatch(value) else match[1].replace("-", "") if match else ""
            if service:
                self.ask(kind for kind in self.unlisted if kind.split("::")[1].lower().startswith(service))
