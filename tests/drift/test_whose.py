"""Whose a resource is: kept when its stack let go of it, or of a stack of the same name in another region."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checker.cli import run

REGION = "us-east-1"


def queue(seconds: int) -> dict[str, Any]:
    return {"Resources": {"It": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds}}}}


def bucket(name: str, stack: str, logical_id: str = "Files", region: str = REGION) -> dict[str, Any]:
    arn = f"arn:aws:cloudformation:{region}:111111111111:stack/{stack}/1234"
    told = {"stack-name": stack, "stack-id": arn, "logical-id": logical_id}
    tags = [{"Key": f"aws:cloudformation:{key}", "Value": value} for key, value in told.items()]
    kind = {"type": "AWS::S3::Bucket", "physical_id": name, "stack": stack, "logical_id": logical_id}
    return {**kind, "properties": {"BucketName": name, "Tags": tags}}


def told(folder: Path, *resources: Any, regions: dict[str, int] | None = None, **more: Any) -> tuple[int, Any]:
    """Exit code and run document. ``regions``: the region of each stack called Shop, with what its queue is to have."""
    regions = regions or {REGION: 60}
    (folder / "out").mkdir()
    artifacts = {}
    for region, seconds in regions.items():
        (folder / "out" / f"{region}.json").write_text(json.dumps(queue(seconds)))
        properties = {"templateFile": f"{region}.json", "stackName": "Shop"}
        artifacts[region] = {"type": "aws:cloudformation:stack", "environment": f"aws://111111111111/{region}"}
        artifacts[region]["properties"] = properties  # type: ignore[assignment]
    (folder / "out" / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": artifacts}))
    listed = {"logical_id": "It", "type": "AWS::SQS::Queue", "physical_id": "url", "status": "UPDATE_COMPLETE"}
    stack: Any = {"name": "Shop", "status": "UPDATE_COMPLETE", "template": queue(60), "resources": [listed]}
    stack["resources"] += more.pop("listed", [])
    live = {"type": "AWS::SQS::Queue", "physical_id": "url", "properties": {"VisibilityTimeout": 60}}
    snapshot: Any = {"schema": "checker-snapshot/1", "account": "111111111111", "region": REGION, "stacks": [stack]}
    snapshot |= {"resources": [live, *resources], "facts": {"asked": ["stacks", "AWS::SQS::Queue", "AWS::S3::Bucket"]}}
    (folder / "s.json").write_text(json.dumps({**snapshot, **more}))
    words = ["--project", str(folder), "--assembly", f"production={folder / 'out'}", "--snapshot", f"{folder}/s.json"]
    code = run(["drift", *words, "--all", "--format", f"json={folder / 'r.json'}"])
    return code, json.loads((folder / "r.json").read_text())


def unmanaged(document: Any) -> dict[str, str]:
    return {each["physical_id"]: each["why"] for each in document["drift"] if each["state"] == "unmanaged"}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (bucket("kept", "Shop"), {"kept": "stack Shop made it, and has it no longer"}),
        (bucket("orphan", "Old"), {"orphan": "stack Old made it, and has it no longer"}),
        (bucket("elsewhere", "Old", region="eu-west-1"), {}),
        (bucket("launched", "Shop", "It"), {}),  # by one that the stack has: its tags went with it
    ],
    ids=["kept by a stack", "kept by a stack that is gone", "another region's", "made by what is the stack's"],
)
def test_what_a_stack_has_let_go_of_is_of_no_stack(tmp_path: Path, resource: Any, expected: Any) -> None:
    code, document = told(tmp_path, resource)
    assert (code, unmanaged(document)) == (0, expected)


def test_what_was_kept_when_it_was_removed_is_listed_and_not_the_stack_s(tmp_path: Path) -> None:
    skipped = {"logical_id": "Files", "type": "AWS::S3::Bucket", "physical_id": "kept", "status": "DELETE_SKIPPED"}
    assert list(unmanaged(told(tmp_path, bucket("kept", "Shop"), listed=[skipped])[1])) == ["kept"]


def test_whoever_writes_a_snapshot_says_what_is_whose(tmp_path: Path) -> None:
    assert unmanaged(told(tmp_path, bucket("files", "Shop"), facts={})[1]) == {}


def test_two_stacks_of_one_name_are_each_compared_where_it_is_meant_to_be(tmp_path: Path) -> None:
    code, document = told(tmp_path, regions={REGION: 60, "eu-west-1": 90})
    assert code == 3
    assert sorted(each["state"] for each in document["drift"]) == ["in_sync", "not_checked"]
    (unread,) = document["coverage"]["unread"]
    assert unread["what"] == "stack Shop"
    assert "meant for region eu-west-1" in unread["why"]


def test_what_is_there_before_its_stack_is_has_still_to_be_created(tmp_path: Path) -> None:
    """A stack that was deleted kept its queue: deployed anew, it does not get it back by itself."""
    kept = {"type": "AWS::SQS::Queue", "physical_id": "old", "stack": "Shop", "logical_id": "It"}
    other: Any = {"name": "Other", "status": "UPDATE_COMPLETE", "template": queue(1), "resources": []}
    code, document = told(tmp_path, stacks=[other], resources=[{**kept, "properties": {"VisibilityTimeout": 60}}])
    (entry,) = document["drift"]
    assert (code, entry["state"], entry["next_deploy"]) == (0, "pending", "create")
    assert "creating it may fail" in entry["why"]
