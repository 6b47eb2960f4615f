"""A template that a job changes before it deploys it is judged as it is by then, or left open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.model.settings import Settings
from checker.model.verdicts import Outcome
from checker.run.judging import gate
from checker.run.request import Request
from tests.pipelines import load, repository

CASES = [
    (case, run, f"{case['name']} {index}")
    for case in load(Path(__file__).parent / "changed_before.yaml")
    for index, run in enumerate(case["each"])
]
PROGRAM = "import json, os, re, sys\nimport boto3\n\nstacks = boto3.client('cloudformation')\n"
TOLD = (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN)


@pytest.mark.parametrize(("case", "run", "_name"), CASES, ids=[each[2] for each in CASES])
def test_case(case: dict[str, Any], run: str, _name: str, tmp_path: Path) -> None:
    file = case.get("file", "infra/db.yaml")
    properties = {"Engine": "postgres", "StorageEncrypted": True, "DBName": "__SIZE__", **case.get("template", {})}
    template = {"Description": "One", "Resources": {"Db": {"Type": "AWS::RDS::DBInstance", "Properties": properties}}}
    deploy = f"aws cloudformation deploy --template-file {file} --stack-name app-prod"
    steps = case.get("steps") or [{"run": run.replace("DEPLOY", deploy)}]
    if "script" in case:  # JavaScript of a step, before the deploy or after it
        steps = [{"uses": "actions/github-script@v8", "with": {"script": run}}, {"run": deploy}]
        steps = steps if case["script"] == "before" else steps[::-1]
    program = {}
    if case.get("program"):  # Python that sends the template itself
        program, steps = {"deploy.py": PROGRAM + run}, [{"run": "python deploy.py"}]
    job = {"runs-on": "ubuntu-latest", "steps": [{"uses": "actions/checkout@v4"}, *steps]}
    files = {
        file: json.dumps(template) if file.endswith("json") else yaml.safe_dump(template, sort_keys=False),
        ".github/workflows/cd.yml": yaml.safe_dump({"on": "push", "jobs": {"deploy": job}}, sort_keys=False),
        "infra/other.yaml": "a: true\n",
        "more.yaml": "  Other: {Type: AWS::RDS::DBInstance, Properties: {Engine: postgres}}\n",
        "fix.patch": "--- a/infra/db.yaml\n+++ b/infra/db.yaml\n@@ -1 +1 @@\n-a\n+b\n",
        **program,
        **case.get("files", {}),
    }
    found = gate(Request(project=repository(tmp_path, files), settings=Settings())).verdicts
    said = [str(each.outcome) for each in found if each.finding == case.get("finding", "C8") and each.outcome in TOLD]
    assert sorted(said) == (case["right"] if isinstance(case["right"], list) else [case["right"]])
