"""A resource that something else in its template changes: what its own properties say does not hold any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from checker.model.resources import Resource
from checker.model.values import Absent, Resolved, Unknown
from checker.model.written.paths import may_be_intrinsic

# A property's name -> who sets it, and what it is then: ``ABSENT`` where its default holds.
Changes: TypeAlias = "Mapping[str, tuple[Resource, Resolved | Absent]]"


class AlteredResource(Resource):
    """The resource as it is once ``changes`` have come about; ``by`` says who brings about which."""

    __slots__ = ("by",)

    def __init__(self, before: Resource, changes: Changes) -> None:
        super().__init__(
            before.stack,
            before.logical_id,
            before.raw,
            before.scope,
            before.surface,
            certain=before.certain,
            physical_id=before.physical_id,
            declared=before.declared,
        )
        self.by: Mapping[str, Resource] = {name: owner for name, (owner, _) in changes.items()}
        written = self._properties
        if written is None or (isinstance(written, dict) and not may_be_intrinsic(written)):
            kept = {name: value for name, value in (written or {}).items() if name not in changes}
            set_now = {name: value for name, (_, value) in changes.items() if not isinstance(value, Absent)}
            self._properties = kept | set_now
        else:
            # One expression makes all of them: which of what it makes is changed cannot be told apart.
            who = ", ".join(dict.fromkeys(owner.logical_id for owner in self.by.values()))
            self._properties = Unknown(f"{who} sets some of them by calls of its own")

    def changed_by(self, path: str) -> Resource | None:
        """Who set what stands at a path."""
        return self.by.get(path.partition(".")[0])
