"""Input that means harm, or is merely broken: a located one-line error, bounded, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from checker.collect.config.register import load_register
from checker.collect.documents import MAX_BYTES, parse_json, parse_yaml, read_document
from checker.collect.templates.assembly import read_assembly
from checker.errors import InputError, printable
from checker.model.environments import EnvironmentKind
from checker.model.verdicts import Outcome
from checker.policies.rules import load
from checker.resolve.templates.discovery import assign
from checker.run.judging import judge_stacks

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(97 + n)}: &{chr(97 + n)} [{', '.join(['*' + chr(96 + n)] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("broken.json", b'{\n "Resources": {,}\n}', "broken.json:2: not valid JSON"),
        ("list.json", b"[]", "list.json:1: the top level is not an object"),
        ("empty.json", b"", "empty.json:1: not valid JSON"),
        ("nan.json", b'{"Resources": {"A": NaN}}', "NaN is not JSON"),
        ("twice.json", b'{\n"Resources": {},\n"Resources": {}}', "twice.json:3: the key 'Resources' stands twice"),
        ("latin.json", b'{"Resources":\n {"\xe9": 1}}', "latin.json:2: not UTF-8"),
        ("nul.json", b'{"a":\n"\x00"}', "nul.json:2: a NUL byte"),
        ("deep.json", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested too deeply"),
        ("no-resources.json", b"{}", "no Resources object"),
        ("broken.yaml", b"Resources:\n  A: [1\n", "broken.yaml:3: not valid YAML"),
        ("twice.yaml", b"Resources: {}\nResources: {}\n", "twice.yaml:2: the key 'Resources' stands twice"),
        ("bomb.yaml", BOMB.encode(), "aliases expand to too many nodes"),
        ("cycle.yaml", b"Resources: &a\n  A: *a\n", "an alias contains itself"),
        ("deep.yaml", b"a: " + b"[" * 10_000 + b"]" * 10_000, "nested"),
        ("endless.yaml", b"[" * 10_000, "not valid YAML"),
        ("python.yaml", b"Resources: !!python/object/apply:os.system [id]\n", "no Resources object"),
        ("list-key.yaml", b"? [a, b]\n: c\n", "a key must be plain text"),
        ("scalar.yaml", b"just text\n", "the top level is not a mapping"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith(("json", "yaml")) else "",
)
def test_bad_documents(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_assembly(file, tmp_path)
    assert said in raised.value.message
    assert "\n" not in raised.value.message
    assert raised.value.hint


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    with file.open("wb") as handle:
        handle.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match="over the limit"):
        read_document(file, "large.json")


def assembly(folder: Path, artifacts: object, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": artifacts}))
    for name, text in files.items():
        (folder / f"{name}.json").write_text(text)
    return folder


def stack(file: str, **more: object) -> dict[str, object]:
    return {"type": "aws:cloudformation:stack", "properties": {"templateFile": file}, **more}


@pytest.mark.parametrize("outside", ["../secret.json", "/etc/passwd", "a/../../secret.json"])
def test_paths_that_leave_the_assembly(tmp_path: Path, outside: str) -> None:
    (tmp_path / "secret.json").write_text('{"Resources": {}}')
    folder = assembly(tmp_path / "out", {"S": stack(outside)})
    with pytest.raises(InputError, match=r"leaves the assembly's folder|no such file"):
        read_assembly(folder, tmp_path)


def test_symlinks_that_leave_the_assembly(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"Resources": {}}')
    folder = assembly(tmp_path / "out", {"S": stack("link.json")})
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(InputError, match="leaves the assembly's folder"):
        read_assembly(folder, tmp_path)


def test_a_stage_that_contains_itself_ends(tmp_path: Path) -> None:
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}
    folder = assembly(tmp_path / "out", {"Again": stage})
    with pytest.raises(InputError, match="nested more than"):
        read_assembly(folder, tmp_path)


def test_a_nested_stack_that_contains_itself_ends(tmp_path: Path) -> None:
    nested = {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "s.json"}, "Properties": {}}
    folder = assembly(tmp_path / "out", {"S": stack("s.json")}, s=json.dumps({"Resources": {"N": nested}}))
    found = read_assembly(folder, tmp_path).stacks[0]
    assert found.nested == {}
    assert found.unread == ("nested stack N: out/s.json is nested in itself",)


def test_a_pipe_is_no_template(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match="not a regular file"):
        read_assembly(tmp_path / "pipe.json", tmp_path)


@pytest.mark.parametrize(
    "properties",
    [
        "text",
        ["list"],
        7,
        None,
        {"Engine": ["redis"], "AtRestEncryptionEnabled": {"deep": [1]}, "AuthToken": {"Ref": {"Ref": []}}},
        {"Fn::If": ["Nope", {}, {}]},
        {"StorageEncrypted": {"Fn::Select": ["x", "y"]}, "PolicyDocument": "{not json", "Image": 5},
        {"AssumeRolePolicyDocument": {"Statement": [1, None, "x", {"Condition": []}]}, "LifecyclePolicy": []},
        {"ContainerDefinitions": {"Image": {}}, "SecurityGroupEgress": "all", "Rules": {"a": 1}, "AlarmActions": {}},
    ],
    ids=str,
)
def test_wrong_types_in_properties_never_crash_a_rule(properties: object) -> None:
    """Every type that rules ask for, with properties that CloudFormation would refuse."""
    types = sorted(_types_that_rules_read())
    template = {"Resources": {f"R{n}": {"Type": kind, "Properties": properties} for n, kind in enumerate(types)}}
    document = parse_json(json.dumps(template), "t.json")
    from checker.model.resources import Stack

    found = Stack("s", "s", "", document.data, document)
    assigned = assign([found], {}, {"s": "production"})
    assert assigned.kinds == {"production": EnvironmentKind.PRODUCTION}
    verdicts = judge_stacks(assigned.stacks, assigned.kinds, load(), load_register().findings)
    crashed = [f"{verdict.id}: {verdict.violation}" for verdict in verdicts if verdict.outcome is Outcome.ERROR]
    assert crashed == []


def _types_that_rules_read() -> set[str]:
    import re

    root = Path(__file__).parents[3]
    files = [*(root / "checker/policies/rules").glob("*.py"), *(root / "checker").rglob("*.py")]
    return {name for file in files for name in re.findall(r"AWS::\w+::\w+", file.read_text(encoding="utf-8"))}


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in printable("\x1b[31mred\x1b[0m\x07\u202e")
    document = parse_yaml('Resources:\n  "A\\e[2J": {Type: AWS::SNS::Topic}\n', "t.yaml")
    assert list(document.data["Resources"]) == ["A\x1b[2J"]


def test_a_resource_without_a_type_is_passed_over_and_said(tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text('{"Resources": {"A": {}, "B": [], "C": {"Type": "AWS::SNS::Topic"}}}')
    (stack,) = read_assembly(tmp_path / "odd.json", tmp_path).stacks
    assert stack.unread == (
        "resource A: it has no Type",
        "resource B: it has no Type",
    )
