"""EC2: what NAT gateways and flow logs show of what they were made with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import ec2


def apply() -> None:
    ec2._ACTION_MAP["DescribeNatGateways"] = _with_addresses(ec2._ACTION_MAP["DescribeNatGateways"])
    ec2._ACTION_MAP["CreateFlowLogs"] = _with_destination(ec2._ACTION_MAP["CreateFlowLogs"])
    ec2._ACTION_MAP["DescribeFlowLogs"] = _with_log_group(ec2._ACTION_MAP["DescribeFlowLogs"])


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
