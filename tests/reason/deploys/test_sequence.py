"""The order of a path's steps: which wait is whose, and where a check stands that an action makes."""

from __future__ import annotations

from pathlib import Path

from checker.model.environments import EnvironmentKind
from checker.model.pipeline.scripts import AwsCall, plain_name
from checker.reason.deploys.http_requests import health_actions
from checker.reason.deploys.paths import At, DeployPath, Rollout
from checker.reason.deploys.sequence import steps_of
from tests.pipelines import Made, pipeline, workflow

CHECK = {"uses": "example/health-check@v4", "with": {"url": "https://shop.example.com/health"}}


def path_of(made: Made) -> DeployPath:
    traces = tuple(made.trace(job) for job in made.jobs)
    entry = next(iter(made.workflows.files.values()))
    return DeployPath(entry, "production", EnvironmentKind.PRODUCTION, made.jobs, traces, ())


def test_a_wait_is_of_the_last_roll_out_before_it(tmp_path: Path) -> None:
    lines = [
        "aws ecs update-service --cluster c --service a --force-new-deployment",
        "aws ecs update-service --cluster c --service b --force-new-deployment",
        'aws ecs wait services-stable --cluster c --services "$SERVICES"',
        "aws ecs update-service --cluster c --service d --force-new-deployment",
    ]
    made = pipeline(tmp_path, {".github/workflows/ci.yml": workflow("\n".join(lines), environment="production")})
    path = path_of(made)
    rolled = [
        (At(made.jobs[0], path.traces[0], index), action)
        for index, action in enumerate(path.traces[0].actions)
        if isinstance(action, AwsCall) and plain_name(action.operation) == "updateservice"
    ]
    rollouts = tuple(Rollout(at, call, name) for (at, call), name in zip(rolled, "abd", strict=True))
    waits = [step.wait for step in steps_of(path, rollouts)]
    assert [wait is None for wait in waits] == [True, False, True]
    assert waits[1] is not None
    assert rolled[1][0].index < waits[1].index < rolled[2][0].index


def test_an_action_that_asks_stands_behind_what_was_done_before_it(tmp_path: Path) -> None:
    run = {"run": "aws ecs update-service --cluster c --service a"}
    made = pipeline(
        tmp_path,
        {
            ".github/workflows/a.yml": workflow("", steps=[CHECK, run]),
            ".github/workflows/b.yml": workflow("", steps=[run, CHECK]),
        },
    )
    found = [request.at for request in health_actions(path_of(made))]
    assert [at is None for at in found] == [True, False]
