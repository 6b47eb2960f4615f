"""What calls need, and the table that says so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from checker.data.aws_calls import operation_of, polled_by, prefix_of, service_of, table
from checker.model.pipeline.scripts import AwsCall, How
from checker.model.values import Text
from checker.reason.calls.bootstrap import cdk_needs
from checker.reason.calls.needs import Need, needs
from tests.answers import said
from tests.pipelines import load, pipeline, trace_of

CASES = load(Path(__file__).with_name("calls.yaml"))


def shown(need: Need) -> list[Any]:
    def arn(value: str | Text) -> str:
        short = {"${AWS::Partition}": "P", "${AWS::Region}": "R", "${AWS::AccountId}": "A"}
        return re.sub(r"\$\{AWS::\w+\}", lambda match: short[match[0]], str(value))

    return [need.action, None if need.resources is None else [arn(each) for each in need.resources]]


@pytest.mark.parametrize("case", CASES, ids=[case["run"] for case in CASES])
def test_needs(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, case["run"])
    found = [shown(need) for call in trace.aws for need in needs(call)]
    found += [shown(need) for command in trace.cdk for need in cdk_needs(command)]
    assert found == case["needs"]
    assert trace.problems == ()


def test_a_cdk_command_line(tmp_path: Path) -> None:
    run = (
        "npm run cdk -- deploy Shop 'Base*' --all -c a=1 --context b=${{ github.sha }} "
        "--outputs-file o.json --exclusively"
    )
    command = trace_of(tmp_path, run).cdk[0]
    assert (command.name, command.stacks) == ("deploy", ("Shop", "Base*", "*"))
    assert {key: str(value) for key, value in command.context.items()} == {"a": "1", "b": "${{ github.sha }}"}
    assert dict(command.options) == {"all": True, "outputs-file": "o.json", "exclusively": True}


def test_passing_a_role_says_to_whom(tmp_path: Path) -> None:
    call = trace_of(tmp_path, "aws ecs run-task --cluster c --task-definition api").aws[0]
    assert needs(call)[1].context == {"iam:PassedToService": "ecs-tasks.amazonaws.com"}


def test_calls_of_actions(tmp_path: Path) -> None:
    files = {
        ".github/workflows/ci.yml": """
on: push
jobs:
  a:
    runs-on: x
    steps:
      - {uses: aws-actions/configure-aws-credentials@v6, with: {role-to-assume: build, aws-region: eu-west-1}}
      - {id: login, uses: aws-actions/amazon-ecr-login@v2}
      - uses: docker/build-push-action@v7
        with: {push: true, tags: "${{ steps.login.outputs.registry }}/api:${{ github.sha }}"}
      - {uses: aws-actions/configure-aws-credentials@v6, with: {role-to-assume: deploy, role-chaining: true}}
      - run: docker push "${{ steps.login.outputs.registry }}/web:1"
""",
    }
    made = pipeline(tmp_path, files)
    calls = made.trace(made.jobs[0]).aws
    assert [
        (call.operation, str(call.text("repositoryName")), str(call.credentials and call.credentials.role))
        for call in calls
    ] == [
        ("GetAuthorizationToken", "not set", "build"),
        ("docker-push", "api", "build"),
        ("AssumeRole", "not set", "build"),
        ("docker-push", "web", "deploy"),
    ]
    assert [(said(each.chained), said(each.oidc)) for each in made.jobs[0].credentials] == [
        (False, True),
        (True, False),
    ]


def test_names() -> None:
    assert service_of("deploy") == "codedeploy"
    assert service_of("nope") is None
    assert operation_of("rds", "describe-db-instances") == "DescribeDBInstances"
    assert operation_of("ecs", "update_service") == "UpdateService"
    assert polled_by("cloudformation", "stack-update-complete") == "DescribeStacks"
    assert prefix_of("elbv2") == "elasticloadbalancing"


def test_a_service_without_facts_is_not_taken_for_harmless(tmp_path: Path) -> None:
    call = trace_of(tmp_path, "aws ecs update-service --service x").aws[0]
    unknown = AwsCall("nosuch", "DoIt", How.SDK, {}, call.reached, call.handling)
    assert [(need.action, need.resources, need.listed) for need in needs(unknown)] == [("nosuch:DoIt", None, False)]


def test_the_table_is_small_and_is_what_its_builder_makes() -> None:
    from tools import aws_calls

    assert aws_calls.TARGET.stat().st_size < 340_000
    assert json.loads(json.dumps(aws_calls.build())) == table()
