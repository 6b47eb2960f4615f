"""What sh makes of bash's own words, held against the shells themselves where they are there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.shell_syntax import parse_shell
from checker.resolve.shell.dialects.plain_sh import DASH, not_of_sh
from tests.pipelines import load, trace_of

CASES = load(Path(__file__).with_name("plain_sh.yaml"))
NAMES = [case["run"] for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_words_of_bash_alone_are_named(case: dict[str, Any]) -> None:
    found = not_of_sh(parse_shell(case["run"], "x.sh"), DASH)
    said = [f"`{case['says']}` is bash's own, and sh runs this: what becomes of it was not followed"]
    assert [each.message for each in found] == (said if case["says"] else [])


@pytest.mark.skipif(not (shutil.which("dash") and shutil.which("bash")), reason="both shells are needed")
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_shells_differ_there_alone(case: dict[str, Any], tmp_path: Path) -> None:
    ended = []
    for shell in ("bash", "dash"):
        folder = tmp_path / shell
        folder.mkdir()
        (folder / "x.sh").write_text(case["run"] + "\n", encoding="utf-8")
        done = subprocess.run([shell, "x.sh"], cwd=folder, capture_output=True, check=False, timeout=20)
        ended.append((done.returncode, done.stdout))
    assert (ended[0] == ended[1]) is case.get("same", not case["says"]), ended


WHO_RUNS = load(Path(__file__).with_name("who_runs.yaml"))


@pytest.mark.parametrize("case", WHO_RUNS, ids=[case["name"] for case in WHO_RUNS])
def test_who_runs_it(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, case.get("run", ""), case.get("files"), **case.get("job", {}))
    said = [f"`{case['says']}` is bash's own, and sh runs this: what becomes of it was not followed"]
    assert [each.message for each in trace.problems] == (said if case["says"] else [])
