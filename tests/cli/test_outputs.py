"""What cannot be written is told before anything is read or judged; what fails at the end loses no result."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from checker.cli import run

TEMPLATE = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
SNAPSHOT = {"schema": "checker-snapshot/1", "account": "111111111111", "region": "us-east-1", "stacks": []}
FULL = Path("/dev/full")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a template, a stored account, and a folder for what is temporary."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "t.yaml").write_text(TEMPLATE)
    (folder / "s.json").write_text(json.dumps(SNAPSHOT))
    (folder / "other.json").write_text("{}")
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "kept"))
    monkeypatch.chdir(folder)
    return folder


# Whoever is asked would not answer: what is refused is refused before.
NOWHERE = ["--endpoint-url", "http://127.0.0.1:9"]
COMMANDS = {
    "gate": ["gate", "--assembly", "production=t.yaml"],
    "audit": ["audit", *NOWHERE],
    "preflight": ["preflight", *NOWHERE],
    "drift": ["drift", "--assembly", "production=t.yaml", *NOWHERE],
}


# By command what it has no option for: a gate reads no account.
WITHOUT = {"gate": ("--save-snapshot",), "drift": ("--history", "--baseline")}
REFUSED = [
    (["--format", "json=no/run.json"], "--format json=no/run.json: cannot be written: there is no folder no"),
    (["--format", "json=t.yaml/run.json"], "cannot be written: t.yaml is no folder"),
    (["--format", "json=."], "--format json=.: cannot be written: it is a folder"),
    (["--format", "xlsx"], "no format 'xlsx'"),
    (["--format", f"json={'x' * 300}"], "File name too long"),
    (["--save-snapshot", "no/s.json"], "--save-snapshot no/s.json: cannot be written: there is no folder no"),
    (["--history", "no/h.sqlite"], "--history no/h.sqlite: cannot be written: there is no folder no"),
    (["--baseline", "no.json"], "no.json: no such file"),
    (["--baseline", "other.json"], "other.json: not a checker-run/1 document"),
]


@pytest.mark.parametrize(
    ("command", "words", "said"),
    [(command, *each) for command in COMMANDS for each in REFUSED if each[0][0] not in WITHOUT.get(command, ())],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_what_cannot_be_written_is_told_first(
    command: str, words: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.iterdir())
    assert run([*COMMANDS[command], *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    first, second = err.splitlines()
    assert first.startswith("error: ")
    assert second.startswith("  fix: ")
    assert sorted(here.iterdir()) == before


def test_a_baseline_of_another_command_is_told_first(capsys: pytest.CaptureFixture[str]) -> None:
    run(["gate", "--assembly", "production=t.yaml", "--format", "json=gate.json"])
    assert run(["audit", *NOWHERE, "--baseline", "gate.json"]) == 2
    assert "a run of gate, and it is held against one of audit" in capsys.readouterr().err


def test_a_folder_that_is_closed_is_told_first(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "closed").mkdir()
    asked = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: "closed" not in str(path) and asked(path, mode)
    )  # root may all
    assert run([*COMMANDS["audit"], "--save-snapshot", "closed/s.json"]) == 2
    assert "nothing can be written in the folder closed" in capsys.readouterr().err


def test_the_store_of_earlier_runs_makes_its_own_folder(here: Path) -> None:
    run([*COMMANDS["gate"], "--history"])
    assert (here / ".checker" / "history.sqlite").is_file()


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is full")
@pytest.mark.parametrize("command", ["gate", "audit", "preflight", "drift"])
def test_a_report_that_cannot_be_written_at_the_end_is_kept_and_told(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account = ["--snapshot", "s.json"]
    given = COMMANDS[command] if command == "gate" else [each for each in COMMANDS[command] if each not in NOWHERE]
    words = [*given, *(account if command != "gate" else []), "--format", "json=/dev/full", "--format", "markdown=m.md"]
    assert run(words) == 2
    out, err = capsys.readouterr()
    (kept,) = (tmp_path / "kept").iterdir()
    assert json.loads(kept.read_text())["command"] == command
    assert err.splitlines()[-2:] == [
        "error: /dev/full: cannot be written: No space left on device",
        f"  fix: It is kept in {kept}. Check the folder.",
    ]
    assert Path("m.md").read_text() != ""
    assert out != ""  # and the result is shown, where nothing else was to be


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is full")
@pytest.mark.parametrize("command", ["audit", "preflight", "drift"])
def test_a_snapshot_that_cannot_be_written_is_judged_all_the_same(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [each for each in COMMANDS[command] if each not in NOWHERE]
    words = [*given, "--snapshot", "s.json", "--save-snapshot", "/dev/full", "--format", "json"]
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["command"] == command
    (kept,) = (tmp_path / "kept").iterdir()
    assert json.loads(kept.read_text())["account"] == "111111111111"
    assert "/dev/full: cannot be written" in err


def test_recording_that_cannot_be_is_told_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "policies").write_text("a file, and no folder")
    assert run([*COMMANDS["drift"], "--record"]) == 2
    assert "--record: policies/drift.yaml: cannot be written" in capsys.readouterr().err
