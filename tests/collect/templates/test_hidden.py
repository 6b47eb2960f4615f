"""What a template makes that does not stand in it is on record as unread; what only looks like it is not."""

from __future__ import annotations

from typing import Any

import pytest

from checker.collect.templates.hidden import hidden

_INCLUDE = {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/part.yaml"}}


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ({"Transform": ["Company::Macro"]}, "transform Company::Macro"),
        ({"Transform": _INCLUDE}, "transform AWS::Include"),
        ({"Fn::Transform": _INCLUDE}, "transform of the template"),
        ({"Outputs": {"Fn::Transform": _INCLUDE}}, "Outputs"),
        ({"Mappings": {"Fn::Transform": _INCLUDE, "Own": {}}}, "Mappings"),
        ({"Resources": {"Fn::Transform": _INCLUDE, "Own": {"Type": "AWS::SNS::Topic"}}}, "Resources"),
        ({"Resources": {"Store": {"Type": "Company::Data::Bucket::MODULE"}}}, "module Store"),
        ({"Resources": {"Away": {"Type": "AWS::CloudFormation::StackSet"}}}, "stack set Away"),
        ({"Resources": {"Db": {"Type": "AWS::ServiceCatalog::CloudFormationProvisionedProduct"}}}, "product Db"),
    ],
)
def test_what_is_hidden_is_named(template: dict[str, Any], what: str) -> None:
    assert [each.partition(": ")[0] for each in hidden(template)] == [what]


@pytest.mark.parametrize(
    "template",
    [
        {"Transform": "AWS::LanguageExtensions"},
        {"Transform": ["AWS::CodeDeployBlueGreen"]},
        {"Outputs": {"Url": {"Value": "x"}}, "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}},
        {"Resources": {"Version": {"Type": "AWS::CloudFormation::ModuleVersion"}}},
        {"Resources": {"Product": {"Type": "AWS::ServiceCatalog::CloudFormationProduct"}}},
        {"Resources": []},
    ],
)
def test_what_stands_in_the_template_is_not(template: dict[str, Any]) -> None:
    assert list(hidden(template)) == []


def test_a_macro_is_named_with_what_it_takes() -> None:
    told = [list(hidden({"Resources": {"Fn::Transform": macro}})) for macro in (_INCLUDE, {"Name": "Own"}, "x", {})]
    assert [each.count("(") for (each,) in told] == [1, 1, 0, 0]
    assert told[0][0].startswith("Resources: what Fn::Transform puts there (AWS::Include of s3://bucket/part.yaml) is")
