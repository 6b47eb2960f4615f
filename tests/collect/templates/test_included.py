"""Files of the repository that a template includes stand where they are included; any other include stays unread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.collect.templates.assembly import read_assembly
from checker.model.resources import Stack

QUEUE = "Queue:\n  Type: AWS::SQS::Queue\n"


def stack(folder: Path, template: str, files: dict[str, str]) -> Stack:
    for name, text in {"app/template.yaml": template, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (found,) = read_assembly(folder / "app/template.yaml", folder, root=folder).stacks
    return found


def include(place: str) -> str:
    return f"Fn::Transform: {{Name: AWS::Include, Parameters: {{Location: {place}}}}}"


def test_resources_of_a_file(tmp_path: Path) -> None:
    template = f"Resources:\n  Topic: {{Type: AWS::SNS::Topic}}\n  {include('../parts/queue.yaml')}\n"
    found = stack(tmp_path, template, {"parts/queue.yaml": QUEUE})
    assert sorted(found.template["Resources"]) == ["Queue", "Topic"]
    assert found.unread == ()
    assert found.source.line_of(("Resources", "Queue", "Type")) == 3
    assert found.source.line_of(("Resources", "Topic", "Type")) == 2


@pytest.mark.parametrize(
    ("place", "file"),
    [
        ("s3://bucket/v3/part.json", "app/part.json"),
        ("s3://bucket/release/parts/part.json", "parts/part.json"),
        ("{Fn::Sub: 's3://${Bucket}/part.json'}", "part.json"),
        ("{Fn::Join: ['/', ['s3:/', {Ref: Bucket}, part.json]]}", "app/part.json"),
    ],
)
def test_a_file_in_a_bucket_that_the_repository_has(place: str, file: str, tmp_path: Path) -> None:
    template = f"Resources:\n  Queue: {{Type: AWS::SQS::Queue, Properties: {{{include(place)}}}}}\n"
    found = stack(tmp_path, template, {file: '{"DelaySeconds": 9}'})
    properties: Any = found.template["Resources"]["Queue"]
    assert properties["Properties"] == {"DelaySeconds": 9}


def test_properties_of_a_file_stand_beside_those_that_are_written(tmp_path: Path) -> None:
    template = f"""Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      DelaySeconds: 5
      {include("part.json")}
"""
    found = stack(tmp_path, template, {"app/part.json": '{"KmsMasterKeyId": "alias/aws/sqs", "DelaySeconds": 9}'})
    properties: Any = found.template["Resources"]["Queue"]
    assert properties["Properties"] == {"KmsMasterKeyId": "alias/aws/sqs", "DelaySeconds": 5}


@pytest.mark.parametrize(
    ("place", "files"),
    [
        ("s3://bucket/part.yaml", {}),
        ("s3://bucket/part.yaml", {"app/other/part.yaml": QUEUE}),
        ("s3://bucket/../part.yaml", {"app/part.yaml": QUEUE}),
        ("{Fn::Sub: 's3://${Bucket}/${File}'}", {"app/part.yaml": QUEUE}),
        ("part.yaml", {}),
        ("../../part.yaml", {}),
        ("part.yaml", {"app/part.yaml": "- a\n- b\n"}),
        ("part.yaml", {"app/part.yaml": "a: [\n"}),
        ("{Ref: Place}", {"app/part.yaml": QUEUE}),
    ],
)
def test_what_cannot_be_included_is_told(place: str, files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path.parent / "part.yaml").write_text(QUEUE)
    template = f"Resources:\n  Topic: {{Type: AWS::SNS::Topic}}\n  {include(place)}\n"
    found = stack(tmp_path, template, files)
    assert "Fn::Transform" in found.template["Resources"]
    assert [each.partition(":")[0] for each in found.unread] == ["Resources"]


def test_another_macro_stays(tmp_path: Path) -> None:
    template = f"Resources:\n  Topic: {{Type: AWS::SNS::Topic}}\n  {include('part.yaml')}\n".replace(
        "AWS::Include", "Own"
    )
    template += "# AWS::Include\n"
    assert "Fn::Transform" in stack(tmp_path, template, {"app/part.yaml": QUEUE}).template["Resources"]


def test_a_file_that_is_included_includes_none(tmp_path: Path) -> None:
    template = f"Resources:\n  {include('part.yaml')}\n"
    inner = f"Queue:\n  Type: AWS::SQS::Queue\n{include('other.yaml')}\n"
    found = stack(tmp_path, template, {"app/part.yaml": inner, "app/other.yaml": QUEUE.replace("Queue:", "Other:")})
    assert sorted(found.template["Resources"]) == ["Fn::Transform", "Queue"]
    assert [each.partition(":")[0] for each in found.unread] == ["Resources"]


def test_a_template_that_includes_itself(tmp_path: Path) -> None:
    template = f"Resources:\n  Topic: {{Type: AWS::SNS::Topic}}\n  {include('template.yaml')}\n"
    assert sorted(stack(tmp_path, template, {}).template["Resources"]) == ["Resources", "Topic"]
