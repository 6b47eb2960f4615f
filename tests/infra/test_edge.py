"""Network, load balancer, rules and web ACL."""

from typing import Any

from infra.environments import ENVIRONMENTS
from tests.infra.support import Resource, Template, listed


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
    assert rate["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
        "Limit": 2000,
    }
    assert rate["Action"] == {"Block": {}}


def test_rules_that_read_bodies_count(production: Template) -> None:
    acl = production.only("AWS::WAFv2::WebACL")
    counted = {
        override["Name"]
        for group in managed(acl).values()
        for override in group.get("RuleActionOverrides", [])
        if override["ActionToUse"] == {"Count": {}}
    }
    assert {
        "SizeRestrictions_BODY",
        "CrossSiteScripting_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "EC2MetaDataSSRF_BODY",
        "SQLi_BODY",
    } <= counted
    assert all(name.endswith("_BODY") for name in counted)


def test_what_was_counted_blocks_where_no_documents_are_taken(production: Template) -> None:
    rules = production.only("AWS::WAFv2::WebACL")["Rules"]
    last = max(rules, key=lambda rule: rule["Priority"])
    assert last["Action"] == {"Block": {}}
    labelled, elsewhere = last["Statement"]["AndStatement"]["Statements"]
    labels = [s["LabelMatchStatement"]["Key"] for s in labelled["OrStatement"]["Statements"]]
    assert "awswaf:managed:aws:core-rule-set:CrossSiteScripting_Body" in labels
    # A large body alone is no attack.
    assert not any("SizeRestrictions" in label for label in labels)
    paths = elsewhere["NotStatement"]["Statement"]["OrStatement"]["Statements"]
    assert {listed(s["ByteMatchStatement"]["SearchString"])[0] for s in paths} == {"/api/", "/mcp"}


def test_no_two_rules_share_a_priority(production: Template) -> None:
    priorities = [rule["Priority"] for rule in production.only("AWS::WAFv2::WebACL")["Rules"]]
    assert len(priorities) == len(set(priorities))
