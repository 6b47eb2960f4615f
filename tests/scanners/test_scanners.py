"""Outside scanners: real ones where they are installed, and programs that hang, crash and lie."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from checker.cli import run as command
from checker.errors import ExitCode
from checker.scanners import running
from checker.scanners.tools import TOOLS, parse

TEMPLATE = """Resources:
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Snapshot
    UpdateReplacePolicy: Snapshot
    Properties: {Engine: postgres, DBInstanceClass: db.t4g.micro, AllocatedStorage: "20", StorageEncrypted: false,
                 MasterUsername: master, ManageMasterUserPassword: true, NoSuchProperty: 1}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (folder / "template.yaml").write_text(TEMPLATE)
    return folder


def gate(*more: str) -> tuple[int, dict[str, Any]]:
    code = command(["gate", "--with", "cfn-lint,checkov", *more, "--unknown", "fail", "--format", "json=run.json"])
    document: dict[str, Any] = json.loads(Path("run.json").read_text())
    return code, document


def stub(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Every scanner is this program."""
    program = folder.parent / "scanner"
    program.write_text(f"#!{sys.executable}\n{code}\n")
    program.chmod(0o755)
    monkeypatch.setattr(running, "_program", lambda _: str(program))


def test_real_scanners_are_joined_and_what_we_say_is_not_repeated() -> None:
    code, document = gate()
    assert code == ExitCode.FAILED
    outside = {v["finding"]: v for v in document["verdicts"] if v["finding"].startswith(("CFN", "CKV"))}
    unknown = outside["CFN:E3002"]
    assert unknown["subject"]["logical_id"] == "Database"
    assert unknown["location"]["file"] == "template.yaml"
    assert unknown["severity"] == "critical"
    # Our C8 fails on the same resource.
    assert "CKV_AWS_16" not in outside
    assert "checkov: CKV_AWS_16 is C8[storage] in 1 place, and not repeated" in document["coverage"]["notes"]
    # Nothing changed: neither is run again.
    again = gate()[1]
    assert [note.partition(",")[0] for note in again["coverage"]["notes"] if "since" in note] == [
        "cfn-lint: unchanged since it was asked last",
        "checkov: unchanged since it was asked last",
    ]
    assert again["verdicts"] == document["verdicts"]


def test_a_waiver_excuses_an_outside_result(project: Path) -> None:
    (project / "checker-waivers.yaml").write_text(
        "waivers:\n- {finding: 'CFN:E3002', environments: ['*'], resource: Database, reason: r, owner: o, "
        "approved-on: 2026-01-01, expires-on: 2026-12-31}\n"
    )
    document = gate()[1]
    (verdict,) = [each for each in document["verdicts"] if each["finding"] == "CFN:E3002"]
    assert verdict["outcome"] == "waived"
    assert [each["state"] for each in document["waivers"]] == ["active"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import time; time.sleep(60)", "gave no answer within 1 s, and was stopped"),
        ("import sys; print('boom', file=sys.stderr); sys.exit(9)", "ended with exit code 9: boom"),
        ("import os; os.kill(os.getpid(), 9)", "ended with exit code -9"),
        ("print('{')", "said what is no answer"),
        ("print('{\"x\": 1}')", "said what is no answer"),
        ("print('[' * 100000)", "said what is no answer"),
    ],
)
def test_a_scanner_without_an_answer_is_an_outcome_of_its_own(
    project: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "template.yaml").write_text("Resources:\n  Topic: {Type: AWS::SNS::Topic}\n")
    stub(monkeypatch, project, code)
    result = command(["gate", "--with", "cfn-lint", "--scanner-seconds", "1"])
    shown = " ".join(capsys.readouterr().out.split())
    assert result == ExitCode.INCOMPLETE
    assert said in shown
    # Ours came first.
    assert shown.index("gate of this project") < shown.index("scanner cfn-lint")


def test_a_missing_one_is_an_outcome_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "template.yaml").write_text("Resources:\n  Topic: {Type: AWS::SNS::Topic}\n")
    monkeypatch.setattr(running, "_program", lambda _: None)
    assert command(["gate", "--with", "checkov"]) == ExitCode.INCOMPLETE
    assert "it is not installed" in capsys.readouterr().out
    assert command(["gate", "--with", "chekov"]) == ExitCode.USAGE
    assert "checkov" in capsys.readouterr().err


def test_nothing_of_the_project_configures_what_runs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".checkov.yaml").write_text("external-checks-dir: [checks]\n")
    stub(monkeypatch, project, "import os, json; json.dump([], open('/dev/stdout', 'w')); assert os.listdir('.') == []")
    answers = running.run([TOOLS["cfn-lint"]], {"template": [project / "template.yaml"]}, project, 20)
    assert [each.unread for each in answers] == [None]


def test_answers_in_the_forms_of_the_others() -> None:
    forms: dict[str, tuple[Any, tuple[str, str, int]]] = {
        "zizmor": (
            [
                {
                    "ident": "unpinned-uses",
                    "desc": "d",
                    "determinations": {"severity": "High"},
                    "locations": [
                        {
                            "symbolic": {
                                "kind": "Primary",
                                "annotation": "a",
                                "key": {"Local": {"given_path": "w.yml"}},
                            },
                            "concrete": {"location": {"start_point": {"row": 4}}},
                        }
                    ],
                }
            ],
            ("ZIZMOR:unpinned-uses", "critical", 5),
        ),
        "actionlint": (
            [{"kind": "syntax-check", "message": "m", "filepath": "w.yml", "line": 3}],
            ("ACTIONLINT:syntax-check", "warning", 3),
        ),
        "shellcheck": (
            {"comments": [{"code": 2086, "level": "info", "message": "m", "file": "a.sh", "line": 2}]},
            ("SHELLCHECK:SC2086", "suggestion", 2),
        ),
        "squawk": (
            [{"rule_name": "ban-drop-column", "level": "Warning", "message": "m", "file": "a.sql", "line": 0}],
            ("SQUAWK:ban-drop-column", "warning", 1),
        ),
    }
    for name, (answer, expected) in forms.items():
        (result,) = parse(TOOLS[name], json.dumps(answer))
        assert (result.id, result.severity.value, result.line) == expected
