"""A project from one template, for the reasoning tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checker.collect.documents import parse_yaml
from checker.model.environments import EnvironmentKind, Project
from checker.model.resources import Resource, Stack, nesting
from checker.model.settings import Settings
from checker.model.worlds import World
from checker.reason.names.physical import literal_names
from checker.resolve.templates.project import build_project


def project_of(template: str, *, settings: Mapping[str, Any] | None = None, nested: str = "") -> Project:
    """``template`` as stack ``app``; ``nested`` is the template of its nested stack ``Child``."""
    document = parse_yaml(template, "app.yaml")
    stack = Stack("app", "app", "production", document.data, document, region="us-west-2")
    if nested:
        inner = parse_yaml(nested, "child.yaml")
        stack = nesting(stack, {"Child": Stack("app/Child", "Child", "production", inner.data, inner)})
    return build_project(
        [stack],
        {"production": EnvironmentKind.PRODUCTION},
        World(),
        Settings(**(settings or {})),
        find_names=literal_names,
    )


def resource(project: Project, logical_id: str) -> Resource:
    return next(each for each in project.resources() if each.logical_id == logical_id)
