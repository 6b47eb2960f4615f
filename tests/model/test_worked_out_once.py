"""What a project works out once: the second who asks gets the same, and meets the same gaps."""

from __future__ import annotations

from functools import partial

import pytest

from checker.model.environments import Project
from checker.model.worlds import BudgetExceeded, Gaps

KEYS = "AWS::KMS::Key"


def test_it_is_worked_out_once_per_key() -> None:
    project = Project([])
    made: list[str] = []

    def kept(name: str) -> str:
        made.append(name)
        return name

    answers = [project.once_for((kept, name), partial(kept, name)) for name in ("a", "b", "a")]
    assert answers == ["a", "b", "a"]
    assert made == ["a", "b"]


def test_who_asks_again_meets_the_gaps_again() -> None:
    project = Project([], gaps=Gaps({KEYS: "denied"}))

    def keys() -> int:
        project.gaps.ask([KEYS])
        return 0

    project.once_for("keys", keys)
    project.gaps.forget()
    assert project.gaps.met == set()
    project.once_for("keys", keys)
    assert project.gaps.met == {KEYS}


def test_what_runs_out_of_time_is_worked_out_again_and_keeps_the_gaps_met_before() -> None:
    project = Project([], gaps=Gaps({KEYS: "denied"}))
    project.gaps.ask([KEYS])

    def slow() -> int:
        raise BudgetExceeded

    with pytest.raises(BudgetExceeded):
        project.once_for("slow", slow)
    assert project.gaps.met == {KEYS}
    assert project.once_for("slow", lambda: 1) == 1
