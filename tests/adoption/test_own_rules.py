"""Rules of the judged project's own: found by name, run where that is allowed, proven by their cases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from checker.cli import run as command
from checker.errors import ExitCode

ROOT = Path(__file__).parents[2]
# The page's own example, so that it is one that works.
PAGE = (ROOT / "docs/own-rules.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return PAGE.partition(f"```{language}\n")[2].partition("```")[0]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cases = tmp_path / "policies/rules/cases"
    cases.mkdir(parents=True)
    (tmp_path / "checker.toml").write_text(block("toml"))
    rule = f"from pathlib import Path\nPath('ran').touch()\n{block('python')}"
    (cases.parent / "x1_versioned_buckets.py").write_text(f'"""Every bucket keeps versions."""\n{rule}')
    (cases / "X1.yaml").write_text(block("yaml"))
    (tmp_path / "template.yaml").write_text(
        "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n  B: {Type: AWS::S3::Bucket}\n"
    )
    return tmp_path


def gate(*more: str) -> tuple[int, dict[str, Any]]:
    code = command(["gate", "--finding", "X1", *more, "--format", "json=run.json"])
    document: dict[str, Any] = json.loads(Path("run.json").read_text())
    return code, document


def test_they_run_only_where_the_command_line_says_so(project: Path) -> None:
    code, document = gate()
    assert code == ExitCode.INCOMPLETE
    assert "--allow-project-rules" in [each["needs"] for each in document["coverage"]["unread"]]
    assert not (project / "ran").exists()
    code, document = gate("--allow-project-rules")
    assert code == ExitCode.FAILED
    assert (project / "ran").exists()
    (verdict,) = document["verdicts"]
    assert (verdict["finding"], verdict["severity"], verdict["subject"]["name"]) == ("X1", "critical", "B")
    assert document["findings"]["X1"]["title"] == "Every bucket keeps versions"
    assert any(note.startswith("ran rules of the project's own") for note in document["coverage"]["notes"])


def test_no_exclusion_hides_that_they_were_not_run(project: Path) -> None:
    (project / "checker.toml").write_text('rules = ["policies/rules"]\n[exclude]\n"rules*" = "hidden"\n')
    assert gate()[0] == ExitCode.INCOMPLETE


def test_a_waiver_names_them(project: Path) -> None:
    (project / "policies/waivers.yaml").write_text(
        "waivers:\n- {finding: X1, environments: ['*'], resource: B, reason: r, owner: o, approved-on: 2026-01-01, "
        "expires-on: 2026-01-02}\n"
    )
    assert gate("--allow-project-rules")[1]["waivers"][0]["state"] == "expired"
    assert not gate()[1]["verdicts"]


def test_a_rule_that_crashes_is_an_error_of_its_own(project: Path) -> None:
    file = project / "policies/rules/x1_versioned_buckets.py"
    file.write_text(file.read_text().replace("for bucket", "raise ValueError('x')\n    for bucket"))
    code, document = gate("--allow-project-rules")
    assert code == ExitCode.USAGE
    assert {each["outcome"] for each in document["verdicts"]} == {"error"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bucket.py", "", "its name tells no id"),
        ("c7_mine.py", "", "there is a finding C7 already"),
        ("x2_none.py", '"""T."""', "it defines no RULE with the id X2"),
        ("x2_bad.py", "1/0", "it cannot be loaded: ZeroDivisionError"),
        ("x2_syntax.py", "def", "it cannot be loaded: SyntaxError"),
        ("x2_mute.py", "from checker.model.rules import Rule\nRULE = Rule(id='X2')", "its RULE checks nothing"),
    ],
)
def test_what_is_no_rule_is_named(
    project: Path, name: str, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "policies/rules" / name).write_text(content)
    assert command(["gate", "--allow-project-rules"]) == ExitCode.USAGE
    assert f"policies/rules/{name}: {said}" in capsys.readouterr().err


def test_a_folder_outside_of_the_project_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "away").symlink_to("/etc")
    (project / "checker.toml").write_text('rules = ["away"]\n')
    assert command(["gate", "--allow-project-rules"]) == ExitCode.USAGE
    assert "there is no folder away" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", "1 rules, 2 cases, 0 wrong"),
        ("{Files: fail}", "{Files: pass}", "X1 of Files: expected pass, is fail"),
        ("{Files: fail}", "{Files: fail, Other: fail}", "X1 of Other: expected fail, is nothing"),
        ("expect: {X1: {Files: fail}}", "expect: {}", "X1 of Files: expected nothing, is fail"),
    ],
)
def test_cases_are_compared_both_ways(
    project: Path, old: str, new: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = project / "policies/rules/cases/X1.yaml"
    cases.write_text(cases.read_text().replace(old, new) if old else cases.read_text())
    assert command(["test-rules"]) == (ExitCode.FAILED if old else 0)
    assert said in capsys.readouterr().out


def test_a_rule_without_cases_proves_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "policies/rules/cases/X1.yaml").unlink()
    assert command(["test-rules"]) == ExitCode.FAILED
    assert "there is no cases/X1.yaml" in capsys.readouterr().out


SECOND = block("python").replace('"X1"', '"X2"')


def endless(project: Path, body: str) -> None:
    """X1 does ``body`` before it judges anything; X2 is a rule as good as any."""
    (project / "checker.toml").write_text(f"rule_seconds = 0.3\n{block('toml')}")
    file = project / "policies/rules/x1_versioned_buckets.py"
    file.write_text(file.read_text().replace("for bucket", f"{body}\n    for bucket"))
    (file.parent / "x2_again.py").write_text(f'"""Buckets, again."""\n{SECOND}')


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "__import__('re').match('(a+)+$', 'a' * 60 + 'b')",
        "__import__('time').sleep(600)",
        "__import__('subprocess').run(['sleep', '600'])",
        "__import__('threading').Event().wait()",
    ],
)
def test_a_rule_that_never_ends_is_stopped_and_the_others_are_judged(project: Path, body: str) -> None:
    endless(project, body)
    _, document = gate("--finding", "X2", "--allow-project-rules")
    said = {each["finding"]: each for each in document["verdicts"]}
    assert (said["X1"]["outcome"], said["X2"]["outcome"]) == ("unknown", "fail")
    assert "used up its 0.3 s and was stopped" in said["X1"]["violation"]


@pytest.mark.parametrize(
    ("body", "how"), [("__import__('os')._exit(0)", "exit code 0"), ("__import__('os').abort()", "by SIGABRT")]
)
def test_a_rule_that_ends_the_process_is_an_error_and_the_others_are_judged(project: Path, body: str, how: str) -> None:
    endless(project, body)
    code, document = gate("--finding", "X2", "--allow-project-rules")
    said = {each["finding"]: each for each in document["verdicts"]}
    assert (said["X1"]["outcome"], said["X2"]["outcome"]) == ("error", "fail")
    assert how in said["X1"]["violation"]
    assert code == ExitCode.USAGE


def test_it_is_stopped_in_a_thread_too(project: Path) -> None:
    endless(project, "while True: pass")
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: command(["gate", "--allow-project-rules", "--summary"]), range(2))
    assert one == other != ExitCode.CLEAN


def test_a_module_that_never_ends_is_refused_with_its_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "checker.toml").write_text(f"rule_seconds = 0.3\n{block('toml')}")
    (project / "policies/rules/x1_versioned_buckets.py").write_text('"""Never."""\nwhile True: pass\n')
    for words in (["gate", "--allow-project-rules"], ["test-rules"]):
        assert command(words) == ExitCode.USAGE
        assert "x1_versioned_buckets.py: it cannot be loaded: it used up its 0.3 s" in capsys.readouterr().err
