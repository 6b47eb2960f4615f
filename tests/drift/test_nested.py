"""Nested stacks: their resources are compared one by one, with what their parents pass to them and take from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from checker.collect.templates.assembly import read_assembly
from checker.drift.judge import drift_of
from tests.drift.support import snapshot_of

ARN = "arn:aws:cloudformation:us-east-1:111111111111:stack/Shop-Queues-1ABC/5678"
NESTED = {
    "Parameters": {"Seconds": {"Type": "Number"}},
    "Resources": {"Inner": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": {"Ref": "Seconds"}}}},
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Inner", "Arn"]}}},
}
PARENT = {
    "Resources": {
        "Queues": {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": "https://s3/nested.json", "Parameters": {"Seconds": 60}},
            "Metadata": {"aws:asset:path": "nested.json", "aws:asset:property": "TemplateURL"},
        },
        "Outer": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Queues", "Outputs.Arn"]}}},
        },
    }
}
INNER = "arn:aws:sqs:us-east-1:111111111111:inner"


def compared(folder: Path, snapshot: dict[str, Any]) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    (folder / "Shop.json").write_text(json.dumps(PARENT), encoding="utf-8")
    (folder / "nested.json").write_text(json.dumps(NESTED), encoding="utf-8")
    (stack,) = read_assembly(folder / "Shop.json", folder).stacks
    return {
        f"{each.stack}/{each.logical_id}": (
            each.state.value,
            each.next_deploy.value,
            tuple(f"{drift.path} {drift.state}" for drift in each.properties),
        )
        for each in drift_of([stack], snapshot_of(snapshot)).resources
    }


def account(seconds: int, deployed: Any = NESTED) -> dict[str, Any]:
    def listed(logical_id: str, physical_id: str, kind: str = "AWS::SQS::Queue") -> dict[str, str]:
        return {"logical_id": logical_id, "physical_id": physical_id, "type": kind}

    outer = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": INNER})}
    return {
        "stacks": [
            {
                "name": "Shop",
                "template": PARENT,
                "resources": [
                    listed("Queues", ARN, "AWS::CloudFormation::Stack"),
                    listed("Outer", "https://sqs/1/outer"),
                ],
            },
            {
                "name": "Shop-Queues-1ABC",
                "id": ARN,
                "template": deployed,
                "parameters": {"Seconds": "60"},
                "outputs": {"Arn": INNER},
                "resources": [listed("Inner", "https://sqs/1/inner")],
            },
        ],
        "resources": [
            {"type": "AWS::SQS::Queue", "physical_id": "https://sqs/1/outer", "properties": outer},
            {
                "type": "AWS::SQS::Queue",
                "physical_id": "https://sqs/1/inner",
                "properties": {"VisibilityTimeout": seconds},
            },
        ],
    }


def test_a_nested_stack_in_sync(tmp_path: Path) -> None:
    found = compared(tmp_path, account(60))
    assert len(found) == 3
    assert set(found.values()) == {("in_sync", "none", ())}


def test_a_resource_of_a_nested_stack_changed(tmp_path: Path) -> None:
    found = compared(tmp_path, account(90))
    changed = {key: entry for key, entry in found.items() if entry[0] != "in_sync"}
    assert list(changed.values()) == [("changed", "none", ("VisibilityTimeout changed_in_account",))]
    assert all(key.endswith("/Inner") for key in changed)


def test_the_code_of_a_nested_stack_changed(tmp_path: Path) -> None:
    old = {**NESTED, "Resources": {"Inner": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}}}}
    found = compared(tmp_path, account(30, old))
    changed = {key: entry for key, entry in found.items() if entry[0] != "in_sync"}
    assert list(changed.values()) == [("pending", "update", ("VisibilityTimeout changed_in_code",))]


def test_a_nested_stack_that_is_gone(tmp_path: Path) -> None:
    data = account(60)
    del data["stacks"][1]
    found = compared(tmp_path, data)
    assert {key.rpartition("/")[2]: entry[0] for key, entry in found.items()}["Queues"] == "missing"


def test_a_nested_stack_that_was_never_deployed(tmp_path: Path) -> None:
    data = account(60)
    data["stacks"] = [{**data["stacks"][0], "template": {"Resources": {"Outer": PARENT["Resources"]["Outer"]}}}]
    data["stacks"][0]["resources"] = data["stacks"][0]["resources"][1:]
    states = {key.rpartition("/")[2]: entry[:2] for key, entry in compared(tmp_path, data).items()}
    assert states["Queues"] == ("pending", "create")
    assert states["Inner"] == ("pending", "create")
