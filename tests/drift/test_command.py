"""The command: exit codes, formats, the decisions' file, and what never reaches a report."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from checker.cli import run
from checker.collect.config.drift_file import parse_decisions
from checker.errors import ConfigError
from checker.reports.json_document import parse, render
from tools import drift_properties

SCHEMA = json.loads(resources.files("checker.reports").joinpath("run_schema.json").read_text(encoding="utf-8"))
QUEUE = {"Resources": {"It": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}}}}


def live(**properties: Any) -> dict[str, Any]:
    resource = {"type": "AWS::SQS::Queue", "physical_id": "q-url", "logical_id": "It", "properties": properties}
    return {"schema": "checker-snapshot/1", "stacks": [], "resources": [resource]}


def drift(folder: Path, template: Any, snapshot: Any, *options: str) -> int:
    (folder / "t.json").write_text(json.dumps(template))
    (folder / "s.json").write_text(json.dumps(snapshot))
    arguments = ["--project", str(folder), "--assembly", f"production={folder / 't.json'}"]
    return run(["drift", *arguments, "--snapshot", str(folder / "s.json"), *options])


def document(folder: Path, template: Any, snapshot: Any, *options: str) -> Any:
    drift(folder, template, snapshot, "--format", f"json={folder / 'run.json'}", *options)
    text = (folder / "run.json").read_text(encoding="utf-8")
    jsonschema.validate(json.loads(text), SCHEMA)
    assert render(parse(text)) == text
    return json.loads(text)


def test_the_document_is_the_one_that_people_hold_on_to(tmp_path: Path) -> None:
    (entry,) = document(tmp_path, QUEUE, live(VisibilityTimeout=90))["drift"]
    expected = {
        "environment": "production",
        "stack": "t",
        "type": "AWS::SQS::Queue",
        "logical_id": "It",
        "physical_id": "q-url",
        "state": "changed",
        "why": "",
        "next_deploy": "none",
    }
    assert expected == {key: entry[key] for key in expected}
    (drifted,) = entry["properties"]
    assert {key: drifted[key] for key in ("path", "state", "expected", "live")} == {
        "path": "VisibilityTimeout",
        "state": "changed_in_account",
        "expected": 60,
        "live": 90,
    }


def test_exit_codes(tmp_path: Path) -> None:
    pending = {
        **live(VisibilityTimeout=30),
        "stacks": [
            {
                "name": "t",
                "template": {"Resources": {"It": {"Type": "AWS::SQS::Queue"}}},
                "resources": [{"logical_id": "It", "physical_id": "q-url", "type": "AWS::SQS::Queue"}],
            }
        ],
    }
    unread = {**live(VisibilityTimeout=60), "unread": [{"what": "AWS::S3::Bucket", "why": "denied"}]}
    facts_alone = {**live(VisibilityTimeout=60), "unread": [{"what": "facts/images", "why": "denied"}]}
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=60)) == 0
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=61)) == 1
    assert drift(tmp_path, QUEUE, {**live(), "resources": []}) == 1
    assert drift(tmp_path, QUEUE, pending) == 0
    assert drift(tmp_path, QUEUE, pending, "--fail-on-pending") == 1
    assert drift(tmp_path, QUEUE, unread) == 3
    assert drift(tmp_path, QUEUE, unread, "--unknown", "report") == 0
    assert drift(tmp_path, QUEUE, facts_alone) == 0
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=61), "--format", "sarif") == 2
    assert drift(tmp_path, QUEUE, {"schema": "checker-snapshot/2"}) == 2


def test_another_region_is_no_account_without_drift(tmp_path: Path) -> None:
    """A stack that is not where it was looked for is not simply one that nobody has deployed yet."""
    (tmp_path / "out").mkdir()
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}
    artifact |= {"environment": "aws://111111111111/us-west-2"}
    manifest = {"version": "36.0.0", "artifacts": {"Shop": artifact}}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "out" / "t.json").write_text(json.dumps(QUEUE))
    found: dict[str, tuple[int, list[str]]] = {}
    for region in ("us-west-1", "us-west-2"):
        other = [{"name": "Other", "template": {"Resources": {}}, "resources": []}]
        snapshot = {"schema": "checker-snapshot/1", "account": "111111111111", "region": region, "stacks": other}
        (tmp_path / "s.json").write_text(json.dumps(snapshot))
        words = ["--project", str(tmp_path), "--assembly", f"production={tmp_path / 'out'}"]
        code = run(["drift", *words, "--snapshot", str(tmp_path / "s.json"), "--format", f"json={tmp_path / 'r.json'}"])
        told = json.loads((tmp_path / "r.json").read_text())
        found[region] = (code, [each["what"] for each in told["coverage"]["unread"]])
        assert [each["state"] for each in told["drift"]] == ["pending"]
    assert found == {"us-west-1": (3, ["stack Shop"]), "us-west-2": (0, [])}


def test_a_region_that_no_stack_is_meant_for_is_refused_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}
    artifact |= {"environment": "aws://111111111111/us-west-2"}
    (tmp_path / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"Shop": artifact}}))
    (tmp_path / "t.json").write_text(json.dumps(QUEUE))
    words = ["drift", "--project", str(tmp_path), "--assembly", f"production={tmp_path}", "--region", "eu-west-1"]
    assert run([*words, "--endpoint-url", "http://127.0.0.1:9"]) == 2
    said = capsys.readouterr().err
    assert "no stack is meant for eu-west-1" in said
    assert "us-west-2" in said


def test_what_is_in_sync_is_shown_on_request(tmp_path: Path) -> None:
    assert document(tmp_path, QUEUE, live(VisibilityTimeout=60))["drift"] == []
    (entry,) = document(tmp_path, QUEUE, live(VisibilityTimeout=60), "--all")["drift"]
    assert entry["state"] == "in_sync"


@pytest.mark.parametrize("format_", ["console", "markdown"])
def test_people_read_what_and_where(format_: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drift(tmp_path, QUEUE, live(VisibilityTimeout=90), "--format", format_)
    said = capsys.readouterr().out.replace("\\", "")
    for words in (
        "t/It",
        "AWS::SQS::Queue",
        "VisibilityTimeout: changed in the account: code 60, live 90",
        "1 changed",
    ):
        assert words in said
    assert "\x1b" not in said


def test_nothing_that_may_be_secret_is_shown(tmp_path: Path) -> None:
    secret = "hunter2-Very-Secret-1"
    code = {
        "Resources": {
            "Fn": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Code": {}, "Environment": {"Variables": {"DB_PASSWORD": f"{secret}-old", "MODE": "a"}}},
            },
            "Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"MasterUserPassword": secret}},
        }
    }
    variables = {"DB_PASSWORD": secret, "MODE": "b", "API_TOKEN": secret}
    snapshot = {
        "schema": "checker-snapshot/1",
        "resources": [
            {
                "type": "AWS::Lambda::Function",
                "physical_id": "fn-1",
                "logical_id": "Fn",
                "properties": {"Environment": {"Variables": variables}},
            },
            {"type": "AWS::RDS::DBInstance", "physical_id": "db-1", "logical_id": "Db", "properties": {}},
        ],
    }
    text = json.dumps(document(tmp_path, code, snapshot, "--record"))
    assert secret not in text
    assert "Environment.Variables.MODE" in text
    assert secret not in (tmp_path / "policies" / "drift.yaml").read_text(encoding="utf-8")


def test_what_is_recorded_counts_once_it_is_reviewed_and_keeps_being_watched(tmp_path: Path) -> None:
    file = tmp_path / "policies" / "drift.yaml"
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=90, MaximumMessageSize=2048), "--record") == 1
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    by_path = {each["path"]: each["value"] for each in written["drift"]}
    assert by_path == {"VisibilityTimeout": 90}
    again = file.read_text(encoding="utf-8")
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=90), "--record") == 1
    assert file.read_text(encoding="utf-8") == again
    for each in written["drift"]:
        each.update({"owner": "shop", "reason": "Incident.", "expires-on": "9999-12-31"})
    file.write_text(yaml.safe_dump(written), encoding="utf-8")
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=90)) == 0
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=91)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Ours.\n",
        "drift: []\n",
        "drift: [] # none yet\n",
        "drift:\n",
        "drift: null\n# to be continued\n",
        "drift:\n- {resource: t/Old, ignored: true}\n",
        "drift:\n    - resource: t/Old\n      ignored: true\n",
        "# Ours.\ndrift:\n  # The queue.\n  - resource: t/Old\n    ignored: true\n\n",
        "drift:\n  - resource: t/Old\n    ignored: true",
    ],
)
def test_what_is_recorded_is_added_to_what_stands_there(tmp_path: Path, text: str) -> None:
    file = tmp_path / "policies" / "drift.yaml"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=90), "--record") == 1
    after = file.read_text(encoding="utf-8")
    resources = [each["resource"] for each in yaml.safe_load(after)["drift"]]
    assert resources == [*(["t/Old"] if "Old" in text else []), "t/It"]
    assert [line for line in text.splitlines() if line.lstrip().startswith("#") and line not in after] == []
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=90)) == 1


def test_nothing_is_written_where_nothing_can_be_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policies" / "drift.yaml"
    file.parent.mkdir()
    file.write_text("drift: [{resource: t/Old, ignored: true}]\n", encoding="utf-8")
    assert drift(tmp_path, QUEUE, live(VisibilityTimeout=90), "--record") == 2
    assert file.read_text(encoding="utf-8") == "drift: [{resource: t/Old, ignored: true}]\n"
    assert "each with a dash of its own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("resource: t/It, path: VisibilityTimeout, value: 90", ""),
        ("resource: t/It, path: DelaySeconds, value: 9", "nothing differs at DelaySeconds of t/It"),
        ("resource: t/Gone, path: VisibilityTimeout, value: 90", "there is no resource t/Gone"),
        ("resource: t/Gone, ignored: true", "there is no resource t/Gone"),
        ("resource: t/Gone, environment: staging, ignored: true", ""),
        ("resource: '*', ignored: true", ""),
    ],
)
def test_an_entry_that_is_about_nothing_is_told(tmp_path: Path, entry: str, said: str) -> None:
    file = tmp_path / "policies" / "drift.yaml"
    file.parent.mkdir()
    file.write_text(f"drift:\n  - {{{entry}, owner: shop, reason: It is so., expires-on: 9999-12-31}}\n", "utf-8")
    notes = document(tmp_path, QUEUE, live(VisibilityTimeout=90))["coverage"]["notes"]
    assert [each for each in notes if "drift.yaml" in each] == (
        [f"policies/drift.yaml:2: {said}: correct or delete the entry"] if said else []
    )


def test_an_undeclared_value_is_watched_once_recorded(tmp_path: Path) -> None:
    """Nothing tells whether a service chose it: recorded, a change of it is drift."""
    code = {"Resources": {"It": {"Type": "AWS::Batch::JobQueue", "Properties": {"Priority": 1}}}}

    def queue(kind: str) -> dict[str, Any]:
        shown = {"Priority": 1, "JobQueueType": kind}
        resource = {"type": "AWS::Batch::JobQueue", "physical_id": "jq-1", "logical_id": "It", "properties": shown}
        return {"schema": "checker-snapshot/1", "resources": [resource]}

    assert drift(tmp_path, code, queue("ECS")) == 0
    assert drift(tmp_path, code, queue("ECS"), "--record") == 0
    assert drift(tmp_path, code, queue("ECS")) == 0
    assert drift(tmp_path, code, queue("EKS")) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drift: {}", "drift.yaml:1: drift is not a list"),
        ("other: []", "the file has no key 'other'"),
        ("drift:\n  - resource: A\n", "drift.yaml:2: an entry says one of value, ignored and next_deploy"),
        ("drift:\n  - {resource: A, value: 1}\n", "path is not text"),
        ("drift:\n  - {path: A, ignored: true}\n", "the entry lacks resource"),
        (
            "drift:\n  - {resource: A, path: B, value: 1}\n  - {resource: A, path: B, value: 2}\n",
            "drift.yaml:3: a value of B of A is recorded twice (first at drift.yaml:2)",
        ),
        ("drift:\n  - {resource: A, ignored: maybe}\n", "ignored is neither true nor false"),
        ("drift:\n  - {resource: A, next_deploy: update}\n", "it is neither replace nor delete"),
        ("drift:\n  - {resource: A, ignored: true, expires-on: soon}\n", "expires-on is no date"),
        ("drift:\n  - {resource: A, ignored: true, expires-on: '20270131'}\n", "expires-on is no date"),
        ("drift:\n  - {resource: A, ignored: true, owner: ' - '}\n", "owner says nothing"),
        ("drift:\n  - {resource: A, ignored: true, expires: soon}\n", "an entry has no key 'expires'"),
    ],
)
def test_a_fault_in_the_decisions_is_located(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_decisions(text, "drift.yaml")
    assert said in caught.value.message


def test_the_table_is_what_its_sources_say() -> None:
    assert drift_properties.main(["--check"]) == 0


def test_the_last_line_counts_what_is_in_sync_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is left out of the run, and was compared all the same; the time of a reading has colons too."""
    account = {"account": "111111111111", "region": "us-west-2", "taken_at": "2026-11-26T10:00:00Z"}
    assert drift(tmp_path, QUEUE, {**live(VisibilityTimeout=60), **account}) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "account 111111111111 in us-west-2, read 2026-11-26T10:00:00Z · no drift · 1 in sync" in last
