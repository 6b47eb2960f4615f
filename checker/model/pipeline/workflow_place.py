"""A whole workflow as a subject, for what is true of no single job of it; and a line as where something stands."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from checker.model.judgements import Judgeable, Place
from checker.model.pipeline.workflows import Workflow
from checker.model.sources import Spot
from checker.model.verdicts import Location, Subject, SubjectKind, Surface


class WorkflowPlace(Judgeable, Struct, frozen=True):
    """A workflow that GitHub starts, named as its file is. ``spot`` is the line that a judgement is about."""

    surface: ClassVar[Surface] = Surface.WORKFLOW
    workflow: Workflow
    environment_name: str = ""
    spot: Spot | None = None

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.WORKFLOW_JOB, self.workflow.stem)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - a line is exact enough
        spot = self.spot or self.workflow.spot
        return Location(spot.file, spot.line, path or None)


class AtLine(Judgeable, Struct, frozen=True):
    """A place, of which a judgement is about one line: a key of a job, rather than the whole of it."""

    place: Place
    spot: Spot

    @property
    def surface(self) -> Surface:
        return self.place.surface

    @property
    def environment_name(self) -> str:
        return self.place.environment_name

    @property
    def subject(self) -> Subject:
        return self.place.subject

    def locate(self, path: str, *, exactly: bool) -> Location:
        return Location(self.spot.file, self.spot.line, self.place.locate(path, exactly=exactly).path)
