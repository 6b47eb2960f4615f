"""Programs that builds and tests of other languages start in a job with a role are on record; ordinary ones are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.builds import starts_programs
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline
from tests.resolve.trace.test_gaps import LOGIN, written

CASES = load(Path(__file__).with_name("builds.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    job = {"permissions": {"id-token": "write"}, "steps": [LOGIN, *({"run": run} for run in case["runs"])]}
    made = pipeline(tmp_path, {".github/workflows/ci.yml": written(job), **case.get("files", {})})
    _, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    first = written(job).split("\n").index("    steps:") + 2
    assert sorted({each.problem.spot.line - first for each in unfollowed}) == case["gaps"], [
        each.problem.message for each in unfollowed
    ]


def test_a_build_before_the_credentials_concerns_nobody(tmp_path: Path) -> None:
    job = {"permissions": {"id-token": "write"}, "steps": [{"run": "cargo build"}, LOGIN, {"run": "aws s3 ls"}]}
    files = {".github/workflows/ci.yml": written(job), "build.rs": 'fn main() { Command::new("./ship.sh"); }\n'}
    _, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(pipeline(tmp_path, files).jobs)
    assert unfollowed == ()


class Files:
    """A repository of one file."""

    def __init__(self, path: str, text: str) -> None:
        self._path, self._text = path, text

    def text(self, path: str) -> str | None:
        return self._text if path == self._path else None

    def build_files(self) -> tuple[str, ...]:
        return (self._path,)


@pytest.mark.parametrize(
    ("program", "path", "text"),
    [
        ("mvn", "pom.xml", "<plugin><execution>" * 9_000),
        ("mvn", "pom.xml", "<!--" * 40_000),
        ("dotnet", "a.csproj", "<Target><Exec " * 9_000),
        ("dotnet", "a.csproj", "<PreBuildEvent>" * 9_000),
        ("cmake", "CMakeLists.txt", "execute_process(" * 9_000),
        ("cmake", "CMakeLists.txt", "add_custom_target(a COMMAND ls)\n" * 5_000),
        ("gradle", "build.gradle", "task a(type: Exec) { commandLine 'ls' }\n" * 4_000),
        ("gradle", "build.gradle", "task a(type: Exec) {\n" * 5_000 + "exec { commandLine 'ls' }\n" * 3_000),
        ("gradle", "build.gradle", "\n" * 200_000),
        ("sbt", "build.sbt", '"' * 100_000 + "\n" * 100_000),
        ("cargo", "build.rs", "Command::new(" * 10_000),
    ],
    ids=lambda given: repr(given[:20]),
)
def test_made_up_builds_come_to_an_end(program: str, path: str, text: str) -> None:
    starts_programs(Files(path, text), program, ("build", "package"), "")
