"""What a resource has only once it is made: lacking while it is being created, it is not known, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from checker.model.live.snapshot import LACKING, NOT_YET, LiveResource
from tests.collect.account.example import ANSWERS
from tests.collect.account.support import account_of, describe
from tests.drift.support import compare


def database(**more: Any) -> LiveResource:
    return read(("rds", "DescribeDBInstances"), "DBInstance", **{"Endpoint": None, **more})


def read(key: tuple[str, str], kind: str, **more: Any) -> LiveResource:
    """The first of a list's resources, with fields that its answer has besides, or lacks (``None``)."""
    first = {**ANSWERS[key][f"{kind}s"][0], **more}
    first = {name: value for name, value in first.items() if value is not None}
    service, _ = key
    found = describe(account_of({**ANSWERS, key: {f"{kind}s": [first]}}), service)
    return next(each for each in found if each.type.endswith(f"::{kind}"))


@pytest.mark.parametrize(("status", "why"), [("creating", NOT_YET), ("available", LACKING), ("modifying", LACKING)])
def test_a_database_without_an_endpoint(status: str, why: str) -> None:
    found = database(DBInstanceStatus=status)
    assert found.unread == {"Endpoint.Address": why, "Port": why}


def test_a_database_that_has_its_endpoint_while_it_is_being_created() -> None:
    endpoint = {"Address": "db.example", "Port": 5432}
    assert database(DBInstanceStatus="creating", Endpoint=endpoint).unread == {}


def test_a_cache_that_is_being_created() -> None:
    found = read(("elasticache", "DescribeReplicationGroups"), "ReplicationGroup", NodeGroups=[], Status="creating")
    ends = {"PrimaryEndPoint.Address", "ReaderEndPoint.Address", "ConfigurationEndPoint.Address", "Port"}
    assert {path for path, why in found.unread.items() if why == NOT_YET} == ends


@pytest.mark.parametrize(
    ("status", "states"),
    [
        ("creating", {"Db": "in_sync", "Host": "not_checked"}),
        ("available", {"Db": "not_checked", "Host": "not_checked"}),
    ],
)
def test_drift_lacks_what_needs_the_endpoint_and_nothing_else(
    tmp_path: Path, status: str, states: dict[str, str]
) -> None:
    instance = database(DBInstanceStatus=status)
    host = {"Type": "String", "Value": {"Fn::GetAtt": ["Db", "Endpoint.Address"]}}
    template = {
        "Resources": {
            "Db": {"Type": "AWS::RDS::DBInstance", "Properties": {**instance.properties, "Port": "6543"}},
            "Host": {"Type": "AWS::SSM::Parameter", "Properties": host},
        }
    }
    parameter = {
        "type": "AWS::SSM::Parameter",
        "physical_id": "host",
        "logical_id": "Host",
        "properties": {"Type": "String", "Value": "db.example"},
    }
    live = [{**json.loads(json.dumps(to_builtins(instance))), "logical_id": "Db"}, parameter]
    found = compare(tmp_path, template, {"resources": live}).resources
    assert {str(each.logical_id): each.state.value for each in found} == states
