"""A template of the tree is the stacks that the pipeline deploys it as: names, environments, and what each is given."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.model.settings import Settings
from checker.model.verdicts import Outcome
from checker.run.judging import gate
from checker.run.request import Request
from tests.pipelines import load, repository

CASES = load(Path(__file__).parent / "deployed_as.yaml")
TOLD = (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN)
DATABASE = """
Parameters:
  Encrypted: {Type: String}
Resources:
  Db:
    Type: AWS::RDS::DBInstance
    Properties: {StorageEncrypted: !Ref Encrypted, Engine: postgres, DBInstanceClass: db.t4g.small}
"""
TASK = """
Parameters:
  Tag: {Type: String, Default: latest}
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions: [{Name: web, Image: !Sub "111111111111.dkr.ecr.eu-west-1.amazonaws.com/web:${Tag}"}]
"""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    jobs = case.get("jobs") or {"deploy": {"steps": [{"run": case["run"]}]}}
    written = {name: {"runs-on": "ubuntu-latest", **job} for name, job in jobs.items()}
    files = {
        **({"infra/db.yaml": DATABASE} if "C8" in case["right"] else {"infra/task.yaml": TASK}),
        ".github/workflows/cd.yml": yaml.safe_dump({"on": "push", "jobs": written}, sort_keys=False),
        **case.get("files", {}),
    }
    run = gate(Request(project=repository(tmp_path, files), settings=Settings(**case.get("settings", {}))))
    for finding, right in case["right"].items():
        found = [each for each in run.verdicts if each.finding == finding and each.outcome in TOLD]
        assert sorted([each.environment, str(each.outcome)] for each in found) == sorted(right)
    notes = [re.sub(r"cd\.yml:\d+", "cd.yml", each) for each in run.coverage.notes if "deploys infra/db.yaml" in each]
    assert notes == case.get("noted", [])
