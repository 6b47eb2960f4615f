"""Physical names: what the registry's schemas say of them, and which of them collide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from checker.collect.config.register import load_register
from checker.collect.documents import Document
from checker.model.environment_words import kind_of
from checker.model.environments import Project
from checker.model.resources import Stack, nesting
from checker.model.values import Hole, Parameter, Pseudo, ResourceKey, Text, attribute_of, text
from checker.model.worlds import World
from checker.policies.rules import load
from checker.reason.names.arns import arn_tail
from checker.reason.names.collisions import candidates, clashes, same
from checker.reason.names.custom_resources import calls_of
from checker.reason.names.naming import Reach, is_own_name, naming_of
from checker.reason.names.physical import literal_names, physical_names, references
from checker.reason.network.served_names import covered_by
from checker.resolve.templates.project import build_project
from checker.run.judging import judge_stacks
from tests.answers import said
from tests.work import lines_run
from tools.resource_types import TARGET, build, render, schemas


def stack(name: str, resources: dict[str, Any], account: str = "", region: str = "us-west-2", **more: Any) -> Stack:
    template = {"Resources": resources, **more}
    return Stack(name, name, name, template, Document(f"{name}.json", template, ""), account=account, region=region)


def project(*stacks: Stack) -> Project:
    return build_project(
        stacks, {each.environment: kind_of(each.environment) for each in stacks}, World(), find_names=literal_names
    )


def queue(name: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}


# -- the data ----------------------------------------------------------------------------------------


def test_the_data_is_what_the_locked_schemas_say() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(build(schemas())), "run python tools/resource_types.py"


def test_the_data_is_small() -> None:
    assert TARGET.stat().st_size < 100_000  # loaded in a millisecond or two


@pytest.mark.parametrize(
    ("kind", "paths", "within", "reach"),
    [
        ("AWS::S3::Bucket", ("BucketName",), (), Reach.PARTITION),
        ("AWS::IAM::Role", ("RoleName",), (), Reach.ACCOUNT),
        ("AWS::IAM::ManagedPolicy", ("ManagedPolicyName",), (), Reach.ACCOUNT),
        ("AWS::IAM::OIDCProvider", ("Url",), (), Reach.ACCOUNT),
        ("AWS::CloudWatch::Dashboard", ("DashboardName",), (), Reach.ACCOUNT),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", ("Name",), (), Reach.REGION),
        ("AWS::ElasticLoadBalancingV2::TargetGroup", ("Name",), (), Reach.REGION),
        ("AWS::SecretsManager::Secret", ("Name",), (), Reach.REGION),
        ("AWS::StepFunctions::StateMachine", ("StateMachineName",), (), Reach.REGION),
        ("AWS::ElastiCache::ReplicationGroup", ("ReplicationGroupId",), (), Reach.REGION),
        ("AWS::EC2::KeyPair", ("KeyName",), (), Reach.REGION),
        ("AWS::EC2::SecurityGroup", ("GroupName",), ("VpcId",), Reach.REGION),
        ("AWS::ECS::Service", ("ServiceName",), ("Cluster",), Reach.REGION),
        ("AWS::Budgets::Budget", ("Budget.BudgetName",), (), Reach.ACCOUNT),
        ("AWS::Logs::LogStream", ("LogStreamName",), ("LogGroupName",), Reach.REGION),
        ("AWS::EKS::Nodegroup", ("NodegroupName",), ("ClusterName",), Reach.REGION),
        ("AWS::Glue::Table", ("Name", "TableInput.Name"), ("DatabaseName",), Reach.REGION),
        ("AWS::Route53::RecordSet", ("Name",), ("HostedZoneId", "HostedZoneName"), Reach.ACCOUNT),
        ("AWS::ServiceDiscovery::PrivateDnsNamespace", ("Name",), ("Vpc",), Reach.REGION),
    ],
)
def test_naming_of_types(kind: str, paths: tuple[str, ...], within: tuple[str, ...], reach: Reach) -> None:
    naming = naming_of(kind)
    assert naming is not None
    assert (naming.paths, naming.within, naming.reach) == (paths, within, reach)


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::Route53::HostedZone",
        "AWS::ApiGateway::RestApi",
        "AWS::Cognito::UserPool",
        "AWS::IAM::Policy",
        "AWS::S3::BucketPolicy",
        "AWS::Lambda::Permission",
        "AWS::SES::ConfigurationSetEventDestination",
        "AWS::EC2::VPC",
        "AWS::Transfer::Certificate",
    ],
)
def test_types_whose_names_cannot_collide(kind: str) -> None:
    assert naming_of(kind) is None


@pytest.mark.parametrize(
    ("name", "short", "identifier", "own"),
    [
        ("RoleName", "Role", False, True),
        ("Name", "Anything", False, True),
        ("GroupName", "SecurityGroup", False, True),
        ("CacheSubnetGroupName", "SubnetGroup", False, True),
        ("SourceDBClusterIdentifier", "DBCluster", False, False),
        ("FunctionName", "Permission", True, False),
        ("KeyName", "KeyPair", True, True),
        ("KeyName", "KeyPair", False, False),
        ("UserGroupId", "UserGroup", True, True),
        ("Bucket", "BucketPolicy", True, False),
        ("RoleAlias", "RoleAlias", True, True),
        ("RoleAlias", "RoleAlias", False, False),
    ],
)
def test_own_names(name: str, short: str, identifier: bool, own: bool) -> None:
    assert is_own_name(name, short, identifier=identifier) is own


# -- comparing ---------------------------------------------------------------------------------------

OPEN_A = Parameter("A", "one")
OPEN_B = Parameter("B", "two")
STACK_A = Pseudo("AWS::StackId", "one")
STACK_B = Pseudo("AWS::StackId", "two")
QUEUE_A = attribute_of(ResourceKey("one", "Q"))


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (text([OPEN_A, "-x"]), text([OPEN_A, "-x"]), True),
        (text([OPEN_A, "-x"]), text([OPEN_B, "-x"]), None),
        (text([OPEN_A, "-x"]), text([OPEN_B, "-y"]), False),
        (text(["x-", OPEN_A]), text(["y-", OPEN_B]), False),
        (text(["x-", OPEN_A]), text([OPEN_B, "-y"]), None),
        (text([OPEN_A, "-x"]), "a-x", None),
        ("a-y", text([OPEN_A, "-x"]), False),
        (text([STACK_A, "-x"]), text([STACK_B, "-x"]), False),
        (text([STACK_A, "-x"]), "a-x", False),
        (text([QUEUE_A]), text([OPEN_B]), False),
        ("{{resolve:ssm:a}}", "{{resolve:ssm:b}}", None),
        ("{{resolve:ssm:a}}", "{{resolve:ssm:a}}", True),
    ],
)
def test_same(one: str | Text, other: str | Text, answer: bool | None) -> None:
    assert said(same(one, other)) is answer
    assert said(same(other, one)) is answer


@pytest.mark.parametrize(
    ("first", "second", "certain", "possible"),
    [
        (("111111111111", "us-west-2"), ("111111111111", "us-west-2"), 2, 0),
        (("111111111111", "us-west-2"), ("222222222222", "us-west-2"), 0, 0),
        (("111111111111", "us-west-2"), ("111111111111", "eu-west-1"), 0, 0),
        (("", "us-west-2"), ("111111111111", "us-west-2"), 0, 2),
        (("", "us-west-2"), ("", "us-west-2"), 2, 0),
        (("", ""), ("", ""), 2, 0),
    ],
)
def test_regional_names_collide_in_one_account_and_region(
    first: tuple[str, str], second: tuple[str, str], certain: int, possible: int
) -> None:
    found = clashes(
        candidates(project(stack("staging", {"Q": queue("q")}, *first), stack("prod", {"Q": queue("q")}, *second)))
    )
    assert sum(bool(clash.certain) for clash in found.values()) == certain
    assert sum(bool(clash.possible) for clash in found.values()) == possible


def test_names_of_wider_reach() -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "deploy"}}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "docs"}}
    one = stack("staging", {"R": role, "B": bucket}, "111111111111", "us-west-2")
    other = stack("production", {"R": role, "B": bucket}, "111111111111", "eu-west-1")
    third = stack("third", {"R": role, "B": bucket}, "222222222222", "us-west-2")
    found = {
        (name.resource.stack.name, name.resource.logical_id): sorted(each.resource.stack.name for each in clash.certain)
        for name, clash in clashes(candidates(project(one, other, third))).items()
    }
    assert found == {
        ("staging", "R"): ["production"],
        ("production", "R"): ["staging"],
        ("staging", "B"): ["production", "third"],
        ("production", "B"): ["staging", "third"],
        ("third", "B"): ["production", "staging"],
    }


def test_a_collision_points_at_the_others() -> None:
    rules, findings = load(["C5"]), load_register().findings
    stacks = [stack("staging", {"A": queue("q")}), stack("production", {"B": queue("q")})]
    verdicts = judge_stacks(stacks, {each.name: kind_of(each.name) for each in stacks}, rules, findings)
    assert [[each.path for each in verdict.related] for verdict in verdicts] == [["Resources/B"], ["Resources/A"]]
    assert [verdict.violation for verdict in verdicts] == [
        "The name q collides with production/B.",
        "The name q collides with staging/A.",
    ]


@pytest.mark.parametrize(
    "name",
    [
        lambda index: f"q-{index}",
        lambda index: "q",
        lambda index: {"Fn::Sub": f"${{Env}}-{index}"},
        lambda index: {"Fn::Sub": "${Env}"},
        lambda index: {"Fn::Sub": f"{index}-${{Env}}"},
    ],
    ids=["different", "all one", "open head", "open whole", "open tail"],
)
def test_work_grows_with_the_names_and_not_with_their_pairs(name: Any) -> None:
    resources = {f"Q{index}": queue(name(index)) for index in range(2500)}
    parameters = {"Env": {"Type": "String"}}
    both = project(*(stack(each, resources, Parameters=parameters) for each in ("staging", "production")))
    # About 500 lines for each of the 5,000 names; their pairs would be 12,500,000.
    assert lines_run(lambda: clashes(candidates(both)), limit=5_000_000)


def test_work_with_one_record_name_in_many_zones() -> None:
    records = {
        f"R{index}": {
            "Type": "AWS::Route53::RecordSet",
            "Properties": {"Name": "a.b", "Type": "A", "HostedZoneId": f"Z{index}"},
        }
        for index in range(5000)
    }
    made = project(stack("staging", records))
    assert clashes(candidates(made)) == {}
    assert lines_run(lambda: clashes(candidates(made)), limit=4_000_000)


def test_names_that_refer_to_each_other_in_a_circle() -> None:
    circle = {"A": queue({"Fn::Sub": "${B.QueueName}-a"}), "B": queue({"Fn::Sub": "${A.QueueName}-b"})}
    assert clashes(candidates(project(stack("staging", circle), stack("production", circle)))) == {}


# -- looking up --------------------------------------------------------------------------------------


def test_literal_names_and_arns() -> None:
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "deploy", "Path": "/ci/"}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/ecs/api"}},
        "Service": {"Type": "AWS::ECS::Service", "Properties": {"ServiceName": "api"}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "logs-${AWS::AccountId}"}}},
        "Free": {"Type": "AWS::S3::Bucket"},
    }
    known = project(stack("production", resources, "111111111111"))
    assert {str(key): [each.logical_id for each in found] for key, found in literal_names(known).items()} == {
        "deploy": ["Role"],
        "arn:aws:iam::111111111111:role/ci/deploy": ["Role"],
        "/ecs/api": ["Logs"],
        "arn:aws:logs:us-west-2:111111111111:log-group:/ecs/api": ["Logs"],
        "arn:aws:logs:us-west-2:111111111111:log-group:/ecs/api:*": ["Logs"],
        "logs-111111111111": ["Bucket"],
        "arn:aws:s3:::logs-111111111111": ["Bucket"],
    }


def test_an_arn_without_an_account_is_found_by_its_pattern() -> None:
    known = project(
        stack(
            "production",
            {
                "Queue": queue("jobs"),
                "Alarm": {
                    "Type": "AWS::CloudWatch::Alarm",
                    "Properties": {"AlarmActions": [{"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:jobs"}]},
                },
            },
        )
    )
    alarm = next(known.resources("AWS::CloudWatch::Alarm"))
    assert [each.logical_id for each in known.all_referred(alarm.get("AlarmActions"))] == ["Queue"]


def test_a_name_that_two_environments_have_means_ones_own() -> None:
    one, other = stack("staging", {"Q": queue("jobs")}), stack("production", {"Q": queue("jobs")})
    both = project(one, other)
    found = [environment.referred("jobs") for environment in both.environments]
    assert [each.stack.name for each in found if each] == ["staging", "production"]


def test_calls_of_custom_resources() -> None:
    written = {
        "Fn::Join": ["", ['{"service":"S3","action":"createBucket","parameters":{"Bucket":"a-', {"Ref": "Q"}, '"}}']]
    }
    custom = {"Type": "Custom::AWS", "Properties": {"ServiceToken": "x", "Create": written, "Delete": "{"}}
    known = project(stack("staging", {"Q": queue("jobs"), "C": custom}))
    resource = next(known.resources("Custom::AWS"))
    (call,) = calls_of(resource)
    assert (call.when, call.service, call.action, str(call.parameters["Bucket"])) == (
        "Create",
        "s3",
        "createBucket",
        "a-${Q}",
    )
    (name,) = physical_names(resource)
    assert (name.naming.kind, str(name.value)) == ("AWS::S3::Bucket", "a-${Q}")


@pytest.mark.parametrize(
    ("name", "offered", "answer"),
    [
        ("a.io", ["a.io"], True),
        ("A.io.", ["a.IO"], True),
        ("a.io", ["*.a.io"], False),
        ("b.a.io", ["*.a.io"], True),
        ("c.b.a.io", ["*.a.io"], False),
        ("*.a.io", ["*.a.io"], True),
        ("io", ["*.io"], False),
        ("xa.io", ["*a.io"], False),
        (text(["b.", OPEN_A]), [text(["*.", OPEN_A])], True),
        (text(["b.", OPEN_A]), [text(["*.", OPEN_B])], None),
        (text([OPEN_A, ".a.io"]), ["*.a.io"], None),
        ("a.io", [], False),
    ],
)
def test_certificates_cover_one_label(name: str | Text, offered: list[str | Text], answer: bool | None) -> None:
    assert said(covered_by(name, offered)) is answer


def test_the_tool_is_beside_the_data_it_builds() -> None:
    assert Path(TARGET).name == "resource_types.json"


@pytest.mark.parametrize(("count", "outcome"), [(400, "pass"), (401, "fail")])
def test_a_stack_may_use_four_fifths_of_the_limit(count: int, outcome: str) -> None:
    big = stack("staging", {f"T{index}": {"Type": "AWS::SNS::Topic"} for index in range(count)})
    verdicts = judge_stacks([big], {"staging": kind_of("staging")}, load(["S9"]), load_register().findings)
    assert {verdict.id: verdict.outcome.value for verdict in verdicts} == {
        "S9[resources]": outcome,
        "S9[stateful]": "not_applicable",
    }


@pytest.mark.parametrize(
    ("argument", "outcome"),
    [("docs", "fail"), ({"Ref": "AWS::StackName"}, "pass"), ({"Ref": "Env"}, "pass"), (12, "fail")],
)
def test_a_nested_stack_gets_its_names_from_above(argument: Any, outcome: str) -> None:
    properties = {"TemplateURL": "child.json", "Parameters": {"Name": argument}}
    parent = stack(
        "staging",
        {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": properties}},
        Parameters={"Env": {"Type": "String", "Default": "blue"}},
    )
    child = stack("child", {"Q": queue({"Fn::Sub": "${Name}-q"})}, Parameters={"Name": {"Type": "String"}})
    parent = nesting(parent, {"Child": replace(child, id="staging/Child", environment="staging")})
    verdicts = judge_stacks([parent], {"staging": kind_of("staging")}, load(["C5"]), load_register().findings)
    assert [(verdict.subject.name, verdict.outcome.value) for verdict in verdicts] == [("Q", outcome)]


@pytest.mark.parametrize(
    ("parts", "tail"),
    [
        (["arn:aws:ecs:us-west-2:1:service/shop/api"], "service/shop/api"),
        (
            ["arn:", Pseudo("AWS::Partition"), ":ecs:", Pseudo("AWS::Region"), ":1:task-definition/api:7"],
            "task-definition/api:7",
        ),
        (["arn:aws:ecs:us-west-2:", Pseudo("AWS::AccountId"), ":cluster/a:b"], "cluster/a:b"),
        (["arn:aws:s3:::site/", Parameter("Key", "app"), ":x"], "site/${Key}:x"),
        (["arn:aws:s3"], ""),
    ],
)
def test_the_tail_of_an_arn(parts: list[str | Hole], tail: str) -> None:
    assert str(arn_tail(text(parts))) == tail


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ({"Ref": "A"}, ["A"]),
        ({"Fn::Sub": "${A}-x-${ B }"}, ["A", "B"]),
        ({"Fn::Sub": ["${A}-${B}", {"B": {"Ref": "C"}}]}, ["A", "B", "C"]),
        ({"Fn::If": ["Big", {"Ref": "A"}, "x"]}, ["A", "Big"]),
        ({"Fn::Sub": []}, []),
        ("${A}", []),
    ],
)
def test_an_expression_refers_to_what_it_names(expression: Any, names: list[str]) -> None:
    assert sorted(references(expression)) == names
