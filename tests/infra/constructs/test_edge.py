"""Network, load balancer, rules and web ACL, and what watches an environment."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from infra import naming
from infra.environments import ENVIRONMENTS
from tests.infra.support import Resource, Template, listed, statements


def attributes(resource: Resource, name: str) -> dict[str, Any]:
    return {entry["Key"]: entry["Value"] for entry in resource[name]}


def test_a_vpc_of_its_own_in_two_named_zones(stack: Template, environment: str) -> None:
    stack.only("AWS::EC2::VPC", CidrBlock=ENVIRONMENTS[environment].vpc_cidr)
    subnets = stack.of_type("AWS::EC2::Subnet")
    assert {subnet["AvailabilityZone"] for subnet in subnets} == {"us-west-2a", "us-west-2b"}
    assert len(subnets) == 6
    assert all(subnet["CidrBlock"].endswith("/24") for subnet in subnets)


def test_environments_do_not_overlap() -> None:
    assert len({config.vpc_cidr for config in ENVIRONMENTS.values()}) == len(ENVIRONMENTS)


def test_nat_gateways(stack: Template, environment: str) -> None:
    assert len(stack.of_type("AWS::EC2::NatGateway")) == {"staging": 1, "production": 2}[environment]


def test_s3_is_reached_through_a_gateway_from_every_subnet_without_a_public_address(stack: Template) -> None:
    endpoint = stack.only("AWS::EC2::VPCEndpoint", VpcEndpointType="Gateway")
    assert ".s3" in stack.text(endpoint["ServiceName"])
    tables = {stack.target(table).path for table in endpoint["RouteTableIds"]}
    expected = {
        resource.path
        for resource in stack.of_type("AWS::EC2::RouteTable")
        if "PrivateSubnet" in resource.path or "IsolatedSubnet" in resource.path
    }
    assert tables == expected
    assert len(expected) == 4


def test_rejected_traffic_is_logged_with_a_retention(stack: Template) -> None:
    flow = stack.only("AWS::EC2::FlowLog", ResourceType="VPC")
    assert flow["TrafficType"] == "REJECT"
    assert stack.target(flow["LogGroupName"])["RetentionInDays"] == 30


def test_flow_logs_may_be_written_to_their_log(stack: Template) -> None:
    flow = stack.only("AWS::EC2::FlowLog")
    role = stack.target(flow["DeliverLogsPermissionArn"])
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    may = {
        (action, stack.target(resource).path)
        for statement in statements(stack, role)
        if set(listed(statement["Action"])) != {"iam:PassRole"}
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    group = stack.target(flow["LogGroupName"]).path
    assert may == {(f"logs:{action}", group) for action in ("CreateLogStream", "DescribeLogStreams", "PutLogEvents")}


def test_no_security_group_lets_everything_out(stack: Template) -> None:
    for group in stack.of_type("AWS::EC2::SecurityGroup"):
        # An absent list is not an empty one: EC2 then lets everything out.
        assert group["SecurityGroupEgress"]
        for rule in group["SecurityGroupEgress"]:
            assert rule["IpProtocol"] != "-1"
            if rule["CidrIp"] == "0.0.0.0/0":
                assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
    for rule in stack.of_type("AWS::EC2::SecurityGroupEgress"):
        assert "DestinationSecurityGroupId" in rule.properties


def test_only_the_load_balancer_lets_the_internet_in(stack: Template) -> None:
    open_groups = {
        group.path: {rule["FromPort"] for rule in group["SecurityGroupIngress"]}
        for group in stack.of_type("AWS::EC2::SecurityGroup")
        if "SecurityGroupIngress" in group.properties
    }
    assert open_groups == {"Edge/Group": {80, 443}}


def test_tls_1_3_on_443_and_a_permanent_redirect_from_80(stack: Template) -> None:
    https = stack.only("AWS::ElasticLoadBalancingV2::Listener", Port=443)
    assert "TLS13" in https["SslPolicy"]
    assert https["Certificates"][0]["CertificateArn"].startswith("arn:aws:acm:us-west-2:111111111111:certificate/")
    (action,) = stack.only("AWS::ElasticLoadBalancingV2::Listener", Port=80)["DefaultActions"]
    assert action["RedirectConfig"]["StatusCode"] == "HTTP_301"
    assert action["RedirectConfig"]["Protocol"] == "HTTPS"


def test_access_logs_go_to_a_bucket_that_accepts_them(stack: Template) -> None:
    balancer = stack.only("AWS::ElasticLoadBalancingV2::LoadBalancer", Scheme="internet-facing")
    settings = attributes(balancer, "LoadBalancerAttributes")
    assert settings["idle_timeout.timeout_seconds"] == "900"
    assert settings["access_logs.s3.enabled"] == "true"
    bucket = stack.target(settings["access_logs.s3.bucket"])
    encryption = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]
    assert encryption == {"SSEAlgorithm": "AES256"}
    policy = stack.only("AWS::S3::BucketPolicy", Bucket={"Ref": bucket.logical_id})
    grants = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    # The account that writes the logs in us-west-2 (Elastic Load Balancing, access log bucket policy).
    (elb,) = [s for s in grants if s["Principal"] == {"AWS": "arn:aws:iam::797873946194:root"}]
    assert elb["Action"] == "s3:PutObject"
    assert stack.text(elb["Resource"]).endswith("/AWSLogs/111111111111/*")


def test_rules_in_order(stack: Template) -> None:
    rules = sorted(stack.of_type("AWS::ElasticLoadBalancingV2::ListenerRule"), key=lambda rule: int(rule["Priority"]))

    def service(action: Any) -> str:
        return stack.target(action[0]["TargetGroupArn"]).path

    assert [
        (rule["Priority"], rule["Conditions"][0]["PathPatternConfig"]["Values"], service(rule["Actions"]))
        for rule in rules
    ] == [
        (10, ["/api/*"], "Edge/ApiTargets"),
        (15, ["/oauth/consent"], "Edge/FrontendTargets"),
        (20, ["/oauth/*"], "Edge/ApiTargets"),
        (30, ["/.well-known/*"], "Edge/ApiTargets"),
        (40, ["/mcp", "/mcp/*"], "Edge/McpTargets"),
    ]
    default = stack.only("AWS::ElasticLoadBalancingV2::Listener", Port=443)["DefaultActions"]
    assert service(default) == "Edge/FrontendTargets"


def test_target_groups(stack: Template, environment: str) -> None:
    groups = {group.path: group for group in stack.of_type("AWS::ElasticLoadBalancingV2::TargetGroup")}
    assert {path: (g["Port"], g["HealthCheckPath"]) for path, g in groups.items()} == {
        "Edge/ApiTargets": (3001, "/api/health"),
        "Edge/FrontendTargets": (3000, "/health"),
        "Edge/McpTargets": (3002, "/mcp/health"),
    }
    for path, group in groups.items():
        assert (group["HealthyThresholdCount"], group["UnhealthyThresholdCount"]) == (2, 3)
        assert group["HealthCheckIntervalSeconds"] == 30
        settings = attributes(group, "TargetGroupAttributes")
        assert settings["deregistration_delay.timeout_seconds"] == "30"
        sticky = path == "Edge/McpTargets" and environment == "production"
        assert settings["stickiness.enabled"] == str(sticky).lower()


def test_the_domain_points_at_the_load_balancer(stack: Template, environment: str) -> None:
    record = stack.only("AWS::Route53::RecordSet", Type="A")
    assert record["Name"] == {"staging": "staging.specboard.io.", "production": "specboard.io."}[environment]
    assert record["HostedZoneId"] == "Z0EXAMPLE0EXAMPLE0EX"


# --- web ACL -----------------------------------------------------------------------------------------------------


def test_staging_has_no_web_acl(staging: Template) -> None:
    assert not [resource for resource in staging if resource.type.startswith("AWS::WAFv2::")]


def managed(acl: Resource) -> dict[str, Any]:
    groups = [rule["Statement"].get("ManagedRuleGroupStatement") for rule in acl["Rules"]]
    return {group["Name"]: group for group in groups if group}


def test_productions_web_acl_is_attached_and_logs(production: Template) -> None:
    acl = production.only("AWS::WAFv2::WebACL", Scope="REGIONAL")
    association = production.only("AWS::WAFv2::WebACLAssociation")
    assert production.target(association["ResourceArn"]).type == "AWS::ElasticLoadBalancingV2::LoadBalancer"
    assert production.target(association["WebACLArn"]) == acl
    logging = production.only("AWS::WAFv2::LoggingConfiguration")
    assert production.target(logging["ResourceArn"]) == acl
    (destination,) = logging["LogDestinationConfigs"]
    assert destination.endswith(":log-group:aws-waf-logs-doc-platform-production")
    production.only("AWS::Logs::LogGroup", LogGroupName="aws-waf-logs-doc-platform-production", RetentionInDays=30)


def test_managed_groups_and_rate_limit(production: Template) -> None:
    acl = production.only("AWS::WAFv2::WebACL")
    assert set(managed(acl)) == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesLinuxRuleSet",
        "AWSManagedRulesSQLiRuleSet",
    }
    (rate,) = [rule for rule in acl["Rules"] if "RateBasedStatement" in rule["Statement"]]
    limit = dict(rate["Statement"]["RateBasedStatement"])
    ours = production.only("AWS::WAFv2::IPSet")
    # Every address but those that the system itself calls from.
    assert limit.pop("ScopeDownStatement") == {
        "NotStatement": {"Statement": {"IPSetReferenceStatement": {"Arn": {"Fn::GetAtt": [ours.logical_id, "Arn"]}}}}
    }
    assert limit == {"AggregateKeyType": "IP", "EvaluationWindowSec": 300, "Limit": 2000}
    gateways = {
        production.target(each["AllocationId"]).logical_id for each in production.of_type("AWS::EC2::NatGateway")
    }
    assert {production.text(address) for address in ours["Addresses"]} == {f"${{{eip}}}/32" for eip in gateways}
    assert rate["Action"] == {"Block": {}}


CRS = "awswaf:managed:aws:core-rule-set:"
BAD = "awswaf:managed:aws:known-bad-inputs:"
SQL = "awswaf:managed:aws:sql-database:"
DOCUMENTS = {
    "CrossSiteScripting_BODY": f"{CRS}CrossSiteScripting_Body",
    "GenericLFI_BODY": f"{CRS}GenericLFI_Body",
    "RestrictedExtensions_URIPATH": f"{CRS}RestrictedExtensions_URIPath",
    "RestrictedExtensions_QUERYARGUMENTS": f"{CRS}RestrictedExtensions_QueryArguments",
    "Log4JRCE_BODY": f"{BAD}Log4JRCE_Body",
    "JavaDeserializationRCE_BODY": f"{BAD}JavaDeserializationRCE_Body",
    "ReactJSRCE_BODY": f"{BAD}ReactJSRCE_Body",
    "SQLi_BODY": f"{SQL}SQLi_Body",
    "SQLiExtendedPatterns_BODY": f"{SQL}SQLiExtendedPatterns_Body",
}
ADDRESSES = {
    "GenericRFI_BODY": f"{CRS}GenericRFI_Body",
    "GenericRFI_QUERYARGUMENTS": f"{CRS}GenericRFI_QueryArguments",
    "EC2MetaDataSSRF_BODY": f"{CRS}EC2MetaDataSSRF_Body",
    "EC2MetaDataSSRF_QUERYARGUMENTS": f"{CRS}EC2MetaDataSSRF_QueryArguments",
}


def test_rules_that_documents_and_addresses_look_bad_to_count(production: Template) -> None:
    acl = production.only("AWS::WAFv2::WebACL")
    counted = {
        override["Name"]
        for group in managed(acl).values()
        for override in group.get("RuleActionOverrides", [])
        if override["ActionToUse"] == {"Count": {}}
    }
    assert counted == {"SizeRestrictions_BODY", *DOCUMENTS, *ADDRESSES}


def blocked(labels: set[str], path: str, rules: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a request that the managed groups gave these labels is blocked by our own rules."""
    for rule in rules:
        if "AndStatement" in rule["Statement"]:
            labelled, elsewhere = rule["Statement"]["AndStatement"]["Statements"]
            keys = {each["LabelMatchStatement"]["Key"] for each in labelled["OrStatement"]["Statements"]}
            matches = [
                each["ByteMatchStatement"]
                for each in elsewhere["NotStatement"]["Statement"]["OrStatement"]["Statements"]
            ]
            assert {(m["PositionalConstraint"], str(m["FieldToMatch"])) for m in matches} == {
                ("STARTS_WITH", "{'UriPath': {}}")
            }
            if labels & keys and not path.startswith(tuple(listed(m["SearchString"])[0] for m in matches)):
                assert rule["Action"] == {"Block": {}}
                return True
    return False


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        *((rule, "/api/projects/1/files/config.ini", False) for rule in (*DOCUMENTS, *ADDRESSES)),
        *((rule, "/mcp", False) for rule in (*DOCUMENTS, *ADDRESSES)),
        *((rule, "/oauth/authorize", False) for rule in ADDRESSES),
        *((rule, "/oauth/token", True) for rule in DOCUMENTS),
        *((rule, "/", True) for rule in (*DOCUMENTS, *ADDRESSES)),
        # A large body alone is no attack.
        ("SizeRestrictions_BODY", "/", False),
    ],
)
def test_what_was_counted_blocks_where_it_has_no_business(
    production: Template, rule: str, path: str, expected: bool
) -> None:
    rules = production.only("AWS::WAFv2::WebACL")["Rules"]
    label = {**DOCUMENTS, **ADDRESSES}.get(rule, f"{CRS}SizeRestrictions_Body")
    assert blocked({label}, path, rules) is expected


def test_labels_are_given_before_they_are_asked_for(production: Template) -> None:
    rules = production.only("AWS::WAFv2::WebACL")["Rules"]
    given = [each["Priority"] for each in rules if "ManagedRuleGroupStatement" in each["Statement"]]
    asked = [each["Priority"] for each in rules if "AndStatement" in each["Statement"]]
    assert max(given) < min(asked)


def test_no_two_rules_share_a_priority(production: Template) -> None:
    priorities = [rule["Priority"] for rule in production.only("AWS::WAFv2::WebACL")["Rules"]]
    assert len(priorities) == len(set(priorities))


def test_every_alarm_is_the_environments_own_and_tells_somebody(stack: Template, environment: str) -> None:
    topic = stack.only("AWS::SNS::Topic")
    subscription = stack.only("AWS::SNS::Subscription", Protocol="email")
    assert stack.target(subscription["TopicArn"]) == topic
    for alarm in stack.of_type("AWS::CloudWatch::Alarm"):
        assert alarm["AlarmName"].startswith(f"{environment}-")
        assert alarm["AlarmActions"] == [{"Ref": topic.logical_id}]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_alarms_may_publish_and_nothing_in_plain_text_may(stack: Template) -> None:
    """A policy takes the place of the one that lets the account's own services publish: it must say so itself."""
    topic = stack.only("AWS::SNS::Topic")
    policy = stack.only("AWS::SNS::TopicPolicy", Topics=[{"Ref": topic.logical_id}])
    allow = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert [
        (each["Principal"], each["Action"], stack.target(each["Resource"]), each["Condition"]) for each in allow
    ] == [
        (
            {"Service": "cloudwatch.amazonaws.com"},
            "sns:Publish",
            topic,
            {"StringEquals": {"aws:SourceAccount": "111111111111"}},
        )
    ]
    deny = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
    assert [each["Condition"] for each in deny] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_what_is_watched(stack: Template, environment: str) -> None:
    names = {alarm["AlarmName"].removeprefix(f"{environment}-") for alarm in stack.of_type("AWS::CloudWatch::Alarm")}
    assert names == {
        "alb-5xx",
        "target-5xx",
        "github-sync-dead-letters",
        *(f"{name}-{resource}" for name in naming.SERVICES for resource in ("cpu", "memory")),
        *(f"{name}-5xx" for name in ("api", "frontend", "mcp")),
    }


def test_every_log_group_has_a_name_and_a_retention(stack: Template, environment: str) -> None:
    kept = {group["LogGroupName"]: group["RetentionInDays"] for group in stack.of_type("AWS::Logs::LogGroup")}
    assert kept.pop(f"/doc-platform/{environment}/errors") == 365
    assert set(kept.values()) == {30}
