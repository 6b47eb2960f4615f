"""What stands in the lab, read back with boto3: the stacks whole, and everything that a pipeline would have left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checker.lab import assembly, release
from checker.lab.clients import Clients
from infra import naming

pytestmark = pytest.mark.xdist_group("lab")


_BY_CLOUD_CONTROL = {
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Version",
    "AWS::WAFv2::IPSet",
}


def test_every_resource_of_every_stack_is_there(clients: Clients, deployed: Path) -> None:
    stacks = {stack.name: stack for stack in assembly.stacks_of(deployed)}
    assert set(stacks) == set(naming.STACKS)
    for name, stack in stacks.items():
        asked = {"StackName": name}
        shown = clients.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", **asked)
        expected = {logical_id: each["Type"] for logical_id, each in stack.template["Resources"].items()}
        assert {each["LogicalResourceId"]: each["ResourceType"] for each in shown} == expected
        assert all(each["PhysicalResourceId"] for each in shown)
        assert clients("cloudformation").get_template(**asked)["TemplateBody"] == stack.template


def test_the_process_listens_on_loopback_only(clients: Clients) -> None:
    sockets = Path(f"/proc/{clients.lab.pid}/net/tcp").read_text().splitlines()[1:]
    own = {link.readlink().name for link in Path(f"/proc/{clients.lab.pid}/fd").iterdir() if link.is_symlink()}
    listening = [fields for fields in map(str.split, sockets) if fields[3] == "0A" and f"socket:[{fields[9]}]" in own]
    assert [fields[1] for fields in listening] == [f"0100007F:{clients.lab.port:04X}"]


def test_ids_that_were_examples_are_those_of_the_account(clients: Clients, deployed: Path) -> None:
    zones = {each["Id"].rpartition("/")[2] for each in clients("route53").list_hosted_zones()["HostedZones"]}
    arns = {each["CertificateArn"] for each in clients("acm").list_certificates()["CertificateSummaryList"]}
    for stack in assembly.stacks_of(deployed):
        assert set(assembly.hosted_zones(stack.template)) <= zones
        assert set(assembly.certificates(stack.template)) <= arns


def test_every_service_runs_images_of_one_commit_that_are_in_the_registry(clients: Clients) -> None:
    found = {(cluster.rpartition("/")[2], each["serviceName"]): each for cluster, each in release.services(clients)}
    assert {name for _, name in found} == set(naming.SERVICES)
    assert len(found) == 8
    for (cluster, name), service in found.items():
        (deployment,) = service["deployments"]
        assert deployment["rolloutState"] == "COMPLETED"
        tasks = running_tasks(clients, cluster, name)
        assert len(tasks) == service["desiredCount"] == service["runningCount"] > 0
        for task in tasks:
            definition = clients("ecs").describe_task_definition(taskDefinition=task["taskDefinitionArn"])
            (container,) = definition["taskDefinition"]["containerDefinitions"]
            repository, _, tag = container["image"].partition("/")[2].rpartition(":")
            assert tag == release.COMMIT
            assert clients("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])


def running_tasks(clients: Clients, cluster: str, service: str) -> list[dict[str, Any]]:
    arns = clients("ecs").list_tasks(cluster=cluster, serviceName=service)["taskArns"]
    return list(clients("ecs").describe_tasks(cluster=cluster, tasks=arns)["tasks"])


def test_tasks_are_healthy_targets_by_their_addresses(clients: Clients) -> None:
    for cluster, service in release.services(clients):
        name = cluster.rpartition("/")[2]
        tasks = running_tasks(clients, name, service["serviceName"])
        details = [detail for task in tasks for each in task["attachments"] for detail in each["details"]]
        addresses = {each["value"] for each in details if each["name"] == "privateIPv4Address"}
        assert len(addresses) == len(tasks)
        for balanced in service["loadBalancers"]:
            health = clients("elbv2").describe_target_health(TargetGroupArn=balanced["targetGroupArn"])
            shown = health["TargetHealthDescriptions"]
            assert {each["Target"]["Id"] for each in shown} == addresses
            assert {each["TargetHealth"]["State"] for each in shown} == {"healthy"}


def test_containers_are_spelled_as_the_service_spells_them(clients: Clients) -> None:
    shown = clients("ecs").describe_task_definition(taskDefinition=naming.task_family("production", "api"))
    (container,) = shown["taskDefinition"]["containerDefinitions"]
    assert {"name", "valueFrom"} == {key for secret in container["secrets"] for key in secret}
    assert container["healthCheck"]["command"][0] == "CMD"


def test_alarms_are_quiet_and_their_topics_have_confirmed_subscribers(clients: Clients) -> None:
    alarms = clients.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    assert {alarm["StateValue"] for alarm in alarms} == {"OK"}
    for topic in {action for alarm in alarms for action in alarm["AlarmActions"]}:
        subscriptions = clients("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert [each["SubscriptionArn"].startswith(topic) for each in subscriptions] == [True]


def test_types_that_the_emulator_lacks_say_what_the_template_says(clients: Clients) -> None:
    ec2 = clients("ec2")
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    addresses = {each["AllocationId"]: each for each in ec2.describe_addresses()["Addresses"]}
    shown = [each for gateway in gateways for each in gateway["NatGatewayAddresses"]]
    assert {each["AllocationId"]: each["PublicIp"] for each in shown} == {
        name: each["PublicIp"] for name, each in addresses.items()
    }
    assert len(gateways) == 3
    logs = ec2.describe_flow_logs()["FlowLogs"]
    assert {each["LogGroupName"] for each in logs} == {
        naming.flow_log_group(each) for each in ("staging", "production")
    }
    assert {each["TrafficType"] for each in logs} == {"REJECT"}
    providers = clients("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert [each["Arn"].partition("/")[2] for each in providers] == [naming.OIDC_HOST]


def test_properties_that_the_emulator_drops_are_there(clients: Clients, deployed: Path) -> None:
    templates = {stack.name: stack.template["Resources"] for stack in assembly.stacks_of(deployed)}
    seen = set()
    for stack, resources in templates.items():
        asked = {"StackName": stack}
        for each in clients.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", **asked):
            declared = resources[each["LogicalResourceId"]].get("Properties", {})
            name, kind = each["PhysicalResourceId"], each["ResourceType"]
            if kind == "AWS::S3::Bucket":
                encryption = clients("s3").get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
                wanted = declared["BucketEncryption"]["ServerSideEncryptionConfiguration"]
                by_default = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
                assert by_default == wanted[0]["ServerSideEncryptionByDefault"]
                lifecycle = clients("s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
                assert len(lifecycle) == len(declared["LifecycleConfiguration"]["Rules"])
                seen.add(kind)
            elif kind == "AWS::Lambda::Function":
                shown = clients("lambda").get_function_configuration(FunctionName=name)
                assert shown["DeadLetterConfig"]["TargetArn"].startswith("arn:aws:sqs:")
                assert len(shown["VpcConfig"]["SubnetIds"]) == len(declared["VpcConfig"]["SubnetIds"])
                reserved = clients("lambda").get_function_concurrency(FunctionName=name)
                assert reserved["ReservedConcurrentExecutions"] == declared["ReservedConcurrentExecutions"]
                seen.add(kind)
    assert seen == {"AWS::S3::Bucket", "AWS::Lambda::Function"}


def test_cloud_control_reads_what_stands_and_says_what_it_cannot(clients: Clients) -> None:
    read = set()
    control = clients("cloudcontrol")
    asked = {"StackName": naming.PRODUCTION_STACK}
    for each in clients.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", **asked):
        name, kind = each["PhysicalResourceId"], each["ResourceType"]
        if kind in {
            "AWS::WAFv2::IPSet",
            "AWS::Lambda::Version",
            "AWS::Lambda::Alias",
            "AWS::Lambda::EventInvokeConfig",
        }:
            shown = control.get_resource(TypeName=kind, Identifier=name)["ResourceDescription"]
            assert json.loads(shown["Properties"])
            read.add(kind)
    assert read == _BY_CLOUD_CONTROL
    with pytest.raises(control.exceptions.UnsupportedActionException):
        control.get_resource(TypeName="AWS::EC2::VPC", Identifier="vpc-1")
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.get_resource(TypeName="AWS::WAFv2::IPSet", Identifier="a|b|REGIONAL")


def test_calls_that_the_emulator_does_not_know_have_an_answer(clients: Clients) -> None:
    scaling = clients("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []
    registry = clients("ecr").get_registry_scanning_configuration()
    assert registry["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}
    with pytest.raises(clients("ecr").exceptions.LifecyclePolicyPreviewNotFoundException):
        clients("ecr").get_lifecycle_policy_preview(repositoryName=naming.repository("api"))
    listeners = [
        listener
        for balancer in clients("elbv2").describe_load_balancers()["LoadBalancers"]
        for listener in clients("elbv2").describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    ]
    for listener in listeners:
        shown = clients("elbv2").describe_listener_certificates(ListenerArn=listener["ListenerArn"])["Certificates"]
        wanted = [each["CertificateArn"] for each in listener.get("Certificates", ())]
        assert [each["CertificateArn"] for each in shown] == wanted


def test_each_environment_has_a_namespace_of_its_own(clients: Clients) -> None:
    client = clients("servicediscovery")
    namespaces = client.list_namespaces()["Namespaces"]
    assert [each["Name"] for each in namespaces] == [naming.INTERNAL_NAMESPACE] * 2
    found = []
    for each in namespaces:
        asked = [{"Name": "NAMESPACE_ID", "Values": [each["Id"]]}]
        services = client.list_services(Filters=asked)["Services"]
        assert {service["Name"] for service in services} == {"api", "storage"}
        found += [service["Id"] for service in services]
    assert len(set(found)) == 4


def test_nothing_stands_that_no_stack_made(clients: Clients) -> None:
    buckets = {bucket["Name"] for bucket in clients("s3").list_buckets()["Buckets"]}
    assert all(name.startswith("docplatform") for name in buckets)


def test_the_web_acl_stands_in_front_of_production_and_logs(clients: Clients) -> None:
    behind = []
    for balancer in clients("elbv2").describe_load_balancers()["LoadBalancers"]:
        try:
            answer = clients("wafv2").get_web_acl_for_resource(ResourceArn=balancer["LoadBalancerArn"])
        except clients("wafv2").exceptions.WAFNonexistentItemException:
            continue
        behind.append(balancer["LoadBalancerName"])
        logging = clients("wafv2").get_logging_configuration(ResourceArn=answer["WebACL"]["ARN"])
        (destination,) = logging["LoggingConfiguration"]["LogDestinationConfigs"]
        assert destination.endswith(naming.waf_log_group("production"))
    assert len(behind) == 1


def test_separate_rules_are_rules_of_their_groups(clients: Clients, deployed: Path) -> None:
    shown = clients.pages("ec2", "describe_security_group_rules", "SecurityGroupRules")
    ids = {each["SecurityGroupRuleId"] for each in shown}
    for stack in assembly.stacks_of(deployed):
        asked = {"StackName": stack.name}
        for each in clients.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", **asked):
            if each["ResourceType"] in {"AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"}:
                assert each["PhysicalResourceId"] in ids


def test_only_types_that_the_emulator_lacks_are_added() -> None:
    """A type that a later version of it learns would be ours for no reason."""
    code = (
        "from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as known; "
        "from checker.lab.supplements import _TYPES as ours; "
        "print(sorted(kind for kind, *_ in ours if kind in known))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
