"""What a program does through libraries: followed where they are its repository's, on record where nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.data.harmless import library_is_harmless
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline

CASES = load(Path(__file__).with_name("libraries.yaml"))
WORKFLOW = """\
on: push
jobs:
  job:
    runs-on: ubuntu-latest
    permissions: {id-token: write}
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: {role-to-assume: "arn:aws:iam::111122223333:role/r", aws-region: us-west-2}
      - run: python main.py
"""
FILES = {
    ".github/workflows/ci.yml": WORKFLOW,
    "other.py": "import boto3\nboto3.client('ecs').list_clusters()\n",
    "libs/rolling/src/ops/__init__.py": "",
    "libs/rolling/src/ops/roll.py": "import boto3\ndef go():\n    boto3.client('ecs').stop_task()\n",
}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    made = pipeline(tmp_path, {**FILES, "main.py": case["code"]})
    traces, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    assert [call.operation for trace in traces.values() for call in trace.aws] == case.get("calls", [])
    said = [each.problem.message for each in unfollowed]
    assert len(said) == len(case.get("gaps", [])), said
    assert all(part in message for part, message in zip(case.get("gaps", []), said, strict=True))


def test_a_library_is_known_by_its_own_name_or_that_of_a_part() -> None:
    assert library_is_harmless("os.path")
    assert library_is_harmless("requests.adapters.HTTPAdapter")
    assert library_is_harmless("google.protobuf")
    assert library_is_harmless("mypy_boto3_ecs.client")
    assert not library_is_harmless("google.cloud.run_v2")
    assert not library_is_harmless("requestsx")


def test_what_a_module_asks_for_is_each_programs_own(tmp_path: Path) -> None:
    """A module that reads the command line as it is loaded is not the same for the next program."""
    shared = (
        "import sys, boto3\nCLUSTER = sys.argv[1]\ndef go():\n    boto3.client('ecs').list_services(cluster=CLUSTER)\n"
    )
    main = "import shared\nshared.go()\n"
    steps = WORKFLOW.replace("run: python main.py", 'run: "python one.py blue; python two.py green"')
    made = pipeline(tmp_path, {".github/workflows/ci.yml": steps, "shared.py": shared, "one.py": main, "two.py": main})
    traces, _ = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    assert [call.arguments["cluster"] for trace in traces.values() for call in trace.aws] == ["blue", "green"]


def test_options_that_a_shared_module_declares_are_declared_for_every_program(tmp_path: Path) -> None:
    shared = (
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--cluster', default='blue')\n"
        "options = parser.parse_args()\n"
    )
    main = "import boto3\nfrom shared import options\nboto3.client('ecs').list_services(cluster=options.cluster)\n"
    steps = WORKFLOW.replace("run: python main.py", 'run: "python one.py; python two.py"')
    made = pipeline(tmp_path, {".github/workflows/ci.yml": steps, "shared.py": shared, "one.py": main, "two.py": main})
    traces, _ = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    assert [call.arguments["cluster"] for trace in traces.values() for call in trace.aws] == ["blue", "blue"]
