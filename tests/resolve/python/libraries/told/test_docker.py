"""Docker's library for Python: its calls on record as the lines of docker that do the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import pipeline
from tests.resolve.python.test_libraries import FILES

_HEAD = "import docker\nTAG = 'v1'\nclient = docker.from_env()\n"


def _told(code: str, tmp_path: Path) -> tuple[list[str], list[str]]:
    made = pipeline(tmp_path, {**FILES, "main.py": _HEAD + code})
    traces, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    commands = [each.text() for trace in traces.values() for each in trace.commands]
    return [each for each in commands if not each.startswith("python")], [each.problem.message for each in unfollowed]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("client.images.push('r.example/web', tag=TAG)", ["docker push r.example/web:v1"]),
        ("client.images.push(repository='r.example/web:v2')", ["docker push r.example/web:v2"]),
        ("docker.APIClient().push('r.example/web', 'v3')", ["docker push r.example/web:v3"]),
        (
            "for line in client.api.push('r.example/web', TAG, stream=True):\n    print(line)",
            ["docker push r.example/web:v1"],
        ),
        ("image, log = client.images.build(path='app', tag=f'web:{TAG}')", ["docker build --tag web:v1 app"]),
        ("client.containers.run('alpine:3', 'echo one', remove=True)", ["docker run alpine:3 echo one"]),
        ("client.containers.run('tool', ['a', TAG], entrypoint='sh')", ["docker run --entrypoint sh tool a v1"]),
        ("print(client.containers.run('alpine:3', 'ls').decode().strip())", ["docker run alpine:3 ls"]),
        ("client.containers.run('alpine:3', 'ls', detach=True).wait()", ["docker run alpine:3 ls"]),
        ("client.login(registry='x'); client.ping(); client.images.pull('a'); print(client.containers.list())", []),
    ],
)
def test_a_call(code: str, said: list[str], tmp_path: Path) -> None:
    commands, gaps = _told(code, tmp_path)
    assert commands == said
    assert [each for each in gaps if "alpine" not in each and "tool" not in each] == []


def test_an_images_own_name(tmp_path: Path) -> None:
    commands, gaps = _told("client.images.get('web').tag('r.example/web', tag=TAG)", tmp_path)
    assert [each.rpartition(" ")[2] for each in commands] == ["r.example/web:v1"]
    assert gaps == []


@pytest.mark.parametrize(
    "code",
    [
        "client.services.create('web:1')",
        "client.containers.get('x').exec_run('aws ecs x')",
        "client.containers.create('amazon/aws-cli', 'ecs x').start()",
        "client.images.push(*names())",
        "client.containers.get('x').decode()",
    ],
)
def test_what_is_not_told_is_not_followed(code: str, tmp_path: Path) -> None:
    commands, gaps = _told(code, tmp_path)
    assert commands == []
    assert gaps == ["what the Python library docker does was not followed"]
