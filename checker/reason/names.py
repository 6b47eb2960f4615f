"""Physical names: what a resource will be called, and which names would collide."""

from __future__ import annotations

from collections.abc import Mapping

from checker.model.resources import Project, Resource


def literal_names(project: Project) -> Mapping[str, Resource]:
    """Literal physical names and ARNs of the project's resources, where the templates fix them."""
    return {}
