"""Whether make fails where a command of a recipe does: said beforehand, and as make does it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.answers import said
from tests.pipelines import load, trace_of
from tests.work import HANG_SECONDS

CASES = load(Path(__file__).with_name("ends.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_said_beforehand(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, case.get("run", "make go"), {"Makefile": case["file"]})
    assert {said(each.handling.ends) for each in trace.commands if each.program == "aws"} == {case["ends"]}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_make_says_the_same(case: dict[str, Any], tmp_path: Path) -> None:
    failing = tmp_path / "aws"
    failing.write_text("#!/bin/sh\nexit 255\n", encoding="utf-8")
    failing.chmod(0o755)
    (tmp_path / "Makefile").write_text(case["file"], encoding="utf-8")
    done = subprocess.run(
        ["bash", "-e", "-c", case.get("run", "make go")],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert (done.returncode != 0) is case["ends"]


@pytest.mark.parametrize("run", ["make -n go", "make -sn go", "make -t go", "make --touch go", "make -q go"])
def test_nothing_is_run(run: str, tmp_path: Path) -> None:
    assert trace_of(tmp_path, run, {"Makefile": "go:\n\taws ecs x\n"}).aws == ()
