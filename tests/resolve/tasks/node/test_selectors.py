"""Which packages pnpm's selectors choose, and which of them run at the same time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import pytest

from checker.resolve.tasks.node.selectors import in_order, root_of, run_beside, selected

_FILES: Final[Mapping[str, object]] = {
    "apps/web": {"name": "@a/web", "dependencies": {"api": "*"}},
    "apps/api": {"name": "api"},
    "libs/api-docs": {"name": "docs", "devDependencies": {"@a/web": "*"}},
}


class _Library:
    """A workspace of three packages, each of which needs the one before."""

    def text(self, path: str) -> str | None:
        found = _FILES.get(path.removesuffix("/package.json"))
        return None if found is None else json.dumps(found)

    def is_file(self, path: str) -> bool:
        return path == "apps/pnpm-workspace.yaml"

    def packages(self) -> Mapping[str, str]:
        return {"@a/web": "apps/web", "api": "apps/api", "docs": "libs/api-docs"}

    def project_files(self) -> tuple[str, ...]:
        return ()

    def makefiles(self) -> tuple[str, ...]:
        return ()


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("web", ["apps/web"]),  # without its scope
        ("@a/*", ["apps/web"]),
        ("...api", ["apps/web", "apps/api", "libs/api-docs"]),
        ("docs^...", ["apps/web", "apps/api"]),
        ("{libs}", ["libs/api-docs"]),
        ("./web", ["apps/web"]),
        ("!docs", ["apps/web", "apps/api"]),
        ("...[main]", "...[main]"),
        ("other", "other"),
    ],
)
def test_what_a_selector_chooses(selector: str, expected: list[str] | str) -> None:
    start = "apps" if selector.startswith("./") else ""
    assert expected == selected([selector], start, _Library())


def test_what_a_package_needs_comes_before_it() -> None:
    assert in_order(["apps/web", "apps/api"], _Library()) == ["apps/api", "apps/web"]


def test_where_the_workspace_begins() -> None:
    assert (root_of("apps/web", _Library()), root_of("libs", _Library())) == ("apps", "libs")


@pytest.mark.parametrize(
    ("manager", "words", "folders", "expected"),
    [
        ("pnpm", ["-r", "ship"], ["apps/web", "apps/api"], False),
        ("pnpm", ["-r", "--parallel", "ship"], ["apps/web", "apps/api"], True),
        ("npm", ["-ws", "run", "ship"], ["apps/web", "apps/other"], False),
        ("pnpm", ["-r", "ship"], ["apps/web", "apps/other"], True),
        ("pnpm", ["-r", "--workspace-concurrency=1", "ship"], ["apps/web", "apps/other"], False),
        ("yarn", ["workspaces", "foreach", "-Ap", "run", "ship"], ["apps/web", "apps/other"], True),
        ("yarn", ["workspaces", "foreach", "-A", "run", "ship"], ["apps/web", "apps/other"], False),
    ],
)
def test_what_runs_at_the_same_time(manager: str, words: list[str], folders: list[str], expected: bool) -> None:
    assert expected is run_beside(manager, words, folders, _Library())
