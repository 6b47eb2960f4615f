"""Which containers start scripts of the repository, and what these do there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.model.settings import Settings
from checker.run.pipeline import pipeline_of
from tests.pipelines import repository, workflow

_SCRIPT = "#!/bin/sh\nset -e\necho migrating\n"
_IMAGE = "FROM x\nWORKDIR /app\nCOPY . .\n"


def _commands(root: Path, files: dict[str, str], told: list[str] | None = None) -> list[list[str]]:
    """The commands of each container that is followed, by the files that they stand in."""
    override = json.dumps({"containerOverrides": [{"name": "a", "command": told}]})
    task = workflow(f"aws ecs run-task --cluster c --task-definition a --overrides '{override}'")
    given = {".github/workflows/d.yml": task} if told is not None else {"m/V1__a.sql": "SELECT 1;"}
    found = pipeline_of(repository(root, {**given, **files}), Settings(), ())
    assert found is not None
    return [[f"{each.spot.file}: {each.program}" for each in one.trace.commands] for one in found.containers]


@pytest.mark.parametrize(
    "start",
    [
        'ENTRYPOINT ["./go.sh"]',
        'ENTRYPOINT ["/app/go.sh"]',
        'CMD ["sh", "go.sh"]',
        "CMD ./go.sh",
        'ENTRYPOINT ["dumb-init", "--", "./go.sh"]',
        'ENTRYPOINT ["gosu", "app", "/app/go.sh"]',
        'COPY go.sh /usr/local/bin/\nENTRYPOINT ["go.sh"]',
    ],
)
def test_what_an_image_starts_is_followed(start: str, tmp_path: Path) -> None:
    assert _commands(tmp_path, {"Dockerfile": _IMAGE + start, "go.sh": _SCRIPT}) == [["go.sh: echo"]]


@pytest.mark.parametrize("start", ['ENTRYPOINT ["./go"]', 'CMD ["node", "go.js"]', 'ENTRYPOINT ["/opt/go.sh"]', ""])
def test_what_is_no_script_of_the_repository_is_not(start: str, tmp_path: Path) -> None:
    assert _commands(tmp_path, {"Dockerfile": _IMAGE + start, "go.sh": _SCRIPT, "go": "\x7fELF"}) == []


@pytest.mark.parametrize("told", [["./go.sh"], ["bash", "/app/go.sh"], ["sh", "-c", "./go.sh && true"]])
def test_what_a_task_is_told_is_followed(told: list[str], tmp_path: Path) -> None:
    found = _commands(tmp_path, {"Dockerfile": _IMAGE, "go.sh": _SCRIPT}, told)
    assert [each[0] for each in found] == ["go.sh: echo"]


def test_it_comes_behind_the_entry_point_of_the_image(tmp_path: Path) -> None:
    entry = '#!/bin/sh\nif [ "$1" = up ]; then\n  exec ./go.sh\nfi\nexec "$@"\n'
    files = {"Dockerfile": _IMAGE + 'ENTRYPOINT ["./entry.sh"]', "entry.sh": entry, "go.sh": _SCRIPT}
    assert _commands(tmp_path, files, ["up"])[-1] == ["go.sh: echo"]
    assert _commands(tmp_path, files, ["down"])[-1] == ["entry.sh: down"]


def test_a_line_is_run_in_the_image_that_has_its_script(tmp_path: Path) -> None:
    files = {"a/Dockerfile": _IMAGE, "b/Dockerfile": _IMAGE, "b/go.sh": _SCRIPT}
    assert _commands(tmp_path, files, ["sh", "-c", "./go.sh"]) == [["b/go.sh: echo"]]
    assert _commands(tmp_path, {**files, "a/go.sh": _SCRIPT}, ["sh", "-c", "./go.sh"]) == []


def test_a_container_has_no_variables_of_a_job(tmp_path: Path) -> None:
    script = '#!/bin/sh\nif [ -n "$SKIP" ]; then\n  exit 0\nfi\npsql -f a.sql\n'
    root = repository(tmp_path, {"Dockerfile": _IMAGE + 'CMD ["./go.sh"]', "go.sh": script, "m/V1__a.sql": "SELECT 1;"})
    found = pipeline_of(root, Settings(), ())
    assert found is not None
    [container] = found.containers
    assert [each.program for each in container.trace.commands if not each.reached.certain] != []
