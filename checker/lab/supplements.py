"""CloudFormation types that the emulator lacks, made from its own service code.

Runs inside the emulator's process only. A handler has the emulator's form: ``create`` answers a physical id and the
attributes of ``Fn::GetAtt``. Physical ids and attributes are those of the CloudFormation Template Reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.services import ec2, iam, waf
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

Properties = Mapping[str, Any]
Made = tuple[str, dict[str, Any]]

LOGGING: Final[dict[str, dict[str, Any]]] = {}
"""Logging configurations by web ACL, of which the emulator's WAF knows nothing."""


def register() -> None:
    """Teach the running emulator the types and calls below."""
    for kind, create, delete in _TYPES:
        _RESOURCE_HANDLERS.setdefault(kind, {"create": create, "delete": delete, "update": _replaced(create, delete)})
    _answer_logging_calls()


def _replaced(create: Callable[..., Made], delete: Callable[..., None]) -> Callable[..., Made]:
    def update(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
        delete(physical_id, old)
        return create("", new, stack)

    return update


# --- EC2 --------------------------------------------------------------------------------------------------------------


def _ec2(action: str, parameters: Mapping[str, object]) -> str:
    """Call one action of the emulated EC2 as its HTTP side would; the answer's XML."""
    status, _, body = ec2._ACTION_MAP[action]({key: [str(value)] for key, value in parameters.items()})
    text = body.decode() if isinstance(body, bytes) else str(body)
    if status >= 400:
        raise ValueError(f"{action} was refused: {text}")
    return text


def _field(xml: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", xml)
    if found is None:
        raise ValueError(f"no {name} in the answer: {xml}")
    return found[1]


def _tags(kind: str, properties: Properties) -> dict[str, object]:
    tags = properties.get("Tags") or []
    if not tags:
        return {}
    prefix = "TagSpecification.1"
    return {
        f"{prefix}.ResourceType": kind,
        **{f"{prefix}.Tag.{n}.{key}": tag[key] for n, tag in enumerate(tags, 1) for key in ("Key", "Value")},
    }


def _address(_: str, properties: Properties, __: str) -> Made:
    xml = _ec2("AllocateAddress", {"Domain": properties.get("Domain", "vpc"), **_tags("elastic-ip", properties)})
    address, allocation = _field(xml, "publicIp"), _field(xml, "allocationId")
    return address, {"PublicIp": address, "AllocationId": allocation}


def _release_address(physical_id: str, _: Properties) -> None:
    for allocation, address in list(ec2._addresses.items()):
        if address["PublicIp"] == physical_id:
            _ec2("ReleaseAddress", {"AllocationId": allocation})


def _nat_gateway(_: str, properties: Properties, __: str) -> Made:
    wanted = {name: properties[name] for name in ("SubnetId", "AllocationId", "ConnectivityType") if name in properties}
    nat = _field(_ec2("CreateNatGateway", {**wanted, **_tags("natgateway", properties)}), "natGatewayId")
    address = ec2._addresses.get(properties.get("AllocationId", ""))
    if address is not None:
        address["AssociationId"] = f"eipassoc-{nat.removeprefix('nat-')}"
    return nat, {"NatGatewayId": nat}


def _delete_nat_gateway(physical_id: str, _: Properties) -> None:
    _ec2("DeleteNatGateway", {"NatGatewayId": physical_id})


_FLOW_LOG: Final = (
    "ResourceType",
    "TrafficType",
    "LogDestinationType",
    "LogDestination",
    "LogGroupName",
    "DeliverLogsPermissionArn",
    "MaxAggregationInterval",
)


def _flow_log(_: str, properties: Properties, __: str) -> Made:
    wanted = {name: properties[name] for name in _FLOW_LOG if name in properties}
    given = {**wanted, "ResourceId.1": properties["ResourceId"], **_tags("flow-log", properties)}
    (flow_log,) = re.findall(r"<item>(fl-\w+)</item>", _ec2("CreateFlowLogs", given))
    return flow_log, {"Id": flow_log}


def _delete_flow_log(physical_id: str, _: Properties) -> None:
    _ec2("DeleteFlowLogs", {"FlowLogId.1": physical_id})


_OTHER_END: Final = {
    "CidrIp": "IpRanges.1.CidrIp",
    "CidrIpv6": "Ipv6Ranges.1.CidrIpv6",
    "SourcePrefixListId": "PrefixListIds.1.PrefixListId",
    "DestinationPrefixListId": "PrefixListIds.1.PrefixListId",
    "SourceSecurityGroupId": "Groups.1.GroupId",
    "DestinationSecurityGroupId": "Groups.1.GroupId",
    "SourceSecurityGroupOwnerId": "Groups.1.UserId",
}


def _rule(properties: Properties) -> dict[str, object]:
    """A separate rule's properties as parameters of the Authorize and Revoke calls."""
    prefix = "IpPermissions.1"
    asked: dict[str, object] = {"GroupId": properties["GroupId"], f"{prefix}.IpProtocol": properties["IpProtocol"]}
    for name in ("FromPort", "ToPort"):
        if name in properties:
            asked[f"{prefix}.{name}"] = properties[name]
    for name, parameter in _OTHER_END.items():
        if name in properties:
            asked[f"{prefix}.{parameter}"] = properties[name]
            if "Description" in properties:
                asked[f"{prefix}.{parameter.rpartition('.')[0]}.Description"] = properties["Description"]
    return asked


def _authorize(direction: str) -> Callable[[str, Properties, str], Made]:
    def create(_: str, properties: Properties, __: str) -> Made:
        xml = _ec2(f"AuthorizeSecurityGroup{direction}", _rule(properties))
        rule = _field(xml, "securityGroupRuleId")
        return rule, {"Id": rule}

    return create


def _revoke(direction: str) -> Callable[[str, Properties], None]:
    def delete(_: str, properties: Properties) -> None:
        _ec2(f"RevokeSecurityGroup{direction}", _rule(properties))

    return delete


# --- IAM and WAF ------------------------------------------------------------------------------------------------------


def _provider(_: str, properties: Properties, __: str) -> Made:
    url = str(properties["Url"])
    asked = {"Url": [url]}
    for name, parameter in (("ClientIdList", "ClientIDList"), ("ThumbprintList", "ThumbprintList")):
        for number, value in enumerate(properties.get(name) or [], 1):
            asked[f"{parameter}.member.{number}"] = [str(value)]
    status, _headers, body = iam._create_oidc_provider(asked)
    text = body.decode() if isinstance(body, bytes) else str(body)
    if status >= 400:
        raise ValueError(f"CreateOpenIDConnectProvider was refused: {text}")
    arn = _field(text, "OpenIDConnectProviderArn")
    return arn, {"Arn": arn}


def _delete_provider(physical_id: str, _: Properties) -> None:
    iam._delete_oidc_provider({"OpenIDConnectProviderArn": [physical_id]})


def _ip_set(_: str, properties: Properties, stack: str) -> Made:
    """CloudFormation names a set that its template does not, after the stack."""
    name = properties.get("Name") or f"{stack}-ip-set-{len(waf._ip_sets)}"
    status, _headers, body = waf._create_ip_set({**properties, "Name": name})
    if status >= 400:
        raise ValueError(f"CreateIPSet was refused: {body!r}")
    made = json.loads(body)["Summary"]
    return f"{name}|{made['Id']}|{properties['Scope']}", {"Arn": made["ARN"], "Id": made["Id"]}


def _delete_ip_set(physical_id: str, properties: Properties) -> None:
    waf._delete_ip_set({"Id": physical_id.split("|")[1], "Scope": properties["Scope"]})


def _web_acl_association(_: str, properties: Properties, __: str) -> Made:
    resource, acl = properties["ResourceArn"], properties["WebACLArn"]
    status, _headers, body = waf._associate_web_acl({"ResourceArn": resource, "WebACLArn": acl})
    if status >= 400:
        raise ValueError(f"AssociateWebACL was refused: {body!r}")
    return f"{resource}|{acl}", {}


def _delete_association(_: str, properties: Properties) -> None:
    waf._disassociate_web_acl({"ResourceArn": properties["ResourceArn"]})


def _logging(_: str, properties: Properties, __: str) -> Made:
    LOGGING[properties["ResourceArn"]] = dict(properties)
    return properties["ResourceArn"], {"ManagedByFirewallManager": False}


def _delete_logging(physical_id: str, _: Properties) -> None:
    LOGGING.pop(physical_id, None)


def _answer_logging_calls() -> None:
    """WAF's four calls on logging configurations; all others go the way that they went."""
    known = waf.handle_request

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if not action.endswith(("LoggingConfiguration", "LoggingConfigurations")):
            return await known(method, path, headers, body, query)
        return _logging_call(action, json.loads(body or b"{}"))

    waf.handle_request = handle


def _logging_call(action: str, asked: Mapping[str, Any]) -> Any:
    arn = asked.get("ResourceArn", "")
    if action == "PutLoggingConfiguration":
        LOGGING[asked["LoggingConfiguration"]["ResourceArn"]] = dict(asked["LoggingConfiguration"])
        return waf.json_response({"LoggingConfiguration": asked["LoggingConfiguration"]})
    if action == "ListLoggingConfigurations":
        return waf.json_response({"LoggingConfigurations": list(LOGGING.values())})
    if arn not in LOGGING:
        return waf._waf_err("WAFNonexistentItemException", "AWS WAF couldn't perform the operation.")
    if action == "DeleteLoggingConfiguration":
        del LOGGING[arn]
        return waf.json_response({})
    return waf.json_response({"LoggingConfiguration": LOGGING[arn]})


_TYPES: Final[tuple[tuple[str, Callable[..., Made], Callable[..., None]], ...]] = (
    ("AWS::EC2::EIP", _address, _release_address),
    ("AWS::EC2::NatGateway", _nat_gateway, _delete_nat_gateway),
    ("AWS::EC2::FlowLog", _flow_log, _delete_flow_log),
    ("AWS::EC2::SecurityGroupIngress", _authorize("Ingress"), _revoke("Ingress")),
    ("AWS::EC2::SecurityGroupEgress", _authorize("Egress"), _revoke("Egress")),
    ("AWS::IAM::OIDCProvider", _provider, _delete_provider),
    ("AWS::WAFv2::IPSet", _ip_set, _delete_ip_set),
    ("AWS::WAFv2::WebACLAssociation", _web_acl_association, _delete_association),
    ("AWS::WAFv2::LoggingConfiguration", _logging, _delete_logging),
)
