"""Snapshots written by hand, judged: references, gaps, what is gone, what only facts tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from checker.audit import audit
from checker.collect.snapshots import parse
from checker.model.settings import Settings
from checker.model.verdicts import Outcome, Run
from checker.run.request import Request

STACK = {"name": "Shop-production", "status": "UPDATE_COMPLETE", "template": {"Resources": {}}, "resources": []}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/shop"


def resource(kind: str, physical_id: str, **properties: Any) -> dict[str, Any]:
    return {"type": kind, "physical_id": physical_id, "stack": STACK["name"], "properties": properties}


def judged(tmp_path: Path, *resources: dict[str, Any], **more: Any) -> Run:

    document = {
        "schema": "checker-snapshot/1",
        "account": "111111111111",
        "region": "eu-west-1",
        "taken_at": "2026-11-26T10:00:00Z",
        "stacks": [{**STACK, **more.pop("stack", {})}],
        "resources": list(resources),
        "facts": {},
        "unread": [],
        **more,
    }
    return audit(Request(project=tmp_path, settings=Settings()), parse(json.dumps(document)))


def outcomes(run: Run, finding: str) -> dict[tuple[str | None, str], Outcome]:
    return {(each.sub, each.subject.name): each.outcome for each in run.verdicts if each.finding == finding}


def test_the_same_rule_judges_an_account(tmp_path: Path) -> None:
    run = judged(
        tmp_path,
        resource("AWS::RDS::DBInstance", "orders", DBInstanceIdentifier="orders", StorageEncrypted=False),
        resource("AWS::RDS::DBInstance", "carts", DBInstanceIdentifier="carts", StorageEncrypted=True),
    )
    found = {name: outcome for (_, name), outcome in outcomes(run, "C8").items()}
    assert found == {"orders": Outcome.FAIL, "carts": Outcome.PASS}


def test_what_could_not_be_read_is_never_a_pass(tmp_path: Path) -> None:
    denied = {"what": "AWS::RDS::DBInstance", "why": "rds:DescribeDBInstances: access denied", "needs": "x"}
    run = judged(tmp_path, unread=[denied])
    assert set(outcomes(run, "C8").values()) == {Outcome.UNKNOWN}
    database = {
        **resource("AWS::RDS::DBInstance", "orders", DBInstanceIdentifier="orders"),
        "unread": {"StorageEncrypted": "the answer does not tell"},
    }
    assert set(outcomes(judged(tmp_path, database), "C8").values()) == {Outcome.UNKNOWN}


def test_a_member_that_nothing_was_read_of_is_unknown_and_one_that_was_asked_for_is_gone(tmp_path: Path) -> None:
    member = {"logical_id": "Orders", "physical_id": "orders", "type": "AWS::RDS::DBInstance", "status": "x"}
    stack = {"resources": [member]}
    assert set(outcomes(judged(tmp_path, stack=stack), "C8").values()) == {Outcome.UNKNOWN}
    gone = judged(tmp_path, stack=stack, facts={"asked": ["AWS::RDS::DBInstance"]})
    assert set(outcomes(gone, "C8").values()) == {Outcome.NOT_APPLICABLE}


def test_an_arn_is_the_reference_that_it_is_in_a_template(tmp_path: Path) -> None:
    topic = "arn:aws:sns:eu-west-1:111111111111:alarms"
    alarm = resource("AWS::CloudWatch::Alarm", "slow", AlarmName="slow", AlarmActions=[topic])
    subscription = resource(
        "AWS::SNS::Subscription", f"{topic}:1", TopicArn=topic, Protocol="email", Endpoint="ops@shop.dev"
    )
    heard = judged(tmp_path, alarm, resource("AWS::SNS::Topic", topic, TopicName="alarms"), subscription)
    alone = judged(tmp_path, alarm, resource("AWS::SNS::Topic", topic, TopicName="alarms"))
    assert Outcome.FAIL not in outcomes(heard, "S2").values()
    assert Outcome.FAIL in outcomes(alone, "S2").values()


def task(tag: str, service: str = "web") -> dict[str, Any]:
    return {
        "taskArn": f"arn:aws:ecs:eu-west-1:111111111111:task/shop/{service}{tag[:4]}",
        "clusterArn": "arn:aws:ecs:eu-west-1:111111111111:cluster/shop",
        "taskDefinitionArn": f"arn:aws:ecs:eu-west-1:111111111111:task-definition/{service}:1",
        "group": f"service:{service}",
        "lastStatus": "RUNNING",
        "containers": [{"name": service, "image": f"{REPOSITORY}:{tag}"}],
    }


def service(name: str) -> dict[str, Any]:
    return resource("AWS::ECS::Service", f"arn:aws:ecs:eu-west-1:111111111111:service/shop/{name}", ServiceName=name)


def test_running_tags_that_are_no_commit_fail(tmp_path: Path) -> None:
    repository = resource("AWS::ECR::Repository", "shop", RepositoryName="shop")
    facts = {"tasks": [task("stable")], "deployments": []}
    run = judged(tmp_path, repository, service("web"), facts=facts)
    assert Outcome.FAIL in outcomes(run, "W4").values()
    run = judged(tmp_path, repository, service("web"), facts={**facts, "tasks": [task(COMMIT)]})
    assert set(outcomes(run, "W4").values()) == {Outcome.PASS}


def test_services_of_two_commits_and_a_failed_stack_fail(tmp_path: Path) -> None:
    other = COMMIT[::-1]
    deployments = [
        {
            "serviceArn": f"arn:aws:ecs:eu-west-1:111111111111:service/shop/{name}",
            "serviceName": name,
            "clusterArn": "arn:aws:ecs:eu-west-1:111111111111:cluster/shop",
            "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED"}],
        }
        for name in ("web", "api")
    ]
    repository = resource("AWS::ECR::Repository", "shop", RepositoryName="shop")
    things = (repository, service("web"), service("api"))
    facts = {"tasks": [task(COMMIT), task(other, "api")], "deployments": deployments}
    run = judged(tmp_path, *things, facts=facts, stack={"status": "UPDATE_ROLLBACK_FAILED"})
    found = outcomes(run, "W17")
    assert found["one-version", "production"] is Outcome.FAIL
    assert found["stack", "Shop-production"] is Outcome.FAIL
    run = judged(tmp_path, *things, facts={**facts, "tasks": [task(COMMIT), task(COMMIT, "api")]})
    assert set(outcomes(run, "W17").values()) == {Outcome.PASS}


def test_a_certificate_that_nobody_read_covers_nothing(tmp_path: Path) -> None:
    arn = "arn:aws:acm:eu-west-1:111111111111:certificate/1"
    listener = resource(
        "AWS::ElasticLoadBalancingV2::Listener",
        "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/x/1/2",
        LoadBalancerArn="arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/app/x/1",
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": arn}],
    )
    assert outcomes(judged(tmp_path, listener), "W12").get(("covers", listener["physical_id"])) is not Outcome.PASS


def test_an_environment_of_which_no_stack_was_asked_for_is_not_judged_by_what_else_was_seen_of_it(
    tmp_path: Path,
) -> None:
    beside = {**resource("AWS::EC2::VPC", "vpc-1", Tags=[{"Key": "environment", "Value": "staging"}]), "stack": None}
    stack = {**STACK, "name": "shop-production"}
    whole = judged(tmp_path, beside, stack=stack)
    assert Outcome.FAIL in {each.outcome for each in whole.verdicts if each.environment == "staging"}
    for asked in (["shop-production"], ["shop-production", "shop-staging"]):
        run = judged(tmp_path, beside, stack=stack, facts={"asked_stacks": asked})
        assert run.environments == (("production",) if len(asked) == 1 else ("production", "staging"))
    part = judged(tmp_path, beside, stack=stack, facts={"asked_stacks": ["shop-production"]})
    assert {each.environment for each in part.verdicts} <= {"production", ""}
    left_out = "environment staging is not judged, nor what reaches into it: none of its stacks was asked for"
    assert left_out in part.coverage.notes


def deploy_role(environment: str, reaches: str) -> dict[str, Any]:
    host = "token.actions.githubusercontent.com"
    claims = {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": f"repo:acme/shop:environment:{environment}"}
    principal = {"Federated": f"arn:aws:iam::111111111111:oidc-provider/{host}"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": principal}
    cluster = f"arn:aws:ecs:eu-west-1:111111111111:service/{reaches}/*"
    rolls = {"Effect": "Allow", "Action": "ecs:UpdateService", "Resource": cluster}
    return {
        **resource(
            "AWS::IAM::Role",
            f"deploy-{environment}",
            RoleName=f"deploy-{environment}",
            AssumeRolePolicyDocument={"Statement": [{**trust, "Condition": {"StringEquals": claims}}]},
            Policies=[{"PolicyName": "deploy", "PolicyDocument": {"Statement": [rolls]}}],
        ),
        "stack": f"shop-{environment}",
    }


def test_one_environment_is_judged_beside_the_others_of_the_same_snapshot(tmp_path: Path) -> None:
    """Whom the role of one reaches is told by those beside it; what is said of them is left out."""
    names = ("production", "staging")
    stacks = [{**STACK, "name": f"shop-{name}"} for name in names]
    services = [
        {
            **resource(
                "AWS::ECS::Service", f"arn:aws:ecs:eu-west-1:111111111111:service/{name}/web", ServiceName="web"
            ),
            "stack": f"shop-{name}",
        }
        for name in names
    ]
    unencrypted = {**resource("AWS::RDS::DBInstance", "orders", StorageEncrypted=False), "stack": "shop-staging"}
    for reaches, expected in (("*", Outcome.FAIL), ("production", Outcome.PASS)):
        roles = [deploy_role("production", reaches), deploy_role("staging", "staging")]
        document: dict[str, Any] = {"schema": "checker-snapshot/1", "account": "111111111111", "region": "eu-west-1"}
        document |= {"stacks": stacks, "resources": [*roles, *services, unencrypted], "facts": {"asked": ["stacks"]}}
        request = Request(project=tmp_path, settings=Settings(repository="acme/shop"), environments=["production"])
        run = audit(request, parse(json.dumps(document)))
        assert run.environments == ("production",)
        assert outcomes(run, "W6")["reach", "deploy-production"] is expected
        assert {each.environment for each in run.verdicts} <= {"production", ""}
        assert set(outcomes(run, "C8").values()) == {Outcome.NOT_APPLICABLE}
        assert any("environment staging is left out" in note and "failure" in note for note in run.coverage.notes)


def test_a_resource_that_nothing_was_read_of_may_be_what_a_rule_looks_for(tmp_path: Path) -> None:
    blank = {**resource("AWS::ElasticLoadBalancingV2::LoadBalancer", "arn:lb"), "unread": {"": "denied"}}
    there = resource("AWS::ElasticLoadBalancingV2::LoadBalancer", "arn:lb", Scheme="internal", Type="application")
    assert set(outcomes(judged(tmp_path, blank), "S1").values()) == {Outcome.UNKNOWN}
    assert set(outcomes(judged(tmp_path, there), "S1").values()) == {Outcome.NOT_APPLICABLE}
    # Nothing of S1 is asked of a queue.
    other = {**resource("AWS::SQS::Queue", "jobs"), "unread": {"": "denied"}}
    assert set(outcomes(judged(tmp_path, there, other), "S1").values()) == {Outcome.NOT_APPLICABLE}


def test_stacks_that_nothing_names_are_judged_where_the_project_says_nothing_of_its_own(tmp_path: Path) -> None:
    """Somebody looks at an account from an empty folder."""
    named = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "staging-jobs"}}}}
    nested = {
        "logical_id": "Inner",
        "type": "AWS::CloudFormation::Stack",
        "physical_id": "arn:aws:cloudformation:eu-west-1:111111111111:stack/jobs-Inner-1/1",
    }
    stacks = [
        {**STACK, "name": "orders"},
        {**STACK, "name": "jobs", "template": named, "resources": [nested]},
        {**STACK, "name": "jobs-Inner-1", "id": nested["physical_id"]},
        {**STACK, "name": "CDKToolkit"},
    ]
    databases = [
        {**resource("AWS::RDS::DBInstance", name, DBInstanceIdentifier=name, StorageEncrypted=False), "stack": stack}
        for name, stack in (("a", "orders"), ("b", "jobs"), ("c", "jobs-Inner-1"), ("d", "CDKToolkit"))
    ]
    run = judged(tmp_path, *databases, stacks=stacks)
    assert outcomes(run, "C8") == {("storage", name): Outcome.FAIL for name in "abc"}
    assert {each.environment for each in run.verdicts if each.sub == "storage"} == {"unnamed", "staging"}
    assert [each for each in run.coverage.notes if each.startswith("took")] == [
        "took stack orders for environment unnamed (nothing names an environment)",
        "took stack jobs for environment staging (by the names of its resources)",
        "took stack jobs-Inner-1 for environment staging (by the names of its resources)",
    ]


def test_an_account_that_holds_what_tools_made_for_themselves_alone_was_not_judged(tmp_path: Path) -> None:
    run = judged(tmp_path, stack={"name": "CDKToolkit"})
    assert [each.why for each in run.coverage.unread] == [
        "nothing of it was judged: none of its 1 stacks belongs to an environment that is known"
    ]
