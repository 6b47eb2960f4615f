"""A network of an environment's own: public, private with egress, and isolated subnets in two zones."""

from collections.abc import Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from infra import naming
from infra.environments import EnvironmentConfig

POSTGRES: Final = 5432
REDIS: Final = 6379
HTTPS: Final = 443


class Network(Construct):
    """The VPC with its S3 endpoint and flow logs."""

    def __init__(self, scope: Construct, construct_id: str, *, config: EnvironmentConfig) -> None:
        super().__init__(scope, construct_id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(config.vpc_cidr),
            availability_zones=list(config.availability_zones),
            nat_gateways=config.nat_gateways,
            # Emptying the default group needs a custom resource; nothing here ever joins that group.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(name=name, subnet_type=kind, cidr_mask=24)
                for name, kind in (
                    ("Public", ec2.SubnetType.PUBLIC),
                    ("Private", ec2.SubnetType.PRIVATE_WITH_EGRESS),
                    ("Isolated", ec2.SubnetType.PRIVATE_ISOLATED),
                )
            ],
        )
        # Image layers and file content go to S3: through a gateway endpoint they cost nothing and skip the NAT gateway.
        self.vpc.add_gateway_endpoint(
            "S3",
            service=ec2.GatewayVpcEndpointAwsService.S3,
            subnets=[
                ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
                ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        self.vpc.add_flow_log(
            "RejectedTraffic",
            traffic_type=ec2.FlowLogTrafficType.REJECT,
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                logs.LogGroup(
                    self,
                    "FlowLogs",
                    log_group_name=naming.flow_log_group(config.name),
                    retention=log_retention(config.access_log_days),
                    removal_policy=cdk.RemovalPolicy.RETAIN if config.retain else cdk.RemovalPolicy.DESTROY,
                )
            ),
        )

    @property
    def private(self) -> ec2.SubnetSelection:
        return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)

    @property
    def isolated(self) -> ec2.SubnetSelection:
        return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)

    @property
    def egress_established(self) -> IDependable:
        """What private subnets need before anything in them reaches the internet."""
        return self.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).internet_connectivity_established

    @property
    def nat_addresses(self) -> Sequence[str]:
        """Public addresses that everything in the private subnets calls from, one for each NAT gateway."""
        made = (subnet.node.try_find_child("EIP") for subnet in self.vpc.public_subnets)
        return [address.ref for address in made if isinstance(address, ec2.CfnEIP)]

    @property
    def private_subnet_ids(self) -> Sequence[str]:
        return self.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).subnet_ids

    @property
    def isolated_subnet_ids(self) -> Sequence[str]:
        return self.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED).subnet_ids


def closed_group(scope: Construct, construct_id: str, *, vpc: ec2.IVpc, description: str) -> ec2.SecurityGroup:
    """A security group that lets nothing in and nothing out until it is told to."""
    return ec2.SecurityGroup(scope, construct_id, vpc=vpc, description=description, allow_all_outbound=False)


def pin_closed(group: ec2.SecurityGroup) -> None:
    """Keep the list of a group's own egress rules from being absent.

    Amazon EC2 gives a group without one a rule that lets everything out, which stands until the first rule that is a
    resource of its own takes its place (AWS CloudFormation, AWS::EC2::SecurityGroupEgress). A rule to nowhere says from
    the start that the list is closed.
    """
    resource = group.node.default_child
    assert isinstance(resource, ec2.CfnSecurityGroup)
    resource.add_property_override(
        "SecurityGroupEgress",
        [
            {
                "CidrIp": "255.255.255.255/32",
                "Description": "Nowhere: rules to the targets are resources of their own",
                "IpProtocol": "icmp",
                "FromPort": 252,
                "ToPort": 86,
            }
        ],
    )


def allow_https_out(group: ec2.ISecurityGroup, why: str) -> None:
    """AWS services and GitHub have no fixed addresses, so the port alone bounds this."""
    group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS), why)


def allow(client: ec2.IConnectable, server: ec2.IConnectable, port: int, what: str) -> None:
    """Open one port on both sides: out of the client's group, into the server's."""
    client.connections.allow_to(server, ec2.Port.tcp(port), what)


def log_retention(days: int) -> logs.RetentionDays:
    """The retention of so many days. Raises `KeyError` for a number that CloudWatch Logs does not offer."""
    return {
        30: logs.RetentionDays.ONE_MONTH,
        90: logs.RetentionDays.THREE_MONTHS,
        365: logs.RetentionDays.ONE_YEAR,
    }[days]
