"""What an account tells beyond its resources: running tasks, images, alarm states, deployments, importers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, field

from checker.model.judgements import Judgeable
from checker.model.resources import Raw, Resource
from checker.model.values import ABSENT, Known, Unknown, Value
from checker.model.verdicts import Location, Subject, SubjectKind, Surface


class Account(Judgeable, Struct, frozen=True, eq=False):
    """One account in one region. It is a place, for what belongs to no resource.

    ``facts`` are a snapshot's (:mod:`checker.collect.account` says what is in each); ``unread`` says why one is
    missing. ``gone`` is what the stacks have and the account has not.
    """

    surface: ClassVar[Surface] = Surface.ACCOUNT
    environment_name: ClassVar[str] = ""
    id: str
    region: str
    place: str
    taken_at: str = ""
    facts: Mapping[str, Raw] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[Resource, ...] = ()

    def fact(self, name: str) -> Value:
        """A fact: known only where all of it was read."""
        if name in self.unread:
            return Unknown(self.unread[name])
        return Known(self.facts[name]) if name in self.facts else ABSENT

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.SETTING, self.place)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - an account has no lines
        return Location(self.place, None, path or None)
