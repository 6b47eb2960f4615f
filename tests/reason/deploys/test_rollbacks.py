"""What is a roll-back, by the name of a workflow."""

from __future__ import annotations

import pytest

from checker.model.pipeline.workflows import Workflow
from checker.model.sources import Spot
from checker.reason.deploys.rollbacks import is_rollback


def _workflow(stem: str, name: str = "") -> Workflow:
    file = f".github/workflows/{stem}.yml"
    return Workflow(file, name, Spot(file))


@pytest.mark.parametrize(
    "stem",
    ["rollback", "prod-rollback", "roll-back", "rollBackApi", "revert_release", "undo", "restore", "back-out",
     "go-back", "roll-api-back", "reverting", "autorollback"],
)  # fmt: skip
def test_what_goes_back(stem: str) -> None:
    assert is_rollback(_workflow(stem))
    assert is_rollback(_workflow("release", stem.replace("-", " ")))


@pytest.mark.parametrize(
    "stem", ["deploy", "rollout", "backend", "go-back-end", "backup", "roll-out-backups", "rollbar", "feedback"]
)
def test_what_does_not(stem: str) -> None:
    assert not is_rollback(_workflow(stem))
    assert not is_rollback(_workflow("release", stem.replace("-", " ")))
