"""A migration tool is added in one place: what its line says is all that is asked of it anywhere."""

from __future__ import annotations

import pytest

from checker.model.migrations.tools import TOOLS, MigrationTool, about_migrations


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.imports], ids=lambda tool: tool.name)
def test_code_that_imports_a_tool_s_library_is_found(tool: MigrationTool) -> None:
    """Code that speaks of migrations nowhere is not searched for libraries."""
    for module in tool.imports.values():
        assert about_migrations(module), f"{tool.name}: say that its name tells, or code with {module} is passed over"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("DbMigrator", True),
        ("nightly-flyway", True),
        ("GOOSE_DRIVER", True),
        ("mongoose-api", False),
        ("prisma-studio", False),
        ("api", False),
    ],
)
def test_a_name_tells(name: str, answer: bool) -> None:
    assert about_migrations(name) is answer
