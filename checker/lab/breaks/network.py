"""What lies between things: security groups, endpoints, flow logs."""

from __future__ import annotations

from checker.lab.breaks.account import Account


def open_egress(account: Account) -> str:
    service = account.first("AWS::ECS::Service")
    cluster, name = service.id.split("/")[-2:]
    (shown,) = account.clients("ecs").describe_services(cluster=cluster, services=[name])["services"]
    group = shown["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"][0]
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    account.clients("ec2").authorize_security_group_egress(GroupId=group, IpPermissions=everything)
    return f"security group {group} of service {name} lets everything out"


def delete_s3_endpoint(account: Account) -> str:
    endpoint = account.first(
        "AWS::EC2::VPCEndpoint", lambda each: each.properties.get("VpcEndpointType") == "Gateway", such="of S3"
    ).id
    account.clients("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    return f"endpoint {endpoint} is deleted"


def delete_flow_log(account: Account) -> str:
    flow_log = account.first("AWS::EC2::FlowLog").id
    account.clients("ec2").delete_flow_logs(FlowLogIds=[flow_log])
    return f"flow log {flow_log} is deleted"
