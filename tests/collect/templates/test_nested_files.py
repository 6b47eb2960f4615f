"""A nested stack whose template lies in a bucket is read from the file of the repository that its URL ends in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checker.collect.templates.assembly import MAX_NESTED, read_assembly
from checker.resolve.templates.project import with_nested

CHILD = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}


def children(tmp_path: Path, url: Any, *files: str) -> dict[str, str]:
    """The nested stacks' files, of a template at ``stacks/main.json`` of a repository with these files."""
    root = tmp_path / "repository"
    parent = {"Resources": {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}}
    for name, data in {"stacks/main.json": parent, **dict.fromkeys(files, CHILD)}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data))
    (stack,) = read_assembly(root / "stacks/main.json", root, root=root).stacks
    assert bool(stack.nested) is not bool(stack.unread)
    return {name: child.source.file for name, child in stack.nested.items()}


@pytest.mark.parametrize(
    ("url", "files", "wanted"),
    [
        (
            {"Fn::Sub": "https://${B}.s3.amazonaws.com/net/vpc.json"},
            ["net/vpc.json", "stacks/vpc.json"],
            "net/vpc.json",
        ),
        ({"Fn::Sub": ["https://${B}/${P}vpc.json", {"P": "x/"}]}, ["stacks/vpc.json"], "stacks/vpc.json"),
        ({"Fn::Join": ["", ["https://", {"Ref": "B"}, "/v2/vpc.json"]]}, ["v2/vpc.json"], "v2/vpc.json"),
        ("https://s3.amazonaws.com/bucket/release/net/vpc.json", ["stacks/net/vpc.json"], "stacks/net/vpc.json"),
    ],
)
def test_the_longest_path_that_is_there(tmp_path: Path, url: Any, files: list[str], wanted: str) -> None:
    assert children(tmp_path, url, *files) == {"Child": wanted}


@pytest.mark.parametrize(
    "url",
    [
        {"Ref": "Url"},
        {"Fn::Join": ["/", {"Ref": "Parts"}]},
        {"Fn::Sub": "https://${B}/${File}"},
        "https://bucket/other.json",
        "https://bucket/../../outside.json",
    ],
)
def test_what_no_file_of_the_repository_is(tmp_path: Path, url: Any) -> None:
    (tmp_path / "outside.json").write_text(json.dumps(CHILD))
    assert children(tmp_path, url, "vpc.json") == {}


def test_a_link_out_of_the_repository_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text(json.dumps(CHILD))
    (tmp_path / "repository/stacks").mkdir(parents=True)
    (tmp_path / "repository/stacks/link.json").symlink_to(tmp_path / "outside.json")
    assert children(tmp_path, "https://bucket/link.json") == {}


def test_an_assembly_that_was_made_elsewhere_names_the_project_s_own_files(tmp_path: Path) -> None:
    trace = ["at new Shop (/home/somebody/shop/lib/shop.ts:7:3)", "at Object (/home/somebody/shop/bin/app.ts:3:1)"]
    bucket = {"Type": "AWS::S3::Bucket", "Metadata": {"aws:cdk:path": "Shop/Files/Resource"}}
    metadata = {"/Shop/Files/Resource": [{"type": "aws:cdk:logicalId", "data": "Files", "trace": trace}]}
    manifest = {
        "version": "48.0.0",
        "artifacts": {
            "Shop": {
                "type": "aws:cloudformation:stack",
                "properties": {"templateFile": "Shop.json"},
                "metadata": metadata,
            }
        },
    }
    (tmp_path / "cdk.out").mkdir()
    (tmp_path / "cdk.out/manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "cdk.out/Shop.json").write_text(json.dumps({"Resources": {"Files": bucket}}))
    for there, wanted in ((False, "/home/somebody/shop/lib/shop.ts"), (True, "lib/shop.ts")):
        if there:
            (tmp_path / "lib").mkdir()
            (tmp_path / "lib/shop.ts").touch()
        (stack,) = read_assembly(tmp_path / "cdk.out", tmp_path).stacks
        assert {(origin.file, origin.line) for origin in stack.constructs.values()} == {(wanted, 7)}


def test_templates_that_nest_one_another_are_bounded(tmp_path: Path) -> None:
    """A template that is nested in itself is named; six in each of nine levels are read up to a bound."""
    stack = "{Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: %s}}"
    (tmp_path / "self.yaml").write_text("Resources:\n  Again: " + stack % "self.yaml" + "\n")
    found = read_assembly(tmp_path / "self.yaml", tmp_path)
    assert found.stacks[0].unread == ("nested stack Again: self.yaml is nested in itself",)
    for level in range(9):
        below = "".join(f"  N{each}: {stack % f't{level + 1}.yaml'}\n" for each in range(6))
        (tmp_path / f"t{level}.yaml").write_text("Resources:\n" + below)
    (tmp_path / "t9.yaml").write_text("Resources: {B: {Type: AWS::S3::Bucket}}\n")
    read = list(with_nested(read_assembly(tmp_path / "t0.yaml", tmp_path).stacks))
    assert len(read) == MAX_NESTED + 1
    assert any("more than" in reason for stack in read for reason in stack.unread)
