"""One-off tasks: what they say, how they end, and that one of them runs at a time."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.release import tasks
from infra.release.cli import main
from infra.release.errors import FailedError, TaskError
from tests.infra.release.fakes import NEW, OLD, OTHER, FakeAccount, FakeEcs, HandClock, refused


def quiet(_: str) -> None:
    return


def client(service: Any) -> Any:
    return boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-west-2").client(service)


def ended(**container: Any) -> Mapping[str, Any]:
    return {"lastStatus": "STOPPED", "stoppedReason": "Essential container exited", "containers": [container]}


@pytest.mark.parametrize("code", [1, 3, 137])
def test_the_exit_code_of_a_task_is_passed_on(code: int) -> None:
    task: Any = ended(name="migrations", exitCode=code)
    with pytest.raises(TaskError, match=f"exit code {code}: Essential") as problem:
        tasks._judge(task, "migrations", quiet)
    assert problem.value.code == code


@pytest.mark.parametrize(
    ("container", "told"),
    [
        ({"name": "migrations", "reason": "CannotPullContainerError"}, "never ran: CannotPullContainerError"),
        ({"name": "migrations"}, "never ran: Essential container exited"),
        ({"name": "sidecar", "exitCode": 0}, "without a container migrations"),
    ],
)
def test_a_task_that_never_ran_did_not_succeed(container: Mapping[str, Any], told: str) -> None:
    task: Any = ended(**container)
    with pytest.raises(FailedError, match=told):
        tasks._judge(task, "migrations", quiet)


def test_migrate_exits_with_the_code_of_its_task(capsys: pytest.CaptureFixture[str]) -> None:
    account = one_off_account(exit_code=4)
    code = main(["migrate", "--environment", "production", "--sha", NEW], {}, clock=HandClock(), account=account)
    assert code == 4
    said = capsys.readouterr()
    assert "  | line 1\n  | line 2\n  | line 3\n" in said.out
    assert "migrations ended with exit code 4" in said.err


@pytest.mark.parametrize(("looks", "code"), [(1, 0), (10, 0), (10_000, 1)])
def test_a_task_that_ecs_does_not_show_yet_is_waited_for(looks: int, code: int) -> None:
    account = one_off_account(exit_code=0)
    shown: Any = account.fake_ecs
    describe, left = shown.describe_tasks, iter(range(looks))
    missing = {"tasks": [], "failures": [{"arn": "arn:task/7", "reason": "MISSING"}]}
    shown.describe_tasks = lambda **asked: missing if next(left, None) is not None else describe(**asked)
    clock = HandClock()
    argv = ["migrate", "--environment", "production", "--sha", NEW, "--database", "main"]
    assert main(argv, {}, clock=clock, account=account) == code
    assert clock.seconds < 300


@pytest.mark.parametrize(("running", "code"), [(OLD, 0), (OTHER, 75), ("", 75)])
def test_nothing_is_migrated_where_another_runs_than_when_the_release_began(running: str, code: int) -> None:
    account = one_off_account(exit_code=0)
    argv = ["migrate", "--environment", "production", "--sha", NEW, "--database", "main", "--running", running]
    assert main(argv, {}, clock=HandClock(), account=account) == code
    assert (len(account.fake_ecs.definitions) == 5) is bool(code)


def test_a_second_migration_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    account = one_off_account(exit_code=0, running=["arn:task/1"])
    code = main(["migrate", "--environment", "production", "--sha", NEW], {}, clock=HandClock(), account=account)
    assert code == 72
    assert "running already: arn:task/1" in capsys.readouterr().err


def test_nothing_started_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    account = one_off_account(exit_code=0, started=False)
    code = main(["migrate", "--environment", "production", "--sha", NEW], {}, clock=HandClock(), account=account)
    assert code == 1
    assert "ECS did not start doc-platform-production-migrations:2: RESOURCE:CPU" in capsys.readouterr().err


def test_a_seed_is_not_for_production(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["seed", "--environment", "production", "--sha", NEW, "--", "node", "dist/seed.js"]
    assert main(argv, {}, clock=HandClock(), account=FakeAccount(FakeEcs())) == 2
    assert "not for production" in capsys.readouterr().err


def one_off_account(*, exit_code: int, running: list[str] | None = None, started: bool = True) -> FakeAccount:
    """An account in which a migration runs for two looks, and says a line at each."""
    ecs: Any = FakeEcs()
    account = FakeAccount(ecs)
    account.fake_cloudformation.outputs = {
        **account.fake_cloudformation.outputs,
        "MigrationsSecurityGroupId": "sg-1",
    }
    states = iter(["PENDING", "RUNNING"])

    class Pages:
        def paginate(self, **_: Any) -> Iterator[Any]:
            yield {"taskArns": running or []}

    ecs.get_paginator = lambda _: Pages()
    ecs.run_task = lambda **_: (
        {"tasks": [{"taskArn": "arn:task/7"}], "failures": []}
        if started
        else {"tasks": [], "failures": [{"reason": "RESOURCE:CPU"}]}
    )
    ecs.describe_tasks = lambda **_: {
        "tasks": [
            {"lastStatus": state} if (state := next(states, None)) else ended(name="migrations", exitCode=exit_code)
        ]
    }
    no_stream = refused("GetLogEvents", "ResourceNotFoundException")
    events: Iterator[list[str] | ClientError] = iter([no_stream, ["line 1"], ["line 2", "line 3"]])
    token = iter(range(100))

    def get_log_events(**asked: Any) -> Any:
        found = next(events, [])
        if isinstance(found, ClientError):
            raise found
        forward = f"f/{next(token)}" if found else asked.get("nextToken", "f/none")
        return {"events": [{"message": line} for line in found], "nextForwardToken": forward}

    account.__dict__["logs"] = type("Logs", (), {"get_log_events": staticmethod(get_log_events)})
    return account
