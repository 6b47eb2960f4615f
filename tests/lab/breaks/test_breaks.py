"""Each break, really made in a lab, and what it changed read back with boto3: before as it should be, then broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from checker.collect.config.register import load_register
from checker.errors import UsageError
from checker.lab import breaks, release
from checker.lab.breaks import drift, images
from checker.lab.breaks.account import Account, Target
from tests.lab.breaks.test_each_break import fresh_lab

pytestmark = pytest.mark.xdist_group("broken lab")


# Those that change what another changes too: each has a lab of its own.
ALONE = {"W6", "drift-pending", "drift-both", "drift-template"}


@pytest.fixture(scope="module")
def shared(own_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One lab for the other breaks: each changes something that no other reads."""
    with fresh_lab(own_assembly, tmp_path_factory.mktemp("broken")) as account:
        yield account


@contextmanager
def lab_for(name: str, request: pytest.FixtureRequest) -> Iterator[Account]:
    if name not in ALONE:
        yield request.getfixturevalue("shared")
        return
    with fresh_lab(request.getfixturevalue("own_assembly"), request.getfixturevalue("tmp_path")) as account:
        yield account


# --- What is read back. Each answers for the resource that the break's sentence is about. ---------------------------


def deploy_role(account: Account) -> str:
    return account.deploy_role()[0]


def subjects(account: Account) -> object:
    """By the condition's operator."""
    role = account.clients("iam").get_role(RoleName=deploy_role(account))["Role"]
    condition = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
    found = {}
    for operator, keys in condition.items():
        found[operator] = next((value for key, value in keys.items() if key.endswith(":sub")), None)
    return found


def granted(action: str) -> Callable[[Account], object]:
    """The resources on which the deploy role may do something, by its inline policies."""

    def read(account: Account) -> object:
        iam, role = account.clients("iam"), deploy_role(account)
        found: list[Any] = []
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"]
                if action in ([actions] if isinstance(actions, str) else actions):
                    found.append(statement["Resource"])
        return bool(found), "*" in found

    return read


def session(account: Account) -> object:
    return account.clients("iam").get_role(RoleName=deploy_role(account))["Role"]["MaxSessionDuration"]


def repository(account: Account) -> Mapping[str, Any]:
    name = account.first("AWS::ECR::Repository").id
    (shown,) = account.clients("ecr").describe_repositories(repositoryNames=[name])["repositories"]
    return dict(shown)


def kept_images(account: Account) -> object:
    name = account.first("AWS::ECR::Repository").id
    policy = json.loads(account.clients("ecr").get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])
    return [rule["selection"]["countNumber"] for rule in policy["rules"] if rule["selection"]["tagStatus"] == "any"]


def importers(account: Account) -> object:
    exports = account.clients.pages("cloudformation", "list_exports", "Exports")
    asked = [{"ExportName": each["Name"]} for each in exports]
    return [account.clients.pages("cloudformation", "list_imports", "Imports", **each) for each in asked]


def queue_names(account: Account) -> object:
    return [
        url.rpartition("/")[2]
        for url in account.clients.pages("sqs", "list_queues", "QueueUrls", QueueNamePrefix="jobs")
    ]


def buckets_of_any_account(account: Account) -> object:
    names = [each["Name"] for each in account.clients("s3").list_buckets()["Buckets"]]
    return [each for each in names if each == "production-exports"]


def auth_token(account: Account) -> object:
    name = account.first("AWS::ElastiCache::ReplicationGroup").id
    shown = account.clients("elasticache").describe_replication_groups(ReplicationGroupId=name)
    return shown["ReplicationGroups"][0]["AuthTokenEnabled"]


def unencrypted(account: Account) -> object:
    databases = account.clients("rds").describe_db_instances()["DBInstances"]
    return [each["DBInstanceIdentifier"] for each in databases if not each["StorageEncrypted"]]


def running_tags(account: Account) -> list[str]:
    ecs = account.clients("ecs")
    found = []
    for cluster in ecs.list_clusters()["clusterArns"]:
        arns = ecs.list_tasks(cluster=cluster, desiredStatus="RUNNING")["taskArns"]
        for task in ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]:
            definition = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
            found.append(definition["containerDefinitions"][0]["image"].rpartition(":")[2])
    return found


def hotfixes(account: Account) -> object:
    return running_tags(account).count(images.HOTFIX)


def commits_of_services(account: Account) -> object:
    ecs = account.clients("ecs")
    found = set()
    for _, service in release.services(account.clients):
        definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        found.add(definition["containerDefinitions"][0]["image"].rpartition(":")[2])
    return found


def tasks_of_no_service(account: Account) -> object:
    ecs = account.clients("ecs")
    found = []
    for cluster in ecs.list_clusters()["clusterArns"]:
        tasks = ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])["tasks"]
        found += [task["startedBy"] for task in tasks if "migrations" in task["taskDefinitionArn"]]
    return found


def open_groups(direction: str, port: int) -> Callable[[Account], object]:
    """Groups of the stacks with a rule for the whole world at a port."""

    def read(account: Account) -> object:
        own = {each.id for each in account.all("AWS::EC2::SecurityGroup")}
        egress = direction == "egress"
        rules = account.clients.pages("ec2", "describe_security_group_rules", "SecurityGroupRules")
        world = [each for each in rules if each.get("CidrIpv4") == "0.0.0.0/0" and each["IsEgress"] is egress]
        return len([each for each in world if each["FromPort"] == port and each["GroupId"] in own])

    return read


def bucket_key(account: Account) -> object:
    bucket = account.first("AWS::S3::Bucket").id
    shown = account.clients("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    return shown["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]


def access_logs(account: Account) -> object:
    arn = account.first("AWS::ElasticLoadBalancingV2::LoadBalancer").id
    shown = account.clients("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return next(each["Value"] for each in shown if each["Key"] == "access_logs.s3.enabled")


def deletion_policies(kind: str) -> Callable[[Account], object]:
    def read(account: Account) -> object:
        stack = account.first(kind).stack
        template = account.clients("cloudformation").get_template(StackName=stack)["TemplateBody"]
        of_kind = [each for each in template["Resources"].values() if each["Type"] == kind]
        return {each["DeletionPolicy"] for each in of_kind} <= {"Retain", "RetainExceptOnCreate"}

    return read


def listener(account: Account) -> Mapping[str, Any]:
    kind = "AWS::ElasticLoadBalancingV2::Listener"
    arn = account.first(kind, lambda each: each.properties["Protocol"] == "HTTPS").id
    (shown,) = account.clients("elbv2").describe_listeners(ListenerArns=[arn])["Listeners"]
    return dict(shown)


def certificate_name(account: Account) -> object:
    arn = listener(account)["Certificates"][0]["CertificateArn"]
    return account.clients("acm").describe_certificate(CertificateArn=arn)["Certificate"]["DomainName"]


def nervous_alarms(account: Account) -> object:
    alarms = account.clients.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    assert all(alarm["StateValue"] == "OK" for alarm in alarms)
    return [each["EvaluationPeriods"] for each in alarms if each["TreatMissingData"] == "breaching"]


def web_acl_in_front(account: Account) -> object:
    arn = account.first("AWS::ElasticLoadBalancingV2::LoadBalancer").id
    client = account.clients("wafv2")
    try:
        return "WebACL" in client.get_web_acl_for_resource(ResourceArn=arn)
    except client.exceptions.WAFNonexistentItemException:
        return False


def web_acl_rules(account: Account) -> list[dict[str, Any]]:
    name, identifier, scope = account.first("AWS::WAFv2::WebACL").id.split("|")
    return list(account.clients("wafv2").get_web_acl(Name=name, Id=identifier, Scope=scope)["WebACL"]["Rules"])


def counted_bodies(account: Account) -> object:
    groups = [rule["Statement"].get("ManagedRuleGroupStatement", {}) for rule in web_acl_rules(account)]
    names = {each["Name"] for group in groups for each in group.get("RuleActionOverrides", ())}
    return "SizeRestrictions_BODY" in names, "CrossSiteScripting_BODY" in names


def limits(account: Account) -> object:
    rated = [rule["Statement"].get("RateBasedStatement") for rule in web_acl_rules(account)]
    return [each["Limit"] for each in rated if each]


def subscribers(account: Account) -> object:
    topic = account.first("AWS::SNS::Topic").id
    return len(account.clients("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"])


def topic_statements(account: Account) -> object:
    topic = account.first("AWS::SNS::Topic").id
    policy = json.loads(account.clients("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    return [statement["Sid"] for statement in policy["Statement"]] == ["OnlyTLS"]


def endpoints(account: Account) -> object:
    return len(account.clients("ec2").describe_vpc_endpoints()["VpcEndpoints"])


def flow_logs(account: Account) -> object:
    return len(account.clients("ec2").describe_flow_logs()["FlowLogs"])


def other_hosts(account: Account) -> object:
    name = account.first("AWS::Lambda::Function").id
    shown = account.clients("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    return [value.startswith("docplatformstack") for key, value in shown.items() if key.endswith("HOST")]


def retention(account: Account) -> object:
    name = account.first("AWS::Logs::LogGroup").id
    (shown,) = account.clients("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return shown.get("retentionInDays")


def declared_retention(account: Account) -> object:
    return account.first("AWS::Logs::LogGroup").properties["RetentionInDays"]


def backup_days(account: Account) -> object:
    name = account.first("AWS::RDS::DBInstance").id
    (shown,) = account.clients("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return shown["BackupRetentionPeriod"]


def added_policies(account: Account) -> object:
    iam = account.clients("iam")
    names = [each.id for each in account.all("AWS::IAM::Role")]
    return sum("added-by-hand" in iam.list_role_policies(RoleName=name)["PolicyNames"] for name in names)


def alarms_that_are_gone(account: Account) -> object:
    shown = {each["AlarmName"] for each in account.clients.pages("cloudwatch", "describe_alarms", "MetricAlarms")}
    return len({each.id for each in account.all("AWS::CloudWatch::Alarm")} - shown)


def queues_by_hand(account: Account) -> object:
    return len(account.clients("sqs").list_queues(QueueNamePrefix="production-made-by-hand").get("QueueUrls", []))


def declared_database(account: Account) -> object:
    return account.first("AWS::RDS::DBInstance").properties["DBName"]


def deployed_retention(account: Account) -> object:
    target = account.first("AWS::Logs::LogGroup")
    template = account.clients("cloudformation").get_template(StackName=target.stack)["TemplateBody"]
    return template["Resources"][target.logical_id]["Properties"]["RetentionInDays"]


def reads(*probes: Callable[[Account], object]) -> Callable[[Account], object]:
    return lambda account: [probe(account) for probe in probes]


OWN = "repo:kcjonson/doc-platform"
OF_PRODUCTION = [f"{OWN}:environment:production"]
# break -> (what is read, as it should be, broken). No test rests on another's: they run in any order, and alone.
PROBES: Mapping[str, tuple[Callable[[Account], object], object, object]] = {
    "C1": (subjects, {"StringEquals": OF_PRODUCTION}, {"StringEquals": [*OF_PRODUCTION, f"{OWN}:pull_request"]}),
    "C2": (kept_images, [], [3]),
    "C3": (lambda account: repository(account)["imageTagMutability"], "IMMUTABLE", "MUTABLE"),
    "C4": (importers, [], [["MadeByHand"]]),
    "C5": (queue_names, [], ["jobs"]),
    "C7": (auth_token, True, False),
    "C8": (unencrypted, [], ["production-restored-by-hand"]),
    "W1": (granted("iam:PassRole"), (True, False), (True, True)),
    "W2": (granted("cloudformation:DescribeStacks"), (True, False), (False, False)),
    "W4": (hotfixes, 0, 1),
    "W5": (session, 7200, 3600),
    "W6": (subjects, {"StringEquals": OF_PRODUCTION}, {"StringEquals": [*OF_PRODUCTION, f"{OWN}:environment:staging"]}),
    "W7": (lambda account: repository(account)["imageScanningConfiguration"]["scanOnPush"], True, False),
    "W8": (open_groups("egress", -1), 0, 1),
    "W9": (access_logs, "true", "false"),
    "W10": (deletion_policies("AWS::SecretsManager::Secret"), True, False),
    "W11": (deletion_policies("AWS::Route53::HostedZone"), True, False),
    "W12": (certificate_name, "specboard.io", "another.example"),
    "W13": (buckets_of_any_account, [], ["production-exports"]),
    "W14": (nervous_alarms, [], [1]),
    "W16": (tasks_of_no_service, [], ["a-person", "a-person"]),
    "W17": (commits_of_services, {release.COMMIT}, {release.COMMIT, "2cd0" * 10}),
    "S1": (web_acl_in_front, True, False),
    "S2": (subscribers, 1, 0),
    "S3": (endpoints, 2, 1),
    "S4": (other_hosts, [False], [True]),
    "S5": (lambda account: "TLS13" in listener(account)["SslPolicy"], True, False),
    "S6": (flow_logs, 2, 1),
    "S10": (bucket_key, "aws:kms", "AES256"),
    "P1": (granted("ecs:UpdateService"), (True, False), (False, False)),
    "P2": (granted("rds:DeleteDBInstance"), (False, False), (True, True)),
    "P9": (counted_bodies, (True, True), (True, False)),
    "P12": (retention, 30, None),
    "P14": (topic_statements, False, True),
    "P16": (limits, [2000], [100]),
    "drift-changed": (backup_days, 14, 2),
    "drift-added": (added_policies, 0, 1),
    "drift-added-rule": (open_groups("ingress", 22), 0, 1),
    "drift-missing": (alarms_that_are_gone, 0, 1),
    "drift-unmanaged": (queues_by_hand, 0, 1),
    "drift-pending": (reads(declared_retention, deployed_retention), [30, 30], [3653, 30]),
    "drift-both": (reads(declared_retention, retention), [30, 30], [3653, 1]),
    "drift-replace": (declared_database, "doc_platform", "renamed"),
    "drift-template": (deployed_retention, 30, 1),
}


def test_every_break_is_tried() -> None:
    assert list(PROBES) == list(breaks.BREAKS)


@pytest.mark.parametrize("name", PROBES)
def test_a_break_changes_what_it_says(name: str, request: pytest.FixtureRequest) -> None:
    probe, before, after = PROBES[name]
    with lab_for(name, request) as account:
        assert probe(account) == before
        assert breaks.apply(account, name.lower())
        assert probe(account) == after


def test_a_break_that_there_is_not(shared: Account) -> None:
    with pytest.raises(UsageError, match="there is no break 'Z9'"):
        breaks.apply(shared, "Z9")


def test_every_finding_of_the_live_account_can_be_broken() -> None:
    live = {entry.id for entry in load_register().entries.values() if "A" in entry.surfaces.split()}
    assert live - set(breaks.BREAKS) == set()


def test_code_that_is_a_template_in_yaml_is_changed_too(tmp_path: Path) -> None:
    code = tmp_path / "app.yaml"
    code.write_text("Resources:\n  Db:\n    Type: AWS::RDS::DBInstance\n    Properties: {DBName: !Ref Name}\n")
    account = Account(clients=None, assembly=code, stacks=("app",), environment="unnamed")  # type: ignore[arg-type]
    target = Target("app", "Db", "db", {"DBName": {"Ref": "Name"}})
    drift._edited(account, target, lambda properties: properties.update(DBName="other"))
    assert json.loads(code.read_text())["Resources"]["Db"]["Properties"] == {"DBName": "other"}
    with pytest.raises(UsageError, match="Db is not as it is deployed in the code"):
        drift._edited(account, target, lambda properties: properties.update(DBName="again"))
