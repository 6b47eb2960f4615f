"""How long a command says that it waits for the task that it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.reason.deploys.task_waits import waits_of
from tests.pipelines import trace_of

START = "aws ecs run-task --cluster shop --task-definition migrate:1"
WAITER = "aws ecs wait tasks-stopped --cluster shop --tasks $TASK"


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("./migrate --timeout 90", 90),
        ("./migrate --timeout=90", 90),
        ("./migrate --max-wait 1.5", 1.5),
        ("./migrate --timeout", 600),  # says nothing: the waiter's own bound
        ("./migrate --timeout later", 600),
        ("timeout 5m ./migrate", 300),
        ("./migrate", 600),
    ],
)
def test_a_command_s_own_bound_goes_before_that_of_what_it_waits_with(
    line: str, seconds: float, tmp_path: Path
) -> None:
    trace = trace_of(tmp_path, f"{line}\n{START}\n{WAITER}")
    (wait,) = waits_of(trace, trace.aws[0], trace.commands[0])
    assert (wait.seconds, wait.endless) == (seconds, False)
