"""A template is judged with the parameters that the pipeline's commands give it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.model.settings import Settings
from checker.run.judging import gate
from checker.run.request import Request
from tests.pipelines import load, repository

CASES = load(Path(__file__).parent / "commanded.yaml")
DEPLOY = "aws cloudformation deploy --stack-name shop --template-file infra/db.yaml"
TEMPLATE = """
Parameters:
  Encrypted: {Type: String, Default: "true"}
Resources:
  Db:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Snapshot
    Properties: {StorageEncrypted: !Ref Encrypted, Engine: postgres, DBInstanceClass: db.t4g.small}
"""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    steps = case.get("steps") or [{"run": each.replace("DEPLOY", DEPLOY)} for each in case["runs"]]
    job = {"runs-on": "ubuntu-latest", "environment": "production", "steps": steps}
    workflow = yaml.safe_dump({"on": {"push": {"branches": ["main"]}}, "jobs": {"deploy": job}}, sort_keys=False)
    files = {"infra/db.yaml": TEMPLATE, ".github/workflows/cd.yml": workflow, **case.get("files", {})}
    run = gate(Request(project=repository(tmp_path, files), settings=Settings(parameters=case.get("settings", {}))))
    assert [str(each.outcome) for each in run.verdicts if each.finding == "C8"] == [case["right"]]


def test_of_many_deployments_the_last_one_counts_as_the_first(tmp_path: Path) -> None:
    """What is cut off would be judged with a default that nobody deploys."""
    others = [f"aws cloudformation deploy --stack-name other{n} --template-file o.yaml" for n in range(250)]
    steps = [{"run": "\n".join([*others, f"{DEPLOY} --parameter-overrides Encrypted=false"])}]
    job = {"runs-on": "ubuntu-latest", "environment": "production", "steps": steps}
    workflow = yaml.safe_dump({"on": "push", "jobs": {"deploy": job}}, sort_keys=False)
    files = {"infra/db.yaml": TEMPLATE, ".github/workflows/cd.yml": workflow}
    run = gate(Request(project=repository(tmp_path, files), settings=Settings()))
    assert [str(each.outcome) for each in run.verdicts if each.finding == "C8"] == ["fail"]


def test_a_template_that_is_deployed_and_cannot_be_read_is_named_once(tmp_path: Path) -> None:
    job = {"runs-on": "ubuntu-latest", "steps": [{"run": DEPLOY}]}
    workflow = yaml.safe_dump({"on": "push", "jobs": {"deploy": job}}, sort_keys=False)
    broken = "AWSTemplateFormatVersion: '2010-09-09'\nResources: {Db: {Type: AWS::RDS::DBInstance}\n"
    files = {"infra/db.yaml": broken, ".github/workflows/cd.yml": workflow}
    run = gate(Request(project=repository(tmp_path, files), settings=Settings()))
    (said,) = [each.what for each in run.coverage.unread if each.what.startswith("infra/db.yaml")]
    assert said.startswith("infra/db.yaml:")
