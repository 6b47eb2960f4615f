"""A small account that answers every call: each operation with something in it, so that each failure shows."""

# ruff: noqa: E501 - answers, as compact as they can still be read

from __future__ import annotations

import json
from typing import Any, Final

ACCOUNT: Final = "111111111111"
REGION: Final = "us-west-2"


def arn(service: str, rest: str, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{rest}"


POLICY: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*"}]}
LB: Final = arn("elasticloadbalancing", "loadbalancer/app/web/1")
LISTENER: Final = arn("elasticloadbalancing", "listener/app/web/1/2")
TARGETS: Final = arn("elasticloadbalancing", "targetgroup/api/3")
CLUSTER: Final = arn("ecs", "cluster/shop")
SERVICE: Final = arn("ecs", "service/shop/api")
TASKS: Final = arn("ecs", "task-definition/api:7")
TASK: Final = arn("ecs", "task/shop/abc")
TOPIC: Final = arn("sns", "alarms")
QUEUE: Final = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/dead"
FUNCTION: Final = arn("lambda", "function:sync")
CERTIFICATE: Final = arn("acm", "certificate/1")
ACL: Final = arn("wafv2", "regional/webacl/front/9")
ACL_ID: Final = "front|9|REGIONAL"
IPS_ID: Final = "own|8|REGIONAL"
PROVIDER: Final = arn("iam", "oidc-provider/token.actions.githubusercontent.com", "")
SECRET: Final = arn("secretsmanager", "secret:db-x")
_ALLOW: Final[dict[str, Any]] = {"Allow": {}}
_VISIBILITY: Final = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}

TEMPLATE: Final[dict[str, Any]] = {
    "Parameters": {"DbPassword": {"Type": "String", "Default": "hunter2hunter2"}},
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}},
        "BucketPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Bucket"}}},
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {}},
        "Route": {
            "Type": "AWS::EC2::Route",
            "Properties": {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "0.0.0.0/0"},
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
        "RolePolicy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {"PolicyName": "run", "Roles": [{"Ref": "Role"}], "PolicyDocument": POLICY},
        },
        "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {}},
    },
}  # fmt: skip
MEMBERS: Final = {
    "Bucket": ("AWS::S3::Bucket", "files"),
    "BucketPolicy": ("AWS::S3::BucketPolicy", "Shop-BucketPolicy-1ABC"),
    "Table": ("AWS::EC2::RouteTable", "rtb-1"),
    "Route": ("AWS::EC2::Route", "Shop-Route-1ABC"),
    "Role": ("AWS::IAM::Role", "task"),
    "RolePolicy": ("AWS::IAM::Policy", "Shop-RolePo-1ABC"),
    "Repository": ("AWS::ECR::Repository", "shop/api"),
    "Cluster": ("AWS::ECS::Cluster", "shop"),
    "Service": ("AWS::ECS::Service", SERVICE),
    "Definition": ("AWS::ECS::TaskDefinition", arn("ecs", "task-definition/api:1")),
    "Key": ("AWS::KMS::Key", "key-1"),
    "Vpc": ("AWS::EC2::VPC", "vpc-1"),
    "Balancer": ("AWS::ElasticLoadBalancingV2::LoadBalancer", LB),
    "Targets": ("AWS::ElasticLoadBalancingV2::TargetGroup", TARGETS),
    "Topic": ("AWS::SNS::Topic", TOPIC),
    "Queue": ("AWS::SQS::Queue", QUEUE),
    "Function": ("AWS::Lambda::Function", "sync"),
    "Acl": ("AWS::WAFv2::WebACL", ACL_ID),
    "Ips": ("AWS::WAFv2::IPSet", IPS_ID),
    "Zone": ("AWS::Route53::HostedZone", "Z1"),
    "Certificate": ("AWS::CertificateManager::Certificate", CERTIFICATE),
    "Namespace": ("AWS::ServiceDiscovery::PrivateDnsNamespace", "ns-1"),
    "Secret": ("AWS::SecretsManager::Secret", SECRET),
    "Provider": ("AWS::IAM::OIDCProvider", PROVIDER),
    "Parameters": ("AWS::RDS::DBParameterGroup", "shop-16"),
    "ClusterParameters": ("AWS::RDS::DBClusterParameterGroup", "shop-cluster-16"),
    "CacheParameters": ("AWS::ElastiCache::ParameterGroup", "shop-7"),
    "Machine": ("AWS::StepFunctions::StateMachine", arn("states", "stateMachine:m")),
}


def _engine(name: str, **more: Any) -> dict[str, Any]:
    return {"Engine": name, "EngineVersion": "1", "StorageEncrypted": True, "BackupRetentionPeriod": 7,
            "DeletionProtection": True, "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}], **more}  # fmt: skip


ANSWERS: Final[dict[tuple[str, str], Any]] = {
    ("cloudformation", "DescribeStacks"): {"Stacks": [{
        "StackName": "Shop", "StackId": arn("cloudformation", "stack/Shop/1"), "StackStatus": "UPDATE_COMPLETE",
        "Parameters": [{"ParameterKey": "DbPassword", "ParameterValue": "hunter2hunter2"}],
        "Outputs": [{"OutputKey": "Name", "OutputValue": "files", "ExportName": "shop-name"}],
    }]},
    ("cloudformation", "ListStackResources"): {"StackResourceSummaries": [
        {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": ident,
         "ResourceStatus": "CREATE_COMPLETE"} for name, (kind, ident) in MEMBERS.items()
    ]},
    ("cloudformation", "GetTemplate"): {"TemplateBody": TEMPLATE},
    ("cloudformation", "ListImports"): {"Imports": ["Other"]},
    ("cloudformation", "DescribeStackResourceDrifts"): {"StackResourceDrifts": [{
        "LogicalResourceId": "Queue", "StackResourceDriftStatus": "MODIFIED",
        "PropertyDifferences": [{"PropertyPath": "/DelaySeconds", "ExpectedValue": "0", "ActualValue": "5"}],
    }]},
    ("cloudcontrol", "GetResource"): lambda asked: {"ResourceDescription": {"Properties": json.dumps(
        {"StateMachineName": "m"} if asked["TypeName"] == "AWS::StepFunctions::StateMachine" else {})}},
    ("rds", "DescribeDBParameters"): {"Parameters": [
        {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "Source": "user"}, {"ParameterName": "work_mem"}]},
    ("rds", "DescribeDBClusterParameters"): {"Parameters": []},
    ("elasticache", "DescribeCacheParameters"): {"Parameters": [
        {"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru", "Source": "user"}]},
    ("ec2", "DescribeSecurityGroups"): {"SecurityGroups": [{
        "GroupId": "sg-1", "GroupName": "api", "Description": "the api", "VpcId": "vpc-1",
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
                           "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": ACCOUNT}]}],
        "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    }]},
    ("ec2", "DescribeSecurityGroupRules"): {"SecurityGroupRules": [
        {"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-1", "IsEgress": False, "IpProtocol": "tcp", "FromPort": 80,
         "ToPort": 80, "CidrIpv4": "10.0.0.0/8"},
        {"SecurityGroupRuleId": "sgr-2", "GroupId": "sg-1", "IsEgress": True, "IpProtocol": "-1",
         "CidrIpv4": "0.0.0.0/0"},
    ]},
    ("ec2", "DescribeVpcs"): {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "InstanceTenancy": "default"}]},
    ("ec2", "DescribeVpcAttribute"): lambda asked: {"EnableDnsSupport": {"Value": True}}
    if asked["Attribute"] == "enableDnsSupport" else {"EnableDnsHostnames": {"Value": True}},
    ("ec2", "DescribeSubnets"): {"Subnets": [{
        "SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "us-west-2a", "CidrBlock": "10.0.0.0/24",
        "MapPublicIpOnLaunch": False}]},
    ("ec2", "DescribeRouteTables"): {"RouteTables": [{
        "RouteTableId": "rtb-1", "VpcId": "vpc-1",
        "Routes": [
            {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable"},
            {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "Origin": "CreateRoute"},
            {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "Origin": "CreateRoute"},
        ],
        "Associations": [{"RouteTableAssociationId": "rtbassoc-1", "RouteTableId": "rtb-1", "SubnetId": "subnet-1"},
                         {"RouteTableAssociationId": "rtbassoc-0", "RouteTableId": "rtb-1", "Main": True}],
    }]},
    ("ec2", "DescribeNetworkAcls"): {"NetworkAcls": [{
        "NetworkAclId": "acl-1", "VpcId": "vpc-1",
        "Entries": [{"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "Egress": False,
                     "CidrBlock": "0.0.0.0/0"},
                    {"RuleNumber": 32767, "Protocol": "-1", "RuleAction": "deny", "Egress": False}],
        "Associations": [{"NetworkAclAssociationId": "aclassoc-1", "SubnetId": "subnet-1"}],
    }]},
    ("ec2", "DescribeInternetGateways"): {"InternetGateways": [
        {"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}]},
    ("ec2", "DescribeNatGateways"): {"NatGateways": [{
        "NatGatewayId": "nat-1", "SubnetId": "subnet-1", "VpcId": "vpc-1", "State": "available",
        "NatGatewayAddresses": [{"AllocationId": "eipalloc-1", "PublicIp": "192.0.2.1"}]}]},
    ("ec2", "DescribeAddresses"): {"Addresses": [
        {"PublicIp": "192.0.2.1", "AllocationId": "eipalloc-1", "Domain": "vpc"}]},
    ("ec2", "DescribeVpcEndpoints"): {"VpcEndpoints": [{
        "VpcEndpointId": "vpce-1", "VpcId": "vpc-1", "ServiceName": "com.amazonaws.us-west-2.s3",
        "VpcEndpointType": "Gateway", "State": "available", "RouteTableIds": ["rtb-1"]}]},
    ("ec2", "DescribeFlowLogs"): {"FlowLogs": [{
        "FlowLogId": "fl-1", "ResourceId": "vpc-1", "TrafficType": "REJECT", "LogGroupName": "flows",
        "LogDestinationType": "cloud-watch-logs", "DeliverLogsStatus": "SUCCESS"}]},
    ("elbv2", "DescribeLoadBalancers"): {"LoadBalancers": [{
        "LoadBalancerArn": LB, "LoadBalancerName": "web", "Type": "application", "Scheme": "internet-facing",
        "AvailabilityZones": [{"SubnetId": "subnet-1"}], "SecurityGroups": ["sg-1"]}]},
    ("elbv2", "DescribeLoadBalancerAttributes"): {"Attributes": [{"Key": "access_logs.s3.enabled", "Value": "true"}]},
    ("elbv2", "DescribeListeners"): {"Listeners": [{
        "ListenerArn": LISTENER, "LoadBalancerArn": LB, "Port": 443, "Protocol": "HTTPS", "SslPolicy": "TLS13",
        "Certificates": [{"CertificateArn": CERTIFICATE}],
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": TARGETS}]}]},
    ("elbv2", "DescribeListenerAttributes"): {"Attributes": [{"Key": "a", "Value": "b"}]},
    ("elbv2", "DescribeListenerCertificates"): {"Certificates": [
        {"CertificateArn": CERTIFICATE, "IsDefault": True}, {"CertificateArn": CERTIFICATE + "2"}]},
    ("elbv2", "DescribeRules"): {"Rules": [
        {"RuleArn": LISTENER + "/r", "Priority": "1", "Conditions": [{"Field": "path-pattern", "Values": ["/a"]}],
         "Actions": [{"Type": "forward", "TargetGroupArn": TARGETS}]},
        {"RuleArn": LISTENER + "/d", "Priority": "default", "IsDefault": True, "Conditions": [], "Actions": []}]},
    ("elbv2", "DescribeTargetGroups"): {"TargetGroups": [{
        "TargetGroupArn": TARGETS, "TargetGroupName": "api", "TargetType": "ip", "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 2, "Port": 80, "Protocol": "HTTP"}]},
    ("elbv2", "DescribeTargetGroupAttributes"): {"Attributes": [{"Key": "stickiness.enabled", "Value": "false"}]},
    ("elbv2", "DescribeTargetHealth"): {"TargetHealthDescriptions": [
        {"Target": {"Id": "10.0.0.9", "Port": 80}, "TargetHealth": {"State": "healthy"}}]},
    ("ecs", "ListClusters"): {"clusterArns": [CLUSTER]},
    ("ecs", "DescribeClusters"): {"clusters": [{
        "clusterArn": CLUSTER, "clusterName": "shop", "status": "ACTIVE",
        "settings": [{"name": "containerInsights", "value": "enabled"}]}], "failures": []},
    ("ecs", "ListServices"): {"serviceArns": [SERVICE]},
    ("ecs", "DescribeServices"): {"services": [{
        "serviceArn": SERVICE, "serviceName": "api", "clusterArn": CLUSTER, "status": "ACTIVE", "desiredCount": 1,
        "runningCount": 1, "pendingCount": 0, "taskDefinition": TASKS,
        "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100},
        "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": TASKS, "rolloutState": "COMPLETED"}],
    }], "failures": []},
    ("ecs", "ListTasks"): {"taskArns": [TASK]},
    ("ecs", "DescribeTasks"): {"tasks": [{
        "taskArn": TASK, "clusterArn": CLUSTER, "taskDefinitionArn": TASKS, "lastStatus": "RUNNING",
        "containers": [{"name": "api", "image": "r/shop/api:abc", "imageDigest": "sha256:1"}],
        "overrides": {"containerOverrides": [{"name": "api", "command": ["migrate"]}]}}], "failures": []},
    ("ecs", "DescribeTaskDefinition"): lambda asked: {"taskDefinition": {
        "taskDefinitionArn": asked["taskDefinition"], "family": "api", "cpu": "256", "memory": "512",
        "containerDefinitions": [{
            "name": "api", "image": "r/shop/api:abc", "essential": True,
            "environment": [{"name": "MODE", "value": "production"},
                            {"name": "DATABASE_URL", "value": "postgres://u:hunter2@db/x"},
                            {"name": "API_TOKEN", "value": "tok-0123456789abcdef"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "api"}}}]}},
    ("application-autoscaling", "DescribeScalableTargets"): {"ScalableTargets": [{
        "ResourceId": "service/shop/api", "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1, "MaxCapacity": 3}]},
    ("application-autoscaling", "DescribeScalingPolicies"): {"ScalingPolicies": [{
        "PolicyARN": arn("autoscaling", "p"), "PolicyName": "cpu", "PolicyType": "TargetTrackingScaling",
        "ResourceId": "service/shop/api", "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}]},
    ("ecr", "DescribeRepositories"): {"repositories": [{
        "repositoryName": "shop/api", "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True}}]},
    ("ecr", "GetLifecyclePolicy"): {"lifecyclePolicyText": json.dumps({"rules": [{
        "rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 9},
        "action": {"type": "expire"}}]})},
    ("ecr", "GetRepositoryPolicy"): {"policyText": json.dumps(POLICY)},
    ("ecr", "DescribeImages"): {"imageDetails": [{"imageDigest": "sha256:1", "imageTags": ["abc"]}]},
    ("ecr", "GetLifecyclePolicyPreview"): {"previewResults": [{"imageDigest": "sha256:0", "action": {"type": "EXPIRE"}}]},
    ("ecr", "GetRegistryScanningConfiguration"): {
        "registryId": ACCOUNT, "scanningConfiguration": {"scanType": "BASIC", "rules": []}},
    ("rds", "DescribeDBInstances"): {"DBInstances": [_engine(
        "postgres", DBInstanceIdentifier="db", DBInstanceClass="db.t4g.micro", MultiAZ=True, Endpoint={"Address": "db.example", "Port": 5432}, PubliclyAccessible=False,
        AutoMinorVersionUpgrade=True, CopyTagsToSnapshot=True, AllocatedStorage=20)]},
    ("rds", "DescribeDBClusters"): {"DBClusters": [
        _engine("aurora-postgresql", DBClusterIdentifier="c"), _engine("docdb", DBClusterIdentifier="d")]},
    ("rds", "DescribeDBSubnetGroups"): {"DBSubnetGroups": [{
        "DBSubnetGroupName": "g", "DBSubnetGroupDescription": "d", "Subnets": [{"SubnetIdentifier": "subnet-1"}]}]},
    ("rds", "DescribeDBSnapshots"): {"DBSnapshots": [{
        "DBSnapshotArn": arn("rds", "snapshot:s"), "DBSnapshotIdentifier": "s", "DBInstanceIdentifier": "db",
        "Encrypted": True}]},
    ("rds", "DescribeDBClusterSnapshots"): {"DBClusterSnapshots": [{
        "DBClusterSnapshotArn": arn("rds", "cluster-snapshot:s"), "DBClusterSnapshotIdentifier": "s",
        "DBClusterIdentifier": "c", "StorageEncrypted": True}]},
    ("elasticache", "DescribeReplicationGroups"): {"ReplicationGroups": [{
        "ReplicationGroupId": "r", "Description": "d", "AtRestEncryptionEnabled": True, "AuthTokenEnabled": True,
        "TransitEncryptionEnabled": True, "AutomaticFailover": "enabled", "MemberClusters": ["r-1"],
        "UserGroupIds": ["ug"]}]},
    ("elasticache", "DescribeCacheClusters"): {"CacheClusters": [
        {"CacheClusterId": "r-1", "ReplicationGroupId": "r", "Engine": "redis", "EngineVersion": "7.1",
         "SecurityGroups": [{"SecurityGroupId": "sg-1"}], "CacheSubnetGroupName": "g"},
        {"CacheClusterId": "lone", "Engine": "redis", "EngineVersion": "7.1", "CacheNodeType": "t", "NumCacheNodes": 1}]},
    ("elasticache", "DescribeCacheSubnetGroups"): {"CacheSubnetGroups": [{
        "CacheSubnetGroupName": "g", "CacheSubnetGroupDescription": "d", "Subnets": [{"SubnetIdentifier": "subnet-1"}]}]},
    ("elasticache", "DescribeUsers"): {"Users": [{
        "UserId": "u", "UserName": "u", "Engine": "redis", "AccessString": "on ~* +@all",
        "Authentication": {"Type": "password"}}]},
    ("elasticache", "DescribeUserGroups"): {"UserGroups": [{"UserGroupId": "ug", "Engine": "redis", "UserIds": ["u"]}]},
    ("secretsmanager", "ListSecrets"): {"SecretList": [{"ARN": SECRET, "Name": "db"}]},
    ("secretsmanager", "GetResourcePolicy"): {"ARN": SECRET, "ResourcePolicy": json.dumps(POLICY)},
    ("s3", "ListBuckets"): {"Buckets": [{"Name": "files"}]},
    ("s3", "GetBucketEncryption"): {"ServerSideEncryptionConfiguration": {"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]}},
    ("s3", "GetBucketPolicy"): {"Policy": json.dumps(POLICY)},
    ("s3", "GetPublicAccessBlock"): {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
    ("s3", "GetBucketVersioning"): {"Status": "Enabled"},
    ("s3", "GetBucketLifecycleConfiguration"): {"Rules": [{"Status": "Enabled", "Expiration": {"Days": 9}}]},
    ("s3", "GetBucketLogging"): {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}},
    ("s3", "GetBucketOwnershipControls"): {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
    ("s3", "GetBucketTagging"): {"TagSet": [{"Key": "team", "Value": "shop"}]},
    ("iam", "GetAccountAuthorizationDetails"): {
        "RoleDetailList": [{
            "RoleName": "task", "Arn": arn("iam", "role/task", ""), "Path": "/", "AssumeRolePolicyDocument": POLICY,
            "AttachedManagedPolicies": [{"PolicyArn": arn("iam", "policy/p", "")}],
            "RolePolicyList": [{"PolicyName": "run", "PolicyDocument": POLICY}]}],
        "Policies": [{"Arn": arn("iam", "policy/p", ""), "PolicyName": "p", "Path": "/", "Description": "bounds",
                      "PolicyVersionList": [{"IsDefaultVersion": True, "Document": POLICY}]}]},
    ("iam", "ListRoles"): {"Roles": [{"RoleName": "task", "MaxSessionDuration": 7200, "Description": "runs"}]},
    ("iam", "ListOpenIDConnectProviders"): {"OpenIDConnectProviderList": [{"Arn": PROVIDER}]},
    ("iam", "GetOpenIDConnectProvider"): {
        "Url": "token.actions.githubusercontent.com", "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": []},
    ("kms", "DescribeKey"): {"KeyMetadata": {"KeyId": "key-1", "Arn": arn("kms", "key/key-1"), "Enabled": True}},
    ("kms", "GetKeyPolicy"): {"Policy": json.dumps(POLICY)},
    ("kms", "GetKeyRotationStatus"): {"KeyRotationEnabled": True},
    ("kms", "ListAliases"): {"Aliases": [{"AliasName": "alias/shop", "TargetKeyId": "key-1"}]},
    ("cloudwatch", "DescribeAlarms"): {
        "MetricAlarms": [{
            "AlarmName": "errors", "AlarmArn": arn("cloudwatch", "alarm:errors"), "ActionsEnabled": True,
            "AlarmActions": [TOPIC], "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 2,
            "StateValue": "OK"}],
        "CompositeAlarms": [{"AlarmName": "any", "AlarmRule": 'ALARM("errors")', "ActionsEnabled": True}]},
    ("logs", "DescribeLogGroups"): {"logGroups": [
        {"logGroupName": "api", "arn": arn("logs", "log-group:api:*"), "retentionInDays": 30}]},
    ("sns", "ListTopics"): {"Topics": [{"TopicArn": TOPIC}]},
    ("sns", "GetTopicAttributes"): {"Attributes": {"TopicArn": TOPIC, "Policy": json.dumps(POLICY)}},
    ("sns", "GetSubscriptionAttributes"): {"Attributes": {"TopicArn": TOPIC, "FilterPolicy": json.dumps({"a": ["b"]})}},
    ("sns", "ListSubscriptionsByTopic"): {"Subscriptions": [
        {"SubscriptionArn": TOPIC + ":1", "TopicArn": TOPIC, "Protocol": "email", "Endpoint": "a@example.com"},
        {"SubscriptionArn": "PendingConfirmation", "TopicArn": TOPIC, "Protocol": "email", "Endpoint": "b@example.com"}]},
    ("sqs", "ListQueues"): {"QueueUrls": [QUEUE]},
    ("sqs", "GetQueueAttributes"): {"Attributes": {
        "QueueArn": arn("sqs", "dead"), "DelaySeconds": "0", "MaximumMessageSize": "262144",
        "MessageRetentionPeriod": "1209600", "ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30",
        "Policy": json.dumps(POLICY)}},
    ("lambda", "ListFunctions"): {"Functions": [{
        "FunctionName": "sync", "FunctionArn": FUNCTION, "Role": arn("iam", "role/task", ""), "Runtime": "python3.13",
        "Handler": "a.b", "Timeout": 30, "MemorySize": 128,
        "Environment": {"Variables": {"MODE": "production", "GITHUB_TOKEN": "ghp_" + "a1" * 18}}}]},
    ("lambda", "GetFunctionConcurrency"): {"ReservedConcurrentExecutions": 1},
    ("lambda", "GetPolicy"): {"Policy": json.dumps({"Statement": [{
        "Sid": "s", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction", "Resource": FUNCTION,
        "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:x"}}}]})},
    ("lambda", "ListFunctionEventInvokeConfigs"): {"FunctionEventInvokeConfigs": [
        {"FunctionArn": FUNCTION + ":live", "MaximumRetryAttempts": 0}]},
    ("lambda", "ListAliases"): {"Aliases": [{"AliasArn": FUNCTION + ":live", "Name": "live", "FunctionVersion": "3"}]},
    ("lambda", "ListVersionsByFunction"): {"Versions": [
        {"FunctionArn": FUNCTION + ":$LATEST", "Version": "$LATEST"}, {"FunctionArn": FUNCTION + ":3", "Version": "3"}]},
    ("lambda", "ListEventSourceMappings"): {"EventSourceMappings": [
        {"UUID": "1", "FunctionArn": FUNCTION, "EventSourceArn": arn("sqs", "dead"), "State": "Enabled"}]},
    ("route53", "ListHostedZones"): {"HostedZones": [
        {"Id": "/hostedzone/Z1", "Name": "example.com.", "Config": {"PrivateZone": False}}]},
    ("route53", "ListResourceRecordSets"): {"ResourceRecordSets": [
        {"Name": "example.com.", "Type": "SOA", "TTL": 900, "ResourceRecords": [{"Value": "x"}]},
        {"Name": "www.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}]},
    ("acm", "ListCertificates"): {"CertificateSummaryList": [{"CertificateArn": CERTIFICATE}]},
    ("acm", "DescribeCertificate"): {"Certificate": {
        "CertificateArn": CERTIFICATE, "DomainName": "example.com", "SubjectAlternativeNames": ["example.com"],
        "Status": "ISSUED", "KeyAlgorithm": "RSA-2048"}},
    ("wafv2", "ListWebACLs"): {"WebACLs": [{"Name": "front", "Id": "9", "ARN": ACL}]},
    ("wafv2", "GetWebACL"): {"WebACL": {
        "Name": "front", "Id": "9", "ARN": ACL, "DefaultAction": _ALLOW, "VisibilityConfig": _VISIBILITY,
        "Rules": [{"Name": "own", "Priority": 0, "Action": _ALLOW, "VisibilityConfig": _VISIBILITY,
                   "Statement": {"IPSetReferenceStatement": {"ARN": arn("wafv2", "regional/ipset/own/8")}}},
                  {"Name": "words", "Priority": 1, "Action": _ALLOW, "VisibilityConfig": _VISIBILITY,
                   "Statement": {"ByteMatchStatement": {
                       "SearchString": b"/api", "FieldToMatch": {"UriPath": {}}, "PositionalConstraint": "STARTS_WITH",
                       "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}}}]}},
    ("wafv2", "GetIPSet"): {"IPSet": {"Name": "own", "Id": "8", "IPAddressVersion": "IPV4",
                                      "Addresses": ["192.0.2.1/32"]}},
    ("wafv2", "ListResourcesForWebACL"): {"ResourceArns": [LB]},
    ("wafv2", "GetLoggingConfiguration"): {"LoggingConfiguration": {
        "ResourceArn": ACL, "LogDestinationConfigs": [arn("logs", "log-group:aws-waf-logs-x")]}},
    ("servicediscovery", "ListNamespaces"): {"Namespaces": [
        {"Id": "ns-1", "Name": "internal", "Type": "DNS_PRIVATE", "Arn": arn("servicediscovery", "namespace/ns-1")}]},
    ("servicediscovery", "ListServices"): {"Services": [{
        "Id": "srv-1", "Name": "api", "Arn": arn("servicediscovery", "service/srv-1"), "Type": "DNS_HTTP",
        "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}}]},
}  # fmt: skip
