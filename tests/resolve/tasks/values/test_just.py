"""What expressions of just come to, and whether they ask the environment."""

from __future__ import annotations

import pytest

from checker.model.possible import Possible, shown
from checker.resolve.tasks.values.just import expression, is_asked

BOUND: dict[str, Possible] = {"place": "eu", "$PLACE": "ap", "$NOTHING": ""}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'a'", "a"),
        ("place", "eu"),
        ("'shop-' + place", "shop-eu"),
        ("env_var('PLACE')", "ap"),
        ('env_var_or_default("PLACE", "us")', "ap"),
        ('env("OTHER", "us")', "us"),
        ("env('OTHER', place)", "eu"),
        ("env('NOTHING', 'us')", ""),
        ("env('OTHER')", "{{env('OTHER')}}"),
        ("env('CI', 'no')", "env('CI', 'no')"),  # the runner's own
        ("uppercase(place)", "{{uppercase(place)}}"),
    ],
)
def test_an_expression(written: str, value: str) -> None:
    assert shown(expression(written, BOUND)) == value


def test_what_comes_from_the_environment() -> None:
    assert is_asked("'shop-' + env('PLACE', 'us')", BOUND)
    assert not is_asked("'shop-' + env('OTHER', 'us')", BOUND)
