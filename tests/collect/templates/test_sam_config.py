"""The stacks that a SAM template is deployed as, by its configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.templates.own import read_own
from checker.collect.templates.sam_config import SamDeployment, sam_deployments
from checker.errors import InputError
from checker.model.settings import Settings
from tests.pipelines import repository as write

SAM = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Stage: {Type: String}}
Resources: {T: {Type: AWS::SNS::Topic}}
"""
CONFIG = """
version = 0.1
[default.global.parameters]
region = "eu-west-1"
[staging.deploy.parameters]
stack_name = "orders-staging"
parameter_overrides = "Stage=staging Note='two words'"
[production.global.parameters]
stack_name = "orders-production"
region = "eu-central-1"
[production.deploy.parameters]
parameter_overrides = ["Stage=production", "ParameterKey=Size,ParameterValue=3"]
[other.deploy.parameters]
stack_name = "elsewhere"
template_file = "other/app.yaml"
"""


def test_each_environment_that_names_a_stack(tmp_path: Path) -> None:
    write(tmp_path, {"template.yaml": SAM, "samconfig.toml": CONFIG})
    assert sam_deployments(tmp_path / "template.yaml") == (
        SamDeployment("staging", "orders-staging", "", {"Stage": "staging", "Note": "two words"}),
        SamDeployment("production", "orders-production", "eu-central-1", {"Stage": "production", "Size": "3"}),
    )


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"samconfig.yaml": "dev: {deploy: {parameters: {stack_name: a, template: template.yaml}}}"}, ["a"]),
        ({"samconfig.toml": '[dev.deploy.parameters]\nstack_name = "a"\ntemplate_file = "x.yaml"\n'}, []),
        ({"samconfig.toml": 'dev = 1\n[a]\ndeploy = 2\n[b.deploy.parameters]\nstack_name = ["a"]\n'}, []),
        ({}, []),
    ],
)
def test_what_is_another_template_s_or_names_no_stack(tmp_path: Path, files: dict[str, str], names: list[str]) -> None:
    write(tmp_path, files)
    assert [each.stack for each in sam_deployments(tmp_path / "template.yaml")] == names


def test_a_file_that_cannot_be_read_is_on_record_and_the_template_is_judged(tmp_path: Path) -> None:
    write(tmp_path, {"template.yaml": SAM, "samconfig.toml": "[broken"})
    with pytest.raises(InputError, match=r"samconfig\.toml: not valid TOML"):
        sam_deployments(tmp_path / "template.yaml")
    own = read_own(tmp_path, Settings(), lambda _: None)
    assert [stack.name for each in own.assemblies for stack in each.stacks] == ["template"]
    assert [each.what for each in own.unread] == ["samconfig.toml"]


@pytest.mark.parametrize(
    "overrides",
    [
        '"Encrypted=false Note=\'open"',
        '["Encrypted=false", 3.5]',
        "{Sizes = [1, 2]}",
        '"Encrypted"',
        "{When = 2026-11-27}",
    ],
)
def test_overrides_that_cannot_be_read_leave_no_default_to_decide_in_silence(tmp_path: Path, overrides: str) -> None:
    said = f'[live.deploy.parameters]\nstack_name = "a"\nparameter_overrides = {overrides}\n'
    write(tmp_path, {"template.yaml": SAM, "samconfig.toml": said})
    own = read_own(tmp_path, Settings(), lambda _: None)
    assert [each.what for each in own.unread] == ["samconfig.toml"]


def test_a_truth_value_is_written_as_cloudformation_compares_it(tmp_path: Path) -> None:
    said = '[live.deploy.parameters]\nstack_name = "a"\nparameter_overrides = {Encrypted = true}\n'
    write(tmp_path, {"template.yaml": SAM, "samconfig.toml": said})
    assert [each.parameters for each in sam_deployments(tmp_path / "template.yaml")] == [{"Encrypted": "true"}]


def test_yaml_that_is_no_mapping_is_on_record(tmp_path: Path) -> None:
    write(tmp_path, {"template.yaml": SAM, "samconfig.yaml": "- live\n"})
    own = read_own(tmp_path, Settings(), lambda _: None)
    assert [each.what for each in own.unread] == ["samconfig.yaml"]


def test_the_template_stands_for_each_of_its_stacks(tmp_path: Path) -> None:
    write(tmp_path, {"app/template.yaml": SAM, "app/samconfig.toml": CONFIG})
    own = read_own(tmp_path, Settings(), lambda _: None)
    stacks = [stack for each in own.assemblies for stack in each.stacks]
    assert [(each.name, each.region, each.parameters["Stage"]) for each in stacks] == [
        ("orders-staging", "", "staging"),
        ("orders-production", "eu-central-1", "production"),
    ]
    assert [own.assemblies[0].stages[each.id] for each in stacks] == ["staging", "production"]
    assert "took its stack names from app/samconfig.toml: orders-staging, orders-production" in own.notes


def test_the_default_environment_is_the_name_of_none(tmp_path: Path) -> None:
    write(tmp_path, {"template.yaml": SAM, "samconfig.toml": '[default.deploy.parameters]\nstack_name = "hello"\n'})
    own = read_own(tmp_path, Settings(), lambda _: None)
    assert [stack.name for each in own.assemblies for stack in each.stacks] == ["hello"]
    assert own.assemblies[0].stages == {}


def test_a_template_without_the_transform_is_deployed_by_it_likewise(tmp_path: Path) -> None:
    plain = "Parameters: {Stage: {Type: String}}\nResources: {T: {Type: AWS::SNS::Topic}}\n"
    write(tmp_path, {"network/template.yaml": plain, "network/samconfig.toml": CONFIG})
    own = read_own(tmp_path, Settings(), lambda _: None)
    assert [stack.name for each in own.assemblies for stack in each.stacks] == ["orders-staging", "orders-production"]
