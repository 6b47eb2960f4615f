"""Which stack a resource is of: by CloudFormation's list, by the template's keys, by tags, by names; else of none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from checker.collect.account import AUDIT
from checker.collect.account.scope import Scope
from checker.collect.account.shapes import Draft
from checker.model.live.snapshot import SnapshotStack, StackResource
from tests.collect.account.support import Script, account_of, describe, error
from tests.work import lines_run


def scope_of(resources: dict[str, tuple[str, Any, str | None]], **parameters: str) -> tuple[Scope, SnapshotStack]:
    """A stack of these resources: logical id -> type, properties, physical id."""
    stack = SnapshotStack(
        name="Shop",
        parameters=parameters,
        template={
            "Resources": {name: {"Type": kind, "Properties": said} for name, (kind, said, _) in resources.items()}
        },
        resources=tuple(StackResource(name, kind, ident) for name, (kind, _, ident) in resources.items()),
    )
    scope = Scope("us-west-2", "111111111111")
    scope.settle([stack], known=True)
    return scope, stack


def owner(scope: Scope, stack: SnapshotStack, *drafts: Draft) -> list[tuple[str | None, str | None, str | None]]:
    return scope.owners(list(drafts), [stack])


TABLE: tuple[str, dict[str, Any], str] = ("AWS::EC2::RouteTable", {}, "rtb-1")


def test_nobody_waits_for_stacks_that_are_in_no_form() -> None:
    scope, odd = Scope(), StackResource("It", "AWS::SQS::Queue", ["q"])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        scope.settle([SnapshotStack("Shop", resources=(odd,))], known=True)
    assert not scope.known
    assert scope.has("AWS::SQS::Queue", ("q",), {})


def test_by_physical_id() -> None:
    scope, stack = scope_of({"Table": TABLE})
    draft = Draft("AWS::EC2::RouteTable", ("rtb-1",))
    assert owner(scope, stack, draft) == [("Shop", "Table", "rtb-1")]


def test_another_type_of_the_same_id_is_another_thing() -> None:
    scope, stack = scope_of({"Table": TABLE})
    assert owner(scope, stack, Draft("AWS::S3::Bucket", ("rtb-1",))) == [(None, None, None)]


def test_any_of_its_names() -> None:
    scope, stack = scope_of({"Ip": ("AWS::EC2::EIP", {}, "192.0.2.1")})
    assert owner(scope, stack, Draft("AWS::EC2::EIP", ("eipalloc-1", "192.0.2.1"))) == [("Shop", "Ip", "192.0.2.1")]


def test_by_what_the_template_says_where_the_id_says_nothing() -> None:
    said = {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "0.0.0.0/0"}
    scope, stack = scope_of({"Table": TABLE, "Route": ("AWS::EC2::Route", said, "Shop-Route-1ABC")})
    live = {"RouteTableId": "rtb-1", "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}
    other = {**live, "DestinationCidrBlock": "10.1.0.0/16"}
    elsewhere = {**live, "RouteTableId": "rtb-2"}
    drafts = [
        Draft("AWS::EC2::Route", (str(index),), properties=each) for index, each in enumerate((other, elsewhere, live))
    ]
    assert owner(scope, stack, *drafts) == [(None, None, None)] * 2 + [("Shop", "Route", "Shop-Route-1ABC")]


def test_two_that_fit_are_neither() -> None:
    said = {"PolicyName": "run", "Roles": [{"Fn::ImportValue": "role"}]}
    scope, stack = scope_of({"Policy": ("AWS::IAM::Policy", said, "Shop-Poli-1")})
    drafts = [Draft("AWS::IAM::Policy", ("run",), properties={"PolicyName": "run", "Roles": [name]}) for name in "ab"]
    assert owner(scope, stack, *drafts) == [(None, None, None)] * 2


@pytest.mark.parametrize(
    ("said", "live"),
    [
        ({"Ref": "Role"}, "task"),
        ({"Ref": "Role"}, "arn:aws:iam::111111111111:role/app/task"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "task"),
        ({"Ref": "RoleName"}, "task"),
        ("TASK", "task"),
    ],
)
def test_a_name_and_an_arn_of_the_same_thing_are_equal(said: Any, live: str) -> None:
    scope, stack = scope_of(
        {
            "Role": ("AWS::IAM::Role", {}, "task"),
            "Policy": ("AWS::IAM::Policy", {"PolicyName": "run", "Roles": [said]}, "Shop-Poli-1"),
        },
        RoleName="task",
    )
    draft = Draft("AWS::IAM::Policy", ("run",), properties={"PolicyName": "run", "Roles": [live]})
    assert owner(scope, stack, draft) == [("Shop", "Policy", "Shop-Poli-1")]


def test_a_large_account_is_given_to_its_stacks_in_no_time() -> None:

    said: dict[str, tuple[str, Any, str | None]] = {
        f"Rule{number}": (
            "AWS::EC2::SecurityGroupIngress",
            {"GroupId": "sg-1", "IpProtocol": "tcp", "FromPort": number, "ToPort": number, "CidrIp": "10.0.0.0/8"},
            f"Shop-Rule-{number}",
        )
        for number in range(400)
    }
    scope, stack = scope_of(said)
    drafts = [
        Draft("AWS::EC2::SecurityGroupIngress", (f"sgr-{number}",), properties={
            "GroupId": "sg-1", "IpProtocol": "tcp", "FromPort": number, "ToPort": number, "CidrIp": "10.0.0.0/8"})
        for number in range(5000)
    ]  # fmt: skip
    owners = owner(scope, stack, *drafts)
    assert lines_run(lambda: owner(scope, stack, *drafts), limit=4_000_000)
    assert [each[1] for each in owners[:400]] == list(said)
    assert {each[1] for each in owners[400:]} == {None}


def test_the_order_of_a_list_is_no_difference() -> None:
    said = {"PolicyName": "run", "Roles": [{"Ref": "B"}, {"Ref": "A"}]}
    scope, stack = scope_of(
        {
            "A": ("AWS::IAM::Role", {}, "a"),
            "B": ("AWS::IAM::Role", {}, "b"),
            "Policy": ("AWS::IAM::Policy", said, "Shop-Poli-1"),
        }
    )
    draft = Draft("AWS::IAM::Policy", ("run",), properties={"PolicyName": "run", "Roles": ["a", "b"]})
    assert owner(scope, stack, draft) == [("Shop", "Policy", "Shop-Poli-1")]


def test_by_tags_where_the_list_was_not_read() -> None:
    scope = Scope()
    scope.settle([], known=False)
    tags = {"aws:cloudformation:stack-name": "Shop", "aws:cloudformation:logical-id": "Db"}
    assert scope.owners([Draft("AWS::RDS::DBInstance", ("db",), tags)], []) == [("Shop", "Db", None)]


def test_by_the_name_that_cloudformation_makes() -> None:
    scope, stack = scope_of({"Table": TABLE})
    mine = Draft("AWS::Logs::LogGroup", ("/aws/lambda/Shop-Sync-1ABC",))
    other = Draft("AWS::Logs::LogGroup", ("/aws/lambda/Shopping-Sync-1ABC",))
    assert owner(scope, stack, mine, other) == [("Shop", None, None), (None, None, None)]


def test_a_running_revision_stands_for_the_definition_of_the_stack() -> None:
    first = "arn:aws:ecs:us-west-2:111111111111:task-definition/api:1"
    scope, stack = scope_of({"Definition": ("AWS::ECS::TaskDefinition", {}, first)})
    draft = Draft("AWS::ECS::TaskDefinition", (first[:-1] + "7", first))
    assert owner(scope, stack, draft) == [("Shop", "Definition", first[:-1] + "7")]


def test_details_are_asked_of_the_stacks_alone_unless_their_resources_are_unknown() -> None:
    scope, _ = scope_of({"Table": TABLE})
    assert scope.has("AWS::EC2::RouteTable", ("rtb-1",), {})
    assert not scope.has("AWS::EC2::RouteTable", ("rtb-2",), {})
    assert scope.has("AWS::EC2::RouteTable", ("rtb-2",), {"aws:cloudformation:stack-name": "Shop"})
    unknown = Scope()
    unknown.settle([], known=False)
    assert unknown.has("AWS::EC2::RouteTable", ("rtb-2",), {})


@pytest.mark.parametrize(
    ("kind", "physical_id", "gone"),
    [
        ("AWS::SSM::Parameter", "/shop/host", True),
        ("AWS::StepFunctions::StateMachine", "arn:aws:states:us-west-2:111111111111:stateMachine:m", True),
        ("AWS::Cognito::UserPoolClient", "us-west-2_a|client", True),
        ("AWS::Cognito::UserPoolClient", "client", False),
        ("AWS::ApiGateway::Method", "Shop-Get-1ABC", False),
        ("AWS::Events::Rule", "Shop-Nightly-1ABC", False),
    ],
)
def test_what_is_not_found_by_another_name_than_its_identifier_is_not_gone(
    kind: str, physical_id: str, gone: bool
) -> None:
    """AWS Cloud Control knows resources by their identifier, CloudFormation by the physical id: not always the same."""
    scope, _ = scope_of({"It": (kind, {}, physical_id)})
    found = describe(account_of({}, scope=scope), "cloudcontrol")
    assert [(each.type, list(each.unread)) for each in found if each.type == kind] == ([] if gone else [(kind, [""])])


@pytest.mark.parametrize(
    ("answer", "parameters", "unread"),
    [
        ({"Parameters": [{"ParameterName": "rds.force_ssl", "ParameterValue": "0"}]}, {"rds.force_ssl": "0"}, ""),
        ({"Parameters": []}, {}, ""),
        (error("AccessDenied"), None, "Parameters"),
    ],
)
def test_of_a_group_of_parameters_those_are_read_that_somebody_has_set(
    answer: dict[str, Any] | Exception, parameters: object, unread: str
) -> None:
    kind = "AWS::RDS::DBParameterGroup"
    scope, _ = scope_of({"It": (kind, {}, "shop-16")})
    shown = {"Family": "postgres16", "Parameters": {"work_mem": "4096", "rds.force_ssl": "1"}}
    script: Script = {
        ("cloudcontrol", "GetResource"): {"ResourceDescription": {"Properties": json.dumps(shown)}},
        ("rds", "DescribeDBParameters"): answer,
    }
    found = next(each for each in describe(account_of(script, scope=scope), "cloudcontrol") if each.type == kind)
    assert (found.properties["Family"], found.properties.get("Parameters")) == ("postgres16", parameters)
    assert list(found.unread) == ([unread] if unread else [])


@pytest.mark.parametrize(
    ("service", "asked_in"),
    [
        ("arn:aws:ecs:us-west-2:111111111111:service/elsewhere/api", ["elsewhere"]),
        ("arn:aws:ecs:us-west-2:111111111111:service/shop/api", ["shop"]),
        # The old form names no cluster (Amazon ECS Developer Guide, "Amazon Resource Names (ARNs) and IDs").
        ("arn:aws:ecs:us-west-2:111111111111:service/api", ["shop"]),
    ],
)
def test_a_service_is_asked_for_in_its_own_cluster_whoever_made_that(service: str, asked_in: list[str]) -> None:
    scope, _ = scope_of({"Cluster": ("AWS::ECS::Cluster", {}, "shop"), "Service": ("AWS::ECS::Service", {}, service)})
    asked: list[str] = []

    def clusters(wanted: Mapping[str, Any]) -> dict[str, Any]:
        arn = "arn:aws:ecs:us-west-2:111111111111:cluster/{}"
        return {"clusters": [{"clusterName": name, "clusterArn": arn.format(name)} for name in wanted["clusters"]]}

    def services(wanted: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(wanted["cluster"].rpartition("/")[2])
        return {"services": [{"serviceArn": each, "serviceName": "api"} for each in wanted["services"]]}

    script: Script = {
        ("ecs", "DescribeClusters"): clusters,
        ("ecs", "DescribeServices"): services,
        ("ecs", "ListTasks"): {"taskArns": []},
        ("application-autoscaling", "DescribeScalableTargets"): {"ScalableTargets": []},
        ("application-autoscaling", "DescribeScalingPolicies"): {"ScalingPolicies": []},
    }
    found = describe(account_of(script, AUDIT, scope), "ecs")
    assert asked == asked_in
    assert [each.physical_id for each in found if each.type == "AWS::ECS::Service"] == [service]
    assert [each.physical_id for each in found if each.type == "AWS::ECS::Cluster"] == ["shop"]


def test_a_service_whose_cluster_nobody_names_is_unread() -> None:
    scope, _ = scope_of({"Service": ("AWS::ECS::Service", {}, "arn:aws:ecs:us-west-2:111111111111:service/api")})
    account = account_of({}, AUDIT, scope)
    describe(account, "ecs")
    assert "AWS::ECS::Service" in {each.what for each in account.all_unread}
