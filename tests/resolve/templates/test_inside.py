"""What a template says by itself of where it is deployed: the cases are in ``inside.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.collect.documents import parse_yaml
from checker.model.resources import Stack, nesting
from checker.resolve.templates.discovery import assign
from checker.resolve.templates.inside import at_home

_CASES = yaml.safe_load(Path(__file__).with_name("inside.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_what_a_template_says_of_its_place(case: dict[str, Any]) -> None:
    document = parse_yaml(case["template"], "app.yaml")
    stack = Stack("app", "app", "", document.data, document, account=case.get("said", ""))
    if "nested" in case:
        inner = parse_yaml(case["nested"], "child.yaml")
        stack = nesting(stack, {"Child": Stack("app/Child", "Child", "", inner.data, inner)})
    assigned = assign([stack], {}, {})
    (placed,), located = at_home(assigned.stacks)
    assert [placed.environment, placed.account, placed.region] == [
        case["environment"],
        case.get("account", ""),
        case.get("region", ""),
    ]
    assert {each.account for each in placed.nested.values()} <= {placed.account}
    assert {*case.get("noted", ())} <= {*assigned.notes, *located}


def test_said_by_hand_goes_before_names() -> None:
    document = parse_yaml("Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: staging-jobs}}}", "app.yaml")
    stack = Stack("app", "app", "", document.data, document)
    assert [each.environment for each in assign([stack], {}, {"app": "production"}).stacks] == ["production"]
    shop = Stack("shop-prod", "shop-prod", "", document.data, document)
    assert [each.environment for each in assign([shop], {}, {}).stacks] == ["production"]


_NAMED = "Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: staging-jobs}}}"
_OTHER = "Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: production-jobs}}}"
_SILENT = "Resources: {T: {Type: AWS::SNS::Topic}}"


@pytest.mark.parametrize(
    ("templates", "environments"),
    [
        ({"a": _NAMED, "b": _SILENT}, ["staging", "staging"]),
        ({"a": _NAMED, "b": _SILENT, "c": _OTHER}, ["staging", "unnamed", "production"]),
        ({"a": _NAMED, "b": _SILENT, "c-prod": _SILENT}, ["staging", "unnamed", "production"]),
        ({"a": _SILENT, "b": _SILENT}, ["unnamed", "unnamed"]),
    ],
)
def test_what_says_nothing_belongs_beside_what_does(templates: dict[str, str], environments: list[str]) -> None:
    documents = {name: parse_yaml(text, f"{name}.yaml") for name, text in templates.items()}
    stacks = [Stack(name, name, "", document.data, document) for name, document in documents.items()]
    assert [each.environment for each in assign(stacks, {}, {}).stacks] == environments
