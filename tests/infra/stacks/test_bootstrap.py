"""A first deployment of production that fails, wherever it does, can be repeated as if nothing had been."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra import inputs, naming
from infra.build import add_stacks, new_app
from tests.infra.lab import Lab, for_the_lab, running_lab
from tests.infra.support import Template

PRODUCTION = naming.PRODUCTION_STACK
FAILING_AFTER = (
    "AWS::SecretsManager::Secret",
    "AWS::Logs::LogGroup",
    "AWS::RDS::DBInstance",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::S3::Bucket",
    "AWS::Lambda::Alias",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ECS::TaskDefinition",
    "AWS::ECS::Service",
    "AWS::CloudWatch::Alarm",
)


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Production's template as the first deployment has it."""
    folder = tmp_path_factory.mktemp("bootstrap")
    app = new_app(outdir=str(folder), context={"env": "production", "bootstrap": "true"})
    add_stacks(app)
    app.synth()
    return Template.read(folder, PRODUCTION).body


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab"), inputs.EXAMPLE_ACCOUNT) as running:
        yield running


@pytest.fixture(scope="module")
def shared(lab: Lab) -> Mapping[str, str]:
    """What an environment takes of the shared stack, made by hand."""
    zone = lab.client("route53").create_hosted_zone(Name="specboard.io", CallerReference="1")["HostedZone"]
    certificate = lab.client("acm").request_certificate(DomainName="specboard.io")
    return {"HostedZoneId": zone["Id"].rpartition("/")[2], "CertificateArn": certificate["CertificateArn"]}


def failing_after(template: Mapping[str, Any], kind: str, shared: Mapping[str, str]) -> str:
    """The template with a resource that cannot be made, and which is begun when all of a type are there."""
    broken = copy.deepcopy(dict(template))
    there = [name for name, resource in broken["Resources"].items() if resource["Type"] == kind]
    assert there
    broken["Resources"]["Fails"] = {
        "Type": "AWS::Route53::RecordSet",
        "DependsOn": there,
        "Properties": {"HostedZoneId": "Z0NOBODYS", "Name": "x.example.com.", "Type": "TXT", "TTL": "60"},
    }
    return for_the_lab(broken, shared)


def what_failed(lab: Lab, stack_id: str) -> set[str]:
    pages = lab.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_id)
    events = [event for page in pages for event in page["StackEvents"]]
    return {event["LogicalResourceId"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"}


def in_the_way(lab: Lab) -> set[str]:
    """Names of production that a next attempt could not use again."""
    groups = lab.client("logs").describe_log_groups()["logGroups"]
    secrets = lab.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    names = {group["logGroupName"] for group in groups} | {secret["Name"] for secret in secrets}
    return {name for name in names if "production" in name}


@pytest.mark.parametrize("kind", FAILING_AFTER)
def test_a_creation_that_fails_is_taken_back_and_can_be_repeated(
    lab: Lab, bootstrap: Mapping[str, Any], shared: Mapping[str, str], kind: str
) -> None:
    failed = lab.deploy(PRODUCTION, failing_after(bootstrap, kind, shared), "ROLLBACK")
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE", failed.get("StackStatusReason")
    assert what_failed(lab, failed["StackId"]) == {"Fails"}
    assert in_the_way(lab) == set()
    assert not lab.client("rds").describe_db_instances()["DBInstances"]
    # As the CDK command does it with a stack in this state.
    lab.delete(PRODUCTION)
    made = lab.deploy(PRODUCTION, for_the_lab(bootstrap, shared), "ROLLBACK")
    assert made["StackStatus"] == "CREATE_COMPLETE", made.get("StackStatusReason")
    _remove(lab)


def test_what_is_simply_retained_would_be_in_the_way(
    lab: Lab, bootstrap: Mapping[str, Any], shared: Mapping[str, str]
) -> None:
    """The emulator knows the difference, or the test above would show nothing."""
    retained = json.loads(json.dumps(bootstrap).replace("RetainExceptOnCreate", "Retain"))
    failed = lab.deploy(PRODUCTION, failing_after(retained, "AWS::SecretsManager::Secret", shared), "ROLLBACK")
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE"
    assert in_the_way(lab)
    lab.delete(PRODUCTION)
    _forget(lab)


def test_nothing_refuses_to_be_deleted_before_the_first_release(bootstrap: Mapping[str, Any]) -> None:
    assert '"DeletionProtection": true' not in json.dumps(bootstrap)
    attributes = [
        attribute
        for resource in bootstrap["Resources"].values()
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::LoadBalancer"
        for attribute in resource["Properties"]["LoadBalancerAttributes"]
    ]
    assert {"Key": "deletion_protection.enabled", "Value": "false"} in attributes


def _remove(lab: Lab) -> None:
    """A production that was made keeps its data: it is put out of the next test's way by hand."""
    lab.delete(PRODUCTION)
    assert in_the_way(lab)
    _forget(lab)


def _forget(lab: Lab) -> None:
    for name in in_the_way(lab):
        if name.startswith("production/"):
            lab.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        else:
            lab.client("logs").delete_log_group(logGroupName=name)
