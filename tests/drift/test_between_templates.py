"""A stack that is being changed, or was left half changed, is neither in sync nor drifted: what it should be like is
not known. And what another stack has is not this one's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checker.cli import run

QUEUE: dict[str, Any] = {"Resources": {"It": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}}}}
HERE = "arn:aws:cloudformation:us-east-1:111111111111:stack"


def stack(name: str, status: str = "", seconds: int | None = 60, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A stack as it is deployed, and its queue in the account."""
    listed: Any = {
        "logical_id": "It",
        "type": "AWS::SQS::Queue",
        "physical_id": f"{name}-url",
        "status": "CREATE_COMPLETE",
    }
    found: dict[str, Any] = {"name": name, "status": status, "template": QUEUE, "resources": [listed], **more}
    shown = {"QueueName": f"{name}-it", "VisibilityTimeout": seconds}
    queue = {"type": "AWS::SQS::Queue", "physical_id": f"{name}-url", "stack": name, "logical_id": "It"}
    return found, {**queue, "properties": shown}


def told(
    folder: Path, *deployed: tuple[dict[str, Any], dict[str, Any]], name: str = "Shop", code: Any = QUEUE
) -> tuple[int, list[tuple[str | None, str]], list[str], list[str]]:
    """Exit code, stack and state of each resource, what is unread, notes."""
    snapshot: Any = {"schema": "checker-snapshot/1", "account": "111111111111", "region": "us-east-1"}
    snapshot |= {"stacks": [each for each, _ in deployed], "resources": [each for _, each in deployed if each]}
    (folder / "out").mkdir(exist_ok=True)
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}
    manifest = {"version": "36.0.0", "artifacts": {name: artifact}}
    (folder / "out" / "manifest.json").write_text(json.dumps(manifest))
    (folder / "out" / "t.json").write_text(json.dumps(code))
    (folder / "s.json").write_text(json.dumps(snapshot))
    return compared(folder, folder / "out")


def compared(folder: Path, assembly: Path) -> tuple[int, list[tuple[str | None, str]], list[str], list[str]]:
    words = ["--project", str(folder), "--assembly", f"production={assembly}", "--snapshot", str(folder / "s.json")]
    code = run(["drift", *words, "--all", "--format", f"json={folder / 'r.json'}"])
    document = json.loads((folder / "r.json").read_text())
    entries = sorted((each["stack"] or "", each["state"]) for each in document["drift"])
    unread = [f"{each['what']}: {each['why']}" for each in document["coverage"]["unread"]]
    return code, entries, unread, document["coverage"]["notes"]


AT_REST = ["", "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"]
AT_REST += ["IMPORT_ROLLBACK_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"]
AT_REST += ["UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"]
BETWEEN = ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"]
BETWEEN += ["CREATE_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE"]
BETWEEN += ["DELETE_IN_PROGRESS", "DELETE_FAILED", "IMPORT_IN_PROGRESS", "IMPORT_ROLLBACK_IN_PROGRESS"]
BETWEEN += ["IMPORT_ROLLBACK_FAILED", "SOMETHING_NEW"]


@pytest.mark.parametrize("status", AT_REST)
def test_a_stack_at_rest_is_compared(tmp_path: Path, status: str) -> None:
    assert told(tmp_path, stack("Shop", status))[:3] == (0, [("Shop", "in_sync")], [])
    assert told(tmp_path, stack("Shop", status, 90))[:3] == (1, [("Shop", "changed")], [])


@pytest.mark.parametrize("status", BETWEEN)
@pytest.mark.parametrize("seconds", [60, 90])
def test_a_stack_between_two_templates_is_not(tmp_path: Path, status: str, seconds: int) -> None:
    code, entries, (unread,), _ = told(tmp_path, stack("Shop", status, seconds))
    assert (code, entries) == (3, [("Shop", "not_checked")])
    assert unread.startswith(f"stack Shop: its stack is in {status}")


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS"])
def test_what_is_gone_with_such_a_stack_is_not_missing(tmp_path: Path, status: str) -> None:
    deployed, _ = stack("Shop", status)
    deployed["resources"][0]["status"] = "DELETE_COMPLETE"
    assert told(tmp_path, (deployed, {}))[:2] == (3, [("Shop", "not_checked")])


def test_what_only_the_deployed_template_has_is_not_told_to_be_deleted(tmp_path: Path) -> None:
    other = {"Resources": {"Other": {"Type": "AWS::SNS::Topic"}}}
    code, entries, _, _ = told(tmp_path, stack("Shop", "UPDATE_IN_PROGRESS"), code=other)
    assert (code, entries) == (3, [("Shop", "not_checked"), ("Shop", "not_checked")])


def test_a_stack_that_waits_for_its_first_change_set_has_nothing_yet(tmp_path: Path) -> None:
    deployed, _ = stack("Shop", "REVIEW_IN_PROGRESS", template=None, resources=[])
    code, entries, (unread,), _ = told(tmp_path, (deployed, {}))
    assert (code, entries) == (3, [("Shop", "pending")])
    assert "a change set that would create it waits" in unread


def test_another_stack_at_rest_is_compared_all_the_same(tmp_path: Path) -> None:
    assert told(tmp_path, stack("Shop"), stack("Other", "UPDATE_IN_PROGRESS"))[:3] == (0, [("Shop", "in_sync")], [])


def test_a_nested_stack_goes_with_the_one_that_it_is_in(tmp_path: Path) -> None:
    """It has come to its end, and is taken back all the same where the outer one fails."""
    nested: dict[str, Any] = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "https://s3/nested.json"},
    }
    nested["Metadata"] = {"aws:asset:path": "nested.json", "aws:asset:property": "TemplateURL"}
    outer = {"Resources": {"Inner": nested}}
    arn = f"{HERE}/Shop-Inner-1/5678"
    listed = {"logical_id": "Inner", "type": "AWS::CloudFormation::Stack", "physical_id": arn}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "nested.json").write_text(json.dumps(QUEUE))
    states = {}
    for around, inside in (("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"), ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_FAILED")):
        parent = {"name": "Shop", "status": around, "template": outer, "resources": [listed]}
        code, entries, unread, _ = told(tmp_path, (parent, {}), stack("Shop-Inner-1", inside, id=arn), code=outer)
        states[around] = (code, sorted(state for _, state in entries), len(unread))
    assert states == {
        "UPDATE_IN_PROGRESS": (3, ["not_checked", "not_checked"], 1),
        "UPDATE_COMPLETE": (3, ["in_sync", "not_checked"], 1),
    }


@pytest.mark.parametrize("format_", ["console", "markdown"])
def test_one_reason_for_many_resources_is_told_once(
    tmp_path: Path, format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    many = {"Resources": {f"It{number}": {"Type": "AWS::SQS::Queue"} for number in range(6)}}
    told(tmp_path, stack("Shop", "UPDATE_IN_PROGRESS", template=many, resources=[]), code=many)
    words = ["--project", str(tmp_path), "--assembly", f"production={tmp_path / 'out'}"]
    capsys.readouterr()
    run(["drift", *words, "--snapshot", str(tmp_path / "s.json"), "--format", format_])
    said = capsys.readouterr().out.replace("\\", "").replace("*", "")
    assert "Shop: 6 resources" in said
    assert "Shop/It0" not in said


# -- whose is what -----------------------------------------------------------------------------------------


def test_a_stack_beside_another_of_the_same_code_is_new_and_not_changed(tmp_path: Path) -> None:
    """Staging is there and production is not: what staging has is not production's, changed."""
    code, entries, _, notes = told(tmp_path, stack("ShopStaging", "", 90), name="ShopProd")
    assert (code, entries) == (0, [("ShopProd", "pending")])
    assert any(
        "ShopProd is not in the account: it was never deployed there, or somebody deleted it" in n for n in notes
    )


def test_what_moved_is_still_of_the_stack_that_it_was_in(tmp_path: Path) -> None:
    code = {"Resources": {"It": {**QUEUE["Resources"]["It"], "Properties": {"QueueName": "Old-it"}}}}
    told(tmp_path, stack("Old"), name="New", code=code)
    (entry,) = json.loads((tmp_path / "r.json").read_text())["drift"]
    assert (entry["state"], entry["next_deploy"]) == ("pending", "create")
    assert "stack Old has one of this name" in entry["why"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["ShopProd"], (1, [("ShopProd", "changed")], 0)),
        (["ShopProd", "ShopStaging"], (1, [("ShopProd", "changed")], 0)),
        (["Shop"], (1, [("Shop", "changed")], 0)),
        (["ShopStaging"], (0, [("t", "pending")], 0)),
        (["ShopProd", "OtherProd"], (3, [("t", "not_checked")], 1)),
        (["t", "ShopProd"], (1, [("t", "changed")], 0)),
    ],
)
def test_a_bare_template_is_compared_with_the_stack_that_has_its_resources(
    tmp_path: Path, names: list[str], expected: object
) -> None:
    (tmp_path / "t.json").write_text(json.dumps(QUEUE))
    deployed = [stack(name, "", 90) for name in names]
    snapshot: Any = {"schema": "checker-snapshot/1", "stacks": [each for each, _ in deployed]}
    (tmp_path / "s.json").write_text(json.dumps({**snapshot, "resources": [each for _, each in deployed]}))
    code, entries, unread, notes = compared(tmp_path, tmp_path / "t.json")
    assert (code, entries, len(unread)) == expected
    assert any("took template t for stack" in each for each in notes) == (entries[0][0] != "t")
