"""The matrix of who gets in: each job that takes on a role, each event, the subject it presents, and who admits it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from checker.model.environments import Project
from checker.model.pipeline.pipeline import Pipeline
from checker.model.sources import brief
from checker.reason.iam.deployers import deployment_of
from checker.reason.oidc.admissions import admissions_of

_HEADS: Final = ("workflow", "job", "event", "subject", "role asked for", "admitted by")
NOBODY: Final = "-"


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One token of one job. ``asked`` are the roles that it can mean; ``admitted`` those that surely let it in, with a
    question mark behind one that may."""

    workflow: str
    job: str
    event: str
    subject: str
    asked: str
    admitted: str

    @property
    def cells(self) -> tuple[str, ...]:
        return self.workflow, self.job, self.event, self.subject, self.asked, self.admitted


def rows(pipeline: Pipeline, project: Project) -> Iterator[Row]:
    """A row for each job, event and subject; refs that get the same answer share one."""
    roles = deployment_of(project).github_roles
    seen: set[Row] = set()
    for admission in admissions_of(pipeline, project):
        asked = " or ".join(each.role.logical_id for each in admission.assumption.candidates)
        for presented in admission.tokens:
            decisions = [(role, role.trust.admits(presented.token)) for role in roles]
            admitted = [
                role.role.logical_id + ("" if decision.allowed else "?")
                for role, decision in decisions
                if not decision.denied
            ]
            row = Row(
                admission.job.entry.stem,
                admission.job.name.partition("/")[2],
                presented.event,
                str(presented.token.subject),
                asked or str(admission.assumption.credentials.role),
                ", ".join(admitted) or NOBODY,
            )
            if row not in seen:
                seen.add(row)
                yield row


def rendered(found: Iterable[Row]) -> str:
    """The rows as a plain table; empty where there are none."""
    lines = [tuple(brief(cell, 120) for cell in row.cells) for row in found]
    if not lines:
        return ""
    widths = [max(map(len, column)) for column in zip(_HEADS, *lines, strict=True)]
    table = [_HEADS, tuple("-" * width for width in widths), *lines]
    return "".join(_line(cells, widths) for cells in table)


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n"
