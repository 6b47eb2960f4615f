"""What cannot start: sizes that Fargate refuses, execution roles that may not, balancers in one zone, rules at odds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checker.model.environments import Project
from checker.reason.startup.balancers import rules_at_odds
from checker.reason.startup.execution_roles import needs_one, refused, shut_out
from checker.reason.startup.sizes import on_fargate, units, wrong_size
from checker.reason.startup.zones import few_zones
from tests.answers import said
from tests.projects import project_of, resource


def project(resources: dict[str, Any]) -> Project:
    return project_of(json.dumps({"Resources": resources}))


def task(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}


def size(cpu: Any, memory: Any, *containers: dict[str, Any]) -> tuple[str, str]:
    made = project({"Task": task(Cpu=cpu, Memory=memory, ContainerDefinitions=list(containers))})
    return wrong_size(resource(made, "Task"))


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [
        ("256", "512"),
        (256, 2048),
        (".25 vCPU", "1 GB"),
        ("512", "4096"),
        ("1 vCPU", "8GB"),
        ("4096", "30720"),
        ("8192", "20480"),
        ("16384", "122880"),
        ({"Ref": "AWS::NoValue"}, "512"),
        ("512", {"Fn::ImportValue": "Memory"}),
    ],
)
def test_sizes_that_are_taken_or_not_known(cpu: Any, memory: Any) -> None:
    assert size(cpu, memory) == ("", "")


@pytest.mark.parametrize(
    ("cpu", "memory", "path"),
    [
        ("300", "512", "Cpu"),
        ("256.5", "512", "Cpu"),
        ("256", "1536", "Memory"),
        ("256", "4096", "Memory"),
        ("512", "512", "Memory"),
        ("1024", "2560", "Memory"),
        ("2 vCPU", "3 GB", "Memory"),
        ("8192", "18432", "Memory"),
    ],
)
def test_sizes_that_are_refused(cpu: str, memory: str, path: str) -> None:
    why, place = size(cpu, memory)
    assert place == path
    assert "Fargate" in why


def test_a_container_that_wants_more_than_its_task_has() -> None:
    assert size("256", "512", {"Name": "web", "Memory": 512, "Cpu": 256}) == ("", "")
    assert size("256", "512", {"Name": "web"}, {"Name": "side", "MemoryReservation": 600}) == (
        "A container asks for 600 of MemoryReservation, and its task has 512",
        "ContainerDefinitions.1.MemoryReservation",
    )


@pytest.mark.parametrize(
    ("given", "expected"), [("1 vCPU", 1024.0), ("0.5vcpu", 512.0), ("2 GB", 2048.0), ("512", 512.0), ("much", None)]
)
def test_units(given: str, expected: float | None) -> None:
    assert units(given) == expected


def test_on_fargate() -> None:
    made = project(
        {
            "Both": task(RequiresCompatibilities=["EC2", "FARGATE"]),
            "Machines": task(RequiresCompatibilities=["EC2"]),
            "Silent": task(),
            "Open": task(RequiresCompatibilities={"Fn::Split": [",", {"Fn::ImportValue": "Kinds"}]}),
        }
    )
    each = {name: said(on_fargate(resource(made, name))) for name in ("Both", "Machines", "Silent", "Open")}
    assert each == {"Both": True, "Machines": False, "Silent": False, "Open": None}


def role(*statements: dict[str, Any], service: str = "ecs-tasks.amazonaws.com") -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policies = [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}] if statements else []
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}, "Policies": policies},
    }


REPOSITORIES = "arn:aws:ecr:us-west-2:111122223333:repository/"
IMAGE = "111122223333.dkr.ecr.us-west-2.amazonaws.com/shop/web:1"
SECRET = "arn:aws:secretsmanager:us-west-2:111122223333:secret:shop-db-AbCdEf"
LOGIN = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
PULL = {
    "Effect": "Allow",
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
    "Resource": f"{REPOSITORIES}shop/*",
}
READ = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": SECRET}
CONTAINER = {"Name": "web", "Image": IMAGE, "Secrets": [{"Name": "PASSWORD", "ValueFrom": f"{SECRET}:password::"}]}


@pytest.mark.parametrize(
    ("statements", "refuses"),
    [
        ([LOGIN, PULL, READ], None),
        ([], "ecr:GetAuthorizationToken"),
        ([PULL, READ], "ecr:GetAuthorizationToken"),
        ([LOGIN, READ], "ecr:BatchGetImage"),
        (
            [LOGIN, {**PULL, "Resource": "arn:aws:ecr:us-west-2:111122223333:repository/other"}, READ],
            "ecr:BatchGetImage",
        ),
        ([LOGIN, PULL], "secretsmanager:GetSecretValue"),
        ([LOGIN, PULL, READ, {**READ, "Effect": "Deny"}], "secretsmanager:GetSecretValue"),
        ([LOGIN, PULL, {**READ, "Resource": f"{SECRET[:-6]}*"}], None),
    ],
)
def test_what_an_execution_role_is_refused(statements: list[dict[str, Any]], refuses: str | None) -> None:
    made = project({"Task": task(ContainerDefinitions=[CONTAINER]), "Role": role(*statements)})
    need = refused(resource(made, "Task"), resource(made, "Role"), made)
    assert (need.action if need is not None else None) == refuses


def test_who_needs_an_execution_role_and_which_one_tasks_may_take_on() -> None:
    made = project(
        {
            "Public": task(ContainerDefinitions=[{"Name": "web", "Image": "public.ecr.aws/nginx/nginx:1.27"}]),
            "Private": task(ContainerDefinitions=[CONTAINER]),
            "Tasks": role(),
            "Functions": role(service="lambda.amazonaws.com"),
        }
    )
    assert [needs_one(resource(made, name), made) for name in ("Public", "Private")] == [False, True]
    assert [shut_out(resource(made, name), made) for name in ("Tasks", "Functions")] == [False, True]


def subnet(zone: Any) -> dict[str, Any]:
    return {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": "vpc-1", "AvailabilityZone": zone}}


@pytest.mark.parametrize(
    ("zones", "kind", "expected"),
    [
        (("us-west-2a", "us-west-2b"), "application", ""),
        (("us-west-2a", "us-west-2a"), "application", "Its subnets are all in one Availability Zone, us-west-2a"),
        (("us-west-2a",), "application", "It is in one subnet"),
        (("us-west-2a",), "network", ""),  # one zone is allowed
        (("us-west-2a", {"Fn::ImportValue": "Zone"}), "application", ""),
    ],
)
def test_zones_of_a_load_balancer(zones: tuple[Any, ...], kind: str, expected: str) -> None:
    subnets = {f"Subnet{index}": subnet(zone) for index, zone in enumerate(zones)}
    properties = {"Type": kind, "Subnets": [{"Ref": name} for name in subnets]}
    made = project(
        {**subnets, "Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": properties}}
    )
    (environment,) = made.environments
    found = few_zones(environment, resource(made, "Balancer"))
    assert found.startswith(expected) if expected else found == ""


def rule(priority: Any, path: str, group: str, listener: str = "Listener") -> dict[str, Any]:
    return {
        "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
        "Properties": {
            "ListenerArn": {"Ref": listener},
            "Priority": priority,
            "Conditions": [{"Field": "path-pattern", "Values": [path]}],
            "Actions": [{"Type": "forward", "TargetGroupArn": group}],
        },
    }


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"A": rule(1, "/api/*", "one"), "B": rule(2, "/*", "two")}, []),
        ({"A": rule(1, "/*", "one"), "B": rule(2, "/api/*", "two")}, [("A", "order")]),
        ({"A": rule(1, "/*", "one"), "B": rule(2, "/api/*", "one")}, []),  # it goes where it would go anyway
        ({"A": rule("5", "/a", "one"), "B": rule(5, "/b", "two")}, [("B", "priority")]),
        ({"A": rule(5, "/a", "one"), "B": rule(5, "/b", "two", "Other")}, []),
        ({"A": rule({"Fn::ImportValue": "P"}, "/*", "one"), "B": rule(2, "/api/*", "two")}, []),
    ],
)
def test_rules_at_odds(rules: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    listener = {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {"Port": 443, "Protocol": "HTTPS"}}
    made = project({**rules, "Listener": listener, "Other": listener})
    (environment,) = made.environments
    assert [(found.logical_id, sub) for found, sub, _, _ in rules_at_odds(environment)] == expected
