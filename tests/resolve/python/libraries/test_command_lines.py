"""What programs take from their command lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.model.possible import shown
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline

CASES = load(Path(__file__).with_name("command_lines.yaml"))
WORKFLOW = """\
on: push
jobs:
  job:
    runs-on: ubuntu-latest
    strategy: {{matrix: {{env: [a, b]}}}}
    env: {{GIVEN: from-job}}
    steps:
      - run: {run}
"""
PROJECT = "[project]\nname = 'x'\nversion = '1'\n[project.scripts]\nship = 'ship:main'\nmissing = 'ship:nowhere'\n"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    files = {".github/workflows/ci.yml": WORKFLOW.format(run=case["run"]), "ship.py": case["code"]}
    made = pipeline(tmp_path, {**files, "pyproject.toml": PROJECT})
    traces, _ = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    found = traces[made.jobs[0]]
    calls = [(call.operation, call) for call in found.aws]
    assert [operation for operation, _ in calls] == [operation for operation, _ in case.get("calls", [])]
    for (_, call), (_, wanted) in zip(calls, case.get("calls", []), strict=True):
        assert {name: shown(call.text(name)) for name in wanted} == wanted
    assert [problem.message for problem in found.problems] == case.get("problems", [])


_IN_A_TEXT = "setup(entry_points='''[console_scripts]\nship=ship:main\n''')\n"


@pytest.mark.parametrize(
    "declared",
    [
        {"setup.cfg": "[options.entry_points]\nconsole_scripts =\n    ship = ship:main\n    other=ship:no\n"},
        {"setup.py": "setup(entry_points={'console_scripts': ['ship = ship:main']})\n"},
        {"setup.py": _IN_A_TEXT},
        {
            "setup.cfg": "[options.entry_points]\nconsole_scripts =\n    ship = ship:main\n",
            "pyproject.toml": "[tool.x]\n",
        },
    ],
)
def test_scripts_that_setuptools_is_told_of_elsewhere(declared: dict[str, str], tmp_path: Path) -> None:
    files = {
        ".github/workflows/ci.yml": WORKFLOW.format(run="ship"),
        "ship.py": "import boto3\ndef main():\n    boto3.client('ecs').list_clusters()\n",
    }
    made = pipeline(tmp_path, {**files, **declared})
    traces, _ = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    assert [call.operation for call in traces[made.jobs[0]].aws] == ["ListClusters"]
