"""The table of calls: real operations, real actions, all of them reads, and nothing called that is not in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from policy_sentry.querying.actions import get_action_data

from checker.cli import run
from checker.collect.account.needs import AUDIT, DRIFT, EVERYTHING, PREFLIGHT, expected_calls, operations
from checker.collect.account.operations import OPERATIONS, Operation
from checker.collect.account.permissions import actions, policy

SERVICES = Path(__file__).parents[3] / "checker" / "collect" / "account"
_SESSION = botocore.session.Session()


def names(operation: Operation) -> str:
    return str(operation)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=names)
def test_it_is_an_operation_of_its_service(operation: Operation) -> None:
    model: Any = _SESSION.get_service_model(operation.service).operation_model(operation.name)
    if operation.items:
        assert operation.items in model.output_shape.members
    if operation.marker:
        assert {operation.marker} <= set(model.input_shape.members) & set(model.output_shape.members)


def level(action: str) -> str:
    prefix, name = action.split(":")
    data: Any = get_action_data(prefix, name)
    assert data, f"AWS knows no action {action}"
    (found,) = {each["access_level"] for each in data[prefix] if each["action"].lower() == action.lower()}
    return str(found)


@pytest.mark.parametrize("action", actions(EVERYTHING))
def test_every_call_is_a_read_by_the_access_levels_of_aws(action: str) -> None:
    assert level(action) in {"Read", "List"}


def test_the_policy_allows_the_calls_and_nothing_else() -> None:
    document = policy(EVERYTHING)
    allowed = [action for statement in document["Statement"] for action in statement["Action"]]
    needed = {each.action for each in OPERATIONS.values()} - {"sts:GetCallerIdentity"}
    assert sorted(allowed) == sorted(needed)
    assert not [action for action in allowed if "*" in action]
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)


def test_less_is_needed_for_less() -> None:
    assert set(actions(PREFLIGHT)) < set(actions(AUDIT)) < set(actions(DRIFT)) <= set(actions(EVERYTHING))
    assert set(actions()) == set(actions(DRIFT))
    assert "rds:DescribeDBInstances" not in actions(PREFLIGHT)


def test_the_command_prints_the_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["permissions", "--for", "preflight"]) == 0
    assert json.loads(capsys.readouterr().out) == policy(PREFLIGHT)
    assert run(["permissions"]) == 0
    assert json.loads(capsys.readouterr().out) == policy(AUDIT, PREFLIGHT, DRIFT)


def test_describers_make_the_calls_of_the_table_and_no_others() -> None:
    asked = set()
    for file in SERVICES.rglob("*.py"):
        asked |= set(re.findall(r'\.ask\(\s*"([a-z0-9-]+)", "([A-Za-z0-9]+)"', file.read_text(encoding="utf-8")))
    # Asked by a name that stands elsewhere: the table of a bucket's settings, a helper, the first check.
    by_name = {key for key in OPERATIONS if key[0] == "s3" and key[1] not in {"ListBuckets", "GetBucketPolicy"}}
    by_name |= {("wafv2", "GetWebACL"), ("wafv2", "GetIPSet"), ("sts", "GetCallerIdentity")}
    assert asked | by_name == set(OPERATIONS)


def test_the_number_of_calls_follows_from_what_there_is() -> None:
    once = len([each for each in operations(AUDIT) if not each.per])
    assert expected_calls(AUDIT, {}) == once
    assert expected_calls(AUDIT, {"AWS::ECR::Repository": 3}) == once + 3 * 2
