"""Where the emulator's CloudFormation leaves out what a template says, and AWS would not.

Runs inside the emulator's process only. Each correction is held by a test that reads the value back through the
service's own API.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import botocore.session
from ministack.services import ec2, ecs, secretsmanager, servicediscovery
from ministack.services.cloudformation import provisioners


def apply() -> None:
    provisioners._normalize_container_defs = _containers
    provisioners._RESOURCE_HANDLERS["AWS::ECS::Service"]["create"] = _service
    _scope_namespaces()
    _give_tasks_addresses()
    _encode_search_strings()
    _name_secrets_by_arn()
    ec2._ACTION_MAP["DescribeNatGateways"] = _with_addresses(ec2._ACTION_MAP["DescribeNatGateways"])
    ec2._ACTION_MAP["CreateFlowLogs"] = _with_destination(ec2._ACTION_MAP["CreateFlowLogs"])
    ec2._ACTION_MAP["DescribeFlowLogs"] = _with_log_group(ec2._ACTION_MAP["DescribeFlowLogs"])


@cache
def _input(operation: str) -> Any:
    return botocore.session.get_session().get_service_model("ecs").operation_model(operation).input_shape


def _containers(definitions: Sequence[Mapping[str, Any]]) -> Any:
    """Secrets, health checks and the like are handed on in the template's spelling otherwise."""
    return _spelled(definitions, _input("RegisterTaskDefinition").members["containerDefinitions"])


def _spelled(value: Any, shape: Any) -> Any:
    """A value from a template in the service's own spelling: members of structures change, keys of maps do not.

    What the service's model does not know is left out, and numbers that a template wrote as text are numbers.
    """
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = {name.lower(): (name, member) for name, member in shape.members.items()}
        known = {members[name.lower()]: item for name, item in value.items() if name.lower() in members}
        return {name: _spelled(item, member) for (name, member), item in known.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_spelled(item, shape.member) for item in value]
    if shape.type_name in {"integer", "long"} and isinstance(value, str):
        return int(value)
    if shape.type_name == "boolean" and isinstance(value, str):
        return value == "true"
    return value


def _service(logical_id: str, properties: Mapping[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    """All properties of a service; the emulator's own handler takes the deployment, network and load balancers only."""
    named = {"ServiceName": f"{stack}-{logical_id}", "Cluster": "default", **properties}
    request = _spelled(named, _input("CreateService"))
    status, _, body = ecs._create_service(request)
    if status >= 400:
        raise ValueError(f"CreateService was refused: {body!r}")
    cluster = str(request["cluster"]).rpartition("/")[2]
    region, account = provisioners.get_region(), provisioners.get_account_id()
    arn = f"arn:aws:ecs:{region}:{account}:service/{cluster}/{request['serviceName']}"
    return arn, {"ServiceArn": arn, "Name": request["serviceName"]}


_VPC_OF: Final[dict[str, str]] = {}
"""Private namespace id -> its VPC."""


def _scope_namespaces() -> None:
    """A private DNS namespace is scoped by its VPC (AWS Cloud Map, CreatePrivateDnsNamespace), not by the account."""
    known = servicediscovery._create_namespace_record

    def create(name: str, kind: str, *rest: Any, **named: Any) -> Any:
        vpc = str(named.get("vpc") or (rest[3] if len(rest) > 3 else ""))
        others = [
            each
            for each in servicediscovery._namespaces.values()
            if kind == "DNS_PRIVATE" and each["Name"] == name and _VPC_OF.get(each["Id"]) != vpc
        ]
        for each in others:
            each["Name"] = f"{name} of another VPC"
        try:
            namespace, error = known(name, kind, *rest, **named)
        finally:
            for each in others:
                each["Name"] = name
        if namespace is not None:
            _VPC_OF[namespace["Id"]] = vpc
        return namespace, error

    servicediscovery._create_namespace_record = create


def _give_tasks_addresses() -> None:
    """A task in awsvpc mode has a network interface in one of its service's subnets, and is a target by its address.

    The emulator learns addresses from containers, of which there are none here.
    """
    known = ecs._sync_service_targets

    def sync(cluster: str, service: Mapping[str, Any]) -> None:
        subnets = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {}).get("subnets", [])
        for number, task in enumerate(list(ecs._tasks.values())):
            of_service = task.get("group") == f"service:{service['serviceName']}"
            if of_service and task.get("clusterArn") == service["clusterArn"] and subnets and not ecs._task_ip(task):
                task["attachments"] = [_interface(subnets[number % len(subnets)], number)]
        known(cluster, service)

    ecs._sync_service_targets = sync


def _interface(subnet: str, number: int) -> dict[str, Any]:
    block = ipaddress.ip_network(ec2._subnets[subnet]["CidrBlock"])
    details = {
        "subnetId": subnet,
        "networkInterfaceId": f"eni-{number:017x}",
        # The first addresses of a subnet are reserved (Amazon VPC User Guide, Subnet CIDR blocks).
        "privateIPv4Address": str(block[16 + number % (block.num_addresses - 32)]),
    }
    shown = [{"name": name, "value": value} for name, value in details.items()]
    return {"id": f"attachment-{number}", "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": shown}


def _encode_search_strings() -> None:
    """A template has a search string as text, the service's API as base64 (AWS WAFv2, ByteMatchStatement)."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::WAFv2::WebACL"]
    create, update = handlers["create"], handlers["update"]
    handlers["create"] = lambda logical_id, properties, stack: create(logical_id, _encoded(properties), stack)
    handlers["update"] = lambda physical_id, old, new, *rest: update(physical_id, _encoded(old), _encoded(new), *rest)


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        found = {name: _encoded(item) for name, item in value.items() if name != "SearchStringBase64"}
        if isinstance(value.get("SearchString"), str):
            found["SearchString"] = base64.b64encode(value["SearchString"].encode()).decode()
        elif "SearchStringBase64" in value:
            found["SearchString"] = value["SearchStringBase64"]
        return found
    return [_encoded(item) for item in value] if isinstance(value, list) else value


def _name_secrets_by_arn() -> None:
    """`Ref` of a secret is its ARN (CloudFormation Template Reference, AWS::SecretsManager::Secret), not its name."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def by_arn(made: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        return made[1]["Arn"], made[1]

    def name(arn: str) -> str:
        return next((name for name, secret in secretsmanager._secrets.items() if secret["ARN"] == arn), arn)

    handlers["create"] = lambda *given: by_arn(create(*given))
    handlers["update"] = lambda physical_id, *given: by_arn(update(name(physical_id), *given))
    handlers["delete"] = lambda physical_id, properties: delete(name(physical_id), properties)


_Action = Callable[[Mapping[str, Any]], tuple[int, Any, Any]]


def _amended(describe: _Action, pattern: str, amend: Callable[[re.Match[str]], str]) -> _Action:
    """An action whose answer is rewritten wherever a pattern stands in it."""

    def action(parameters: Mapping[str, Any]) -> tuple[int, Any, Any]:
        status, headers, body = describe(parameters)
        text = body.decode() if isinstance(body, bytes) else body
        return status, headers, re.sub(pattern, amend, text, flags=re.DOTALL).encode()

    return action


def _with_addresses(describe: _Action) -> _Action:
    """The addresses of a NAT gateway: it is made with an allocation, and shown without any."""

    def amend(match: re.Match[str]) -> str:
        allocation = ec2._nat_gateways[match["nat"]]["AllocationId"]
        address = ec2._addresses.get(allocation)
        if address is None:
            return match[0]
        shown = f"<allocationId>{allocation}</allocationId><publicIp>{address['PublicIp']}</publicIp>"
        more = "<isPrimary>true</isPrimary><status>succeeded</status>"
        return f"{match['before']}<natGatewayAddressSet><item>{shown}{more}</item></natGatewayAddressSet>"

    before = r"(?P<before><natGatewayId>(?P<nat>nat-\w+)</natGatewayId>(?:(?!<natGatewayId>).)*?)"
    return _amended(describe, before + "<natGatewayAddressSet/>", amend)


def _with_destination(create: _Action) -> _Action:
    """Remembers of a new flow log what the emulator drops."""

    def action(parameters: Mapping[str, Any]) -> tuple[int, Any, Any]:
        before = set(ec2._flow_logs)
        answer = create(parameters)
        for name in set(ec2._flow_logs) - before:
            for kept in ("LogGroupName", "DeliverLogsPermissionArn", "MaxAggregationInterval"):
                ec2._flow_logs[name][kept] = ec2._p(parameters, kept)
        return answer

    return action


def _with_log_group(describe: _Action) -> _Action:
    """A log group is shown as such, not as a destination's ARN (Amazon EC2 API, FlowLog)."""

    def amend(match: re.Match[str]) -> str:
        flow_log = ec2._flow_logs[match["log"]]
        interval = f"<maxAggregationInterval>{flow_log.get('MaxAggregationInterval') or 600}</maxAggregationInterval>"
        role, group = flow_log.get("DeliverLogsPermissionArn"), flow_log.get("LogGroupName")
        shown = f"<deliverLogsPermissionArn>{role}</deliverLogsPermissionArn>" if role else ""
        destination = f"<logGroupName>{group}</logGroupName>" if group else match["destination"]
        return f"{match['before']}{interval}{shown}{destination}"

    before = r"(?P<before><flowLogId>(?P<log>fl-\w+)</flowLogId>(?:(?!<flowLogId>).)*?)"
    return _amended(describe, before + r"(?P<destination><logDestination>[^<]*</logDestination>)", amend)
