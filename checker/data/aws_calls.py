"""The calls of AWS's APIs: services, operations, waiters and commands, as the CLI and boto3 spell them.

The facts are in ``aws_calls.json`` beside this module (built by ``tools/aws_calls.py``, which names its sources); it is
read when the first call is asked about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


@cache
def table() -> Mapping[str, Any]:
    """The data file, read once."""
    found: Mapping[str, Any] = json.loads(
        resources.files("checker.data").joinpath("aws_calls.json").read_text(encoding="utf-8")
    )
    return found


def service_of(name: str) -> str | None:
    """botocore's name of a service as the CLI or boto3 spells it; ``None`` where there is no such service."""
    known = table()["cli"].get(name, name)
    return known if known in table()["services"] else None


def is_custom(service: str, command: str) -> bool:
    """Whether it is a command of the CLI (or a method of boto3) that is no operation itself."""
    return command in table()["custom"].get(service, {})


def operation_of(service: str, spelled: str) -> str:
    """``UpdateService`` for ``update-service`` or ``update_service``."""
    kebab = spelled.replace("_", "-")
    names: Mapping[str, str] = table()["services"].get(service, {}).get("names", {})
    return names.get(kebab) or "".join(part[:1].upper() + part[1:] for part in kebab.split("-"))


def is_call(name: str, command: str) -> bool:
    """Whether the CLI has this command of this service; of services that deploys do not use each word with a hyphen may
    be one."""
    service = service_of(name)
    if service is None:
        return False
    typed, star = table()["types"].get(prefix_of(service)), table()["star"].get(prefix_of(service), ())
    known = operation_of(service, command) in {*(typed or ()), *star} or is_custom(service, command)
    return known or command == "wait" or (typed is None and "-" in command)


@cache
def methods() -> frozenset[str]:
    """The operations of the services that deploys use, as methods of boto3's clients; those of one word left out."""
    found = table()
    operations = {
        each for service, typed in found["types"].items() for each in (*typed, *found["star"].get(service, ()))
    }
    words = (re.sub("(.)([A-Z][a-z]+)", r"\1_\2", each) for each in operations)  # as botocore's xform_name
    return frozenset(name for each in words if "_" in (name := re.sub("([a-z0-9])([A-Z])", r"\1_\2", each).lower()))


def polled_by(service: str, waiter: str) -> str | None:
    """The operation that a waiter polls: ``DescribeServices`` for ``services-stable``; ``None`` if it is no waiter."""
    waiters: Mapping[str, str] = table()["services"].get(service, {}).get("waiters", {})
    return waiters.get(waiter.replace("_", "-"))


def prefix_of(service: str) -> str:
    """The prefix of the service's IAM actions: ``elasticloadbalancing`` for ``elbv2``."""
    prefix: str = table()["services"].get(service, {}).get("prefix", service)
    return prefix
