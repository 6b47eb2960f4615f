"""A whole workflow as a subject, for what is true of no single job of it."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from checker.model.judgements import Judgeable
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
