"""What becomes of a script when a command fails: said beforehand, and as bash does it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.answers import said
from tests.pipelines import load, trace_of
from tests.work import HANG_SECONDS

CASES = load(Path(__file__).with_name("rehearsal.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_said_beforehand(case: dict[str, Any], tmp_path: Path) -> None:
    asked = next(command for command in trace_of(tmp_path, case["run"]).commands if command.program == "aws")
    assert said(asked.handling.ends) is case["ends"]


RUN = [case for case in CASES if case.get("bash", True)]


@pytest.mark.parametrize("case", RUN, ids=[case["name"] for case in RUN])
def test_bash_says_the_same(case: dict[str, Any], tmp_path: Path) -> None:
    failing = tmp_path / "aws"
    failing.write_text("#!/bin/sh\nexit 255\n", encoding="utf-8")
    failing.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", case["run"]],
        cwd=tmp_path,
        env={"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert (done.returncode != 0) is case["ends"]


@pytest.mark.parametrize(
    ("behind", "decides"),
    [
        ('echo "it is $x"', False),
        ('[ "$x" = y ]', True),
        ('if [ "$x" != y ]; then echo no; fi', False),
        ('if [ "$x" != y ]; then exit 1; fi', True),
        ('case "$x" in y) ;; *) exit 1 ;; esac', True),
    ],
)
def test_an_answer_that_can_end_the_script(behind: str, decides: bool, tmp_path: Path) -> None:
    asked = next(
        command for command in trace_of(tmp_path, f"x=$(aws x)\n{behind}").commands if command.program == "aws"
    )
    assert said(asked.handling.decides) is decides
