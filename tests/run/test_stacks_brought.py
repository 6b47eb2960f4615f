"""A command of the CDK works on more stacks than it names: on those that they depend on, or that depend on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.model.settings import Settings
from checker.model.verdicts import Outcome
from checker.run.judging import gate
from checker.run.request import Request
from tests.pipelines import repository

WORKFLOW = """
on: {push: {branches: [main]}}
permissions: {id-token: write, contents: read}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - uses: aws-actions/configure-aws-credentials@v4
        with: {role-to-assume: "arn:aws:iam::111111111111:role/deploy", aws-region: eu-west-1}
      - run: %s
"""
TOPIC = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
PROVIDER = {
    "Resources": {
        "GitHub": {
            "Type": "AWS::IAM::OIDCProvider",
            "Properties": {"Url": "https://token.actions.githubusercontent.com"},
        }
    }
}


def _manifest(needs: dict[str, list[str]]) -> str:
    return json.dumps({"version": "48.0.0", "artifacts": {
        name: {
            "type": "aws:cloudformation:stack",
            "properties": {"templateFile": f"{name}.template.json", "stackName": f"shop-{name}"},
            "dependencies": [f"{name}.assets", *before],
        }
        for name, before in needs.items()
    }})  # fmt: skip


@pytest.mark.parametrize(
    ("command", "owner", "outcome"),
    [
        ("cdk deploy Web", "Access", Outcome.FAIL),
        ("cdk deploy shop-Web", "Access", Outcome.FAIL),
        ("cdk deploy 'W*'", "Access", Outcome.FAIL),
        ("cdk deploy Web --exclusively", "Access", Outcome.PASS),
        ("cdk deploy Web -e", "Access", Outcome.PASS),
        ("cdk deploy Data", "Access", Outcome.FAIL),
        ("cdk deploy Data", "Web", Outcome.PASS),
        ("cdk destroy Web --force", "Access", Outcome.PASS),
        ("cdk destroy Access --force", "Web", Outcome.FAIL),
        ("cdk destroy Access --force -e", "Web", Outcome.PASS),
    ],
)
def test_command(command: str, owner: str, outcome: Outcome, tmp_path: Path) -> None:
    """Web needs Data, which needs Access."""
    files = {".github/workflows/deploy.yml": WORKFLOW % command}
    files["cdk.out/manifest.json"] = _manifest({"Access": [], "Data": ["Access"], "Web": ["Data"]})
    for name in ("Access", "Data", "Web"):
        files[f"cdk.out/{name}.template.json"] = json.dumps(PROVIDER if name == owner else TOPIC)
    run = gate(Request(project=repository(tmp_path, files), settings=Settings()))
    said = [verdict.outcome for verdict in run.verdicts if verdict.finding == "P5"]
    assert said == [outcome]


def test_stacks_that_need_each_other_are_read(tmp_path: Path) -> None:
    """No app makes such a manifest; a file that somebody has changed may hold one."""
    files = {
        ".github/workflows/deploy.yml": WORKFLOW % "cdk deploy Web",
        "cdk.out/manifest.json": _manifest({"Web": ["Data"], "Data": ["Web"]}),
        "cdk.out/Web.template.json": json.dumps(TOPIC),
        "cdk.out/Data.template.json": json.dumps(PROVIDER),
    }
    run = gate(Request(project=repository(tmp_path, files), settings=Settings()))
    assert [verdict.outcome for verdict in run.verdicts if verdict.finding == "P5"] == [Outcome.FAIL]
