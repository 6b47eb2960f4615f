"""What runs, whether now is a good time, and whether the environment answers."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.release import tasks
from infra.release.account import Account
from infra.release.cli import main
from tests.infra.release.fakes import LONG_AGO, NEW, OLD, OTHER, FakeAccount, FakeEcs, HandClock, refused
from tests.infra.release.loopback import Answers, serving


def quiet(_: str) -> None:
    return


def client(service: Any) -> Any:
    return boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-west-2").client(service)


def give(tmp_path: Path, argv: list[str], account: Account) -> tuple[int, str]:
    file = tmp_path / "outputs"
    file.touch()
    code = main(argv, {"GITHUB_OUTPUT": str(file)}, clock=HandClock(), account=account)
    return code, file.read_text()


PLACES = "storage=1x2,api=1x2,mcp=1x2,frontend=1x2,github-sync=2"


@pytest.mark.parametrize(
    ("ecs", "expected"),
    [
        (FakeEcs(), (0, f"sha={OLD}\nreleased=true\nplaces={PLACES}\n")),
        (FakeEcs(tag="init", desired=0), (0, f"sha=\nreleased=false\nplaces={PLACES.replace('x2', 'x0')}\n")),
        (FakeEcs(tag="init", desired=2), (1, "")),
        (FakeEcs(tag="latest"), (72, "")),
    ],
)
def test_the_commit_that_runs(tmp_path: Path, ecs: FakeEcs, expected: tuple[int, str]) -> None:
    assert give(tmp_path, ["running", "--environment", "production"], FakeAccount(ecs)) == expected


@pytest.mark.parametrize(("expected", "code"), [(OLD, 0), (NEW, 75), ("", 75)])
def test_another_commit_than_was_expected_is_refused(expected: str, code: int) -> None:
    argv = ["running", "--environment", "production", "--expect", expected]
    assert main(argv, {}, account=FakeAccount(FakeEcs())) == code


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    """An account where nothing speaks against a deployment."""
    monkeypatch.setattr(tasks, "still_running", lambda *_: [])
    return FakeAccount(FakeEcs())


PREFLIGHT = ["preflight", "--environment", "production", "--sha", NEW]
BOOTSTRAP = ["preflight", "--environment", "production", "--bootstrap"]


def test_a_calm_environment_may_be_deployed_to(calm: FakeAccount) -> None:
    assert main(PREFLIGHT, {}, account=calm) == 0


BAD = ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"]


@pytest.mark.parametrize("status", BAD)
def test_a_stack_that_is_busy_or_broken_is_left_alone(calm: FakeAccount, status: str) -> None:
    calm.fake_cloudformation.statuses = [status]
    assert main(PREFLIGHT, {}, account=calm) == 72


def test_a_migration_an_alarm_and_a_deployment_speak_against_it(
    calm: FakeAccount, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tasks, "still_running", lambda *_: ["arn:task/9"])
    del calm.fake_cloudwatch.states["production-mcp-5xx"]
    calm.fake_ecs.services["api"].deployments[0]["rolloutState"] = "IN_PROGRESS"
    assert main(PREFLIGHT, {}, account=calm) == 72
    problem = capsys.readouterr().err
    for part in ("api is being deployed", "a migration is running: arn:task/9", "production-mcp-5xx does not exist"):
        assert part in problem


@pytest.mark.parametrize(
    ("state", "sha", "despite", "code"),
    [
        ("ALARM", NEW, "", 0),  # what is replaced may be what is wrong
        ("ALARM", OLD, "", 72),  # it runs already
        ("ALARM", OLD, "known, and not of ours", 0),
        (None, NEW, "", 72),
        (None, NEW, "made again by the stack of this release", 0),
    ],
)
def test_alarms_hold_a_release_up_unless_it_replaces_their_service_or_somebody_says_why(
    calm: FakeAccount, state: str | None, sha: str, despite: str, code: int
) -> None:
    del calm.fake_cloudwatch.states["production-mcp-5xx"]
    if state:
        calm.fake_cloudwatch.states["production-mcp-5xx"] = state
    argv = ["preflight", "--environment", "production", "--sha", sha, "--despite-alarms", despite]
    assert main(argv, {}, account=calm) == code


def test_a_release_that_waited_while_something_was_deployed_is_refused(
    calm: FakeAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was started, somebody rolled back, and then it was approved."""
    before = (LONG_AGO - timedelta(minutes=1)).isoformat()
    assert main([*PREFLIGHT, "--started", before], {}, account=calm) == 75
    assert "deployed to since this release began" in capsys.readouterr().err
    assert main([*PREFLIGHT, "--started", (LONG_AGO + timedelta(minutes=1)).isoformat()], {}, account=calm) == 0


def restore(account: FakeAccount, *, places: str = PLACES, sha: str = NEW, running: str = OLD) -> int:
    argv = ["restore", "--environment", "production", "--sha", sha, "--running", running, "--places", places]
    return main(argv, {}, clock=HandClock(), account=account)


def test_where_nothing_changed_nothing_is_restored(calm: FakeAccount, capsys: pytest.CaptureFixture[str]) -> None:
    assert restore(calm) == 0
    assert calm.fake_ecs.log == []
    assert f"all services run what they ran: {OLD}" in capsys.readouterr().out


def test_what_a_smoke_test_refused_goes_back_and_is_not_the_newest_any_more(calm: FakeAccount) -> None:
    calm.fake_lambda.code = "new"
    argv = ["roll", "--environment", "production", "--sha", NEW]
    assert main(argv, {}, clock=HandClock(), account=calm) == 0
    assert calm.fake_lambda.live == "new"
    log = len(calm.fake_ecs.log)
    assert restore(calm) == 0
    assert calm.fake_ecs.log[log:] == ["frontend:a", "mcp:a", "api:a", "storage:a"]
    assert calm.fake_ecs.newest() == calm.fake_ecs.running() == dict.fromkeys(calm.fake_ecs.services, OLD)
    assert calm.fake_lambda.live == "old"


def test_what_somebody_else_set_is_left(calm: FakeAccount) -> None:
    ecs = calm.fake_ecs
    ecs.services["api"].set(ecs._register("doc-platform-production-api", "api", OTHER), 2, "COMPLETED")
    assert restore(calm) == 75
    assert ecs.log == []


def test_after_a_first_release_there_is_nothing_to_go_back_to(capsys: pytest.CaptureFixture[str]) -> None:
    account = FakeAccount(FakeEcs(tag="init", desired=0))
    argv = ["roll", "--environment", "production", "--sha", NEW]
    assert main(argv, {}, clock=HandClock(), account=account) == 0
    assert restore(account, places=PLACES.replace("x2", "x0"), running="") == 0
    assert set(account.fake_ecs.running().values()) == {NEW}
    assert "there is nothing to go back to" in capsys.readouterr().out


@pytest.mark.parametrize(
    "places", ["", "storage=1x2", PLACES + ",worker=1x1", PLACES.replace("1x2", "1"), PLACES.replace("=2", "=")]
)
def test_places_that_are_not_places_are_refused(calm: FakeAccount, places: str) -> None:
    assert restore(calm, places=places) == 2
    assert calm.fake_ecs.log == []


def test_without_its_stack_an_environment_has_to_be_bootstrapped(
    calm: FakeAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    calm.fake_cloudformation.statuses = ["MISSING"]
    assert main(PREFLIGHT, {}, account=calm) == 1
    assert "Bootstrap it first" in capsys.readouterr().err
    assert main(BOOTSTRAP, {}, account=calm) == 0


@pytest.mark.parametrize(("tag", "desired"), [(OLD, 1), (OLD, 0), ("init", 1)])
def test_a_bootstrap_never_stops_what_runs(calm: FakeAccount, tag: str, desired: int) -> None:
    """Neither a release that was scaled to nothing, nor the placeholder once somebody has scaled it up."""
    assert main(BOOTSTRAP, {}, account=FakeAccount(FakeEcs(tag=tag, desired=desired))) == 72


def test_a_bootstrap_may_be_repeated_while_nothing_runs(calm: FakeAccount) -> None:
    assert main(BOOTSTRAP, {}, account=FakeAccount(FakeEcs(tag="init", desired=0))) == 0


def test_a_roll_back_waits_for_cloudformation_but_not_for_ever(calm: FakeAccount) -> None:
    settling = ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    calm.fake_cloudformation.statuses = settling
    settle = ["settle", "--environment", "production", "--deadline", "60"]
    assert main(settle, {}, clock=HandClock(), account=calm) == 0
    calm.fake_cloudformation.statuses = ["UPDATE_IN_PROGRESS"]
    clock = HandClock()
    assert main(settle, {}, clock=clock, account=calm) == 73
    assert clock.seconds == 60


def test_a_roll_back_may_take_an_update_that_hangs_back(calm: FakeAccount) -> None:
    settle = ["settle", "--environment", "production", "--cancel", "DocPlatformProd"]
    calm.fake_cloudformation.statuses = ["UPDATE_IN_PROGRESS"]
    assert main(settle, {}, clock=HandClock(), account=calm) == 0
    assert calm.fake_cloudformation.cancelled == ["DocPlatformProd"]
    for status in ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        calm.fake_cloudformation.statuses = [status]
        assert main(settle, {}, clock=HandClock(), account=calm) == 0
    assert calm.fake_cloudformation.cancelled == ["DocPlatformProd"]


def test_no_other_stack_is_meant_by_mistake(calm: FakeAccount) -> None:
    assert main(["settle", "--environment", "production", "--cancel", "DocPlatformStack"], {}, account=calm) == 2


def test_a_stack_that_may_not_be_read_is_not_one_that_is_missing(
    calm: FakeAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(**_: Any) -> Any:
        raise refused("DescribeStacks", "AccessDenied")

    calm.fake_cloudformation.describe_stacks = denied  # type: ignore[method-assign]
    assert main(BOOTSTRAP, {}, account=calm) == 71
    assert "AWS refused DescribeStacks: AccessDenied" in capsys.readouterr().err


def test_an_output_that_is_not_there_is_told(
    tmp_path: Path, calm: FakeAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    assert give(tmp_path, ["outputs", "--environment", "production", "ClusterName"], calm) == (
        0,
        "ClusterName=doc-platform-production\n",
    )
    assert give(tmp_path, ["outputs", "--environment", "production", "Nothing"], calm)[0] == 2
    assert "has no output Nothing; it has: ApiTaskDefinitionArn" in capsys.readouterr().err


def smoke(routes: dict[str, Any], clock: HandClock, *, deadline: int = 60) -> tuple[int, Answers]:
    with serving(Answers(routes)) as answers:
        argv = ["smoke", "--environment", "production", "--url", answers.url, "--deadline", str(deadline)]
        return main(argv, {}, clock=clock, account=FakeAccount(FakeEcs())), answers


def test_both_endpoints_must_answer_200_and_may_take_a_moment() -> None:
    clock = HandClock()
    code, answers = smoke({"GET /api/health": [(502, {}), (503, {}), (200, {})], "GET /health": (200, {})}, clock)
    assert code == 0
    assert [call for call, _ in answers.seen] == ["GET /api/health"] * 3 + ["GET /health"]
    assert clock.seconds == 2 + 4


@pytest.mark.parametrize("status", [301, 404, 500])
def test_an_endpoint_that_never_answers_200_fails_in_bounded_time(
    status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = HandClock()
    code, _ = smoke({"GET /api/health": (200, {}), "GET /health": (status, {})}, clock)
    assert code == 1
    assert clock.seconds == 60
    assert f"/health does not answer 200 but: {status}" in capsys.readouterr().err


def test_nobody_there_is_a_failure_too(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["smoke", "--environment", "production", "--url", "http://127.0.0.1:9", "--deadline", "5"]
    assert main(argv, {}, clock=HandClock(), account=FakeAccount(FakeEcs())) == 1
    assert "no answer (ConnectionRefusedError" in capsys.readouterr().err
