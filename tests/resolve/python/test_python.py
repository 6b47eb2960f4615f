"""Python deploy code followed without importing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.model.pipeline.scripts import AwsCall, Reached
from checker.model.possible import Possible, shown
from checker.model.sources import Spot
from checker.resolve.python.code import follow
from tests.answers import said
from tests.pipelines import load, repository, trace_of

CASES = load(Path(__file__).with_name("python.yaml"))


def facts(call: AwsCall) -> dict[str, Any]:
    return {
        "how": call.how.value,
        "waiter": call.waiter,
        "certain": call.certain,
        "stops": call.handling.stops,
        "swallowed": call.handling.swallowed,
        "retried": call.handling.retried,
        "loop": call.loop.kind if call.loop else None,
        "complete": call.complete,
    }


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    given_variables = "".join(f"{name}={value} " for name, value in case.get("environment", {}).items())
    run = f"{given_variables}python deploy.py {' '.join(case.get('words', []))}"
    trace = trace_of(tmp_path, run, {"deploy.py": case["code"]})
    said = [[call.spot.line, call.service, call.operation] for call in trace.aws]
    assert said == [entry[:3] for entry in case["calls"]]
    for call, (_, _, _, wanted) in zip(trace.aws, case["calls"], strict=True):
        known = facts(call)
        assert {name: known[name] for name in wanted if name != "with"} == {
            name: value for name, value in wanted.items() if name != "with"
        }
        for name, value in wanted.get("with", {}).items():
            assert shown(call.text(name)) == value
    assert trace.problems == ()


def test_modules_are_followed_by_their_imports(tmp_path: Path) -> None:
    files = {
        "tools/deploy/__init__.py": "",
        "tools/deploy/__main__.py": "from .cli import main\nraise SystemExit(main())\n",
        "tools/deploy/cli.py": "import tools.deploy.clients\nfrom tools.deploy import roll as rolling\n"
        "def main():\n    rolling.roll(tools.deploy.clients.ecs())\n    return 0\n",
        "tools/deploy/clients.py": "import boto3\ndef ecs():\n    return boto3.client('ecs')\n",
        "tools/deploy/roll.py": "def roll(client):\n    client.update_service(service='api')\n",
        "pyproject.toml": "[project]\nname = 'x'\nversion = '1'\n[project.scripts]\nship = 'tools.deploy.cli:main'\n",
    }
    for run in ("python -m tools.deploy", "uv run ship --now", "cd tools && python -m deploy"):
        trace = trace_of(tmp_path, run, files)
        found = [str(call.spot) for call in trace.aws]
        assert found == (["tools/deploy/roll.py:2"] if "cd" not in run else found), run
    assert [problem.message for problem in trace_of(tmp_path, "python missing.py").problems] == [
        "the Python file missing.py was not found in the repository"
    ]


def test_code_inside_of_scripts_keeps_its_lines(tmp_path: Path) -> None:
    run = (
        "python - <<'EOF'\nimport boto3\nboto3.client('ecs').list_clusters()\nEOF\n"
        "python -c \"import boto3; boto3.client('sts').get_caller_identity()\""
    )
    trace = trace_of(tmp_path, run)
    assert [call.operation for call in trace.aws] == ["ListClusters", "GetCallerIdentity"]
    python = trace_of(
        tmp_path, "", steps=[{"shell": "python", "run": "import boto3\nboto3.client('ecs').list_clusters()\n"}]
    )
    assert [call.operation for call in python.aws] == ["ListClusters"]


def test_what_cannot_be_followed_is_said(tmp_path: Path) -> None:
    code = (
        "import boto3, subprocess\nboto3.client(name())\nboto3.resource('s3').Bucket('x').never()\n"
        "boto3.client('nosuch')\nboto3.client('ecs').get_waiter('never').wait()\nsubprocess.run(command)\n"
    )
    trace = trace_of(tmp_path, "python deploy.py", {"deploy.py": code})
    assert [(problem.spot.line, problem.message.split(" ")[0]) for problem in trace.problems] == [
        (2, "a"), (3, "what"), (4, "there"), (5, "ecs"), (6, "a"),
    ]  # fmt: skip
    broken = trace_of(tmp_path, "python broken.py", {"broken.py": "def (:\n"})
    assert not broken.complete


def test_nothing_is_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'w').close()\n__import__('os').system('touch {marker}')\n"
    trace_of(tmp_path, "python deploy.py", {"deploy.py": code})
    assert not marker.exists()


@pytest.mark.parametrize(
    "code",
    [
        "def f(): f()\nf()\n",
        "def f(n):\n    return f(n) + f(n)\nf(1)\n",
        "\n".join(f"def f{n}(): f{n - 1}(); f{n - 1}(x={n})" for n in range(1, 60)) + "\nf59()\n",
        "class A(A): pass\nA().x()\n",
        "x = " + "[" * 150 + "]" * 150,
        "x = " + "-" * 3000 + "1",
        "import deploy\nfrom deploy import *\nfrom . import deploy\n",
        "x = 'a' * 10\n" + "x = x + x\n" * 60,
        "a = b = [1]\nfor i in a:\n    a.append(i)\n" * 50,
    ],
    ids=range(9),
)
def test_what_goes_round_ends(code: str, tmp_path: Path) -> None:
    repository(tmp_path, {"deploy.py": code})
    follow(ScriptLibrary(tmp_path), "deploy.py", Reached(Spot("deploy.py")))


@pytest.mark.parametrize(
    "written", ["len(" * 40 + "x" + ")" * 40, "x" + ".startswith(1)" * 40, "x" + ".run(1)" * 40], ids=range(3)
)
def test_calls_in_calls_are_gone_through_once(written: str, tmp_path: Path) -> None:
    """Twice on every level would take years."""
    code = f"import boto3\nx = open('y')\nz = {written}\nboto3.client('ecs').update_service(cluster='a', service='b')\n"
    (call,) = trace_of(tmp_path, "python deploy.py", {"deploy.py": code}).aws
    assert said(call.handling.ends) is True


LINES = st.sampled_from(
    """
import boto3
x = boto3.client('ecs')
x.list_clusters()
def f(a, *b, c=1, **d):
    return a
f(1, *x, **y)
class C:
    z: int = 1
    def m(self): return self.z
C().m()
for i in [1, 2]:
    x = i
while x:
    break
try:
    pass
except Exception:
    raise
with a as b:
    b.c()
y = {1: 2, **x}[1]
z = [i for i in x if i]
print(f'{x}{y!r:>{z}}')
x = lambda: f(x)
x()
match x:
    case 'a': pass
async def g(): await f(1)
del x
x, *y = f(1)
x += 1
assert x, y
global q
yield x
""".strip("\n").split("\n")
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.lists(LINES, max_size=25))
def test_no_program_breaks_the_follower(tmp_path: Path, lines: list[str]) -> None:
    repository(tmp_path, {"deploy.py": "\n".join(lines) + "\n"})
    arguments: tuple[Possible, ...] = ("roll", "--x", "1")
    follow(ScriptLibrary(tmp_path), "deploy.py", Reached(Spot("deploy.py")), arguments)
