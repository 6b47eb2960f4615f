"""What is generated is current: the audit role's policy, the calls of our own commands, boto3's resources."""

import json
from pathlib import Path

from checker.data import boto_resources as table
from tools import audit_policy, boto_resources, own_calls


def test_the_audit_role_s_policy_is_what_reading_an_account_needs(own_assembly: Path) -> None:
    current = audit_policy.TARGET.read_text(encoding="utf-8")
    assert current == audit_policy.text(own_assembly), "run: python -m tools.audit_policy"


def test_the_calls_of_the_own_commands_are_those_of_the_table() -> None:
    assert own_calls.TARGET.read_text(encoding="utf-8") == own_calls.text(), "run: python -m tools.own_calls"


def test_what_boto3_s_resources_do_is_what_its_models_say() -> None:
    assert json.loads(json.dumps(boto_resources.build())) == table.boto_resources(), (
        "run: python -m tools.boto_resources"
    )
