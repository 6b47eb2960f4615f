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
        'CMD ["bash", "-o", "pipefail", "go.sh"]',
        'CMD ["bash", "-oe", "pipefail", "/app/go.sh"]',
        'CMD ["bash", "--norc", "+O", "extglob", "-e", "--", "go.sh"]',
        'CMD ["bash", "-ceu", "./go.sh"]',
        'SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nCMD ./go.sh',
        'RUN python3 - <<EOF\nfrom os import path\nEOF\nENTRYPOINT ["./go.sh"]',
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


def test_many_containers_are_followed_and_of_more_it_is_told(tmp_path: Path) -> None:
    def of(count: int) -> dict[str, str]:
        made = {f"s{number:03}/Dockerfile": 'FROM x\nCOPY run.sh /r\nCMD ["/r"]\n' for number in range(count)}
        return {**made, **{name.replace("Dockerfile", "run.sh"): _SCRIPT for name in made}, "m/V1__a.sql": "SELECT 1;"}

    found = pipeline_of(repository(tmp_path / "few", of(60)), Settings(), ())
    assert found is not None
    assert (len(found.containers), found.of_containers) == (60, ())
    found = pipeline_of(repository(tmp_path / "many", of(201)), Settings(), ())
    assert found is not None
    [problem] = found.of_containers
    assert (len(found.containers), problem.spot.file) == (200, "s200/Dockerfile")


def test_of_a_recipe_that_is_too_much_it_is_told(tmp_path: Path) -> None:
    files = {"Dockerfile": _IMAGE + "ENV A=aaaaaaaa\n" + "ENV A=$A$A\n" * 40, "m/V1__a.sql": "SELECT 1;"}
    found = pipeline_of(repository(tmp_path, files), Settings(), ())
    assert found is not None
    assert [str(each.spot) for each in found.of_containers if each.unread] == ["Dockerfile:1"]


def test_of_a_script_that_the_recipe_changes_it_is_told(tmp_path: Path) -> None:
    start = 'CMD ["./go.sh"]\n'
    changes = {"Dockerfile": f"{_IMAGE}RUN sed -i s/a/b/ go.sh other.sh\n{start}", "other.sh": _SCRIPT}
    innocent = {**changes, "Dockerfile": f"{_IMAGE}RUN sed -i s/a/b/ other.sh\n{start}"}
    calls = "#!/bin/sh\nexec ./other.sh\n"
    for number, (files, script, told) in enumerate(
        [(changes, _SCRIPT, 1), (changes, calls, 2), (innocent, _SCRIPT, 0), (innocent, calls, 1)]
    ):
        root = repository(tmp_path / str(number), {**files, "go.sh": script, "m/V1__a.sql": "SELECT 1;"})
        found = pipeline_of(root, Settings(), ())
        assert found is not None
        assert len(found.containers) == 1
        assert [str(each.spot) for each in found.of_containers] == ["Dockerfile:4"] * told
