"""Whether a bucket takes access logs, where its policy looks up by region who delivers and nobody says which it is."""

from __future__ import annotations

import pytest

from checker.collect.documents import parse_yaml
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack
from checker.model.worlds import World
from checker.reason.names.physical import literal_names
from checker.reason.templates.log_delivery import Delivery, accepts
from checker.resolve.templates.project import build_project
from tests.answers import said

TEMPLATE = """
Mappings:
  Accounts: {us-east-1: {Id: "127311923021"}, us-west-2: {Id: "797873946194"}, eu-west-1: {Id: "156460612806"}}
Resources:
  Logs: {Type: AWS::S3::Bucket}
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Logs
      PolicyDocument:
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub ["arn:aws:iam::${Id}:root", {Id: !FindInMap [Accounts, !Ref "AWS::Region", Id]}]}
            Action: s3:PutObject
            Resource: !Sub "${Logs.Arn}/*"
"""
# Rows that no region is called like, and more regions than there are.
BESIDE = TEMPLATE.replace("{us-east-1", "{default: {Id: '1'}, dev-2: {Id: '1'}, us-east-1")
MANY = TEMPLATE.replace(
    "{us-east-1", "{" + "".join(f"us-{at * 'x'}-1: {{Id: '1'}}, " for at in range(1, 99)) + "us-east-1"
)
RIGHT, WRONG = "797873946194", "797873946195"


@pytest.mark.parametrize(
    ("template", "region", "expected"),
    [
        pytest.param(TEMPLATE, "", True, id="the account of each region"),
        pytest.param(BESIDE, "", True, id="rows for no region"),
        pytest.param(MANY, "", None, id="more regions than there are"),
        pytest.param(TEMPLATE.replace(RIGHT, WRONG), "", None, id="another account in one region"),
        pytest.param(TEMPLATE.replace(RIGHT, WRONG), "eu-west-1", True, id="another account elsewhere"),
        pytest.param(TEMPLATE.replace(RIGHT, WRONG), "us-west-2", False, id="another account in its region"),
        pytest.param(TEMPLATE.replace('Id: "', 'Id: "9'), "", False, id="other accounts in all regions"),
        pytest.param(TEMPLATE.replace("Effect: Allow", "Effect: Deny"), "", False, id="denied in all regions"),
    ],
)
def test_a_policy_by_region(template: str, region: str, expected: bool | None) -> None:
    document = parse_yaml(template, "main.yaml")
    stack = Stack("main", "main", "default", document.data, document, region=region)
    project = build_project([stack], {"default": EnvironmentKind.OTHER}, World(), find_names=literal_names)
    (bucket,) = project.resources("AWS::S3::Bucket")
    (environment,) = project.environments
    assert said(accepts(environment, bucket, None, Delivery.APPLICATION, region)) is expected
