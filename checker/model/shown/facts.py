"""What a run shows beside its verdicts: who gets in by token, what image expiry would take, the lines in question.

Reports draw these; no verdict rests on them. All of it is optional: a run without them is as complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class TokenRow(Struct, frozen=True):
    """One token of one job. ``asked`` are the roles that it can mean; ``admitted`` those that surely let it in,
    ``perhaps`` those of which that is not known."""

    workflow: str
    job: str
    event: str
    subject: str
    asked: str
    admitted: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()


class Fate(StrEnum):
    """What a lifecycle policy does to an image."""

    KEPT = "kept"
    EXPIRED = "expired"
    ARCHIVED = "archived"


class ImagesOfAge(Struct, frozen=True):
    """So many images of one kind, pushed so many days ago, that have one fate. ``must`` is what ought to happen to
    them: ``stay``, ``go``, or empty where either is well."""

    kind: str
    age: int
    count: int
    fate: Fate
    must: str = ""

    @property
    def wrong(self) -> bool:
        return (self.must == "stay" and self.fate is not Fate.KEPT) or (self.must == "go" and self.fate is Fate.KEPT)


class Retention(Struct, frozen=True):
    """One lifecycle policy, run on one imagined repository. ``repositories`` are those that have the policy."""

    repositories: tuple[str, ...]
    when: str
    images: tuple[ImagesOfAge, ...]


class Excerpt(Struct, frozen=True):
    """Lines of a source around the one that a verdict stands at. ``None`` in place of a line that may hold a secret."""

    file: str
    line: int
    first: int
    lines: tuple[str | None, ...]


class Framework(Struct, frozen=True):
    """A framework of controls that findings give evidence for. ``parts`` are all of its chapters: id -> title; a
    control belongs to the part whose id it begins with."""

    id: str
    title: str
    parts: tuple[tuple[str, str], ...] = ()


class Facts(Struct, frozen=True):
    """``roles`` are those that trust GitHub's tokens: the columns of the matrix whose rows are ``tokens``. ``pages``
    explain the findings that do not pass, by id."""

    roles: tuple[str, ...] = ()
    tokens: tuple[TokenRow, ...] = ()
    retention: tuple[Retention, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    frameworks: tuple[Framework, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return self == Facts()


class EarlierRun(Struct, frozen=True):
    """A run of the past, as a trend needs it. ``time`` is ISO 8601 in UTC; ``totals`` are a run document's."""

    time: str
    commit: str
    totals: Mapping[str, int]
