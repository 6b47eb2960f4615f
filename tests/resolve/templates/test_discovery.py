"""Which environment a template's folder speaks of."""

from __future__ import annotations

import pytest

from checker.model.resources import Stack
from checker.resolve.templates.discovery import assign
from tests.projects import project_of


@pytest.mark.parametrize(
    ("folder", "environment"),
    [
        ("environments/prod", "production"),
        ("live/staging/network", "staging"),
        ("infra/shared", "shared"),
        ("shared/templates", "unnamed"),
        ("common/prod/templates", "production"),
        ("product/catalog", "unnamed"),
        (".", "unnamed"),
    ],
)
def test_the_nearest_folder_that_names_one(folder: str, environment: str) -> None:
    stack = next(iter(project_of("Resources: {T: {Type: AWS::SNS::Topic}}").resources())).stack
    plain = Stack(stack.id, stack.name, "", stack.template, stack.source)
    assert [each.environment for each in assign([plain], {}, {}, {stack.id: folder}).stacks] == [environment]
