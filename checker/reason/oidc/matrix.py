"""The matrix of who gets in: each job that assumes a role, each event, the subject it presents, and who admits it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from checker.model.environments import Project
from checker.model.pipeline.pipeline import Pipeline
from checker.model.shown.facts import TokenRow
from checker.model.sources import brief
from checker.reason.iam.deployers import deployment_of
from checker.reason.oidc.admissions import admissions_of

_HEADS: Final = ("workflow", "job", "event", "subject", "role asked for", "admitted by")
NOBODY: Final = "-"


def columns(project: Project) -> tuple[str, ...]:
    """The roles that trust GitHub's tokens."""
    return tuple(dict.fromkeys(each.role.logical_id for each in deployment_of(project).github_roles))


def rows(pipeline: Pipeline, project: Project) -> Iterator[TokenRow]:
    """A row for each job, event and subject; refs that get the same answer share one."""
    roles = deployment_of(project).github_roles
    seen: set[TokenRow] = set()
    for admission in admissions_of(pipeline, project):
        asked = " or ".join(each.role.logical_id for each in admission.assumption.candidates)
        for presented in admission.tokens:
            decisions = [(role, role.trust.admits(presented.token)) for role in roles]
            row = TokenRow(
                admission.job.entry.stem,
                admission.job.name.partition("/")[2],
                presented.event,
                str(presented.token.subject),
                asked or str(admission.assumption.credentials.role),
                tuple(role.role.logical_id for role, decision in decisions if decision.allowed),
                tuple(
                    role.role.logical_id for role, decision in decisions if not decision.allowed and not decision.denied
                ),
            )
            if row not in seen:
                seen.add(row)
                yield row


def _cells(row: TokenRow) -> tuple[str, ...]:
    """A question mark stands behind a role that may admit it."""
    admitted = ", ".join([*row.admitted, *(f"{role}?" for role in row.perhaps)])
    return row.workflow, row.job, row.event, row.subject, row.asked, admitted or NOBODY


def rendered(found: Iterable[TokenRow]) -> str:
    """The rows as a plain table; empty where there are none."""
    lines = [tuple(brief(cell, 120) for cell in _cells(row)) for row in found]
    if not lines:
        return ""
    widths = [max(map(len, column)) for column in zip(_HEADS, *lines, strict=True)]
    table = [_HEADS, tuple("-" * width for width in widths), *lines]
    return "".join(_line(cells, widths) for cells in table)


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n"
