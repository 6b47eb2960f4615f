"""Roll-outs that go wrong, each in its own way: what is tried, in which order, and what is told."""

from collections.abc import Callable

import pytest

from infra import naming
from infra.release.cli import main
from tests.infra.release.fakes import NEW, OLD, OTHER, FakeAccount, FakeEcs, HandClock, refused

FORWARD = ["storage:b", "api:b", "mcp:b", "frontend:b"]


def roll(account: FakeAccount, *options: str, clock: HandClock | None = None, sha: str = NEW) -> int:
    return main(["roll", "--environment", "production", "--sha", sha, *options], {}, clock=clock, account=account)


def only(service: str, fate: str | Exception, *, to: str = NEW) -> Callable[[str, str], str | Exception]:
    return lambda name, tag: fate if (name, tag) == (service, to) else "completes"


@pytest.fixture
def ecs() -> FakeEcs:
    return FakeEcs()


@pytest.fixture
def account(ecs: FakeEcs) -> FakeAccount:
    return FakeAccount(ecs)


def test_one_after_the_other_in_dependency_order(account: FakeAccount, ecs: FakeEcs) -> None:
    assert roll(account, clock=HandClock()) == 0
    assert ecs.log == FORWARD
    assert ecs.running() == dict.fromkeys(naming.SERVICES, NEW)


def test_a_second_time_changes_nothing(account: FakeAccount, ecs: FakeEcs) -> None:
    assert roll(account, clock=HandClock()) == 0
    definitions = dict(ecs.definitions)
    assert roll(account, clock=HandClock()) == 0
    assert ecs.log == FORWARD
    assert ecs.definitions == definitions


@pytest.mark.parametrize("fate", ["goes back", "fails", "hangs"])
def test_the_first_failure_stops_it_and_the_others_go_back_in_reverse(
    account: FakeAccount, ecs: FakeEcs, fate: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ecs.fate = only("mcp", fate)
    assert roll(account, clock=HandClock()) == (73 if fate == "hangs" else 1)
    back = ["api:a", "storage:a"]
    assert ecs.log == [*FORWARD[:3], *(back if fate == "goes back" else ["mcp:a", *back])]
    assert ecs.running() == dict.fromkeys(naming.SERVICES, OLD)
    said = capsys.readouterr()
    assert "all services are on the version that ran before" in said.err
    assert "state: frontend: doc-platform-production-frontend:1 COMPLETED 2/2 running" in said.out


def test_a_call_that_is_refused_half_way_brings_the_others_back(
    account: FakeAccount, ecs: FakeEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    ecs.fate = only("mcp", refused("UpdateService"))
    assert roll(account, clock=HandClock()) == 71
    assert ecs.log == ["storage:b", "api:b", "api:a", "storage:a"]
    problem = capsys.readouterr().err
    assert "AWS refused UpdateService: AccessDeniedException: UpdateService is not for you" in problem
    assert "all services are on the version that ran before" in problem


def test_what_cannot_be_brought_back_is_told_and_the_rest_goes_back(
    account: FakeAccount, ecs: FakeEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    fates = {("mcp", NEW): "goes back", ("api", OLD): "fails"}
    ecs.fate = lambda name, tag: fates.get((name, tag), "completes")
    assert roll(account, clock=HandClock()) == 74
    assert ecs.running()["storage"] == OLD
    said = capsys.readouterr()
    assert "STUCK: api" in said.out
    assert "not on the version they should run: api" in said.err


def test_a_first_release_starts_what_was_bootstrapped() -> None:
    ecs = FakeEcs(tag=naming.BOOTSTRAP_TAG, desired=0)
    assert roll(FakeAccount(ecs), clock=HandClock()) == 0
    assert {service.desired for service in ecs.services.values()} == {2}


def test_a_first_release_that_fails_leaves_nothing_running() -> None:
    ecs = FakeEcs(tag=naming.BOOTSTRAP_TAG, desired=0)
    ecs.fate = only("api", "fails")
    assert roll(FakeAccount(ecs), clock=HandClock()) == 1
    assert {service.desired for service in ecs.services.values()} == {0}


def test_an_interruption_tells_what_is_there_and_ends(
    account: FakeAccount, ecs: FakeEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    ecs.fate, ecs.lag = only("api", "hangs"), 0
    assert roll(account, clock=HandClock(interrupt)) == 130
    assert ecs.log == ["storage:b", "api:b"]
    assert "state: api: doc-platform-production-api:2 IN_PROGRESS 0/2 running" in capsys.readouterr().out


# -- refused before anything changes ---------------------------------------------------------------------------------


def nothing_changed(ecs: FakeEcs) -> bool:
    return ecs.log == [] and len(ecs.definitions) == len(naming.IMAGES)


def test_refused_without_its_net_unless_somebody_says_why(
    account: FakeAccount, ecs: FakeEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    del account.fake_cloudwatch.states["production-api-5xx"]
    assert roll(account, clock=HandClock()) == 72
    assert "production-api-5xx does not exist" in capsys.readouterr().err
    assert nothing_changed(ecs)
    assert roll(account, "--despite-alarms", "", clock=HandClock()) == 72
    assert roll(account, "--despite-alarms", "renamed by hand, see #12", clock=HandClock()) == 0
    said = capsys.readouterr().out
    assert "warning: production-api-5xx does not exist; going on all the same: renamed by hand, see #12" in said


def test_an_alarm_of_what_is_replaced_is_a_warning(
    account: FakeAccount, ecs: FakeEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    account.fake_cloudwatch.states["production-api-5xx"] = "ALARM"
    assert roll(account, clock=HandClock()) == 0
    assert ecs.running() == dict.fromkeys(naming.SERVICES, NEW)
    assert "warning: alarm production-api-5xx is in ALARM; this release replaces api" in capsys.readouterr().out


def test_an_alarm_of_what_this_release_brought_stops_it(account: FakeAccount, ecs: FakeEcs) -> None:
    assert roll(account, clock=HandClock()) == 0
    account.fake_cloudwatch.states["production-api-5xx"] = "ALARM"
    log = list(ecs.log)
    assert roll(account, clock=HandClock()) == 72
    assert roll(account, "--despite-alarms", "it is being looked at", clock=HandClock()) == 0
    assert ecs.log == log


@pytest.mark.parametrize(("began_with", "code"), [(OLD, 0), (NEW, 75), (OTHER, 75), ("", 75)])
def test_refused_where_another_runs_than_when_the_release_began(
    account: FakeAccount, ecs: FakeEcs, began_with: str, code: int
) -> None:
    assert roll(account, "--running", began_with, clock=HandClock()) == code
    assert nothing_changed(ecs) is bool(code)


def test_what_it_brought_itself_is_no_surprise(account: FakeAccount) -> None:
    for _ in range(2):
        assert roll(account, "--running", OLD, clock=HandClock()) == 0


def test_a_first_release_began_with_nothing() -> None:
    ecs = FakeEcs(tag=naming.BOOTSTRAP_TAG, desired=0)
    assert roll(FakeAccount(ecs), "--running", OLD, clock=HandClock()) == 75
    assert roll(FakeAccount(ecs), "--running", "", clock=HandClock()) == 0


def test_refused_where_a_service_has_no_alarm(account: FakeAccount, ecs: FakeEcs) -> None:
    ecs.services["mcp"].alarms = False
    assert roll(account, clock=HandClock()) == 72
    assert nothing_changed(ecs)


def test_refused_while_something_is_deployed(account: FakeAccount, ecs: FakeEcs) -> None:
    ecs.services["storage"].deployments[0]["rolloutState"] = "IN_PROGRESS"
    assert roll(account, clock=HandClock()) == 72
    assert nothing_changed(ecs)


def test_refused_where_services_disagree(
    account: FakeAccount, ecs: FakeEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    other = ecs._register(naming.task_family("production", "api"), "api", OTHER)
    ecs.services["api"].set(other, 2, "COMPLETED")
    assert roll(account, clock=HandClock()) == 72
    assert f"api {OTHER}" in capsys.readouterr().err
    assert ecs.log == []


def test_all_at_once_is_not_for_production(account: FakeAccount, ecs: FakeEcs) -> None:
    assert roll(account, "--together", clock=HandClock()) == 2
    assert nothing_changed(ecs)


def test_in_staging_all_may_go_at_once_and_all_come_back() -> None:
    ecs = FakeEcs(desired=1, environment="staging")
    account = FakeAccount(ecs)
    argv = ["roll", "--environment", "staging", "--together", "--sha"]
    ecs.fate = only("api", "goes back")
    assert main([*argv, NEW], {}, clock=HandClock(), account=account) == 1
    assert ecs.log == [*FORWARD, "frontend:a", "mcp:a", "storage:a"]
    assert ecs.running() == dict.fromkeys(naming.SERVICES, OLD)
    ecs.fate = lambda _service, _tag: "completes"
    assert main([*argv, NEW], {}, clock=HandClock(), account=account) == 0
    assert ecs.running() == dict.fromkeys(naming.SERVICES, NEW)


# -- back ------------------------------------------------------------------------------------------------------------


def test_back_in_reverse_order(account: FakeAccount, ecs: FakeEcs) -> None:
    assert roll(account, "--rollback", clock=HandClock()) == 0
    assert ecs.log == list(reversed(FORWARD))


def test_back_in_spite_of_alarms_and_of_a_deployment_that_is_stuck(account: FakeAccount, ecs: FakeEcs) -> None:
    stuck = ecs._register(naming.task_family("production", "api"), "api", OTHER)
    ecs.services["api"].set(stuck, 2, "IN_PROGRESS")
    account.fake_cloudwatch.states["production-api-5xx"] = "ALARM"
    assert roll(account, "--rollback", clock=HandClock()) == 0
    assert ecs.running() == dict.fromkeys(naming.SERVICES, NEW)


def test_one_service_that_will_not_go_back_does_not_keep_the_others(
    account: FakeAccount, ecs: FakeEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    ecs.fate = only("mcp", "fails")
    assert roll(account, "--rollback", clock=HandClock()) == 74
    assert ecs.log == list(reversed(FORWARD))
    assert "mcp" in capsys.readouterr().err


class Baking(HandClock):
    """Time in which new tasks serve at once, and no deployment is ever done watching its alarms."""

    def __init__(self, ecs: FakeEcs) -> None:
        super().__init__()
        self.ecs = ecs

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        for service in self.ecs.services.values():
            service.deployments[0]["runningCount"] = service.desired


def test_back_does_not_wait_for_alarms_to_bake(account: FakeAccount, ecs: FakeEcs) -> None:
    ecs.fate = lambda _service, _tag: "hangs"
    assert roll(account, "--rollback", clock=Baking(ecs)) == 0


def test_forward_each_waits_until_its_alarms_have_baked(account: FakeAccount, ecs: FakeEcs) -> None:
    ecs.fate = only("api", "hangs")
    assert roll(account, clock=Baking(ecs)) == 73
    assert ecs.log[:2] == ["storage:b", "api:b"]
    assert "mcp:b" not in ecs.log
    assert ecs.running() == dict.fromkeys(naming.SERVICES, OLD)


# -- reads that lag behind, revisions that failed, the function -----------------------------------------------------


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_reads_from_before_a_change_are_not_taken_for_its_failure(
    account: FakeAccount, ecs: FakeEcs, lag: int, capsys: pytest.CaptureFixture[str]
) -> None:
    ecs.lag = lag
    assert roll(account, clock=HandClock()) == 0
    assert ecs.running() == dict.fromkeys(naming.SERVICES, NEW)
    ecs.fate = only("mcp", "goes back", to=OLD)
    assert roll(account, clock=HandClock(), sha=OLD) == 1
    assert "mcp: ECS took the deployment back" in capsys.readouterr().err
    assert ecs.running() == dict.fromkeys(naming.SERVICES, NEW)


def test_an_answer_that_never_catches_up_is_an_error_in_bounded_time(account: FakeAccount, ecs: FakeEcs) -> None:
    ecs.lag = 10_000
    clock = HandClock()
    assert roll(account, clock=clock) == 74
    assert clock.seconds < 3600


@pytest.mark.parametrize("fate", ["goes back", "fails", "hangs"])
def test_the_newest_revision_of_a_family_is_never_one_that_failed(
    account: FakeAccount, ecs: FakeEcs, fate: str
) -> None:
    ecs.fate = only("mcp", fate)
    assert roll(account, clock=HandClock()) != 0
    assert ecs.newest() == dict.fromkeys(naming.SERVICES, OLD)
    ecs.fate = lambda _service, _tag: "completes"
    assert roll(account, clock=HandClock()) == 0
    assert ecs.newest() == dict.fromkeys(naming.SERVICES, NEW)


def test_the_function_goes_with_the_services_and_back_with_them(account: FakeAccount, ecs: FakeEcs) -> None:
    function = account.fake_lambda
    function.code = "new"
    ecs.fate = only("frontend", "fails")
    assert roll(account, clock=HandClock()) == 1
    assert function.live == "old"
    ecs.fate = lambda _service, _tag: "completes"
    assert roll(account, clock=HandClock()) == 0
    assert function.live == "new"
    assert function.published == ["placeholder", "old", "new"]
    assert roll(account, "--rollback", clock=HandClock(), sha=OLD) == 0
    assert function.live == "old"


def test_a_call_of_the_function_that_is_refused_brings_the_services_back(account: FakeAccount, ecs: FakeEcs) -> None:
    function = account.fake_lambda
    function.code = "new"
    update = function.update_alias

    def denied(**asked: str) -> dict[str, object]:
        if asked["FunctionVersion"] == "3":
            raise refused("UpdateAlias")
        return update(**asked)

    function.update_alias = denied  # type: ignore[method-assign]
    assert roll(account, clock=HandClock()) == 71
    assert ecs.running() == dict.fromkeys(naming.SERVICES, OLD)


def test_a_change_of_the_function_whose_answer_was_lost_is_taken_back_too(account: FakeAccount, ecs: FakeEcs) -> None:
    function = account.fake_lambda
    function.code = "new"
    update = function.update_alias

    def heard_too_late(**asked: str) -> dict[str, object]:
        answer = update(**asked)
        if (asked["Name"], asked["FunctionVersion"]) == (naming.LIVE_ALIAS, "3"):
            raise refused("UpdateAlias", "ServiceException")
        return answer

    function.update_alias = heard_too_late  # type: ignore[method-assign]
    assert roll(account, clock=HandClock()) == 71
    assert function.live == "old"
    assert ecs.running() == dict.fromkeys(naming.SERVICES, OLD)


def test_back_to_a_release_whose_function_nobody_remembers_leaves_it(
    account: FakeAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    assert roll(account, "--rollback", clock=HandClock(), sha=OTHER) == 0
    assert account.fake_lambda.live == "old"
    assert f"no version of github-sync was released with {OTHER}" in capsys.readouterr().out


# -- a release and a roll-back at once -------------------------------------------------------------------------------


def test_a_release_stops_where_somebody_else_takes_over(
    account: FakeAccount, ecs: FakeEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    def take_over() -> None:
        for name in ("api", "storage"):
            other = ecs._register(naming.task_family("production", name), name, OTHER)
            ecs.services[name].set(other, 2, "COMPLETED")

    ecs.fate, ecs.lag = only("api", "hangs"), 0
    assert roll(account, clock=HandClock(take_over)) == 75
    assert ecs.log == ["storage:b", "api:b"]
    assert ecs.running() == {"storage": OTHER, "api": OTHER, "mcp": OLD, "frontend": OLD}
    assert "by somebody else" in capsys.readouterr().err


def test_a_release_sees_between_services_that_somebody_took_over(account: FakeAccount, ecs: FakeEcs) -> None:
    def fate(service: str, tag: str) -> str:
        if service == "api" and tag == NEW:
            other = ecs._register(naming.task_family("production", "storage"), "storage", OTHER)
            ecs.services["storage"].set(other, 2, "COMPLETED")
        return "completes"

    ecs.fate = fate
    assert roll(account, clock=HandClock()) == 75
    assert ecs.log == ["storage:b", "api:b"]


def test_a_roll_back_goes_round_again_for_what_a_release_changed_meanwhile(account: FakeAccount, ecs: FakeEcs) -> None:
    changed: list[str] = []

    def fate(service: str, tag: str) -> str:
        if service == "storage" and not changed:
            changed.append("frontend")
            other = ecs._register(naming.task_family("production", "frontend"), "frontend", OTHER)
            ecs.services["frontend"].set(other, 2, "COMPLETED")
        return "completes"

    ecs.fate = fate
    assert roll(account, "--rollback", clock=HandClock()) == 0
    assert ecs.log == [*reversed(FORWARD), "frontend:b"]
    assert ecs.running() == dict.fromkeys(naming.SERVICES, NEW)


def test_a_roll_back_that_a_release_keeps_undoing_says_so_in_bounded_time(
    account: FakeAccount, ecs: FakeEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    def fate(service: str, _tag: str) -> str:
        for name in naming.SERVICES:
            if name != service:
                other = ecs._register(naming.task_family("production", name), name, OTHER)
                ecs.services[name].set(other, 2, "COMPLETED")
        return "completes"

    ecs.fate = fate
    assert roll(account, "--rollback", clock=HandClock()) == 74
    assert len(ecs.log) <= 3 * len(naming.SERVICES)
    assert "somebody else changed them meanwhile" in capsys.readouterr().err
