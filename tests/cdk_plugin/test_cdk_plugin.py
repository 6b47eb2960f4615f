"""`cdk synth` itself: passes on our stacks, refuses a broken one with the finding readable and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CDK = ROOT / "node_modules" / ".bin" / "cdk"


def cdk_synth(folder: Path, app: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [str(CDK), "synth", "--quiet", "--app", f"{sys.executable} {app}", "--output", str(folder), *more]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CDK_"))}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_our_own_stacks_pass(tmp_path: Path) -> None:
    done = cdk_synth(tmp_path / "out", "app.py", "--context", "env=all")
    assert (done.returncode, done.stderr.count("GATE OFF")) == (0, 0), done.stdout + done.stderr
    assert (tmp_path / "out" / "DocPlatformProd.template.json").exists()


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("broken") / "out"
    done = cdk_synth(out, "tests/cdk_plugin/broken_app.py", "--context", "env=all")
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_a_broken_stack_is_refused(refused: str) -> None:
    assert "C8" in refused
    assert "infra/constructs/data.py:" in refused
    assert "StorageEncrypted" in refused


def test_a_refusal_is_no_traceback(refused: str) -> None:
    assert "Traceback" not in refused


@pytest.mark.parametrize("excuse", [["--context", "acknowledge=true"], ["--ignore-errors"]], ids=" ".join)
def test_nothing_of_cdks_own_excuses_a_finding(tmp_path: Path, excuse: list[str]) -> None:
    done = cdk_synth(tmp_path / "out", "tests/cdk_plugin/broken_app.py", "--context", "env=all", *excuse)
    assert done.returncode != 0
    assert "C8" in done.stderr


def test_without_the_cdk_command_the_app_refuses_too(tmp_path: Path) -> None:
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path / "out")}
    command = [sys.executable, "tests/cdk_plugin/broken_app.py"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_the_gate_can_be_switched_off_and_says_so(tmp_path: Path) -> None:
    arguments = ("--context", "env=all", "--context", "gate=off")
    done = cdk_synth(tmp_path / "out", "tests/cdk_plugin/broken_app.py", *arguments)
    assert done.returncode == 0
    assert "GATE OFF" in done.stderr
