"""Whether a check after a roll-out is made, and whom it asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.model.environments import EnvironmentKind, Project
from checker.model.pipeline.workflows import Workflow
from checker.model.sources import Spot
from checker.reason.deploys.http_requests import request_of
from checker.reason.deploys.paths import At, DeployPath
from checker.reason.health.hosts import elsewhere
from checker.reason.health.passed_over import condition_of, passed_over, switched
from tests.answers import said
from tests.pipelines import pipeline, workflow
from tests.projects import project_of

ENTRY = Workflow(".github/workflows/cd.yml", "cd", Spot(".github/workflows/cd.yml"))
PATH = DeployPath(ENTRY, "production", EnvironmentKind.PRODUCTION, (), (), ())


def served(name: str) -> Project:
    """A project whose production serves this name."""
    record = {
        "Type": "AWS::Route53::RecordSet",
        "Properties": {"Name": name, "Type": "A", "AliasTarget": {"DNSName": {"Fn::GetAtt": ["Balancer", "DNSName"]}}},
    }
    balancer = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Type": "application"}}
    listener = {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {"LoadBalancerArn": {"Ref": "Balancer"}, "Port": 443, "Protocol": "HTTPS"},
    }
    return project_of(json.dumps({"Resources": {"Record": record, "Balancer": balancer, "Listener": listener}}))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("curl -f https://shop.example.com/health", False),
        ("curl -f https://api.example.com/health", False),  # under the same domain
        ("curl -f https://staging.example.com/health", True),
        ("curl -f https://shop-stg.example.com/health", True),
        ("curl -f https://production-not-staging.example.com/health", False),
        ("curl -f http://localhost:8000/health", True),
        ("curl -f http://127.0.0.1/health", True),
        ("curl -f http://web.localhost/health", True),
        ("curl -f --connect-to ::localhost:8000 https://shop.example.com/health", True),
        ("curl -f --resolve shop.example.com:443:127.0.0.1 https://shop.example.com/health", True),
        ("curl -f --resolve shop.example.com:443:10.0.0.9 https://shop.example.com/health", None),
        ("curl -f https://shop.stranger.org/health", None),
        ("curl -f https://shop-1.us-west-2.elb.amazonaws.com/health", False),
        ('curl -f "https://$HOST/health"', False),
    ],
)
def test_whom_a_check_asks(line: str, expected: bool | None, tmp_path: Path) -> None:
    made = pipeline(tmp_path, {".github/workflows/ci.yml": workflow(line)})
    request = request_of(made.trace(made.jobs[0]).commands[0])
    assert request is not None
    assert said(elsewhere(request, PATH, served("shop.example.com"))) is expected


@pytest.mark.parametrize(
    ("host", "properties", "expected"),
    [
        ("shop.stranger.org", {}, None),
        ("api.stranger.org", {"ServiceName": "api"}, None),  # a word that is in anybody's names
        ("orders.stranger.org", {"ServiceName": "orders"}, False),
        ("orders-production.stranger.org", {"ServiceName": "orders"}, False),
        ("orders-wiki.stranger.org", {"ServiceName": "orders"}, None),
        ("www.stranger.org", {"ServiceName": "x", "Tags": [{"Key": "site", "Value": "stranger.org"}]}, False),
    ],
)
def test_where_nothing_is_served_what_the_templates_write_tells(
    host: str, properties: dict[str, object], expected: bool | None, tmp_path: Path
) -> None:
    made = pipeline(tmp_path, {".github/workflows/ci.yml": workflow(f"curl -f https://{host}/health")})
    request = request_of(made.trace(made.jobs[0]).commands[0])
    assert request is not None
    service = {"Type": "AWS::ECS::Service", "Properties": properties}
    assert said(elsewhere(request, PATH, project_of(json.dumps({"Resources": {"S": service}})))) is expected


CHECK = "curl -f https://shop.example.com/health"
PROGRAM = """
import os, subprocess, sys
def main():
    {body}
main()
"""


def places(tmp_path: Path, run: str, body: str = "", **job: object) -> dict[str, At]:
    """Where the commands of a job stand, by the program that they start."""
    files = {"check.py": PROGRAM.format(body=body)} if body else {}
    made = pipeline(tmp_path, {".github/workflows/ci.yml": workflow(run, **job), **files})
    trace = made.trace(made.jobs[0])
    return {str(each.program): At(made.jobs[0], trace, trace.actions.index(each)) for each in trace.commands}


@pytest.mark.parametrize(
    ("body", "over"),
    [
        (f"subprocess.run('{CHECK}', shell=True, check=True)", False),
        (f"os.environ.get('CHECK') and subprocess.run('{CHECK}', shell=True, check=True)", True),
        (f"os.environ.get('SKIP') or subprocess.run('{CHECK}', shell=True, check=True)", True),
        (f"os.environ.get('CHECK') or sys.exit(1); subprocess.run('{CHECK}', shell=True, check=True)", False),
    ],
)
def test_a_program_that_can_end_well_without_its_check(body: str, over: bool, tmp_path: Path) -> None:
    at = places(tmp_path, "python check.py", body)["curl"]
    assert (passed_over(at) is not None) is over


def test_two_actions_under_one_condition(tmp_path: Path) -> None:
    found = places(tmp_path, f'roll\nif [ -n "$CHECK" ]; then\n  {CHECK}\n  mark\nfi')
    assert switched(found["mark"], found["curl"])
    assert not switched(found["roll"], found["curl"])


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("success()", ""),
        ("steps.roll.outcome == 'success'", ""),
        ("contains(github.event.head_commit.message, '[check]')", "contains(github.event.head_commit.message"),
        ("vars.CHECK == 'yes'", "vars.CHECK == 'yes'"),
    ],
)
def test_what_a_workflow_asks_before_a_step(condition: str, expected: str, tmp_path: Path) -> None:
    steps = [{"id": "roll", "run": "roll"}, {"if": condition, "run": CHECK}]
    found = places(tmp_path, "", steps=steps)
    asked = condition_of(found["curl"], [found["roll"]])
    assert asked.startswith(expected) if expected else asked == ""
