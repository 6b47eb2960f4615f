"""W16 and C6 of schemas that Hibernate brings about when a program starts, as its container is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.model.settings import Settings
from checker.run.judging import gate
from checker.run.request import Request
from tests.pipelines import load, repository

CASES = load(Path(__file__).parent / "shaping.yaml")
FILE = "app/src/main/resources/application.yml"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    container = {"Name": "app", "Image": "app:1", "PortMappings": [{"ContainerPort": 8080}]}
    container |= {"Environment": case["environment"]} if "environment" in case else {}
    container |= {"Command": case["command"]} if "command" in case else {}
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [container]}}
    files = {
        "infra/app.yaml": yaml.safe_dump({"Resources": {"Task": task}}),
        ".github/workflows/ci.yml": "on: push\njobs: {test: {runs-on: u, steps: [{run: ./gradlew check}]}}\n",
        FILE: f"spring:\n  jpa:\n    hibernate:\n      ddl-auto: {case['file']}\n",
    }
    run = gate(Request(project=repository(tmp_path, files), settings=Settings()))
    found = {
        f"{each.finding}[{each.sub}] {each.location.file}": str(each.outcome)
        for each in run.verdicts
        if each.finding in ("C6", "W16") and str(each.outcome) != "not_applicable"
    }
    assert found == case["right"]
