"""What an earlier run is to this one, as far as reports show it: whoever compares two runs gives something like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from checker.model.verdicts import Verdict


class Changes(Protocol):
    """Failures that an earlier run did not have, those that it had and this one passes, and those of both."""

    @property
    def new(self) -> Sequence[Verdict]: ...

    @property
    def fixed(self) -> Sequence[Verdict]: ...

    @property
    def still(self) -> Sequence[Verdict]: ...
