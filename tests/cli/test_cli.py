"""The command line as people and pipelines hold on to it: output, errors, exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checker.cli import run
from checker.errors import ExitCode

ROOT = Path(__file__).parents[2]
CLEAN = "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n"
BROKEN = "Resources:\n  Cache:\n    Type: AWS::ElastiCache::CacheCluster\n    Properties: {Engine: redis}\n"
OPEN = """
Parameters: {Encrypt: {Type: String}}
Resources:
  Cache:
    Type: AWS::ElastiCache::ReplicationGroup
    Properties: {AtRestEncryptionEnabled: !Ref Encrypt, TransitEncryptionEnabled: true, UserGroupIds: [users]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clean.yaml").write_text(CLEAN)
    (tmp_path / "broken.yaml").write_text(BROKEN)
    (tmp_path / "open.yaml").write_text(OPEN)
    return tmp_path


def test_exit_codes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gate", "--assembly", "clean.yaml"]) == ExitCode.CLEAN
    assert run(["gate", "--assembly", "broken.yaml"]) == ExitCode.FAILED
    assert run(["gate", "--assembly", "missing.yaml"]) == ExitCode.USAGE
    assert run(["gate", "--assembly", "open.yaml"]) == ExitCode.INCOMPLETE
    assert run(["gate", "--assembly", "open.yaml", "--unknown", "report"]) == ExitCode.CLEAN
    assert "Traceback" not in capsys.readouterr().err


def test_a_template_is_no_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gate", "--project", str(project / "clean.yaml")]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "clean.yaml: not a folder" in said
    assert "--assembly" in said


def test_fail_on(project: Path) -> None:
    assert run(["gate", "--assembly", "broken.yaml", "--fail-on", "critical"]) == ExitCode.FAILED
    template = "Resources:\n  Logs: {Type: AWS::Logs::LogGroup}\n"
    (project / "warning.yaml").write_text(template)
    assert run(["gate", "--assembly", "warning.yaml", "--fail-on", "critical"]) == ExitCode.CLEAN
    assert run(["gate", "--assembly", "warning.yaml"]) == ExitCode.FAILED


def test_a_failure_names_finding_resource_line_violation_and_fix(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["gate", "--assembly", "broken.yaml"])
    shown = capsys.readouterr().out
    for part in ("broken.yaml:2", "C7[at-rest]", "Cache", "cannot be encrypted at rest", "ReplicationGroup"):
        assert part in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gate", "--assembly", "missing.yaml"], "missing.yaml: no such file or folder"),
        (["gate", "--assembly", "."], "not a cloud assembly: it has no manifest.json"),
        (["gate", "--project", "empty"], "nothing to judge: no template, assembly, workflow"),
        (["gate", "--project", "nowhere"], "nowhere: no such folder"),
        (["gate", "--assembly", "clean.yaml", "--env", "mars"], "no environment mars here"),
        (["gate", "--assembly", "clean.yaml", "--format", "xlsx"], "no format 'xlsx'"),
        (["gate", "--assembly", "clean.yaml", "--format", "json=no/where.json"], "no/where.json: cannot be written"),
        (["gate", "--assembly", "clean.yaml", "--baseline", "missing.json"], "missing.json: no such file"),
        (["gate", "--assembly", "clean.yaml", "--fail-on", "sometimes"], "sometimes"),
        (["gate", "--nonsense"], "--nonsense"),
        (["preflight", "--image-tag", ""], "--image-tag: it is empty"),
        (["explain", "C77"], "no finding C77"),
        (["report", "clean.yaml"], "clean.yaml"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_errors_are_for_people(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (project / "empty").mkdir()
    assert run(arguments) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert said in error
    assert "fix:" in error
    assert "Traceback" not in error


def test_faults_in_the_projects_own_files_have_a_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "checker.toml").write_text("repository = 'a/b'\nnonsense = 1\n")
    assert run(["gate", "--assembly", "clean.yaml"]) == ExitCode.USAGE
    assert "checker.toml:2" in capsys.readouterr().err
    (project / "checker.toml").unlink()
    (project / "checker-waivers.yaml").write_text("- finding: C99\n  reason: none\n")
    assert run(["gate", "--assembly", "clean.yaml"]) == ExitCode.USAGE
    assert "checker-waivers.yaml:1" in capsys.readouterr().err


def test_reports_to_files_and_back(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["gate", "--assembly", "broken.yaml", "--format", "json=run.json", "--format", "html=run.html"])
    assert code == ExitCode.FAILED
    assert capsys.readouterr().out == ""
    stored = json.loads((project / "run.json").read_text())
    assert stored["totals"]["fail"] >= 3
    assert sorted(each.name for each in project.iterdir() if each.name.startswith(".")) == []
    assert run(["report", "run.json", "--format", "html"]) == ExitCode.CLEAN
    assert capsys.readouterr().out == (project / "run.html").read_text()


def test_a_baseline_lets_only_what_is_new_fail(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["gate", "--assembly", "broken.yaml", "--format", "json=old.json"])
    assert run(["gate", "--assembly", "broken.yaml", "--baseline", "old.json"]) == ExitCode.CLEAN
    assert "note: 0 of 3 failures and 0 of 0 undecided are new against old.json" in capsys.readouterr().out
    (project / "broken.yaml").write_text(BROKEN + BROKEN.split("\n", 1)[1].replace("  Cache:", "  Second:"))
    assert run(["gate", "--assembly", "broken.yaml", "--baseline", "old.json"]) == ExitCode.FAILED


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("audit", "old.json: a run of audit, and it is held against one of gate"),
        ("drift", "old.json: a run of drift, and it is held against one of gate"),
    ],
)
def test_runs_that_have_nothing_in_common_are_not_compared(
    project: Path, of: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["gate", "--assembly", "broken.yaml", "--format", "json=new.json"])
    document = json.loads((project / "new.json").read_text())
    (project / "old.json").write_text(json.dumps({**document, "command": of, "drift": []}))
    for arguments in (
        ["diff", "old.json", "new.json"],
        ["comment", "--base", "old.json", "--head", "new.json"],
        ["report", "new.json", "--baseline", "old.json"],
        ["gate", "--assembly", "broken.yaml", "--baseline", "old.json"],
    ):
        assert run(arguments) == ExitCode.USAGE, arguments
        assert capsys.readouterr().err.startswith(f"error: {said}\n  fix: ")
    if of == "drift":
        assert run(["diff", "old.json", "old.json"]) == ExitCode.USAGE
        assert "two runs of drift are not compared" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["completion"], ["diff"], ["comment"], ["evidence", "make"]])
def test_what_is_missing_is_told_in_two_lines(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == ExitCode.USAGE
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: Missing ")
    assert second.startswith("  fix: ")


@pytest.mark.parametrize("command", ["gate", "audit", "preflight"])
def test_a_finding_that_there_is_not_is_refused(
    project: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "account.json").write_text(json.dumps({"schema": "checker-snapshot/1", "account": "111111111111"}))
    given = ["--assembly", "clean.yaml"] if command == "gate" else ["--snapshot", "account.json"]
    assert run([command, *given, "--finding", "C88"]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("error: --finding C88: there is no such finding\n  fix: ")


def test_diff(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["gate", "--assembly", "broken.yaml", "--format", "json=old.json"])
    (project / "broken.yaml").write_text(CLEAN)
    run(["gate", "--assembly", "broken.yaml", "--format", "json=new.json"])
    capsys.readouterr()
    assert run(["diff", "old.json", "new.json"]) == 0
    assert "0 new" in capsys.readouterr().out
    assert run(["diff", "new.json", "old.json"]) == 1
    assert "new: broken.yaml:2  C7[at-rest]  Cache" in capsys.readouterr().out


def test_an_environment_may_be_named_with_its_assembly(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["gate", "--assembly", "production=clean.yaml", "--assembly", "staging=broken.yaml"]
    assert run([*arguments, "--env", "production"]) == ExitCode.CLEAN
    assert run([*arguments, "--env", "staging"]) == ExitCode.FAILED
    capsys.readouterr()


def test_it_says_what_it_took_for_what(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["gate", "--assembly", "clean.yaml"])
    assert "took stack clean for environment unnamed (nothing names an environment)" in capsys.readouterr().out


def test_list_and_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list"]) == 0
    ids = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert len([each for each in ids if not each.startswith("P")]) == 38
    assert run(["explain", "c7[at-rest]"]) == 0
    page = capsys.readouterr().out
    assert "What cannot be decided" in page
    assert "critical" in page


def test_whole_output_in_a_scrubbed_environment(project: Path) -> None:
    """The real command, as a pipeline starts it: same bytes whatever the environment, no colour off a terminal."""
    command = [sys.executable, "-m", "checker", "gate", "--assembly", "broken.yaml", "--finding", "C7"]
    outputs = []
    for environment in ({}, {"LANG": "C", "COLUMNS": "40", "TZ": "Asia/Tokyo", "FORCE_COLOR": "1"}):
        done = subprocess.run(
            command,
            cwd=project,
            env={"PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == ExitCode.FAILED
        assert done.stderr == ""
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert not re.search("\x1b", outputs[0])


def test_a_closed_pipe_is_no_traceback(project: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "checker", "gate", "--assembly", "broken.yaml"],
        cwd=project,
        env={"PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert "Traceback" not in done.stderr
