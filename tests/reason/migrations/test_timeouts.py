"""Bounds that are none, as PostgreSQL reads them."""

from __future__ import annotations

import pytest

from checker.reason.migrations.session_timeouts import is_off


@pytest.mark.parametrize(
    ("value", "off"),
    [("0", True), ("'0'", True), ('"0"', True), (" 0 ", True), ("5s", False), ("'5min'", False), ("10", False)],
)
def test_a_bound_of_nothing_is_none(value: str, off: bool) -> None:
    assert is_off(value) is off
