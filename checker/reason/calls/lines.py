"""Calls by the line that makes them. A script's line that many jobs come to is one line, and one finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct, field

from checker.model.judgements import Judgement
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

T = TypeVar("T")


class Line(Struct, Generic[T]):
    """``place`` is where it was come to first; ``path`` tells it from other lines of its file with the same call."""

    place: AwsCall | CdkCommand | Command
    path: str
    items: list[T] = field(default_factory=list)


class Lines(Generic[T]):
    """Lines in the order in which they were come to, each with what was said of its runs."""

    def __init__(self) -> None:
        self._lines: dict[object, Line[T]] = {}
        self._same: dict[str, int] = {}

    def add(self, place: AwsCall | CdkCommand | Command, *items: T) -> None:
        # With its words: a function that calls whatever it is given has one line for all of it.
        said = place.command if isinstance(place, CdkCommand) else place
        key = (place.spot, place.spelled, said.source)
        line = self._lines.get(key)
        if line is None:
            name = f"{place.spot.file} {place.spelled}"
            count = self._same[name] = self._same.get(name, 0) + 1
            line = self._lines[key] = Line(place, f"{place.spelled} #{count}" if count > 1 else "")
        line.items.extend(items)

    def __iter__(self) -> Iterator[Line[T]]:
        return iter(self._lines.values())


def unfollowed(pipeline: Pipeline, job: EffectiveJob, what: str) -> Iterator[Judgement]:
    """What a job with credentials does beyond what was followed may be anything."""
    if job.credentials:
        for problem in pipeline.trace(job).problems:
            if problem.unread and not problem.elsewhere:
                why = f"{what} at {problem.spot}: {problem.message}"
                yield job.undecided(None, why, path=str(problem.spot), fix=problem.fix)
