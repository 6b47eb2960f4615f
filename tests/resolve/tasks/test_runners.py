"""What just, task and npm run, and whether it fails: said beforehand, and as they do it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.answers import said
from tests.pipelines import load, repository, trace_of
from tests.work import HANG_SECONDS

CASES = load(Path(__file__).with_name("runners.yaml"))
NAMES = [f"{case['run']}: {case['text']}"[:90] for case in CASES]
AWS = '#!/bin/sh\necho "$@" >> {log}\nexit {code}\n'


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_said_beforehand(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, case["run"], {case["file"]: case["text"], **case.get("files", {})})
    calls = [each for each in trace.commands if each.program == "aws"]
    assert sorted({" ".join(map(str, each.words[1:])) for each in calls}) == sorted(set(case["calls"]))
    assert {said(each.handling.ends) for each in calls} == ({case["ends"]} if calls else set())


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_runner_does_the_same(case: dict[str, Any], tmp_path: Path) -> None:
    repository(tmp_path, {case["file"]: case["text"], **case.get("files", {})})
    (tmp_path / "sub").mkdir(exist_ok=True)
    calls, _ = _run(case, tmp_path, 0)
    assert calls == case["calls"]
    if calls:
        _, failed = _run(case, tmp_path, 255)
        assert failed is case["ends"]


def _run(case: dict[str, Any], folder: Path, code: int) -> tuple[list[str], bool]:
    """The calls that are made where each ends with this code, and whether all fails."""
    log, program = folder / "log", folder / "bin/aws"
    program.parent.mkdir(exist_ok=True)
    program.write_text(AWS.format(log=log, code=code), encoding="utf-8")
    program.chmod(0o755)
    log.unlink(missing_ok=True)
    path = os.pathsep.join((str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-e", "-c", case["run"]],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "npm_config_update_notifier": "false"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else [], done.returncode != 0
