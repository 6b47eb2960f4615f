"""Every case of every rule, compared both ways."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.harness import all_cases, said, verdicts_of


@pytest.mark.parametrize(("finding", "case"), [pytest.param(f, c, id=f"{f}: {c['name']}") for f, c in all_cases()])
def test_case(finding: str, case: dict[str, Any]) -> None:
    assert said(verdicts_of(finding, case)) == case["expect"]
