"""Our evaluation of IAM against another one's answers, on thousands of random policies.

``iam_answers.json`` holds what the simulator named in ``tools/iam_answers.py`` answered to each scenario of
:mod:`tools.random_policies`: one letter each, A for allowed and D for denied.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from checker.reason.iam.conditions import Context
from checker.reason.iam.evaluation import Access, Request, decide, policies_of
from checker.reason.text.patterns import exact
from tests.projects import project_of, resource
from tools.random_policies import digest, scenarios

ANSWERS = Path(__file__).with_name("iam_answers.json")
_LETTERS = {Access.ALLOWED: "A", Access.DENIED: "D", Access.UNKNOWN: "?"}
_KEYS = ("ecs:cluster", "iam:passedtoservice", "aws:requestedregion", "aws:sourceidentity", "aws:securetransport")


def answer(scenario: dict[str, Any]) -> str:
    """Our answer, as a letter."""
    role: dict[str, Any] = {
        "AssumeRolePolicyDocument": {"Statement": []},
        "Policies": [{"PolicyName": f"p{i}", "PolicyDocument": each} for i, each in enumerate(scenario["policies"])],
    }
    resources: dict[str, Any] = {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}
    if scenario["boundary"]:
        document = {"PolicyDocument": scenario["boundary"]}
        resources["Boundary"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": document}
        role["PermissionsBoundary"] = {"Ref": "Boundary"}
    project = project_of(json.dumps({"Resources": resources}))
    values = {
        key.lower(): tuple(value) if isinstance(value, list) else (value,) for key, value in scenario["context"].items()
    }
    absent = frozenset((*_KEYS, "aws:tagkeys")) - values.keys()
    request = Request(scenario["action"], exact(scenario["resource"]), Context(values, absent))
    return _LETTERS[decide(policies_of(resource(project, "Role"), project), request).answer]


def test_another_evaluator_answers_alike() -> None:
    recorded = json.loads(ANSWERS.read_text(encoding="utf-8"))
    made = list(scenarios(recorded["seed"], len(recorded["answers"])))
    assert digest(made) == recorded["digest"], "the scenarios have changed: run tools/iam_answers.py again"
    different = [each for each, theirs in zip(made, recorded["answers"], strict=True) if answer(each) != theirs]
    assert different == []
