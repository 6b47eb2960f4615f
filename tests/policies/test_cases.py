"""Every case of every rule, compared both ways."""

from __future__ import annotations

import pytest

from tests.policies.case import Case
from tests.policies.harness import all_cases, said, verdicts_of


@pytest.mark.parametrize(("finding", "case"), [pytest.param(f, c, id=f"{f}: {c.name}") for f, c in all_cases()])
def test_case(finding: str, case: Case) -> None:
    assert said(verdicts_of(finding, case)) == case.expect
