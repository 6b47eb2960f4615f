"""What variables hold: said beforehand, and as bash does it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import load, trace_of
from tests.work import HANG_SECONDS

CASES = load(Path(__file__).with_name("variables.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_said_beforehand(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, case["run"])
    said = [command.text() for command in trace.commands if command.program == "aws"]
    assert said == [f"aws {each}" for each in case["aws"]]
    sure = [command.certain for command in trace.commands if command.program == "aws"]
    assert all(sure) is not case.get("perhaps", False)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_bash_says_the_same(case: dict[str, Any], tmp_path: Path) -> None:
    working = tmp_path / "aws"
    working.write_text('#!/bin/sh\necho "$*" >> said\n', encoding="utf-8")
    working.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-e", "-c", case["run"]],
        cwd=tmp_path,
        env={"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    said = (tmp_path / "said").read_text(encoding="utf-8").splitlines()
    assert said == case.get("bash", case["aws"])
