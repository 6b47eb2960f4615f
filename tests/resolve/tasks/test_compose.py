"""`docker compose run` as the `docker run` that it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from checker.model.possible import open_text, shown
from checker.resolve.tasks.compose import started

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
    found = started(tuple(line.split()), folder, files)
    return None if found is None else "; ".join(" ".join(map(shown, words)) for words in found)


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


UP = """
services:
  db: {image: "postgres:16", environment: {POSTGRES_PASSWORD: x}}
  extra: {image: tool, profiles: [more]}
  migrate: {image: "flyway/flyway:11", command: migrate, depends_on: {db: {condition: service_healthy}}}
  web: {build: ., command: serve}
"""


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("docker compose up -d db", "docker run --env=POSTGRES_PASSWORD=x postgres:16"),
        ("docker compose --profile more up extra", "docker run tool"),
        (
            "docker compose up --exit-code-from migrate migrate",
            "docker run flyway/flyway:11 migrate; docker run --env=POSTGRES_PASSWORD=x postgres:16",
        ),
        ("docker compose up --abort-on-container-failure -t 5 web", "docker run the image of web serve"),
        ("docker compose -f over.yaml up db", "docker run postgres:17"),
        # Nobody is told that what they run failed; a file is not there; another one is included.
        ("docker compose up -d migrate", None),
        ("docker compose up --exit-code-from=db", None),
        ("docker compose up --exit-code-from migrate web migrate", None),
        ("docker compose -f compose.yaml -f missing.yaml up db", None),
        ("docker compose -f more.yaml up db", None),
        ("docker compose up $WHICH", None),
    ],
)
def test_all_that_is_started(line: str, wanted: str | None) -> None:
    files = Files(
        {
            "compose.yaml": UP,
            "over.yaml": "services: {db: {image: 'postgres:17'}}",
            "more.yaml": "include: [other.yaml]\nservices: {db: {image: x}}",
        }
    )
    words = [open_text(each) if each.startswith("$") else each for each in line.split()]
    found = started(words, "", files)
    assert (found if found is None else "; ".join(" ".join(map(shown, each)) for each in found)) == wanted


def test_what_is_laid_over_the_file() -> None:
    files = Files({"compose.yml": UP, "compose.override.yml": "services: {db: {image: mine}}"})
    found = started(["docker", "compose", "up", "db"], "", files)
    assert found == (("docker", "run", "--env=POSTGRES_PASSWORD=x", "mine"),)


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
