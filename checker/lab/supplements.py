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
from msgspec import Struct

Properties = Mapping[str, Any]
Made = tuple[str, dict[str, Any]]


class Thing(Struct, frozen=True):
    """A resource as the emulator hands it over. A new one has no physical id, and one that goes no stack."""

    properties: Properties
    physical_id: str = ""
    stack: str = ""


Create = Callable[[Thing], Made]
Delete = Callable[[Thing], None]

LOGGING: Final[dict[str, dict[str, Any]]] = {}
"""Logging configurations by web ACL, of which the emulator's WAF knows nothing."""


def register() -> None:
    """Teach the running emulator the types and calls below."""
    for kind, create, delete in _TYPES:
        _RESOURCE_HANDLERS.setdefault(kind, _handler(create, delete))
    _answer_logging_calls()


def _handler(create: Create, delete: Delete) -> dict[str, Callable[..., Any]]:
    """In the emulator's form. What changes is made anew."""

    def made(logical_id: str, properties: Properties, stack: str) -> Made:  # noqa: ARG001 - the emulator gives it
        return create(Thing(properties, stack=stack))

    def gone(physical_id: str, properties: Properties) -> None:
        delete(Thing(properties, physical_id))

    def updated(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
        delete(Thing(old, physical_id))
        return create(Thing(new, stack=stack))

    return {"create": made, "delete": gone, "update": updated}


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


def _address(thing: Thing) -> Made:
    xml = _ec2(
        "AllocateAddress", {"Domain": thing.properties.get("Domain", "vpc"), **_tags("elastic-ip", thing.properties)}
    )
    address, allocation = _field(xml, "publicIp"), _field(xml, "allocationId")
    return address, {"PublicIp": address, "AllocationId": allocation}


def _release_address(thing: Thing) -> None:
    for allocation, address in list(ec2._addresses.items()):
        if address["PublicIp"] == thing.physical_id:
            _ec2("ReleaseAddress", {"AllocationId": allocation})


def _nat_gateway(thing: Thing) -> Made:
    wanted = {
        name: thing.properties[name]
        for name in ("SubnetId", "AllocationId", "ConnectivityType")
        if name in thing.properties
    }
    nat = _field(_ec2("CreateNatGateway", {**wanted, **_tags("natgateway", thing.properties)}), "natGatewayId")
    address = ec2._addresses.get(thing.properties.get("AllocationId", ""))
    if address is not None:
        address["AssociationId"] = f"eipassoc-{nat.removeprefix('nat-')}"
    return nat, {"NatGatewayId": nat}


def _delete_nat_gateway(thing: Thing) -> None:
    _ec2("DeleteNatGateway", {"NatGatewayId": thing.physical_id})


_FLOW_LOG: Final = (
    "ResourceType",
    "TrafficType",
    "LogDestinationType",
    "LogDestination",
    "LogGroupName",
    "DeliverLogsPermissionArn",
    "MaxAggregationInterval",
)


def _flow_log(thing: Thing) -> Made:
    wanted = {name: thing.properties[name] for name in _FLOW_LOG if name in thing.properties}
    given = {**wanted, "ResourceId.1": thing.properties["ResourceId"], **_tags("flow-log", thing.properties)}
    (flow_log,) = re.findall(r"<item>(fl-\w+)</item>", _ec2("CreateFlowLogs", given))
    return flow_log, {"Id": flow_log}


def _delete_flow_log(thing: Thing) -> None:
    _ec2("DeleteFlowLogs", {"FlowLogId.1": thing.physical_id})


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


def _authorize(direction: str) -> Create:
    def create(thing: Thing) -> Made:
        xml = _ec2(f"AuthorizeSecurityGroup{direction}", _rule(thing.properties))
        rule = _field(xml, "securityGroupRuleId")
        return rule, {"Id": rule}

    return create


def _revoke(direction: str) -> Delete:
    def delete(thing: Thing) -> None:
        _ec2(f"RevokeSecurityGroup{direction}", _rule(thing.properties))

    return delete


# --- IAM and WAF ------------------------------------------------------------------------------------------------------


def _provider(thing: Thing) -> Made:
    url = str(thing.properties["Url"])
    asked = {"Url": [url]}
    for name, parameter in (("ClientIdList", "ClientIDList"), ("ThumbprintList", "ThumbprintList")):
        for number, value in enumerate(thing.properties.get(name) or [], 1):
            asked[f"{parameter}.member.{number}"] = [str(value)]
    status, _headers, body = iam._create_oidc_provider(asked)
    text = body.decode() if isinstance(body, bytes) else str(body)
    if status >= 400:
        raise ValueError(f"CreateOpenIDConnectProvider was refused: {text}")
    arn = _field(text, "OpenIDConnectProviderArn")
    return arn, {"Arn": arn}


def _delete_provider(thing: Thing) -> None:
    iam._delete_oidc_provider({"OpenIDConnectProviderArn": [thing.physical_id]})


def _ip_set(thing: Thing) -> Made:
    """CloudFormation names a set that its template does not, after the stack."""
    name = thing.properties.get("Name") or f"{thing.stack}-ip-set-{len(waf._ip_sets)}"
    status, _headers, body = waf._create_ip_set({**thing.properties, "Name": name})
    if status >= 400:
        raise ValueError(f"CreateIPSet was refused: {body!r}")
    made = json.loads(body)["Summary"]
    return f"{name}|{made['Id']}|{thing.properties['Scope']}", {"Arn": made["ARN"], "Id": made["Id"]}


def _delete_ip_set(thing: Thing) -> None:
    waf._delete_ip_set({"Id": thing.physical_id.split("|")[1], "Scope": thing.properties["Scope"]})


def _web_acl_association(thing: Thing) -> Made:
    resource, acl = thing.properties["ResourceArn"], thing.properties["WebACLArn"]
    status, _headers, body = waf._associate_web_acl({"ResourceArn": resource, "WebACLArn": acl})
    if status >= 400:
        raise ValueError(f"AssociateWebACL was refused: {body!r}")
    return f"{resource}|{acl}", {}


def _delete_association(thing: Thing) -> None:
    waf._disassociate_web_acl({"ResourceArn": thing.properties["ResourceArn"]})


def _logging(thing: Thing) -> Made:
    LOGGING[thing.properties["ResourceArn"]] = dict(thing.properties)
    return thing.properties["ResourceArn"], {"ManagedByFirewallManager": False}


def _delete_logging(thing: Thing) -> None:
    LOGGING.pop(thing.physical_id, None)


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


_TYPES: Final[tuple[tuple[str, Create, Delete], ...]] = (
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
