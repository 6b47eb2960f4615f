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
  cli: {build: ., entrypoint: [aws, ecs], command: [update-service, --service, web]}
  line: {image: tool, entrypoint: "sh -ec 'make deploy'"}
  emptied: {image: tool, entrypoint: [], command: [aws, s3, ls]}
  nothing: {image: tool, entrypoint: []}
  keys: {image: tool, command: x, environment: [AWS_SESSION_TOKEN, A=1, B=$C], env_file: .env, volumes: ["~/.aws:/aws"]}
  named: {image: tool, command: x, environment: {A: null, B: 2}, volumes: [{type: bind, source: /root, target: /r}]}
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

    def project_files(self) -> tuple[str, ...]:
        return ()

    def makefiles(self) -> tuple[str, ...]:
        return ()


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
        ("docker compose run other", "docker run --entrypoint /bin/sh tool x"),
        ("docker compose run cli", "docker run --entrypoint aws the image of cli ecs update-service --service web"),
        (
            "docker compose run cli describe-services",
            "docker run --entrypoint aws the image of cli ecs describe-services",
        ),
        ("docker compose run line", "docker run --entrypoint sh tool -ec make deploy"),
        ("docker compose run emptied", "docker run --entrypoint aws tool s3 ls"),
        ("docker compose run --entrypoint aws bare s3 ls", "docker run --entrypoint aws tool s3 ls"),
        ("docker compose run --entrypoint=sh other -c x", "docker run --entrypoint sh tool -c x"),
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
        "docker compose run nothing",
        "docker compose run base",
        "docker compose run missing x",
        "docker compose -f missing.yml run migrate",
        "docker compose --entrypoint sh run migrate",
    ],
)
def test_what_no_file_tells(line: str) -> None:
    assert made(line) is None


def test_in_a_folder_that_is_not_known() -> None:
    assert made("docker compose run migrate", None) is None
