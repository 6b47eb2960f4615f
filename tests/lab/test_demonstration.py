"""``make audit``: what README.md shows of it are its steps, and they end as they should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from checker.collect.github.client import TOKENS
from tools.demonstration import STEPS

ROOT = Path(__file__).parents[2]


def test_the_readme_shows_its_steps() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\$ checker (.+)$", text, re.MULTILINE)
    assert shown == [" ".join(step) for step, _ in STEPS[1:]]


def test_it_ends_as_it_should_and_leaves_nothing_running(own_assembly: Path) -> None:
    """The fixture synthesizes first: one process at a time does."""
    assert own_assembly.is_dir()
    done = subprocess.run(
        [sys.executable, "-m", "tools.demonstration"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in TOKENS},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "BackupRetentionPeriod: changed in the account: code 14, live 2" in done.stdout
    (totals,) = re.findall(r"^2 defects.*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert totals in done.stdout.splitlines()
    assert not (ROOT / ".checker/lab.json").exists()
