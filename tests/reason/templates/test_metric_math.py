"""Whether an expression of CloudWatch's metric math is a share: the same whatever all counts are multiplied by."""

from __future__ import annotations

import pytest

from checker.reason.templates.metric_math import is_share
from tests.answers import said


@pytest.mark.parametrize(
    ("expression", "share"),
    [
        ("bad / all", True),
        ("100 * bad / all", True),
        ("100 * (bad + worse) / (bad + worse + all)", True),
        ("1 - bad / all", True),
        ("bad + all", False),
        ("bad - all", False),
        ("bad * all", False),
        ("bad", False),
        ("SUM([bad, worse]) / SUM([bad, worse, all])", True),
        ("SUM([bad, worse])", False),
        ("MAX([bad / all, worse / all])", True),
    ],
)
def test_shares(expression: str, share: bool) -> None:
    assert said(is_share(expression, {})) is share
