"""What becomes of a program when a call fails: said beforehand, and as Python does it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checker.model.pipeline.scripts import AwsCall
from tests.answers import said
from tests.pipelines import load, trace_of
from tests.work import HANG_SECONDS

CASES = load(Path(__file__).with_name("ends.yaml"))
HEAD = """
import asyncio, contextlib, sys
from concurrent.futures import ThreadPoolExecutor, as_completed
import boto3
ecs = boto3.client("ecs")
"""
# What the program gets for boto3: a client whose calls are refused.
REFUSING = """
class Refused(Exception):
    pass

class Client:
    def update_service(self, **given):
        raise Refused

def client(name):
    return Client()
"""


def program_of(case: dict[str, Any]) -> str:
    return HEAD + str(case["program"]).replace("CALL", "ecs.update_service(cluster='c', service='s')")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_said_beforehand(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, "python p.py", {"p.py": program_of(case)})
    assert {said(each.handling.ends) for each in trace.actions if isinstance(each, AwsCall)} == {case["ends"]}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_python_says_the_same(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "boto3.py").write_text(REFUSING, encoding="utf-8")
    (tmp_path / "p.py").write_text(program_of(case), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "p.py"], cwd=tmp_path, capture_output=True, timeout=HANG_SECONDS, check=False
    )
    assert (done.returncode != 0) is case["ends"], done.stderr


def test_a_generator_that_nobody_goes_through_runs_nothing(tmp_path: Path) -> None:
    program = "import boto3\n\ndef go():\n    boto3.client('ecs').update_service(service='s')\n    yield 1\n\ngo()\n"
    assert trace_of(tmp_path, "python p.py", {"p.py": program}).aws == ()
