"""`docker compose run` as the `docker run` that it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from checker.model.possible import shown
from checker.resolve.tasks.compose import run_words

FILE = """
services:
  migrate: {image: "flyway/flyway:11", command: -connectRetries=5 migrate}
  listed: {image: tool, command: [a, "b c"]}
  git: {build: ., command: ["git", "status"]}
  bare: {image: tool}
  other: {image: tool, command: x, entrypoint: /bin/sh}
  base: {extends: {service: bare}, command: y}
"""


@dataclass(frozen=True)
class Files:
    """A repository of a few files, as a library."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        return self.texts.get(path)

    def is_file(self, path: str) -> bool:
        return path in self.texts

    def packages(self) -> Mapping[str, str]:
        return {}


def made(line: str, folder: str | None = "") -> str | None:
    files = Files({"compose.yaml": FILE, "ops/docker-compose.yml": FILE, "prod.yml": "services: {bare: {command: z}}"})
    words = run_words(tuple(line.split()), folder, files)
    return None if words is None else " ".join(map(shown, words))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("docker compose run --rm migrate", "docker run --rm flyway/flyway:11 -connectRetries=5 migrate"),
        ("docker-compose run -e A=b migrate info", "docker run -e A=b flyway/flyway:11 info"),
        ("docker compose --profile x run listed", "docker run tool a b c"),
        ("docker compose -f compose.yaml -f prod.yml run bare", "docker run tool z"),
        ("docker compose run bare make", "docker run tool make"),
        ("docker compose run git", "docker run ${the image of git} git status"),
    ],
)
def test_a_service_of_a_file(line: str, wanted: str) -> None:
    found = made(line)
    assert found is not None
    assert found.replace("${", "").replace("}", "") == wanted.replace("${", "").replace("}", "")


def test_the_file_of_the_folder() -> None:
    assert made("docker compose run bare x", "ops") == "docker run tool x"


@pytest.mark.parametrize(
    "line",
    [
        "docker run x",
        "docker compose up migrate",
        "docker compose run",
        "docker compose run bare",
        "docker compose run other",
        "docker compose run base",
        "docker compose run missing x",
        "docker compose -f missing.yml run migrate",
        "docker compose run --entrypoint sh migrate",
    ],
)
def test_what_no_file_tells(line: str) -> None:
    assert made(line) is None


def test_in_a_folder_that_is_not_known() -> None:
    assert made("docker compose run migrate", None) is None
