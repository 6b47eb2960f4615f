"""ECS: containers and services in the service's own spelling, and tasks that have addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.services import ec2, ecs
from ministack.services.cloudformation import provisioners

from checker.lab.corrections.spelling import input_of, spelled


def apply() -> None:
    provisioners._normalize_container_defs = _containers
    provisioners._RESOURCE_HANDLERS["AWS::ECS::Service"]["create"] = _service
    _give_tasks_addresses()


def _containers(definitions: Sequence[Mapping[str, Any]]) -> Any:
    """Secrets, health checks and the like are handed on in the template's spelling otherwise."""
    return spelled(definitions, input_of("ecs", "RegisterTaskDefinition").members["containerDefinitions"])


def _service(logical_id: str, properties: Mapping[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    """All properties of a service; the emulator's own handler takes the deployment, network and load balancers only."""
    named = {"ServiceName": f"{stack}-{logical_id}", "Cluster": "default", **properties}
    request = spelled(named, input_of("ecs", "CreateService"))
    status, _, body = ecs._create_service(request)
    if status >= 400:
        raise ValueError(f"CreateService was refused: {body!r}")
    cluster = str(request["cluster"]).rpartition("/")[2]
    region, account = provisioners.get_region(), provisioners.get_account_id()
    arn = f"arn:aws:ecs:{region}:{account}:service/{cluster}/{request['serviceName']}"
    return arn, {"ServiceArn": arn, "Name": request["serviceName"]}


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
