"""What scanners said while a project was synthesized: read from real reports, and from some that are wrong.

The recorded ones are of aws-cdk-lib 2.275 with cdk-nag 3.0.2 and, in `lines`, 2.38.2; stack traces are left out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checker.cli import run as command
from checker.errors import ExitCode
from checker.scanners.same import SAME
from tests.scanners.assemblies import lay


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def gate(recorded: str, scanners: str) -> tuple[int, dict[str, Any]]:
    lay(recorded)
    return judged(scanners)


def judged(scanners: str) -> tuple[int, dict[str, Any]]:
    code = command(["gate", "--with", scanners, "--format", "json=run.json", "--unknown", "report"])
    document: dict[str, Any] = json.loads(Path("run.json").read_text()) if code != ExitCode.USAGE else {}
    return code, document


def outside(document: Mapping[str, Any]) -> list[tuple[str, str | None, str, str | None, str]]:
    return [
        (v["finding"], v["sub"], v["outcome"], v["subject"]["stack"], v["subject"]["name"])
        for v in document["verdicts"]
        if ":" in v["finding"]
    ]


def edited(**plugins: Any) -> None:
    """The report in the assembly, its plug-ins taken from here."""
    path = Path("cdk.out/validation-report.json")
    document = json.loads(path.read_text())
    document["pluginReports"] = [
        {"pluginName": name.replace("_", " "), "conclusion": "failure", "violations": [], **each}
        for name, each in plugins.items()
    ]
    path.write_text(json.dumps(document))


def violation(rule: str = "a-rule", *constructs: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "ruleName": rule,
        "description": "d",
        "severity": "error",
        "violatingConstructs": list(constructs),
        **more,
    }


def test_constructs_lead_to_resources_in_stages_and_nested_stacks_too() -> None:
    code, document = gate("constructs", "cdk,cdk-nag")
    assert code == ExitCode.FAILED
    found = outside(document)
    nested = "Beta/NNestedStackNNestedStackResource25BF0ED8"
    assert found == [
        ("CDK:F3002", None, "fail", "Alpha", "Bad"),
        ("CDK:F3012", None, "fail", "Alpha", "Bad"),
        ("NAG:AwsSolutions-S1", None, "fail", "Alpha", "B08E7C7AF"),
        ("NAG:AwsSolutions-S1", None, "fail", nested, "NBC220D5BA"),
        ("NAG:AwsSolutions-S10", None, "fail", "Alpha", "B08E7C7AF"),
        ("NAG:AwsSolutions-S10", None, "fail", nested, "NBC220D5BA"),
        ("NAG:AwsSolutions-IAM5", "Action::s3:*", "fail", "Alpha", "RDefaultPolicy0707467B"),
        ("NAG:AwsSolutions-IAM5", "Resource::*", "fail", "Alpha", "RDefaultPolicy0707467B"),
        ("NAG:AwsSolutions-SQS4", None, "fail", "Alpha", "Q63C6E3AB"),
        ("NAG:AwsSolutions-SQS4", None, "fail", "St-Beta", "Q23A7FF710"),
        ("NAG:AwsSolutions-SQS3", None, "fail", "St-Beta", "Q23A7FF710"),
    ]
    (line,) = {
        v["location"]["line"] for v in document["verdicts"] if v["subject"]["name"] == "Bad" and ":" in v["finding"]
    }
    lines = Path("cdk.out/Alpha.template.json").read_text().splitlines()
    assert lines[line - 1].strip() == '"Bad": {'


def test_lines_of_the_older_reports_are_read_once() -> None:
    for left in ("json", "csv"):
        lay("lines")
        for file in Path("cdk.out").glob("*-NagReport.*"):
            if file.suffix != f".{left}":
                file.unlink()
        code, document = judged("cdk-nag")
        assert code == ExitCode.FAILED
        assert sorted({each[0] for each in outside(document)}) == [
            "NAG:AwsSolutions-IAM5",
            "NAG:AwsSolutions-S1",
            "NAG:AwsSolutions-S10",
            "NAG:AwsSolutions-SQS4",
        ]
        assert {each[3] for each in outside(document)} == {"Alpha"}
        assert "cdk-nag: 1 results acknowledged in the app's code, not judged" in document["coverage"]["notes"]
        shutil.rmtree("cdk.out")


def test_our_own_plug_in_is_not_joined_to_itself() -> None:
    lay("constructs")
    edited(checker={"violations": [violation("C7")]}, Guard={"violations": [violation("ct.s3.pr-1")]})
    _, document = judged("cdk")
    assert outside(document) == [("CDK:ct.s3.pr-1", None, "fail", None, "cdk.out/validation-report.json")]


def test_what_no_rule_could_tell_is_unknown() -> None:
    lay("constructs")
    crashed = violation("AwsSolutions-S1", {"constructPath": "Alpha/B/Resource"})
    crashed["description"] = "Rule threw an error during validation. This is generally caused by a parameter."
    edited(AwsSolutions={"violations": [crashed]})
    assert [each[2] for each in outside(judged("cdk-nag")[1])] == ["unknown"]
    shutil.rmtree("cdk.out")
    lay("lines")
    report = Path("cdk.out/AwsSolutions--Alpha-NagReport.json")
    report.write_text(report.read_text().replace('"compliance": "Non-Compliant"', '"compliance": "UNKNOWN"'))
    assert {each[2] for each in outside(judged("cdk-nag")[1])} == {"unknown"}


def test_acknowledged_results_are_counted() -> None:
    lay("constructs")
    silenced = violation("own-1", {"constructPath": "Alpha/Q"}, acknowledgedId="own::own-1", reason="r")
    edited(Own_Pack={"suppressedViolations": [silenced], "conclusion": "success"})
    _, document = judged("cdk")
    assert outside(document) == []
    assert "cdk: 1 results acknowledged in the app's code, not judged" in document["coverage"]["notes"]


@pytest.mark.parametrize(
    ("construct", "stack", "name"),
    [
        ("Alpha/Q", "Alpha", "Q63C6E3AB"),  # its own resource
        ("Alpha", "Alpha", "Alpha"),  # the stack
        ("Gone/Q", None, "cdk.out/validation-report.json"),  # of an earlier synthesis, or another app's
    ],
)
def test_a_construct_that_is_no_resource(construct: str, stack: str | None, name: str) -> None:
    lay("constructs")
    edited(Construct_Annotations={"violations": [violation("x", {"constructPath": construct})]})
    assert outside(judged("cdk")[1]) == [("CDK:x", None, "fail", stack, name)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no assembly at hand holds a validation-report.json"),
        ("{", "validation-report.json"),
        ('{"pluginReports": 7}', "not in the form that is known"),
        ('{"pluginReports": [{"pluginName": "x", "violations": [{}]}]}', "not in the form that is known"),
    ],
)
def test_a_report_that_is_missing_or_wrong_is_an_outcome(text: str | None, said: str) -> None:
    lay("constructs")
    path = Path("cdk.out/validation-report.json")
    path.unlink()
    if text is not None:
        path.write_text(text)
    (unread,) = judged("cdk")[1]["coverage"]["unread"]
    assert unread["what"] == "scanner cdk"
    assert said in unread["why"]


def test_no_report_of_cdk_nag_is_no_pass() -> None:
    lay("constructs")
    edited(Guard={"violations": []})
    (unread,) = judged("cdk-nag")[1]["coverage"]["unread"]
    assert unread["why"] == "no assembly at hand holds a report of cdk-nag"


WORKFLOW = """on: {workflow_dispatch: {inputs: {note: {type: string}}}}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    permissions: {id-token: write, contents: read}
    steps:
      - uses: aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c
        with: {role-to-assume: "arn:aws:iam::111111111111:role/deploy", aws-region: us-west-2}
      - name: Say
        run: |
          echo start
          echo "${{ inputs.note }}"
"""
MIGRATION = """ALTER TABLE docs DROP COLUMN title;
DROP TABLE old;
ALTER TABLE docs RENAME COLUMN id TO doc_id;
ALTER TABLE docs RENAME TO documents;
ALTER TABLE documents ADD COLUMN owner text NOT NULL;
ALTER TABLE documents ALTER COLUMN doc_id TYPE text;
ALTER TABLE documents ALTER COLUMN doc_id SET NOT NULL;
"""


def test_every_result_that_is_one_of_our_findings_is_said_by_its_scanner(project: Path) -> None:
    """The recorded assembly has each of the defects; whatever runs from a package runs anew."""
    (project / ".github/workflows").mkdir(parents=True)
    (project / ".github/workflows/deploy.yml").write_text(WORKFLOW)
    (project / "migrations").mkdir()
    (project / "migrations/0001_first.sql").write_text("CREATE TABLE docs (id bigint PRIMARY KEY, title text);\n")
    (project / "migrations/0002_change.sql").write_text(MIGRATION)
    (project / "checker.toml").write_text('migration_folders = ["migrations"]\n[stacks]\nDocProd = "production"\n')
    _, document = gate("same", "cfn-lint,checkov,cdk,cdk-nag,zizmor,squawk")
    assert document["coverage"]["unread"] == []
    same = [note.split(": ", 1)[1].split(" is ")[0] for note in document["coverage"]["notes"] if " is " in note]
    assert sorted(SAME) == sorted(same)
    assert set(same).isdisjoint(each[0] for each in outside(document))


def test_what_cfn_lint_says_is_not_said_again_by_cdk() -> None:
    """CDK's validation takes cfn-lint's rules over, and calls those of the schema fatal."""
    _, document = gate("constructs", "cfn-lint,cdk")
    assert {each[0] for each in outside(document) if each[4] == "Bad"} == {"CFN:E3002", "CFN:E3012"}
    assert "cdk: CDK:F3002 is CFN:E3002 in 1 place, and not repeated" in document["coverage"]["notes"]
