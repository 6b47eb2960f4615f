"""What reports draw of a project beside the verdicts on it: asked after the rules, whose answers it takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checker.model.environments import Project
from checker.model.shown.facts import Facts

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline


def drawn_of(project: Project, pipeline: Pipeline | None) -> Facts:
    """The matrix of tokens and roles, and what image expiry would take.

    Nothing where that cannot be worked out: no verdict rests on it, and the rules that ask the same have said what
    went wrong.
    """
    from checker.reason.images.retention import simulations

    try:
        retention = tuple(simulations(project))
        if pipeline is None:
            return Facts(retention=retention)
        from checker.reason.oidc.matrix import columns, rows

        return Facts(columns(project), tuple(rows(pipeline, project)), retention)
    except Exception:  # noqa: BLE001 - a picture less
        return Facts()
