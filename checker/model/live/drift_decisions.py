"""What people have decided about drift: one entry of ``policies/drift.yaml``."""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import Struct

from checker.model.live.drift import NextDeploy
from checker.model.resources import Raw


class NotSet:
    """No value was recorded."""


NOT_SET: Final = NotSet()


class Decision(Struct, frozen=True, kw_only=True):
    """One entry. ``environment``, ``resource`` and ``path`` are patterns with ``*``; ``reviewed`` by its owner."""

    environment: str
    resource: str  # LogicalId, Stack/LogicalId or a physical id
    path: str = ""
    value: Raw | NotSet = NOT_SET
    ignored: bool = False
    next_deploy: NextDeploy | None = None
    owner: str = ""
    reason: str = ""
    expires_on: date | None = None
    place: str = ""  # file and line

    @property
    def reviewed(self) -> bool:
        return bool(self.owner and self.reason and self.expires_on)

    def holds(self, today: date) -> bool:
        return self.reviewed and self.expires_on is not None and today <= self.expires_on
