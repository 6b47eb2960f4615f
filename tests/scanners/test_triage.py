"""The reviewed file of what scanners say: what it excuses, what it refuses, and what it says of itself."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from checker.cli import run as command
from checker.errors import ConfigError, ExitCode
from checker.scanners.triage import parse_triage
from tests.scanners.assemblies import lay

ENTRY = {
    "result": "CDK:F3002",
    "where": "*",
    "sorted": "noise",
    "reason": "r",
    "owner": "o",
    "since": (date.today() - timedelta(10)).isoformat(),
    "until": (date.today() + timedelta(10)).isoformat(),
}


def text(*entries: dict[str, Any]) -> str:
    return json.dumps({"triage": list(entries)})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lay("constructs", tmp_path / "cdk.out")
    return tmp_path


def judged(*entries: dict[str, Any], scanners: str = "cdk") -> tuple[int, dict[str, Any]]:
    Path("checker-scanners.yaml").write_text(text(*entries))
    code = command(
        ["gate", "--with", scanners, "--fail-on", "warning", "--unknown", "report", "--format", "json=run.json"]
    )
    document: dict[str, Any] = json.loads(Path("run.json").read_text()) if Path("run.json").exists() else {}
    return code, document


@pytest.mark.parametrize("sort", ["real", "by plan", "noise"])
def test_what_is_sorted_is_waived_with_its_sort(project: Path, sort: str) -> None:
    code, document = judged({**ENTRY, "sorted": sort}, {**ENTRY, "result": "CDK:F3012", "where": ["Alpha/Bad"]})
    assert code == ExitCode.CLEAN
    said = {v["finding"]: v["waiver"]["reason"] for v in document["verdicts"] if v["outcome"] == "waived"}
    assert said == {"CDK:F3002": f"{sort}: r", "CDK:F3012": "noise: r"}
    assert [each["state"] for each in document["waivers"]] == ["active", "active"]


def test_what_is_not_sorted_fails(project: Path) -> None:
    assert judged(ENTRY)[0] == ExitCode.FAILED


def test_what_expired_fails_and_excuses_nothing(project: Path) -> None:
    code, document = judged({**ENTRY, "until": (date.today() - timedelta(1)).isoformat()})
    assert code == ExitCode.FAILED
    assert [(each["state"], each["detail"]) for each in document["waivers"]] == [
        ("expired", "1 failure is no longer excused")
    ]


def test_each_place_that_matches_nothing_is_said(project: Path) -> None:
    _, document = judged({**ENTRY, "where": ["Alpha/Bad", "Beta/*"]})
    assert [(each["resource"], each["state"]) for each in document["waivers"]] == [
        ("Alpha/Bad", "active"),
        ("Beta/*", "unmatched"),
    ]


def test_entries_of_scanners_that_did_not_answer_are_not_said_to_match_nothing(project: Path) -> None:
    _, document = judged(ENTRY, {**ENTRY, "result": "CKV_AWS_18"})
    assert [each["finding"] for each in document["waivers"]] == ["CDK:F3002"]
    assert "triage: 1 entries are of scanners that gave no answer here" in document["coverage"]["notes"]


def test_a_triage_never_excuses_a_finding_of_ours(project: Path) -> None:
    assert judged({**ENTRY, "result": "S10"})[0] == ExitCode.USAGE


def test_its_faults_come_before_anything_is_judged(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged({**ENTRY, "sorted": "nose"})[0] == ExitCode.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert "checker-scanners.yaml:1: no sort 'nose'" in said.err
    assert "Did you mean noise?" in said.err


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([{**ENTRY, "result": "CNF:E3002"}], "'CNF:E3002' is no scanner's result"),
        ([{**ENTRY, "result": "C7"}], "'C7' is no scanner's result"),
        ([{**ENTRY, "result": "CFN:E3002]"}], "is no scanner's result"),
        ([{**ENTRY, "wher": "*"}], "an entry has no key 'wher'"),
        ([{key: value for key, value in ENTRY.items() if key != "owner"}], "the entry lacks owner"),
        ([{**ENTRY, "where": []}], "the entry lacks where"),
        ([{**ENTRY, "where": [1]}], "where is neither text nor a list of texts"),
        ([{**ENTRY, "until": "soon"}], "until is no date"),
        ([{**ENTRY, "owner": "\u200b\u200d"}], "owner holds a character that nobody sees (U+200B)"),
        ([{**ENTRY, "reason": "..."}], "reason says nothing"),
        ([{**ENTRY, "where": ["a", "b\u2060"]}], "where holds a character that nobody sees (U+2060)"),
        ([{**ENTRY, "until": "2025-01-01"}], "it ends before it begins"),
        ([{**ENTRY, "since": "2026-01-01", "until": "2027-01-02"}], "it would hold for 366 days, and 365 are allowed"),
        ([{**ENTRY, "reason": ["r"]}], "reason is not text"),
        (["x"], "an entry is a mapping"),
    ],
)
def test_what_is_misspelt_is_refused(entries: list[Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_triage(text(*entries), "f", max_days=365)
    assert said in caught.value.message


def test_a_sort_keeps_its_requirement() -> None:
    (entry,) = parse_triage(
        text({**ENTRY, "result": "NAG:AwsSolutions-IAM5[Action::s3:*]", "since": "2026-05-01", "until": "2026-06-01"}),
        "f",
        max_days=365,
    )
    assert (entry.covers.finding, entry.covers.sub) == ("NAG:AwsSolutions-IAM5", "Action::s3:*")
    assert entry.expires_on == date(2026, 6, 1)


@pytest.mark.parametrize(("written", "said"), [("triag: []", "no key 'triag'"), ("triage: x", "triage is not a list")])
def test_a_file_of_another_form_is_refused(written: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_triage(written, "f", max_days=365)
    assert said in caught.value.message


def test_an_empty_file_sorts_nothing() -> None:
    assert parse_triage("", "f", max_days=365) == ()
