"""A command that somebody ends says so, with the exit code that a shell knows it by, and nothing goes on without it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW = """
import os, pathlib, time
pathlib.Path("started").write_text(str(os.getpid()))
time.sleep(60)
"""


# Whoever runs the tests in the background may have signals ignored, and what is ignored stays so.
HEARD = """
import os, signal, sys
signal.signal(int(sys.argv[1]), signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def until(file: Path) -> str:
    for _ in range(600):
        if file.exists() and file.read_text():
            return file.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{file} was not written")


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended stays in the table until whoever inherits it asks for it.
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_what_it_has_started_ends_with_it(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "checker.toml").write_text('synthesis_command = ["python", "slow.py"]\n')
    command = [sys.executable, "-c", HEARD, str(int(number)), "-m", "checker", "gate", "--format", "json=run.json"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child = int(until(tmp_path / "started"))
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert out == ""
    assert err.strip().splitlines() == [
        f"error: stopped by {number.name}",
        "  fix: What was asked for is not done: run it again.",
    ]
    for _ in range(100):
        if not runs(child):
            break
        time.sleep(0.05)
    assert not runs(child)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".checker", "checker.toml", "slow.py", "started"]


def test_what_is_told_to_go_on_does(tmp_path: Path) -> None:
    """``nohup``: a signal that is ignored stays so."""
    (tmp_path / "slow.py").write_text(SLOW.replace("60", "2"))
    (tmp_path / "checker.toml").write_text('synthesis_command = ["python", "slow.py"]\n')
    words = f"trap '' HUP; exec '{sys.executable}' -m checker gate"
    process = subprocess.Popen(["bash", "-c", words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(tmp_path / "started")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 2  # what was run made no assembly
