"""Things made in an emulated account with one setting each way, and what reading them must tell.

Each function makes what it is called after and says what to expect: type -> property path -> value, `None` for what is
not set. A path may step into a list by index.
"""

# ruff: noqa: E501 - answers and requests, as compact as they can still be read

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Client = Callable[[str], Any]
Expected = Mapping[tuple[str, str], Mapping[str, Any]]  # (type, part of an id) -> path -> value
ALLOW: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:*", "Resource": "*"}
    ],
}
TRUST: Final = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}  # fmt: skip


def _network(aws: Client) -> tuple[str, list[str], str]:
    """A VPC of its own with two subnets and a security group."""
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{number}.0/24", AvailabilityZone=f"us-west-2{zone}")["Subnet"]
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName=f"for-{vpc}", Description="d", VpcId=vpc)["GroupId"]
    return vpc, [each["SubnetId"] for each in subnets], group


def repository(aws: Client) -> Expected:
    ecr = aws("ecr")
    ecr.create_repository(
        repositoryName="scanned", imageTagMutability="IMMUTABLE", imageScanningConfiguration={"scanOnPush": True}
    )
    ecr.create_repository(repositoryName="open", imageScanningConfiguration={"scanOnPush": False})
    text = json.dumps({"rules": [{
        "rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 9},
        "action": {"type": "expire"}}]})  # fmt: skip
    ecr.put_lifecycle_policy(repositoryName="scanned", lifecyclePolicyText=text)
    return {
        ("AWS::ECR::Repository", "scanned"): {
            "ImageTagMutability": "IMMUTABLE", "ImageScanningConfiguration.ScanOnPush": True,
            "LifecyclePolicy.LifecyclePolicyText": text,
        },
        ("AWS::ECR::Repository", "open"): {
            "ImageTagMutability": "MUTABLE", "ImageScanningConfiguration.ScanOnPush": False, "LifecyclePolicy": None,
        },
    }  # fmt: skip


def tag_exclusions(aws: Client) -> Expected:
    aws("ecr").create_repository(
        repositoryName="excluded", imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}],
    )  # fmt: skip
    return {("AWS::ECR::Repository", "excluded"): {
        "ImageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "ImageTagMutabilityExclusionFilters.0.ImageTagMutabilityExclusionFilterValue": "dev-*",
    }}  # fmt: skip


def registry_scanning(aws: Client) -> Expected:
    rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}
    aws("ecr").put_registry_scanning_configuration(scanType="BASIC", rules=[rule])
    return {("AWS::ECR::RegistryScanningConfiguration", ""): {
        "ScanType": "BASIC", "Rules.0.ScanFrequency": "SCAN_ON_PUSH", "Rules.0.RepositoryFilters.0.Filter": "*"}}  # fmt: skip


def database(aws: Client) -> Expected:
    rds = aws("rds")
    more = {"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": 20,
            "MasterUsername": "u", "MasterUserPassword": "passpass9"}  # fmt: skip
    rds.create_db_instance(
        DBInstanceIdentifier="kept", StorageEncrypted=True, MultiAZ=True, BackupRetentionPeriod=14,
        DeletionProtection=True, PubliclyAccessible=False, **more,
    )  # fmt: skip
    rds.create_db_instance(
        DBInstanceIdentifier="loose", StorageEncrypted=False, MultiAZ=False, BackupRetentionPeriod=1,
        DeletionProtection=False, PubliclyAccessible=True, **more,
    )  # fmt: skip
    names = ("StorageEncrypted", "MultiAZ", "BackupRetentionPeriod", "DeletionProtection", "PubliclyAccessible")
    return {
        ("AWS::RDS::DBInstance", "kept"): dict(zip(names, (True, True, 14, True, False), strict=True)),
        ("AWS::RDS::DBInstance", "loose"): dict(zip(names, (False, False, 1, False, True), strict=True)),
    }


def database_snapshot(aws: Client) -> Expected:
    rds = aws("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="source", Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
        MasterUsername="u", MasterUserPassword="passpass9", StorageEncrypted=True,
    )  # fmt: skip
    rds.create_db_snapshot(DBSnapshotIdentifier="copied", DBInstanceIdentifier="source")
    return {("AWS::RDS::DBSnapshot", "copied"): {"Encrypted": True, "DBInstanceIdentifier": "source"}}


def database_cluster(aws: Client) -> Expected:
    for name, encrypted in (("sealed", True), ("plain", False)):
        aws("rds").create_db_cluster(
            DBClusterIdentifier=name, Engine="aurora-postgresql", MasterUsername="u", MasterUserPassword="passpass9",
            StorageEncrypted=encrypted, BackupRetentionPeriod=3,
        )  # fmt: skip
    return {
        ("AWS::RDS::DBCluster", "sealed"): {"StorageEncrypted": True, "BackupRetentionPeriod": 3},
        ("AWS::RDS::DBCluster", "plain"): {"StorageEncrypted": False},
    }


def cache(aws: Client) -> Expected:
    elasticache = aws("elasticache")
    elasticache.create_replication_group(
        ReplicationGroupId="sealed", ReplicationGroupDescription="d", Engine="redis", CacheNodeType="cache.t4g.micro",
        AtRestEncryptionEnabled=True, TransitEncryptionEnabled=True, AuthToken="a" * 16, NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
    )  # fmt: skip
    elasticache.create_replication_group(
        ReplicationGroupId="plain", ReplicationGroupDescription="d", Engine="redis", CacheNodeType="cache.t4g.micro",
        AtRestEncryptionEnabled=False, TransitEncryptionEnabled=False, NumCacheClusters=1,
    )  # fmt: skip
    return {
        ("AWS::ElastiCache::ReplicationGroup", "sealed"): {
            "AtRestEncryptionEnabled": True, "TransitEncryptionEnabled": True, "AuthToken": "(not kept: may be a secret)",
        },
        ("AWS::ElastiCache::ReplicationGroup", "plain"): {
            "AtRestEncryptionEnabled": False, "TransitEncryptionEnabled": False, "AuthToken": "",
        },
    }  # fmt: skip


def balancer(aws: Client) -> Expected:
    elb = aws("elbv2")
    _, subnets, group = _network(aws)
    arn = elb.create_load_balancer(
        Name="web", Subnets=subnets, SecurityGroups=[group], Scheme="internet-facing", Type="application"
    )["LoadBalancers"][0]["LoadBalancerArn"]
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": "access_logs.s3.enabled", "Value": "true"},
                                         {"Key": "access_logs.s3.bucket", "Value": "logs"}],
    )  # fmt: skip
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}
    certificate = aws("acm").request_certificate(DomainName="web.example.com", ValidationMethod="DNS")["CertificateArn"]
    listener = elb.create_listener(
        LoadBalancerArn=arn, Protocol="HTTPS", Port=443, SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        Certificates=[{"CertificateArn": certificate}], DefaultActions=[action],
    )["Listeners"][0]["ListenerArn"]  # fmt: skip
    elb.create_rule(
        ListenerArn=listener, Priority=7, Actions=[action],
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["api.example.com"]}}],
    )  # fmt: skip
    return {
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "/web/"): {
            "Scheme": "internet-facing", "Type": "application", "SecurityGroups": [group], "Subnets": sorted(subnets),
            "LoadBalancerAttributes": {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs"},
        },
        ("AWS::ElasticLoadBalancingV2::Listener", "/web/"): {
            "Protocol": "HTTPS", "Port": 443, "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "Certificates": [{"CertificateArn": certificate}], "DefaultActions.0.Type": "fixed-response",
        },
        ("AWS::ElasticLoadBalancingV2::ListenerRule", "/web/"): {
            "Priority": 7, "ListenerArn": listener, "Conditions.0.HostHeaderConfig.Values": ["api.example.com"],
        },
        ("AWS::CertificateManager::Certificate", certificate): {
            "DomainName": "web.example.com", "SubjectAlternativeNames": ["web.example.com"]},
    }  # fmt: skip


def security_group(aws: Client) -> Expected:
    ec2 = aws("ec2")
    vpc, _, group = _network(aws)
    bare = ec2.create_security_group(GroupName=f"bare-{vpc}", Description="d", VpcId=vpc)["GroupId"]
    ec2.revoke_security_group_egress(
        GroupId=bare, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    ec2.authorize_security_group_ingress(GroupId=bare, IpPermissions=[{
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group}]}])  # fmt: skip
    return {
        ("AWS::EC2::SecurityGroup", group): {
            "SecurityGroupEgress.0.CidrIp": "0.0.0.0/0", "SecurityGroupEgress.0.IpProtocol": "-1",
            "SecurityGroupIngress": [],
        },
        ("AWS::EC2::SecurityGroup", bare): {
            "SecurityGroupEgress": [], "SecurityGroupIngress.0.SourceSecurityGroupId": group,
            "SecurityGroupIngress.0.FromPort": 443, "SecurityGroupIngress.0.ToPort": 443,
        },
    }  # fmt: skip


def vpc(aws: Client) -> Expected:
    ec2 = aws("ec2")
    name, subnets, _ = _network(aws)
    ec2.modify_vpc_attribute(VpcId=name, EnableDnsHostnames={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=name)
    table = ec2.create_route_table(VpcId=name)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    link = ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])["AssociationId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=name, ServiceName="com.amazonaws.us-west-2.s3", VpcEndpointType="Gateway", RouteTableIds=[table]
    )["VpcEndpoint"]["VpcEndpointId"]
    return {
        ("AWS::EC2::VPC", name): {"CidrBlock": "10.7.0.0/16", "EnableDnsHostnames": True, "EnableDnsSupport": True},
        ("AWS::EC2::Subnet", subnets[0]): {"VpcId": name, "MapPublicIpOnLaunch": True},
        ("AWS::EC2::Subnet", subnets[1]): {"VpcId": name, "MapPublicIpOnLaunch": False},
        ("AWS::EC2::Route", f"{table}|"): {"GatewayId": gateway, "DestinationCidrBlock": "0.0.0.0/0"},
        ("AWS::EC2::SubnetRouteTableAssociation", link): {"SubnetId": subnets[0], "RouteTableId": table},
        ("AWS::EC2::VPCGatewayAttachment", f"|{name}"): {"InternetGatewayId": gateway},
        ("AWS::EC2::VPCEndpoint", endpoint): {
            "RouteTableIds": [table], "VpcEndpointType": "Gateway", "ServiceName": "com.amazonaws.us-west-2.s3"},
    }  # fmt: skip


def flow_log(aws: Client) -> Expected:
    name, _, _ = _network(aws)
    aws("logs").create_log_group(logGroupName="flows")
    role = _role(aws, "flows")
    ident = aws("ec2").create_flow_logs(
        ResourceIds=[name], ResourceType="VPC", TrafficType="REJECT", LogDestinationType="cloud-watch-logs",
        LogGroupName="flows", DeliverLogsPermissionArn=role,
    )["FlowLogIds"][0]  # fmt: skip
    return {("AWS::EC2::FlowLog", ident): {
        "ResourceId": name, "ResourceType": "VPC", "TrafficType": "REJECT", "LogGroupName": "flows"}}  # fmt: skip


def nat(aws: Client) -> Expected:
    ec2 = aws("ec2")
    _, subnets, _ = _network(aws)
    address = ec2.allocate_address(Domain="vpc")
    gateway = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address["AllocationId"])["NatGateway"]
    return {
        ("AWS::EC2::NatGateway", gateway["NatGatewayId"]): {
            "SubnetId": subnets[0], "AllocationId": address["AllocationId"]},
        ("AWS::EC2::EIP", address["PublicIp"]): {"Domain": "vpc"},
    }  # fmt: skip


def bucket(aws: Client) -> Expected:
    s3 = aws("s3")
    for name in ("sealed-bucket", "plain-bucket"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:us-west-2:111111111111:key/k"}
    s3.put_bucket_encryption(Bucket="sealed-bucket", ServerSideEncryptionConfiguration={
        "Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]})  # fmt: skip
    s3.put_bucket_versioning(Bucket="sealed-bucket", VersioningConfiguration={"Status": "Enabled"})
    block = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    s3.put_public_access_block(Bucket="sealed-bucket", PublicAccessBlockConfiguration=block)
    s3.put_bucket_policy(Bucket="sealed-bucket", Policy=json.dumps(ALLOW))
    s3.put_bucket_lifecycle_configuration(Bucket="sealed-bucket", LifecycleConfiguration={"Rules": [
        {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 90}}]})  # fmt: skip
    path = "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm"
    return {
        ("AWS::S3::Bucket", "sealed-bucket"): {
            path: "aws:kms", "VersioningConfiguration.Status": "Enabled", "PublicAccessBlockConfiguration": block,
            "LifecycleConfiguration.Rules.0.ExpirationInDays": 90, "LifecycleConfiguration.Rules.0.Prefix": "logs/",
        },
        ("AWS::S3::Bucket", "plain-bucket"): {"VersioningConfiguration": None, "LifecycleConfiguration": None},
        ("AWS::S3::BucketPolicy", "sealed-bucket"): {"PolicyDocument": ALLOW, "Bucket": "sealed-bucket"},
    }  # fmt: skip


def _role(aws: Client, name: str, **more: Any) -> str:
    arn: str = aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **more)["Role"]["Arn"]
    return arn


def role(aws: Client) -> Expected:
    iam = aws("iam")
    _role(aws, "deployer", MaxSessionDuration=7200)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="deployer", PolicyName="inline", PolicyDocument=json.dumps(document))
    arn = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="deployer", PolicyArn=arn)
    _role(aws, "other")
    return {
        ("AWS::IAM::Role", "deployer"): {
            "AssumeRolePolicyDocument": TRUST, "MaxSessionDuration": 7200, "ManagedPolicyArns": [arn],
            "Policies": [{"PolicyName": "inline", "PolicyDocument": document}],
        },
        ("AWS::IAM::Role", "other"): {"MaxSessionDuration": 3600, "Policies": [], "ManagedPolicyArns": []},
        ("AWS::IAM::ManagedPolicy", ":policy/own"): {"PolicyDocument": document},
        ("AWS::IAM::Policy", "inline"): {"PolicyDocument": document, "Roles": ["deployer"]},
    }  # fmt: skip


def provider(aws: Client) -> Expected:
    aws("iam").create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"],
        ThumbprintList=["a" * 40],
    )  # fmt: skip
    return {("AWS::IAM::OIDCProvider", "token.actions"): {
        "Url": "https://token.actions.githubusercontent.com", "ClientIdList": ["sts.amazonaws.com"]}}  # fmt: skip


def alarm(aws: Client) -> Expected:
    put = aws("cloudwatch").put_metric_alarm
    more = {"Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "Period": 60, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanThreshold", "Statistic": "Average",
            "Dimensions": [{"Name": "ClusterName", "Value": "shop"}]}  # fmt: skip
    topic = "arn:aws:sns:us-west-2:111111111111:alarms"
    put(AlarmName="calm", EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData="notBreaching",
        AlarmActions=[topic], **more)  # fmt: skip
    put(AlarmName="jumpy", EvaluationPeriods=1, TreatMissingData="breaching", ActionsEnabled=False, **more)
    return {
        ("AWS::CloudWatch::Alarm", "calm"): {
            "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "TreatMissingData": "notBreaching", "AlarmActions": [topic],
            "ActionsEnabled": True, "Dimensions": more["Dimensions"],
        },
        ("AWS::CloudWatch::Alarm", "jumpy"): {
            "EvaluationPeriods": 1, "TreatMissingData": "breaching", "AlarmActions": None, "ActionsEnabled": False,
        },
    }  # fmt: skip


def topic(aws: Client) -> Expected:
    sns = aws("sns")
    arn = sns.create_topic(Name="told")["TopicArn"]
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps({**ALLOW, "Id": "own"}))
    sns.set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    queue = aws("sqs").create_queue(QueueName="listener")["QueueUrl"]
    queue_arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    return {
        ("AWS::SNS::Topic", ":told"): {"TopicName": "told", "KmsMasterKeyId": "alias/aws/sns"},
        ("AWS::SNS::TopicPolicy", ":told"): {"PolicyDocument": {**ALLOW, "Id": "own"}, "Topics": [arn]},
        ("AWS::SNS::Subscription", ":told:"): {"Endpoint": queue_arn, "TopicArn": arn, "PendingConfirmation": None},
    }


def unconfirmed(aws: Client) -> Expected:
    sns = aws("sns")
    arn = sns.create_topic(Name="unheard")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="who@example.com")
    return {("AWS::SNS::Subscription", ":unheard"): {"PendingConfirmation": True, "Protocol": "email"}}


def queue(aws: Client) -> Expected:
    attributes = {"MessageRetentionPeriod": "1209600", "VisibilityTimeout": "45", "Policy": json.dumps(ALLOW)}
    url = aws("sqs").create_queue(QueueName="dead", Attributes=attributes)["QueueUrl"]
    return {
        ("AWS::SQS::Queue", "/dead"): {"MessageRetentionPeriod": 1209600, "VisibilityTimeout": 45, "DelaySeconds": 0},
        ("AWS::SQS::QueuePolicy", "/dead"): {"PolicyDocument": ALLOW, "Queues": [url]},
    }


def log_group(aws: Client) -> Expected:
    logs = aws("logs")
    logs.create_log_group(logGroupName="kept-a-while")
    logs.put_retention_policy(logGroupName="kept-a-while", retentionInDays=30)
    logs.create_log_group(logGroupName="kept-for-ever")
    return {
        ("AWS::Logs::LogGroup", "kept-a-while"): {"RetentionInDays": 30},
        ("AWS::Logs::LogGroup", "kept-for-ever"): {"RetentionInDays": None},
    }


def function(aws: Client) -> Expected:
    client, arn = aws("lambda"), _role(aws, "function")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("a.py", "def b(*_): return 1")
    client.create_function(
        FunctionName="sync", Role=arn, Runtime="python3.13", Handler="a.b", Code={"ZipFile": code.getvalue()},
        Timeout=17, MemorySize=256, Environment={"Variables": {"MODE": "x", "API_TOKEN": "tok-123456789"}},
    )  # fmt: skip
    client.put_function_concurrency(FunctionName="sync", ReservedConcurrentExecutions=2)
    client.add_permission(
        FunctionName="sync", StatementId="let", Action="lambda:InvokeFunction", Principal="events.amazonaws.com",
        SourceArn="arn:aws:events:us-west-2:111111111111:rule/r",
    )  # fmt: skip
    return {
        ("AWS::Lambda::Function", "sync"): {
            "Timeout": 17, "MemorySize": 256, "Runtime": "python3.13", "Role": arn, "Environment.Variables.MODE": "x",
            "Environment.Variables.API_TOKEN": None, "ReservedConcurrentExecutions": 2,
        },
        ("AWS::Lambda::Permission", "let"): {
            "Principal": "events.amazonaws.com", "Action": "lambda:InvokeFunction",
            "SourceArn": "arn:aws:events:us-west-2:111111111111:rule/r",
        },
    }  # fmt: skip


def secret(aws: Client) -> Expected:
    aws("secretsmanager").create_secret(Name="prod/db", SecretString="s3cr3t-value", KmsKeyId="alias/own")
    return {("AWS::SecretsManager::Secret", "prod/db"): {"Name": "prod/db", "KmsKeyId": "alias/own"}}


def zone(aws: Client) -> Expected:
    route53 = aws("route53")
    ident = route53.create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    record = {"Name": "www.example.org", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.9"}]}
    route53.change_resource_record_sets(
        HostedZoneId=ident, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    return {
        ("AWS::Route53::HostedZone", ident): {"Name": "example.org."},
        ("AWS::Route53::RecordSet", "www.example.org"): {
            "HostedZoneId": ident, "TTL": "60", "ResourceRecords": ["192.0.2.9"]},
    }  # fmt: skip


def web_acl(aws: Client) -> Expected:
    waf = aws("wafv2")
    shown = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
    rule = {"Name": "limit", "Priority": 0, "Action": {"Block": {}}, "VisibilityConfig": shown,
            "Statement": {"RateBasedStatement": {"Limit": 1500, "AggregateKeyType": "IP"}}}  # fmt: skip
    made = waf.create_web_acl(
        Name="front", Scope="REGIONAL", DefaultAction={"Allow": {}}, Rules=[rule], VisibilityConfig=shown
    )["Summary"]
    return {("AWS::WAFv2::WebACL", f"front|{made['Id']}|REGIONAL"): {
        "DefaultAction": {"Allow": {}}, "Rules.0.Statement.RateBasedStatement.Limit": 1500,
        "Rules.0.Action": {"Block": {}}}}  # fmt: skip


def containers(aws: Client) -> Expected:
    ecs = aws("ecs")
    _, subnets, group = _network(aws)
    ecs.create_cluster(clusterName="shop")
    arn = ecs.register_task_definition(
        family="api", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        taskRoleArn=_role(aws, "task"), containerDefinitions=[{
            "name": "api", "image": "r/api:abc", "essential": True, "portMappings": [{"containerPort": 80}],
            "environment": [{"name": "MODE", "value": "x"}, {"name": "DB_PASSWORD", "value": "hunter2"}],
            "secrets": [{"name": "KEY", "valueFrom": "arn:aws:secretsmanager:us-west-2:111111111111:secret:k"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "api"}}}],
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    ecs.create_service(
        cluster="shop", serviceName="api", taskDefinition="api", desiredCount=2, launchType="FARGATE",
        deploymentConfiguration={"maximumPercent": 150, "minimumHealthyPercent": 50,
                                 "deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        networkConfiguration={"awsvpcConfiguration": {
            "subnets": subnets, "securityGroups": [group], "assignPublicIp": "DISABLED"}},
    )  # fmt: skip
    container = "ContainerDefinitions.0"
    return {
        ("AWS::ECS::Cluster", "shop"): {"ClusterName": "shop"},
        ("AWS::ECS::TaskDefinition", arn): {
            f"{container}.Image": "r/api:abc", f"{container}.Environment.0.Value": "x",
            f"{container}.Environment.1.Value": None, f"{container}.Secrets.0.Name": "KEY",
            f"{container}.LogConfiguration.Options.awslogs-group": "api", f"{container}.PortMappings.0.ContainerPort": 80,
            "NetworkMode": "awsvpc", "Family": "api",
        },
        ("AWS::ECS::Service", "/api"): {
            "DesiredCount": 2, "TaskDefinition": arn, "LaunchType": "FARGATE",
            "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups": [group],
        },
    }  # fmt: skip


def deployments(aws: Client) -> Expected:
    containers(aws)
    return {("AWS::ECS::Service", "/api"): {
        "DeploymentConfiguration.MaximumPercent": 150, "DeploymentConfiguration.MinimumHealthyPercent": 50,
        "DeploymentConfiguration.DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}}}  # fmt: skip


def discovery(aws: Client) -> Expected:
    client = aws("servicediscovery")
    name, _, _ = _network(aws)
    client.create_private_dns_namespace(Name="internal", Vpc=name)
    (space,) = client.list_namespaces()["Namespaces"]
    ident = client.create_service(
        Name="api", NamespaceId=space["Id"], DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 15}]}
    )["Service"]["Id"]
    return {
        ("AWS::ServiceDiscovery::PrivateDnsNamespace", space["Id"]): {"Name": "internal"},
        ("AWS::ServiceDiscovery::Service", ident): {
            "Name": "api", "NamespaceId": space["Id"], "DnsConfig.DnsRecords": [{"Type": "A", "TTL": 15}]},
    }  # fmt: skip


def made() -> Iterator[Callable[[Client], Expected]]:
    yield from (
        repository, tag_exclusions, registry_scanning, database, database_snapshot, database_cluster, cache, balancer,
        security_group, vpc, flow_log, nat, bucket, role, provider, alarm, topic, unconfirmed, queue, log_group,
        function, secret, zone, web_acl, containers, deployments, discovery,
    )  # fmt: skip
