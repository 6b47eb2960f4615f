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
        ("1e2 * bad / all", True),
        (".5 * bad", False),
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


@pytest.mark.parametrize(
    ("expression", "share"),
    [
        ("SUM(METRICS()) / 2", False),
        ("SUM(METRICS() / 2)", False),
        ("AVG(METRICS())", False),
        ("SUM(METRICS('bad')) / SUM(METRICS())", True),
        ('100 * SUM(METRICS("bad")) / total', True),
        ("MAX(METRICS('bad_') / total)", True),
        ("SUM(FILL(METRICS(), 0))", False),
        ("FILL(bad_a, REPEAT) / total", True),
        # An array is nothing that a threshold can be held against, and of no such name is none.
        ("METRICS()", None),
        ("SUM(METRICS('worse'))", None),
        ("[bad_a, total] / [bad_a, bad_b, total]", None),
    ],
)
def test_all_metrics_of_the_alarm(expression: str, share: bool | None) -> None:
    assert said(is_share(expression, {}, ("bad_a", "bad_b", "total"))) is share
