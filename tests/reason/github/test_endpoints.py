"""The table of GitHub's operations, and requests matched against it."""

from __future__ import annotations

from importlib import resources

import pytest

from checker.data.github_api import operations
from checker.model.possible import open_text
from checker.model.values import Text, pieces, text
from checker.reason.github.endpoints import matching, methods_of, octokit
from tools.github_api import build

TAG = open_text("${TAG}")
REPOSITORY = open_text("${GITHUB_REPOSITORY}")


def _path(*parts: str | Text) -> str | Text:
    return text([piece for part in parts for piece in pieces(part)])


def test_the_table_is_small() -> None:
    assert len(resources.files("checker.data").joinpath("github_api.json").read_bytes()) < 150_000
    assert len({operation.id for operation in operations()}) == len(operations()) > 1000


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "repos/a/b/releases/latest", ["repos/get-latest-release"]),
        ("GET", "repos/a/b/releases/12", ["repos/get-release"]),
        ("PATCH", "repos/a/b/releases/latest", []),
        ("GET", _path("repos/", REPOSITORY, "/releases/tags/", TAG), ["repos/get-release-by-tag"]),
        ("PATCH", _path("repos/", REPOSITORY, "/releases/tags/", TAG), []),
        ("GET", "repos/a/b/git/ref/tags/web/v1", ["git/get-ref"]),
        ("DELETE", "repos/{owner}/{repo}/git/refs/heads/x", ["git/delete-ref"]),
        ("GET", "repos/:owner/:repo/compare/v1...v2", ["repos/compare-commits-with-basehead", "repos/compare-commits"]),
        ("GET", _path("repos/", REPOSITORY, "/contents/", open_text("${path}")), ["repos/get-content"]),
        ("POST", "repos/a/b/dispatches", ["repos/create-dispatch-event"]),
    ],
)
def test_requests(method: str, path: str | Text, expected: list[str]) -> None:
    assert [operation.id for operation in matching(method, path)] == expected


def test_methods_of_a_path() -> None:
    assert methods_of("repos/a/b/releases/tags/v1") == ["GET"]
    assert methods_of("repos/a/b/nothing") == []


def test_octokit_s_names() -> None:
    assert octokit("codeScanning", "uploadSarif") is not None
    assert octokit("repos", "updateReleaseByTag") is None


def test_building_from_a_description() -> None:
    description = {
        "info": {"version": "0"},
        "components": {"parameters": {"id": {"name": "id", "in": "path", "schema": {"type": "integer"}}}},
        "paths": {
            "/repos/{owner}/{repo}/releases/{id}": {
                "patch": {
                    "operationId": "repos/update-release",
                    "parameters": [{"$ref": "#/components/parameters/id"}],
                    "x-github": {"category": "releases", "subcategory": "releases"},
                }
            },
            "/repos/{owner}/{repo}/hooks": {
                "get": {"operationId": "w", "x-github": {"category": "repos", "subcategory": "webhooks"}}
            },
        },
    }
    assert build(description)["operations"] == [
        ["GET /repos/{owner}/{repo}/hooks", "w", "never"],
        ["PATCH /repos/{owner}/{repo}/releases/{id#}", "repos/update-release", "contents:write"],
    ]
