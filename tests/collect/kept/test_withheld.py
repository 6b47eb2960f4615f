"""What may hold a secret is told from what is kept of a program."""

from __future__ import annotations

import pytest

from checker.collect.kept.withheld import holds_secret
from checker.model.possible import open_text
from checker.model.sources import Problem, Spot

SECRET = "hunter2-Zq9Lm"


@pytest.mark.parametrize(
    "made",
    [
        {"DB_PASSWORD": SECRET},
        [({"nested": {"password": (SECRET,)}},)],
        ("psql", "postgresql://app:tr0ub4dor-Zq3@db/main"),
        ("tool", "--password", SECRET),
        Problem(Spot("a.py", 1), f"what `tool --token={SECRET}` does was not followed", ""),
        {"a text of one that is known": "tool horse27staple"},
    ],
    ids=["by its name", "deeper", "by its form", "an option's value", "in a fact's text", "known"],
)
def test_a_secret_is_found(made: object) -> None:
    assert holds_secret(made, ["horse27staple"])


@pytest.mark.parametrize(
    "made",
    [
        {"DB_PASSWORD": open_text("secrets.DB_PASSWORD_2"), "CLUSTER": "main-2"},
        ("aws", "ecs", "update-service", "--service", "api-2"),
        Problem(Spot("a.py", 1), "what `tool` does was not followed", ""),
        {"token": 1, "secret": None, "other": True},
    ],
    ids=["names alone", "a command", "a problem", "no texts"],
)
def test_what_is_none_is_kept(made: object) -> None:
    assert not holds_secret(made, ["horse27staple"])
