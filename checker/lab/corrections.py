"""Where the emulator's CloudFormation leaves out what a template says, and AWS would not.

Runs inside the emulator's process only. Each correction is held by a test that reads the value back through the
service's own API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import botocore.session
from ministack.services import ecs
from ministack.services.cloudformation import provisioners


def apply() -> None:
    provisioners._normalize_container_defs = _containers
    provisioners._RESOURCE_HANDLERS["AWS::ECS::Service"]["create"] = _service


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
