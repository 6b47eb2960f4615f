"""Descriptions of services cut to what is asked still describe all of that, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import xform_name
from botocore.model import Shape

from checker.collect.account.asking.clients import Clients
from checker.collect.account.operations import OPERATIONS
from checker.collect.account.target import Limits, Target

SERVICES = sorted({service for service, _ in OPERATIONS})


def all_of(shape: Shape | None, seen: set[str]) -> None:
    """Resolve a shape with everything below it."""
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    below: Any = shape
    for each in (
        *getattr(below, "members", {}).values(),
        *(getattr(below, name, None) for name in ("member", "key", "value")),
    ):
        if isinstance(each, Shape):
            all_of(each, seen)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return Clients(Target(region="us-west-2"), Limits())


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_asked_is_whole(clients: Clients, service: str) -> None:
    client = clients.get(service)
    asked = {name for of, name in OPERATIONS if of == service}
    for name in asked:
        assert callable(getattr(client, xform_name(name)))
        operation = client.meta.service_model.operation_model(name)
        seen: set[str] = set()
        for shape in (operation.input_shape, operation.output_shape, *operation.error_shapes):
            all_of(shape, seen)
    if service not in {"sts", "s3"}:
        assert set(client.meta.service_model.operation_names) == asked
