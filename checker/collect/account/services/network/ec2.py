"""Amazon EC2's networks: VPCs, subnets, routes, gateways, endpoints, flow logs, network ACLs, addresses.

A live route table has its routes and associations inside; CloudFormation has them as resources of their own, and so has
the answer here. What the service adds by itself (the local route, the routes of endpoints and of a virtual gateway, the
default entries of network ACLs) is left out: no template can declare it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.shapes import Draft, Field, fields, maybe, own_tags, picked, policy, said, shape

_TAGS: Final = maybe("Tags", read=own_tags)
_LAST_ENTRY: Final = 32767

VPC: Final = shape("AWS::EC2::VPC", "VpcId", *fields("CidrBlock InstanceTenancy"), _TAGS)
SUBNET: Final = shape(
    "AWS::EC2::Subnet", "SubnetId", *fields("AvailabilityZone CidrBlock VpcId MapPublicIpOnLaunch"),
    *fields("AssignIpv6AddressOnCreation EnableDns64", maybe),
    maybe("Ipv6CidrBlock", "Ipv6CidrBlockAssociationSet.0.Ipv6CidrBlock"), _TAGS,
)  # fmt: skip
ROUTE_TABLE: Final = shape("AWS::EC2::RouteTable", "RouteTableId", said("VpcId"), _TAGS)
ROUTE: Final = (
    "DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId CarrierGatewayId CoreNetworkArn "
    "EgressOnlyInternetGatewayId GatewayId InstanceId LocalGatewayId NatGatewayId NetworkInterfaceId TransitGatewayId "
    "VpcPeeringConnectionId"
)
INTERNET_GATEWAY: Final = shape("AWS::EC2::InternetGateway", "InternetGatewayId", _TAGS)
NAT_GATEWAY: Final = shape(
    "AWS::EC2::NatGateway", "NatGatewayId", said("SubnetId"), said("VpcId"), maybe("ConnectivityType"),
    maybe("AllocationId", "NatGatewayAddresses.0.AllocationId"), _TAGS,
)  # fmt: skip
ADDRESS: Final = shape(
    "AWS::EC2::EIP", "PublicIp AllocationId", *fields("Domain"),
    *fields("InstanceId NetworkBorderGroup PublicIpv4Pool PublicIp AllocationId", maybe), _TAGS,
)  # fmt: skip


def _some(value: Any) -> list[Any] | None:
    return list(value) or None


ENDPOINT: Final = shape(
    "AWS::EC2::VPCEndpoint", "VpcEndpointId", *fields("VpcId ServiceName VpcEndpointType"),
    maybe("RouteTableIds", read=_some), maybe("SubnetIds", read=_some),
    maybe("SecurityGroupIds", "Groups", lambda groups: [each["GroupId"] for each in groups] or None),
    maybe("PolicyDocument", read=policy), maybe("PrivateDnsEnabled"), maybe("IpAddressType"), _TAGS,
)  # fmt: skip
FLOW_LOG: Final = shape(
    "AWS::EC2::FlowLog", "FlowLogId", said("ResourceId"), said("TrafficType"),
    maybe("LogDestinationType"), maybe("LogGroupName"), maybe("LogDestination"),
    maybe("DeliverLogsPermissionArn"), maybe("DeliverCrossAccountRole"), maybe("MaxAggregationInterval"),
    maybe("LogFormat"), maybe("DestinationOptions"), _TAGS,
)  # fmt: skip
NETWORK_ACL: Final = shape("AWS::EC2::NetworkAcl", "NetworkAclId", said("VpcId"), _TAGS)
ACL_ENTRY: Final = (
    said("RuleNumber"), said("Protocol", read=int), said("RuleAction"), said("Egress"), maybe("CidrBlock"),
    maybe("Ipv6CidrBlock"), maybe("PortRange", read=lambda value: picked(value, "From To")),
    maybe("Icmp", "IcmpTypeCode", lambda value: picked(value, "Type Code")),
)  # fmt: skip
# A flow log's answer names what it watches, and its id says what kind of thing that is.
_WATCHED: Final = {"vpc-": "VPC", "subnet-": "Subnet", "eni-": "NetworkInterface", "tgw-": "TransitGateway",
                   "tgw-attach-": "TransitGatewayAttachment"}  # fmt: skip


def describe(account: Account) -> Iterator[Draft | None]:
    """Every network of the account: these lists cost one call each, whatever is in them."""
    vpcs = account.ask("ec2", "DescribeVpcs")
    subnets = account.ask("ec2", "DescribeSubnets")
    tables = account.ask("ec2", "DescribeRouteTables")
    gateways = account.ask("ec2", "DescribeInternetGateways")
    nats = account.ask("ec2", "DescribeNatGateways")
    addresses = account.ask("ec2", "DescribeAddresses")
    endpoints = account.ask("ec2", "DescribeVpcEndpoints")
    logs = account.ask("ec2", "DescribeFlowLogs")
    acls = account.ask("ec2", "DescribeNetworkAcls")
    yield from _vpcs(account, [VPC.draft(each) for each in vpcs.items])
    yield from (SUBNET.draft(each) for each in subnets.items)
    for table in tables.items:
        yield ROUTE_TABLE.draft(table)
        yield from _routes(table)
        yield from _associations(account, table)
    for gateway in gateways.items:
        yield INTERNET_GATEWAY.draft(gateway)
        yield from _attachments(gateway)
    for nat in nats.items:
        if nat.get("State") in {None, "pending", "available"}:
            yield NAT_GATEWAY.draft(nat)
            account.add_facts("nat_addresses", {str(nat.get("NatGatewayId")): _public(nat)})
    yield from (ADDRESS.draft(each, _address_ids(each)) for each in addresses.items)
    yield from (ENDPOINT.draft(each) for each in endpoints.items if each.get("State") not in {"deleting", "deleted"})
    for log in logs.items:
        yield _flow_log(log)
        account.add_facts("flow_logs", {str(log.get("FlowLogId")): picked(log, "FlowLogStatus DeliverLogsStatus")})
    for acl in acls.items:
        yield NETWORK_ACL.draft(acl)
        yield from _acl_parts(acl)


def _vpcs(account: Account, drafts: list[Draft | None]) -> Iterator[Draft]:
    asked = [
        (vpc, name, account.ask("ec2", "DescribeVpcAttribute", of=vpc, VpcId=vpc.id, Attribute=attribute))
        for vpc in drafts
        if vpc is not None
        for name, attribute in (("EnableDnsSupport", "enableDnsSupport"), ("EnableDnsHostnames", "enableDnsHostnames"))
    ]
    for vpc, name, answer in asked:
        vpc.add(answer, said(name, f"{name}.Value"))
    yield from (vpc for vpc in drafts if vpc is not None)


def _routes(table: Mapping[str, Any]) -> Iterator[Draft | None]:
    for route in table.get("Routes") or ():
        gateway = str(route.get("GatewayId", ""))
        if gateway == "local" or gateway.startswith("vpce-") or route.get("Origin") != "CreateRoute":
            continue
        properties = picked(route, ROUTE)
        if gateway.startswith("vpce"):
            properties["VpcEndpointId"] = properties.pop("GatewayId")
        destination = next((value for key, value in properties.items() if key.startswith("Destination")), "")
        name = f"{table.get('RouteTableId')}|{destination}"
        yield Draft("AWS::EC2::Route", (name,), properties={"RouteTableId": table.get("RouteTableId"), **properties})


def _associations(account: Account, table: Mapping[str, Any]) -> Iterator[Draft | None]:
    for each in table.get("Associations") or ():
        if each.get("Main"):
            # The table of every subnet of the VPC that is associated with none. No resource type has it.
            account.add_facts("main_route_tables", {str(table.get("VpcId")): table.get("RouteTableId")})
        elif each.get("SubnetId"):
            yield Draft(
                "AWS::EC2::SubnetRouteTableAssociation",
                (str(each.get("RouteTableAssociationId")),),
                properties=picked({"RouteTableId": table.get("RouteTableId"), **each}, "SubnetId RouteTableId"),
            )


def _attachments(gateway: Mapping[str, Any]) -> Iterator[Draft]:
    for each in gateway.get("Attachments") or ():
        properties = {"VpcId": each.get("VpcId"), "InternetGatewayId": gateway.get("InternetGatewayId")}
        yield Draft("AWS::EC2::VPCGatewayAttachment", (f"IGW|{each.get('VpcId')}",), properties=properties)


def _public(nat: Mapping[str, Any]) -> list[str]:
    return sorted(str(each["PublicIp"]) for each in nat.get("NatGatewayAddresses") or () if each.get("PublicIp"))


def _address_ids(address: Mapping[str, Any]) -> tuple[str, ...]:
    ip, allocation = str(address.get("PublicIp") or ""), str(address.get("AllocationId") or "")
    return tuple(each for each in (ip, allocation, f"{ip}|{allocation}" if ip and allocation else "") if each)


def _flow_log(log: Mapping[str, Any]) -> Draft | None:
    draft = FLOW_LOG.draft(log)
    if draft is not None:
        if draft.properties.get("LogDestinationType", "cloud-watch-logs") == "cloud-watch-logs":
            # The answer may name the group a second time, as an ARN; a template may name it once only.
            draft.properties.pop("LogDestination", None)
        watched = str(log.get("ResourceId", ""))
        kinds = [kind for prefix, kind in _WATCHED.items() if watched.startswith(prefix)]
        draft.read({"Kind": kinds[-1] if kinds else None}, (Field("ResourceType", "Kind", always=True),))
    return draft


def _acl_parts(acl: Mapping[str, Any]) -> Iterator[Draft | None]:
    name = str(acl.get("NetworkAclId"))
    for entry in acl.get("Entries") or ():
        if int(entry.get("RuleNumber", _LAST_ENTRY)) >= _LAST_ENTRY:
            continue
        ident = f"{name}|{entry.get('RuleNumber')}|{str(entry.get('Egress')).lower()}"
        yield Draft("AWS::EC2::NetworkAclEntry", (ident,), properties={"NetworkAclId": name}).read(entry, ACL_ENTRY)
    for each in acl.get("Associations") or ():
        if each.get("SubnetId"):
            yield Draft(
                "AWS::EC2::SubnetNetworkAclAssociation",
                (str(each.get("NetworkAclAssociationId")),),
                properties={"SubnetId": each["SubnetId"], "NetworkAclId": name},
            )
