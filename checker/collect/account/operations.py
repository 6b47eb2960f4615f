"""Every call that reading an account can make: the one table of them.

From it follow which call is made for what (`serves`), what is unread when it fails, how many calls an account costs,
and the least policy. A describer that makes a call which is not in here fails its tests.

Sources: the services' API references; IAM actions that are not called like the operation: Service Authorization
Reference, and "Required permissions for Amazon S3 API operations" (Amazon S3 User Guide).
"""

from __future__ import annotations

from functools import cache
from typing import Final

from msgspec import Struct

# boto3's client -> the prefix of its IAM actions, where they differ.
_PREFIXES: Final = {"elbv2": "elasticloadbalancing", "cloudcontrol": "cloudformation"}


class Operation(Struct, frozen=True):
    """One operation of a service.

    ``items`` is the list in its answer, empty where the answer is one thing; ``holds`` is then the part that every such
    answer has. ``serves`` names what is known by it: a
    type, a property (``AWS::S3::Bucket/VersioningConfiguration``) or a fact (``facts/images``). ``per`` is the type
    that it is asked once for each of, empty where it is asked once. ``absent`` are error codes that mean "there is
    none", ``absent_messages`` the same for codes that have other meanings as well.
    """

    service: str
    name: str
    items: str = ""
    serves: tuple[str, ...] = ()
    per: str = ""
    absent: tuple[str, ...] = ()
    absent_messages: tuple[tuple[str, str], ...] = ()
    named: str = ""  # the IAM action without its prefix, where it is not the operation's name
    may_lack_items: bool = False  # the service leaves an empty list out of its answer
    page: int = 0  # how much of a list to ask for at once, where the service gives little unasked
    marker: str = ""  # the field that names the next page, where botocore has no paginator for the operation
    holds: str = ""

    @property
    def leads_to(self) -> tuple[str, ...]:
        """What is found only by way of what it serves, and is unread with it."""
        return _LEADS_TO.get((self.service, self.name), ())

    @property
    def action(self) -> str:
        """The IAM action that it needs."""
        return f"{_PREFIXES.get(self.service, self.service)}:{self.named or self.name}"

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"


def _op(
    service: str,
    name: str,
    items: str,
    *serves: str,
    per: str = "",
    absent: tuple[str, ...] = (),
    absent_messages: tuple[tuple[str, str], ...] = (),
    named: str = "",
    may_lack_items: bool = False,
    page: int = 0,
    marker: str = "",
) -> Operation:
    holds = _HOLDS.get((service, name), "")
    return Operation(
        service, name, items, serves, per, absent, absent_messages, named, may_lack_items, page, marker, holds
    )


# What is always there in an answer that is one thing, however little the thing has.
_HOLDS: Final = {
    ("acm", "DescribeCertificate"): "Certificate",
    ("cloudcontrol", "GetResource"): "ResourceDescription",
    ("cloudformation", "GetTemplate"): "TemplateBody",
    ("ecs", "DescribeTaskDefinition"): "taskDefinition",
    ("kms", "DescribeKey"): "KeyMetadata",
    ("sns", "GetSubscriptionAttributes"): "Attributes",
    ("sns", "GetTopicAttributes"): "Attributes",
    ("sqs", "GetQueueAttributes"): "Attributes",
    ("wafv2", "GetIPSet"): "IPSet",
    ("wafv2", "GetLoggingConfiguration"): "LoggingConfiguration",
    ("wafv2", "GetWebACL"): "WebACL",
}


_EC2: Final = "AWS::EC2::"
_ELB: Final = "AWS::ElasticLoadBalancingV2::"
_GONE: Final = ("ResourceNotFoundException",)
_NO_BUCKET: Final = "NoSuchBucket"

_ALL: Final = (
    _op("sts", "GetCallerIdentity", ""),
    # Stacks
    _op("cloudformation", "DescribeStacks", "Stacks", "stacks", absent_messages=(("ValidationError", "not exist"),)),
    _op("cloudformation", "ListStackResources", "StackResourceSummaries", "stacks/resources", per="stack",
        absent_messages=(("ValidationError", "not exist"),)),
    _op("cloudformation", "GetTemplate", "", "stacks/template", per="stack",
        absent_messages=(("ValidationError", "not exist"),)),
    _op("cloudformation", "DescribeStackResourceDrifts", "StackResourceDrifts", "facts/drift_detection", per="stack",
        absent_messages=(("ValidationError", "not exist"),)),
    _op("cloudformation", "ListImports", "Imports", "facts/importers", per="export",
        absent_messages=(("ValidationError", "not imported by any stack"),)),
    _op("cloudcontrol", "GetResource", "", "other types", per="other", absent=_GONE),
    _op("rds", "DescribeDBParameters", "Parameters", "other types", per="AWS::RDS::DBParameterGroup",
        absent=("DBParameterGroupNotFound",)),
    _op("rds", "DescribeDBClusterParameters", "Parameters", "other types", per="AWS::RDS::DBClusterParameterGroup",
        absent=("DBParameterGroupNotFound",)),
    _op("elasticache", "DescribeCacheParameters", "Parameters", "other types", per="AWS::ElastiCache::ParameterGroup",
        absent=("CacheParameterGroupNotFound",)),
    # EC2 and VPC
    _op("ec2", "DescribeSecurityGroups", "SecurityGroups", f"{_EC2}SecurityGroup"),
    _op("ec2", "DescribeSecurityGroupRules", "SecurityGroupRules", f"{_EC2}SecurityGroupIngress",
        f"{_EC2}SecurityGroupEgress"),
    _op("ec2", "DescribeVpcs", "Vpcs", f"{_EC2}VPC"),
    _op("ec2", "DescribeVpcAttribute", "", f"{_EC2}VPC/EnableDnsSupport", f"{_EC2}VPC/EnableDnsHostnames",
        per=f"{_EC2}VPC", absent=("InvalidVpcID.NotFound",)),
    _op("ec2", "DescribeSubnets", "Subnets", f"{_EC2}Subnet"),
    _op("ec2", "DescribeRouteTables", "RouteTables", f"{_EC2}RouteTable", f"{_EC2}Route",
        f"{_EC2}SubnetRouteTableAssociation", "facts/main_route_tables"),
    _op("ec2", "DescribeNetworkAcls", "NetworkAcls", f"{_EC2}NetworkAcl", f"{_EC2}NetworkAclEntry",
        f"{_EC2}SubnetNetworkAclAssociation"),
    _op("ec2", "DescribeInternetGateways", "InternetGateways", f"{_EC2}InternetGateway",
        f"{_EC2}VPCGatewayAttachment"),
    _op("ec2", "DescribeNatGateways", "NatGateways", f"{_EC2}NatGateway", "facts/nat_addresses"),
    _op("ec2", "DescribeAddresses", "Addresses", f"{_EC2}EIP"),
    _op("ec2", "DescribeVpcEndpoints", "VpcEndpoints", f"{_EC2}VPCEndpoint"),
    _op("ec2", "DescribeFlowLogs", "FlowLogs", f"{_EC2}FlowLog", "facts/flow_logs"),
    # Load balancing
    _op("elbv2", "DescribeLoadBalancers", "LoadBalancers", f"{_ELB}LoadBalancer"),
    _op("elbv2", "DescribeLoadBalancerAttributes", "", f"{_ELB}LoadBalancer/LoadBalancerAttributes",
        per=f"{_ELB}LoadBalancer", absent=("LoadBalancerNotFound",)),
    _op("elbv2", "DescribeListeners", "Listeners", f"{_ELB}Listener", per=f"{_ELB}LoadBalancer",
        absent=("LoadBalancerNotFound",)),
    _op("elbv2", "DescribeListenerAttributes", "", f"{_ELB}Listener/ListenerAttributes", per=f"{_ELB}Listener",
        absent=("ListenerNotFound",)),
    _op("elbv2", "DescribeListenerCertificates", "Certificates", f"{_ELB}ListenerCertificate",
        per="HTTPS listener", absent=("ListenerNotFound",)),
    _op("elbv2", "DescribeRules", "Rules", f"{_ELB}ListenerRule", per=f"{_ELB}Listener", absent=("ListenerNotFound",)),
    _op("elbv2", "DescribeTargetGroups", "TargetGroups", f"{_ELB}TargetGroup"),
    _op("elbv2", "DescribeTargetGroupAttributes", "", f"{_ELB}TargetGroup/TargetGroupAttributes",
        per=f"{_ELB}TargetGroup", absent=("TargetGroupNotFound",)),
    _op("elbv2", "DescribeTargetHealth", "TargetHealthDescriptions", "facts/target_health",
        per=f"{_ELB}TargetGroup", absent=("TargetGroupNotFound",)),
    # ECS
    _op("ecs", "ListClusters", "clusterArns", "AWS::ECS::Cluster"),
    _op("ecs", "DescribeClusters", "clusters", "AWS::ECS::Cluster"),
    _op("ecs", "ListServices", "serviceArns", "AWS::ECS::Service", per="AWS::ECS::Cluster",
        absent=("ClusterNotFoundException",), page=100),
    _op("ecs", "DescribeServices", "services", "AWS::ECS::Service", "facts/deployments", per="AWS::ECS::Cluster",
        absent=("ClusterNotFoundException",)),
    _op("ecs", "ListTasks", "taskArns", "facts/tasks", per="AWS::ECS::Cluster", absent=("ClusterNotFoundException",)),
    _op("ecs", "DescribeTasks", "tasks", "facts/tasks", per="AWS::ECS::Cluster",
        absent=("ClusterNotFoundException",)),
    _op("ecs", "DescribeTaskDefinition", "", "AWS::ECS::TaskDefinition", per="AWS::ECS::TaskDefinition"),
    _op("application-autoscaling", "DescribeScalableTargets", "ScalableTargets",
        "AWS::ApplicationAutoScaling::ScalableTarget"),
    _op("application-autoscaling", "DescribeScalingPolicies", "ScalingPolicies",
        "AWS::ApplicationAutoScaling::ScalingPolicy"),
    # ECR
    _op("ecr", "DescribeRepositories", "repositories", "AWS::ECR::Repository", page=1000),
    _op("ecr", "GetLifecyclePolicy", "", "AWS::ECR::Repository/LifecyclePolicy", per="AWS::ECR::Repository",
        absent=("LifecyclePolicyNotFoundException", "RepositoryNotFoundException")),
    _op("ecr", "GetRepositoryPolicy", "", "AWS::ECR::Repository/RepositoryPolicyText", per="AWS::ECR::Repository",
        absent=("RepositoryPolicyNotFoundException", "RepositoryNotFoundException")),
    _op("ecr", "DescribeImages", "imageDetails", "facts/images", per="AWS::ECR::Repository",
        absent=("RepositoryNotFoundException",), page=1000),
    _op("ecr", "GetLifecyclePolicyPreview", "previewResults", "facts/lifecycle_previews", per="AWS::ECR::Repository",
        absent=("LifecyclePolicyPreviewNotFoundException", "RepositoryNotFoundException")),
    _op("ecr", "GetRegistryScanningConfiguration", "", "AWS::ECR::RegistryScanningConfiguration"),
    # Data
    _op("rds", "DescribeDBInstances", "DBInstances", "AWS::RDS::DBInstance", "facts/databases"),
    _op("rds", "DescribeDBClusters", "DBClusters", "AWS::RDS::DBCluster", "AWS::Neptune::DBCluster",
        "AWS::DocDB::DBCluster"),
    _op("rds", "DescribeDBSubnetGroups", "DBSubnetGroups", "AWS::RDS::DBSubnetGroup"),
    _op("rds", "DescribeDBSnapshots", "DBSnapshots", "AWS::RDS::DBSnapshot"),
    _op("rds", "DescribeDBClusterSnapshots", "DBClusterSnapshots", "AWS::RDS::ClusterSnapshot"),
    _op("elasticache", "DescribeReplicationGroups", "ReplicationGroups", "AWS::ElastiCache::ReplicationGroup"),
    _op("elasticache", "DescribeCacheClusters", "CacheClusters", "AWS::ElastiCache::CacheCluster"),
    _op("elasticache", "DescribeCacheSubnetGroups", "CacheSubnetGroups", "AWS::ElastiCache::SubnetGroup"),
    _op("elasticache", "DescribeUsers", "Users", "AWS::ElastiCache::User", per="user group"),
    _op("elasticache", "DescribeUserGroups", "UserGroups", "AWS::ElastiCache::UserGroup", per="user group"),
    _op("secretsmanager", "ListSecrets", "SecretList", "AWS::SecretsManager::Secret", page=100),
    _op("secretsmanager", "GetResourcePolicy", "", "AWS::SecretsManager::ResourcePolicy",
        per="AWS::SecretsManager::Secret", absent=_GONE),
    _op("s3", "ListBuckets", "Buckets", "AWS::S3::Bucket", named="ListAllMyBuckets"),
    _op("s3", "GetBucketEncryption", "", "AWS::S3::Bucket/BucketEncryption", per="AWS::S3::Bucket",
        absent=("ServerSideEncryptionConfigurationNotFoundError", _NO_BUCKET), named="GetEncryptionConfiguration"),
    _op("s3", "GetBucketPolicy", "", "AWS::S3::BucketPolicy", per="AWS::S3::Bucket",
        absent=("NoSuchBucketPolicy", _NO_BUCKET)),
    _op("s3", "GetPublicAccessBlock", "", "AWS::S3::Bucket/PublicAccessBlockConfiguration", per="AWS::S3::Bucket",
        absent=("NoSuchPublicAccessBlockConfiguration", _NO_BUCKET), named="GetBucketPublicAccessBlock"),
    _op("s3", "GetBucketVersioning", "", "AWS::S3::Bucket/VersioningConfiguration", per="AWS::S3::Bucket",
        absent=(_NO_BUCKET,)),
    _op("s3", "GetBucketLifecycleConfiguration", "", "AWS::S3::Bucket/LifecycleConfiguration", per="AWS::S3::Bucket",
        absent=("NoSuchLifecycleConfiguration", _NO_BUCKET), named="GetLifecycleConfiguration"),
    _op("s3", "GetBucketLogging", "", "AWS::S3::Bucket/LoggingConfiguration", per="AWS::S3::Bucket",
        absent=(_NO_BUCKET,)),
    _op("s3", "GetBucketOwnershipControls", "", "AWS::S3::Bucket/OwnershipControls", per="AWS::S3::Bucket",
        absent=("OwnershipControlsNotFoundError", _NO_BUCKET)),
    _op("s3", "GetBucketTagging", "", "AWS::S3::Bucket/Tags", per="AWS::S3::Bucket",
        absent=("NoSuchTagSet", _NO_BUCKET)),
    # Identity
    _op("iam", "GetAccountAuthorizationDetails", "RoleDetailList", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy", page=1000),
    _op("iam", "ListRoles", "Roles", "AWS::IAM::Role/MaxSessionDuration", "AWS::IAM::Role/Description", page=1000),
    _op("iam", "ListOpenIDConnectProviders", "OpenIDConnectProviderList", "AWS::IAM::OIDCProvider"),
    _op("iam", "GetOpenIDConnectProvider", "", "AWS::IAM::OIDCProvider", per="AWS::IAM::OIDCProvider",
        absent=("NoSuchEntity",)),
    _op("kms", "DescribeKey", "", "AWS::KMS::Key", per="AWS::KMS::Key", absent=("NotFoundException",)),
    _op("kms", "GetKeyPolicy", "", "AWS::KMS::Key/KeyPolicy", per="AWS::KMS::Key", absent=("NotFoundException",)),
    _op("kms", "GetKeyRotationStatus", "", "AWS::KMS::Key/EnableKeyRotation", per="AWS::KMS::Key",
        absent=("NotFoundException",)),
    _op("kms", "ListAliases", "Aliases", "AWS::KMS::Alias"),
    # Watching and telling
    _op("cloudwatch", "DescribeAlarms", "MetricAlarms", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm",
        "facts/alarms"),
    _op("sns", "ListTopics", "Topics", "AWS::SNS::Topic"),
    _op("sns", "GetTopicAttributes", "", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", per="AWS::SNS::Topic",
        absent=("NotFound", "NotFoundException")),
    _op("sns", "ListSubscriptionsByTopic", "Subscriptions", "AWS::SNS::Subscription", "facts/subscriptions",
        per="AWS::SNS::Topic", absent=("NotFound", "NotFoundException")),
    _op("sns", "GetSubscriptionAttributes", "", "AWS::SNS::Subscription/FilterPolicy",
        "AWS::SNS::Subscription/RawMessageDelivery", per="AWS::SNS::Subscription",
        absent=("NotFound", "NotFoundException")),
    _op("sqs", "ListQueues", "QueueUrls", "AWS::SQS::Queue", may_lack_items=True, page=1000),
    _op("sqs", "GetQueueAttributes", "", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", per="AWS::SQS::Queue",
        absent=("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")),
    _op("logs", "DescribeLogGroups", "logGroups", "AWS::Logs::LogGroup"),
    # Functions
    _op("lambda", "ListFunctions", "Functions", "AWS::Lambda::Function"),
    _op("lambda", "GetFunctionConcurrency", "", "AWS::Lambda::Function/ReservedConcurrentExecutions",
        per="AWS::Lambda::Function", absent=_GONE),
    _op("lambda", "GetPolicy", "", "AWS::Lambda::Permission", per="AWS::Lambda::Function", absent=_GONE),
    _op("lambda", "ListFunctionEventInvokeConfigs", "FunctionEventInvokeConfigs", "AWS::Lambda::EventInvokeConfig",
        per="AWS::Lambda::Function", absent=_GONE),
    _op("lambda", "ListAliases", "Aliases", "AWS::Lambda::Alias", per="AWS::Lambda::Function", absent=_GONE),
    _op("lambda", "ListVersionsByFunction", "Versions", "AWS::Lambda::Version", per="AWS::Lambda::Function",
        absent=_GONE),
    _op("lambda", "ListEventSourceMappings", "EventSourceMappings", "AWS::Lambda::EventSourceMapping"),
    # Names and certificates
    _op("route53", "ListHostedZones", "HostedZones", "AWS::Route53::HostedZone"),
    _op("route53", "ListResourceRecordSets", "ResourceRecordSets", "AWS::Route53::RecordSet",
        per="AWS::Route53::HostedZone", absent=("NoSuchHostedZone",)),
    _op("acm", "ListCertificates", "CertificateSummaryList", "AWS::CertificateManager::Certificate"),
    _op("acm", "DescribeCertificate", "", "AWS::CertificateManager::Certificate", "facts/certificates",
        per="AWS::CertificateManager::Certificate", absent=_GONE),
    _op("wafv2", "ListWebACLs", "WebACLs", "AWS::WAFv2::WebACL", marker="NextMarker"),
    _op("wafv2", "GetWebACL", "", "AWS::WAFv2::WebACL", per="AWS::WAFv2::WebACL",
        absent=("WAFNonexistentItemException",)),
    _op("wafv2", "ListResourcesForWebACL", "ResourceArns", "AWS::WAFv2::WebACLAssociation", per="AWS::WAFv2::WebACL",
        absent=("WAFNonexistentItemException",), may_lack_items=True),
    _op("wafv2", "GetIPSet", "", "AWS::WAFv2::IPSet", per="AWS::WAFv2::IPSet",
        absent=("WAFNonexistentItemException",)),
    _op("wafv2", "GetLoggingConfiguration", "", "AWS::WAFv2::LoggingConfiguration", per="AWS::WAFv2::WebACL",
        absent=("WAFNonexistentItemException",)),
    _op("servicediscovery", "ListNamespaces", "Namespaces", "AWS::ServiceDiscovery::PrivateDnsNamespace",
        "AWS::ServiceDiscovery::PublicDnsNamespace", "AWS::ServiceDiscovery::HttpNamespace"),
    _op("servicediscovery", "ListServices", "Services", "AWS::ServiceDiscovery::Service",
        per="AWS::ServiceDiscovery::PrivateDnsNamespace"),
)  # fmt: skip

_LISTENING: Final = (f"{_ELB}ListenerRule", f"{_ELB}ListenerCertificate")
_IN_CLUSTERS: Final = ("AWS::ECS::Service", "AWS::ECS::TaskDefinition", "facts/deployments", "facts/tasks")
_BY_STACK: Final = ("AWS::KMS::Key", "AWS::WAFv2::IPSet", "other types", "facts/importers")
_OF_ACLS: Final = ("AWS::WAFv2::WebACLAssociation", "AWS::WAFv2::LoggingConfiguration")
_LEADS_TO: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("cloudformation", "DescribeStacks"): ("stacks/resources", "stacks/template", *_BY_STACK),
    ("cloudformation", "ListStackResources"): _BY_STACK,
    ("elbv2", "DescribeLoadBalancers"): (f"{_ELB}Listener", *_LISTENING),
    ("elbv2", "DescribeListeners"): _LISTENING,
    ("elbv2", "DescribeTargetGroups"): ("facts/target_health",),
    ("ecs", "ListClusters"): _IN_CLUSTERS,
    ("ecs", "DescribeClusters"): _IN_CLUSTERS,
    ("ecs", "ListServices"): ("AWS::ECS::TaskDefinition", "facts/deployments"),
    ("ecs", "DescribeServices"): ("AWS::ECS::TaskDefinition",),
    ("ecs", "ListTasks"): ("AWS::ECS::TaskDefinition",),
    ("ecs", "DescribeTasks"): ("AWS::ECS::TaskDefinition",),
    ("ecr", "DescribeRepositories"): ("facts/images", "facts/lifecycle_previews"),
    ("secretsmanager", "ListSecrets"): ("AWS::SecretsManager::ResourcePolicy",),
    ("s3", "ListBuckets"): ("AWS::S3::BucketPolicy",),
    ("sns", "ListTopics"): ("AWS::SNS::TopicPolicy", "AWS::SNS::Subscription", "facts/subscriptions"),
    ("sqs", "ListQueues"): ("AWS::SQS::QueuePolicy",),
    ("lambda", "ListFunctions"): (
        "AWS::Lambda::Permission", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Alias", "AWS::Lambda::Version",
    ),
    ("route53", "ListHostedZones"): ("AWS::Route53::RecordSet",),
    ("acm", "ListCertificates"): ("facts/certificates",),
    ("wafv2", "ListWebACLs"): _OF_ACLS,
    ("wafv2", "GetWebACL"): _OF_ACLS,
    ("servicediscovery", "ListNamespaces"): ("AWS::ServiceDiscovery::Service",),
}  # fmt: skip

OPERATIONS: Final = {(each.service, each.name): each for each in _ALL}


@cache
def types_served() -> frozenset[str]:
    """The types that have a describer."""
    return frozenset(what.partition("/")[0] for each in _ALL for what in each.serves if what.startswith("AWS::"))
