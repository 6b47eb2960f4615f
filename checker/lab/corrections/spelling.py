"""Values of a template in a service's own spelling, by the service's model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session


@cache
def input_of(service: str, operation: str) -> Any:
    """The shape of an operation's input, as botocore has it."""
    return botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape


def spelled(value: Any, shape: Any) -> Any:
    """A value from a template in the service's own spelling: members of structures change, keys of maps do not.

    What the service's model does not know is left out, and numbers that a template wrote as text are numbers.
    """
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = {name.lower(): (name, member) for name, member in shape.members.items()}
        known = {members[name.lower()]: item for name, item in value.items() if name.lower() in members}
        return {name: spelled(item, member) for (name, member), item in known.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [spelled(item, shape.member) for item in value]
    if shape.type_name in {"integer", "long"} and isinstance(value, str):
        return int(value)
    if shape.type_name == "boolean" and isinstance(value, str):
        return value == "true"
    return value
