"""P6 of services that the pipeline rolls by revisions of its own, whose stack is updated afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.model.settings import Settings
from checker.run.judging import gate
from checker.run.request import Request
from tests.pipelines import load, repository

CASES = load(Path(__file__).parent / "stack_images.yaml")
TEMPLATE = """
Parameters:
  Tag: {Type: String, Default: init}
  Memory: {Type: String, Default: '512'}
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: api
      Memory: !Ref Memory
      ContainerDefinitions: [{Name: api, Image: !Sub '111111111111.dkr.ecr.eu-west-1.amazonaws.com/api:${Tag}'}]
  Api: {Type: AWS::ECS::Service, Properties: {ServiceName: api, Cluster: shop, TaskDefinition: api}}
"""
ROLL_OUT = """
image=111111111111.dkr.ecr.eu-west-1.amazonaws.com/api:$GITHUB_SHA
aws ecs describe-task-definition --task-definition api --query taskDefinition > now.json
jq --arg image "$image" '.containerDefinitions[0].image = $image' now.json > new.json
arn=$(aws ecs register-task-definition --cli-input-json file://new.json --query taskDefinition.taskDefinitionArn)
aws ecs update-service --cluster shop --service api --task-definition "$arn"
aws ecs wait services-stable --cluster shop --services api
"""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    steps = [{"uses": "actions/checkout@v4"}, {"run": ROLL_OUT}, {"run": case["run"]}]
    job = {"runs-on": "ubuntu-latest", "environment": "production", "steps": steps}
    workflow = yaml.safe_dump({"on": {"push": {"branches": ["main"]}}, "jobs": {"deploy": job}}, sort_keys=False)
    files = {"infra/app.yaml": TEMPLATE, ".github/workflows/cd.yml": workflow}
    run = gate(Request(project=repository(tmp_path, files), settings=Settings()))
    assert [str(each.outcome) for each in run.verdicts if each.finding == "P6"] == [case["right"]]
