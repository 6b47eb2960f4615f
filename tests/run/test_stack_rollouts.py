"""W4, W15, W17, W18 and S7 of services that a stack's update rolls, with the images that the pipeline gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.model.settings import Settings
from checker.run.judging import gate
from checker.run.request import Request
from tests.pipelines import load, repository

CASES = load(Path(__file__).parent / "stack_rollouts.yaml")
FINDINGS = ("S7", "W15", "W17", "W18", "W4")
HEAD = """
Parameters:
  ImageTag: {Type: String}
  Size: {Type: String, Default: small}
Resources:
  Cluster: {Type: AWS::ECS::Cluster}
"""
SERVICE = """
  NAMETask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: app
          Image: IMAGE
  NAME:
    Type: AWS::ECS::Service
    DependsOn: [AFTER]
    Properties: {Cluster: !Ref Cluster, TaskDefinition: !Ref NAMETask, DesiredCount: 2}
"""
IMAGE = '!Sub "111111111111.dkr.ecr.eu-west-1.amazonaws.com/app:${ImageTag}"'


def _template(services: dict[str, str], image: str) -> str:
    made = [SERVICE.replace("NAME", name).replace("AFTER", after or "Cluster") for name, after in services.items()]
    return HEAD + "".join(made).replace("IMAGE", image)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    steps = case.get("steps") or [{"run": case["run"]}]
    job = {"runs-on": "ubuntu-latest", "environment": case.get("environment", "production"), "steps": steps}
    job.update({"strategy": case["strategy"]} if "strategy" in case else {})
    workflow = yaml.safe_dump({"on": {"push": {"branches": ["main"]}}, "jobs": {"deploy": job}}, sort_keys=False)
    services = case.get("services", {"Api": "", "Web": ""})
    files = {
        "infra/app.yaml": _template(services, case.get("image", IMAGE)),
        ".github/workflows/cd.yml": workflow,
        **case.get("files", {}),
    }
    run = gate(Request(project=repository(tmp_path, files), settings=Settings()))
    found: dict[str, set[str]] = {}
    for each in run.verdicts:
        if each.finding in FINDINGS and str(each.outcome) != "not_applicable":
            found.setdefault(f"{each.finding}[{each.sub}]" if each.sub else each.finding, set()).add(str(each.outcome))
    assert {key: " ".join(sorted(outcomes)) for key, outcomes in found.items()} == case["right"]
