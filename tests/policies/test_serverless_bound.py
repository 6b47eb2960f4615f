"""S9 of templates that AWS SAM goes through: it makes a bounded number of resources, of which most are few."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.layouts.layout import said_of

_HELLO = """
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.main
      AutoPublishAlias: live
      Events:
        Get: {Type: Api, Properties: {Path: /, Method: get}}
        Daily: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
"""
_SAM = "Transform: AWS::Serverless-2016-10-31\nResources:\n"
_MANY = "".join(
    f"  Run{index}: {{Type: AWS::Serverless::Function, Properties: {{Handler: app.main}}}}\n" for index in range(20)
)
_EVENTS = ", ".join(f"E{index}: {{Type: Schedule, Properties: {{Schedule: rate(1 day)}}}}" for index in range(40))


@pytest.mark.parametrize(
    ("template", "resources", "stateful"),
    [
        (_SAM + _HELLO, "pass", "pass"),
        (_SAM + _MANY, "unknown", "pass"),
        (
            _SAM + f"  Busy: {{Type: AWS::Serverless::Function, Properties: {{Events: {{{_EVENTS}}}}}}}\n",
            "unknown",
            "pass",
        ),
        (_SAM + "  Graph: {Type: AWS::Serverless::GraphQLApi, Properties: {SchemaUri: a.graphql}}\n", "unknown", ""),
        (
            _SAM.replace("AWS::Serverless-2016-10-31", "[AWS::Serverless-2016-10-31, TeamDefaults]") + _HELLO,
            "unknown",
            "unknown",
        ),
        ("Transform: TeamDefaults\nResources:\n" + _HELLO, "unknown", "unknown"),
    ],
    ids=["a few functions", "many functions", "many events", "a GraphQL API", "a macro beside it", "another macro"],
)
def test_size(tmp_path: Path, template: str, resources: str, stateful: str) -> None:
    layout = tmp_path / "layout.yaml"
    layout.write_text(
        yaml.safe_dump({"files": {"template.yaml": "AWSTemplateFormatVersion: '2010-09-09'\n" + template}})
    )
    said = said_of(layout)
    unknown = said.partition("\nunknown\n")[2].partition("\n\n")[0]
    passed = said.partition("\npass: ")[2].partition("\n")[0].split()
    for sub, outcome in (("S9[resources]", resources), ("S9[stateful]", stateful)):
        assert (sub in unknown) == (outcome == "unknown"), said
        assert (sub in passed) == (outcome == "pass"), said
