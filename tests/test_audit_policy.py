"""What is generated from the table of calls is current: the audit role's policy, and the calls of our own commands."""

from pathlib import Path

from tools import audit_policy, own_calls


def test_the_audit_role_s_policy_is_what_reading_an_account_needs(own_assembly: Path) -> None:
    current = audit_policy.TARGET.read_text(encoding="utf-8")
    assert current == audit_policy.text(own_assembly), "run: python -m tools.audit_policy"


def test_the_calls_of_the_own_commands_are_those_of_the_table() -> None:
    assert own_calls.TARGET.read_text(encoding="utf-8") == own_calls.text(), "run: python -m tools.own_calls"
