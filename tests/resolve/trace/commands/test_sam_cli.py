"""What `sam` commands come to, as CloudFormation's."""

from __future__ import annotations

import pytest

from checker.model.possible import OneOf, Possible
from checker.resolve.trace.commands.sam_cli import as_aws

CONFIG = """
[default.global.parameters]
stack_name = "every"
[prod.deploy.parameters]
stack_name = "orders-prod"
region = "eu-west-1"
[prod.global.parameters]
stack_name = "all-of-prod"
[images.deploy.parameters]
resolve_image_repos = true
"""


def made(line: str, folder: str | None = "") -> tuple[tuple[Possible, ...], bool]:
    return as_aws(tuple(line.split()), folder, {"samconfig.toml": CONFIG, "api/samconfig.toml": "not toml ["}.get)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("sam deploy", "aws cloudformation deploy --stack-name every"),
        ("sam deploy --stack-name a --guided", "aws cloudformation deploy --stack-name a"),
        ("sam deploy --config-env prod", "aws cloudformation deploy --stack-name orders-prod --region eu-west-1"),
        ("sam deploy --config-env=prod --region us-east-1 --no-fail-on-empty-changeset",
         "aws cloudformation deploy --stack-name orders-prod --region us-east-1"),
        ("sam deploy --stack-name a -t b.yaml", "aws cloudformation deploy --stack-name a --template-file b.yaml"),
        ("sam deploy --stack-name a --no-execute-changeset", "aws cloudformation create-change-set --stack-name a"),
        ("sam package -t a.yaml --s3-bucket code --output-template-file b.yaml --force-upload",
         "aws cloudformation package --template-file a.yaml --s3-bucket code --output-template-file b.yaml"),
        ("sam package --resolve-s3", "aws cloudformation package"),
        ("sam delete --config-env prod --no-prompts", "aws cloudformation delete-stack --stack-name all-of-prod"),
        ("rain deploy -y --params A=b infra/shop.yaml",
         "aws cloudformation deploy --template-file infra/shop.yaml --stack-name shop"),
        ("rain deploy shop.yaml live --region eu-west-1 --tags a=b",
         "aws cloudformation deploy --template-file shop.yaml --stack-name live --region eu-west-1"),
        ("rain rm live --yes -p ops", "aws cloudformation delete-stack --stack-name live --profile ops"),
    ],
)  # fmt: skip
def test_what_changes_a_stack(line: str, wanted: str) -> None:
    assert made(line) == (tuple(wanted.split()), True)


@pytest.mark.parametrize(
    "line",
    ["sam", "sam build", "sam sync --stack-name a", "rain", "rain fmt a.yaml", "rain logs live"],
)
def test_what_is_something_else(line: str) -> None:
    assert made(line) == ((), False)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("sam deploy --config-env images --stack-name a", "aws cloudformation deploy --stack-name a"),
        ("sam package --s3-bucket code --image-repository images", "aws cloudformation package --s3-bucket code"),
    ],
)
def test_what_pushes_images_too(line: str, wanted: str) -> None:
    assert made(line) == (tuple(wanted.split()), False)


@pytest.mark.parametrize(
    ("template", "pushes"),
    [
        ("Resources: {F: {Properties: {ImageUri: !Ref Image}}}", False),
        ('{"Resources": {"F": {"Properties": {"ImageUri": {"Ref": "Image"}}}}}', False),
        ("F:\n  ImageUri:\n    Fn::Sub: a\nG:\n  ImageUri: 111111111111.dkr.ecr.eu-west-1.amazonaws.com/a:1\n", False),
        ("Resources: {F: {Properties: {Runtime: python3.13}}}", False),
        ("F:\n  ImageUri: notes:latest\n", True),
        ("F:\n  ImageUri:\n    notes:latest\n", True),
        ("F:\n  ImageUri: !Ref Image\n  Metadata: {DockerContext: ./f, Dockerfile: Dockerfile}\n", True),
        ("F: {ImageUri: !Ref Image}\nG: {Type: AWS::Serverless::Application, Location: g.yaml}\n", True),
    ],
)
def test_a_template_tells_whether_there_is_an_image_to_push(template: str, pushes: bool) -> None:
    words = ("sam", "deploy", "--stack-name", "a", "--image-repository", "images")
    for files in ({"api/template.yaml": template}, {"api/t.yaml": template, "api/.aws-sam/build/template.yaml": ""}):
        named = ("-t", "t.yaml") if "api/t.yaml" in files else ()
        _, whole = as_aws((*words, *named), "api", files.get)
        assert whole is (not pushes and not named)


@pytest.mark.parametrize("folder", [None, "api", "elsewhere"])
def test_a_name_that_no_file_tells_is_open(folder: str | None) -> None:
    words, whole = made("sam deploy", folder)
    assert whole
    assert not isinstance(words[4], str)


def test_an_environment_of_several_is_each_of_them() -> None:
    words = ("sam", "deploy", "--config-env", OneOf(("prod", "default")))
    found, _ = as_aws(words, "", {"samconfig.toml": CONFIG}.get)
    assert found[4] == OneOf(("orders-prod", "every"))


def test_the_configuration_stands_beside_the_template_or_where_the_command_runs_in_toml_before_yaml() -> None:
    files = {
        "samconfig.toml": CONFIG,
        "pay/samconfig.yaml": "prod: {deploy: {parameters: {stack_name: pay-prod}}}",
        "pay/ops.yml": "default: {deploy: {parameters: {stack_name: ops}}}",
        "pay/broken.yaml": "default: [",
    }

    def stack(line: str, folder: str) -> Possible:
        return as_aws(tuple(line.split()), folder, files.get)[0][4]

    assert stack("sam deploy --config-env prod", "pay") == "pay-prod"
    assert stack("sam deploy --config-env prod -t pay/template.yaml", "") == "pay-prod"
    assert stack("sam deploy --config-env prod -t .aws-sam/build/template.yaml", "") == "orders-prod"
    assert stack("sam deploy --config-file ops.yml", "pay") == "ops"
    assert stack("sam deploy --config-file pay/ops.yml", "") == "ops"
    assert not isinstance(stack("sam deploy --config-file broken.yaml", "pay"), str)
