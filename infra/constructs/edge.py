"""Where requests come in: the load balancer, its listeners and rules, the domain's record, and the web ACL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.network import HTTPS, Network, closed_group, pin_closed
from infra.constructs.observability import PERIOD, Observability
from infra.constructs.waf import WebAcl
from infra.environments import EnvironmentConfig

HTTP: Final = 80
IDLE: Final = cdk.Duration.minutes(15)
"""How long a connection may be silent. Clients of mcp hold streams open that are silent for minutes, which the default
of 60 s would cut; the services keep their own side open for longer (docs/application-contract.md)."""
TOO_MANY_ERRORS: Final = 10
"""Per five minutes."""


@dataclass(frozen=True, slots=True)
class Route:
    priority: int
    paths: Sequence[str]
    service: str


ROUTES: Final = (
    Route(10, ("/api/*",), "api"),
    # Before the other OAuth paths: the consent page is the frontend's.
    Route(15, ("/oauth/consent",), "frontend"),
    Route(20, ("/oauth/*",), "api"),
    Route(30, ("/.well-known/*",), "api"),
    Route(40, ("/mcp", "/mcp/*"), "mcp"),
)
DEFAULT_SERVICE: Final = "frontend"


class Edge(Construct):
    """A load balancer that speaks TLS 1.3 and logs every request.

    Target groups are made here, so that listeners, alarms and services agree on them: `target_group`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: EnvironmentConfig,
        network: Network,
        observability: Observability,
        hosted_zone_id: str,
        certificate_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._config = config
        self._network = network
        self._target_groups: dict[str, elbv2.ApplicationTargetGroup] = {}
        group = closed_group(self, "Group", vpc=network.vpc, description="Load balancer")
        pin_closed(group)
        for port in (HTTP, HTTPS):
            group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "Anyone")
        self.load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "LoadBalancer",
            vpc=network.vpc,
            internet_facing=True,
            security_group=group,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            drop_invalid_header_fields=True,
            idle_timeout=IDLE,
            deletion_protection=config.deletion_protection,
        )
        self.load_balancer.log_access_logs(self._access_log_bucket())
        self.load_balancer.add_listener(
            "Http",
            port=HTTP,
            open=False,
            default_action=elbv2.ListenerAction.redirect(
                protocol="HTTPS", port=str(HTTPS), host="#{host}", path="/#{path}", query="#{query}", permanent=True
            ),
        )
        self._certificate_arn = certificate_arn
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=hosted_zone_id, zone_name=config.domain
        )
        route53.ARecord(
            self,
            "Record",
            zone=zone,
            record_name=config.full_domain,
            target=route53.RecordTarget.from_alias(targets.LoadBalancerTarget(self.load_balancer)),
        )
        if config.waf:
            WebAcl(self, "Waf", config=config, load_balancer=self.load_balancer, own_addresses=network.nat_addresses)
        observability.alarm(
            "alb-5xx",
            metric=self.load_balancer.metrics.http_code_elb(
                elbv2.HttpCodeElb.ELB_5XX_COUNT, period=PERIOD, statistic="Sum"
            ),
            above=TOO_MANY_ERRORS,
            description="The load balancer itself answers 5xx: no healthy target, or none in time.",
        )
        observability.alarm(
            "target-5xx",
            metric=self.load_balancer.metrics.http_code_target(
                elbv2.HttpCodeTarget.TARGET_5XX_COUNT, period=PERIOD, statistic="Sum"
            ),
            above=TOO_MANY_ERRORS,
            description="The services together answer 5xx.",
        )

    def target_group(self, service: str, *, port: int, health_path: str) -> elbv2.ApplicationTargetGroup:
        """Make the target group of a service; `route` then sends requests to it."""
        made = elbv2.ApplicationTargetGroup(
            self,
            f"{service.capitalize()}Targets",
            vpc=self._network.vpc,
            protocol=elbv2.ApplicationProtocol.HTTP,
            port=port,
            target_type=elbv2.TargetType.IP,
            # The default of 300 s would add five minutes to every step of a roll-back.
            deregistration_delay=cdk.Duration.seconds(30),
            health_check=elbv2.HealthCheck(
                path=health_path,
                interval=cdk.Duration.seconds(30),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
                healthy_http_codes="200",
            ),
            # The mcp service keeps sessions in memory: a cookie holds a client to its task, if the client keeps it.
            stickiness_cookie_duration=cdk.Duration.days(1)
            if service == "mcp" and self._config.tasks.desired_count > 1
            else None,
        )
        self._target_groups[service] = made
        return made

    def route(self) -> None:
        """Add the HTTPS listener and its rules, once every routed service has its target group."""
        listener = self.load_balancer.add_listener(
            "Https",
            port=HTTPS,
            open=False,
            certificates=[elbv2.ListenerCertificate.from_arn(self._certificate_arn)],
            ssl_policy=elbv2.SslPolicy.TLS13_RES,
            default_action=elbv2.ListenerAction.forward([self._target_groups[DEFAULT_SERVICE]]),
        )
        for route in ROUTES:
            elbv2.ApplicationListenerRule(
                self,
                f"Route{route.priority}",
                listener=listener,
                priority=route.priority,
                conditions=[elbv2.ListenerCondition.path_patterns(list(route.paths))],
                action=elbv2.ListenerAction.forward([self._target_groups[route.service]]),
            )

    def error_metric(self, service: str) -> cloudwatch.IMetric:
        """How many 5xx a service's tasks answered in five minutes."""
        return self._target_groups[service].metrics.http_code_target(
            elbv2.HttpCodeTarget.TARGET_5XX_COUNT, period=PERIOD, statistic="Sum"
        )

    def _access_log_bucket(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "AccessLogs",
            # Access logs can be delivered to no other encryption (Elastic Load Balancing, access logs).
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(90))],
            removal_policy=cdk.RemovalPolicy.RETAIN if self._config.retain else cdk.RemovalPolicy.DESTROY,
        )
