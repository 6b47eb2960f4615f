"""The audit role in the shared stack has the policy that `checker permissions` prints, and no other."""

from tools.audit_policy import TARGET, text


def test_the_audit_role_s_policy_is_what_reading_an_account_needs() -> None:
    assert TARGET.read_text(encoding="utf-8") == text(), "run: python -m tools.audit_policy"
