"""Snapshots as files: what is written is read again, what a person writes is accepted, what is wrong is located."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest

from checker.collect.snapshots import parse, read_snapshot, render
from checker.errors import InputError
from checker.model.live.snapshot import LiveResource, Snapshot, SnapshotStack, StackResource
from checker.model.verdicts import Unread

SCHEMA = json.loads(resources.files("checker.collect").joinpath("snapshot_schema.json").read_text(encoding="utf-8"))

FULL = Snapshot(
    account="111111111111",
    region="us-west-2",
    taken_at="2026-11-26T10:00:00Z",
    stacks=(
        SnapshotStack(
            name="Shop",
            status="UPDATE_COMPLETE",
            id="arn:aws:cloudformation:us-west-2:111111111111:stack/Shop/1",
            parameters={"Size": "2"},
            outputs={"Url": "https://example.com"},
            tags={"team": "shop"},
            template={"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}},
            resources=(StackResource("Queue", "AWS::SQS::Queue", "https://sqs/1/Queue", "CREATE_COMPLETE"),),
        ),
    ),
    resources=(
        LiveResource(
            "AWS::SQS::Queue", "https://sqs/1/Queue", "Shop", "Queue", {"DelaySeconds": 0}, {"Tags": "denied"}
        ),
        LiveResource("AWS::S3::Bucket", "left-over"),
    ),
    facts={"tasks": []},
    unread=(Unread("AWS::RDS::DBInstance", "access denied", "rds:DescribeDBInstances"),),
)


def test_what_is_written_is_read_again() -> None:
    text = render(FULL)
    jsonschema.validate(json.loads(text), SCHEMA)
    assert parse(text) == FULL
    assert render(parse(text)) == text


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"schema": "checker-snapshot/1"}, Snapshot()),
        ({"resources": [{"type": "AWS::S3::Bucket"}]}, Snapshot(resources=(LiveResource("AWS::S3::Bucket"),))),
        (
            {"resources": [{"type": "T::T::T", "properties": None, "unread": None, "stack": None}]},
            Snapshot(resources=(LiveResource("T::T::T"),)),
        ),
        (
            {"account": 11111111111, "stacks": [{"name": "A", "template": None, "resources": None}]},
            Snapshot(account="011111111111", stacks=(SnapshotStack("A"),)),
        ),
        (
            {"stacks": [{"name": "A", "tags": [{"Key": "a", "Value": "b"}]}]},
            Snapshot(stacks=(SnapshotStack("A", tags={"a": "b"}),)),
        ),
        (
            {"stacks": [{"name": "A", "parameters": [{"ParameterKey": "P", "ParameterValue": "1"}]}]},
            Snapshot(stacks=(SnapshotStack("A", parameters={"P": "1"}),)),
        ),
        (
            {"stacks": [{"name": "A", "template": "Resources:\n  Q: {Type: AWS::SQS::Queue}\n"}]},
            Snapshot(stacks=(SnapshotStack("A", template={"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}),)),
        ),
        (
            {"stacks": [], "unread": ["rds"], "of_later": 1},
            Snapshot(unread=(Unread("rds", "not read"),)),
        ),
        (
            {"resources": [{"type": "T::T::T", "unread": ["A.B"]}]},
            Snapshot(resources=(LiveResource("T::T::T", unread={"A.B": "not read"}),)),
        ),
    ],
)
def test_what_a_person_writes_is_accepted(written: dict[str, Any], expected: Snapshot) -> None:
    assert parse(json.dumps(written)) == expected


def test_yaml_is_accepted(tmp_path: Any) -> None:
    file = tmp_path / "account.yaml"
    file.write_text("schema: checker-snapshot/1\naccount: '111111111111'\ntaken_at: 2026-11-26\nresources: []\n")
    assert read_snapshot(file) == Snapshot(account="111111111111", taken_at="2026-11-26")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "snap.json:1: not valid JSON"),
        ("[]", "snap.json:1: the top level is not an object"),
        ('{"schema": "checker-run/1"}', "its schema is 'checker-run/1'"),
        ('{"Resources": {}}', "it names no schema"),
        ('{"schema": "checker-snapshot/1", "resources": {}}', "snap.json: resources is not a list"),
        ('{"schema": "checker-snapshot/1", "resources": [{}]}', "resources[0].type is not text"),
        (
            '{"schema": "checker-snapshot/1", "resources": [{"type": "T", "properties": []}]}',
            "properties is not an obj",
        ),
        ('{"schema": "checker-snapshot/1", "resources": [{"type": "T", "unread": {"A": 1}}]}', "resources[0].unread.A"),
        ('{"schema": "checker-snapshot/1", "stacks": [{"name": "A", "template": 3}]}', "stacks[0].template"),
        ('{"schema": "checker-snapshot/1", "stacks": [{"name": "A", "template": "{"}]}', "stacks[0].template"),
        ('{"schema": "checker-snapshot/1", "stacks": [{"name": "A", "tags": ["x"]}]}', "stacks[0].tags[0] is no pair"),
        ('{"schema": "checker-snapshot/1", "account": true}', "account is not text"),
    ],
)
def test_a_fault_is_located(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, "snap.json")
    assert said in caught.value.message
    assert caught.value.hint
