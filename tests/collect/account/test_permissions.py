"""The least policy for stacks whose types AWS Cloud Control reads: what its calls need, and nothing that is no read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.cli import run
from checker.collect.account.asking.failures import failure
from checker.collect.account.needs import AUDIT, DRIFT, PREFLIGHT
from checker.collect.account.operations import OPERATIONS, types_served
from checker.collect.account.permissions import MANAGED_POLICY, actions, policy
from checker.data.read_actions import read_actions
from tests.collect.account.support import error
from tests.collect.account.test_operations import level
from tools import read_actions as tool
from tools.resource_types import schemas

# What is often beside the types that have a describer.
OTHERS = (
    "AWS::ApiGateway::RestApi", "AWS::AutoScaling::AutoScalingGroup", "AWS::CloudFront::Distribution",
    "AWS::Cognito::UserPool", "AWS::DynamoDB::Table", "AWS::EFS::FileSystem", "AWS::Events::Rule",
    "AWS::SSM::Parameter", "AWS::StepFunctions::StateMachine",
)  # fmt: skip
GET_RESOURCE = OPERATIONS["cloudcontrol", "GetResource"]


def test_the_table_is_what_its_sources_say() -> None:
    assert tool.main(["--check"]) == 0


@pytest.mark.parametrize("kind", OTHERS)
def test_a_type_without_a_describer_adds_what_its_read_handler_needs(kind: str) -> None:
    assert read_actions(kind)
    assert set(actions(DRIFT, types=[kind])) == set(actions(DRIFT)) | set(read_actions(kind))


@pytest.mark.parametrize("action", sorted({each for kind in OTHERS for each in read_actions(kind)}))
def test_each_is_a_read_by_the_access_levels_of_aws(action: str) -> None:
    assert level(action) in {"Read", "List"}


def test_what_changes_something_or_reads_data_is_in_no_line() -> None:
    every = {action for actions in tool.build(schemas()).values() for action in actions}
    assert {action for action in every if "*" in action} == set()
    assert every & {"secretsmanager:GetSecretValue", "s3:GetObject", "kms:Decrypt", "iam:PassRole"} == set()


@pytest.mark.parametrize(
    "kind", ["AWS::ECS::Service", "AWS::CloudFormation::Stack", "Custom::AWS", "Nobodys::Type::At"]
)
def test_what_is_not_read_in_that_way_adds_nothing(kind: str) -> None:
    assert actions(DRIFT, types=[kind]) == actions(DRIFT)


def test_audit_and_preflight_do_not_read_in_that_way() -> None:
    assert actions(AUDIT, PREFLIGHT, types=OTHERS) == actions(AUDIT, PREFLIGHT)


def test_no_type_with_a_describer_has_a_line() -> None:
    assert [kind for kind in types_served() if read_actions(kind)] == []


def test_a_refusal_names_the_action_of_the_resources_own_service() -> None:
    refused = error("GeneralServiceException", "User: a is not authorized to perform: states:DescribeStateMachine on b")
    assert failure(GET_RESOURCE, refused).needs == "states:DescribeStateMachine"
    assert failure(GET_RESOURCE, error("AccessDeniedException", "no")).needs == "cloudformation:GetResource"


def _template(folder: Path, *kinds: str) -> str:
    resources = {f"R{number}": {"Type": kind} for number, kind in enumerate(kinds)}
    (folder / "template.json").write_text(json.dumps({"Resources": resources}))
    return str(folder / "template.json")


def test_the_command_looks_at_the_stacks_at_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _template(tmp_path, "AWS::SSM::Parameter", "AWS::SNS::Topic")
    assert run(["permissions", "--project", str(tmp_path), "--assembly", path]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == policy(types=["AWS::SSM::Parameter"])
    assert told.err == ""


def test_without_stacks_it_says_what_is_not_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["permissions", "--project", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == policy()
    assert told.err.startswith("No stacks at hand")


def test_a_policy_that_is_too_long_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _template(tmp_path, "AWS::EC2::NetworkInsightsAnalysis", *OTHERS)
    assert run(["permissions", "--project", str(tmp_path), "--assembly", path]) == 0
    told = capsys.readouterr()
    assert len(json.dumps(json.loads(told.out), separators=(",", ":"))) > MANAGED_POLICY
    assert "longer than one managed policy" in told.err
