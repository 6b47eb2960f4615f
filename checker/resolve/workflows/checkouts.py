"""Whose files lie in a folder of the workspace: another repository's, where a job checks one out there."""

from __future__ import annotations

from collections.abc import Iterable

from checker.model.pipeline.workflows import Step


def checked_out(steps: Iterable[Step], folder: str) -> str:
    """The other repository that a job checks out into a folder around this one; empty where it does so with none."""
    for step in steps:
        given = {name: str(each.value) for name, each in step.with_.items()}
        path = given.get("path", "").removeprefix("./").rstrip("/")
        around = bool(path) and f"{folder}/".startswith(f"{path}/")
        if around and step.action == "actions/checkout" and (whose := given.get("repository")):
            return whose
    return ""
