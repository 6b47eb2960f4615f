"""Templates are recognised by what is in them, however they are called, ended and escaped."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.documents import read_document
from checker.collect.templates.own import read_own
from checker.collect.templates.search import search
from checker.model.settings import Settings
from tests.pipelines import repository as write

YAML = "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Files:\n    Type: AWS::S3::Bucket\n"
TYPED = YAML.partition("\n")[2]
JSON = '{"Resources": {"Files": {"Type": "AWS::S3::Bucket"}}}'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stack.cform", YAML),
        ("stack.CFN", JSON),
        ("web.cloudformation", YAML),
        ("web.template.txt", TYPED),
        ("web.cfn.txt", JSON),
        ("old-mac.yaml", YAML.replace("\n", "\r")),
        ("old-mac.json", JSON.replace(" ", "\r")),
        ("windows.yaml", TYPED.replace("\n", "\r\n")),
        ("keys.json", JSON.replace("Resources", r"\u0052esources")),
        ("types.json", JSON.replace("AWS::S3", r"\u0041WS\u003A\u003aS3").replace("Type", r"\u0054ype")),
        ("quoted.yaml", TYPED.replace("Resources", '"Resources"').replace("Type", "'Type'")),
        ("escaped.yaml", TYPED.replace("Resources", r'"\x52esources"')),
        ("marked.yaml", "\ufeff" + TYPED),
        ("marked.json", "\ufeff" + JSON),
        ("large.json", JSON.replace("}}}", '}}, "Metadata": "' + "-" * 5_000_000 + '"}')),
    ],
)
def test_a_template_is_found_and_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert search(tmp_path).templates == [Path(name)]
    assert read_document(tmp_path / name, name).data["Resources"]["Files"]["Type"] == "AWS::S3::Bucket"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.txt", YAML),
        ("template.txt", "Resources: what a template declares, such as AWS::S3::Bucket\n"),
        ("words.json", r'{"Res\u006furce": {"Files": {"Type": "AWS::S3::Bucket"}}}'),
        ("data.json", '{"rows": "' + "-" * 5_000_000 + '", "of": "AWS::S3::Bucket"}'),
        ("path.yaml", 'folder: "C:\\\\x52esources: Type: AWS::S3::Bucket"\n'),
    ],
)
def test_what_only_speaks_of_one_is_none(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert search(tmp_path).templates == []


def test_a_template_beyond_every_limit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.collect.templates.search.MAX_BYTES", 4_000_000)
    (tmp_path / "huge.json").write_text(JSON.replace("}}}", "}}" + " " * 4_000_000 + "}"))
    found = search(tmp_path)
    assert found.templates == []
    assert [(each.spot.file, each.message) for each in found.problems] == [
        ("huge.json", "a template of more than 4,000,000 bytes")
    ]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("stub.yaml", "AWSTemplateFormatVersion: '2010-09-09'\nDescription: later\n", "declares no Resources"),
        ("typo.yaml", YAML.replace("Resources", "Resource"), "declares no Resources"),
        ("typo.json", '{"AWSTemplateFormatVersion": "2010-09-09", "Resource": {}}', "declares no Resources"),
        ("stack.yaml.j2", YAML.replace("Files", "{{ name }}"), "another program fills in"),
        ("stack.json.erb", JSON.replace("Files", "<%= name %>"), "another program fills in"),
    ],
)
def test_what_would_be_one_is_named(tmp_path: Path, name: str, text: str, why: str) -> None:
    (tmp_path / name).write_text(text)
    found = search(tmp_path)
    assert found.templates == []
    assert [each.spot.file for each in found.problems] == [name]
    assert why in found.problems[0].message
    assert search(tmp_path, {name: "an example"}).problems == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.md", "AWSTemplateFormatVersion: '2010-09-09'\n"),
        ("guide.yaml", "text: say AWSTemplateFormatVersion at the top\n"),
        ("config.yaml.j2", "Resources: {{ all }}\n"),
        ("stack.tpl", YAML),
        ("fixtures/typo.yaml", YAML.replace("Resources", "Resource")),
    ],
)
def test_what_is_something_else_is_not_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert search(tmp_path).problems == []


def test_a_file_of_another_tool_is_named_as_that_alone(tmp_path: Path) -> None:
    (tmp_path / "appspec.yml").write_text("Resources:\n- Web: {Type: AWS::ECS::Service}\n")
    found = search(tmp_path)
    assert (found.templates, list(found.not_read)) == ([], ["AWS CodeDeploy"])


def test_two_templates_of_one_folder_are_called_after_all_of_their_names(tmp_path: Path) -> None:
    text = "AWSTemplateFormatVersion: '2010-09-09'\nResources: {T: {Type: AWS::SNS::Topic}}\n"
    names = ("a/template.yaml", "a/template.bootstrap.yaml", "b/site.template.yaml", "c/site.yaml")
    write(tmp_path, dict.fromkeys(names, text))
    own = read_own(tmp_path, Settings(), lambda _: None)
    found = {stack.source.file: stack.name for each in own.assemblies for stack in each.stacks}
    assert found == {
        "a/template.yaml": "template",
        "a/template.bootstrap.yaml": "template.bootstrap",
        "b/site.template.yaml": "b-site",
        "c/site.yaml": "c-site",
    }


@pytest.mark.parametrize(
    ("file", "tool"),
    [
        (".platform/hooks/postdeploy/01_migrate.sh", "AWS Elastic Beanstalk"),
        ("web/.platform/confighooks/predeploy/a.sh", "AWS Elastic Beanstalk"),
        ("deploy/ecspresso.jsonnet", "ecspresso"),
        ("web/Earthfile", "Earthly"),
        (".harness/deploy.yaml", "Harness"),
    ],
)
def test_a_tool_that_is_not_read_is_named_with_its_file(tmp_path: Path, file: str, tool: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("a: 1\n")
    assert search(tmp_path).not_read == {tool: [Path(file)]}
