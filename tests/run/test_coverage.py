"""What was asked for and is not there is told: a run that judged nothing of a stack does not end as if it had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from checker.audit import audit, audit_many, declared
from checker.collect.account import Read, Reading, Target
from checker.collect.config.targets_file import Audited
from checker.errors import ExitCode
from checker.model.live.snapshot import LiveResource, Snapshot, SnapshotStack, StackResource
from checker.model.settings import Settings
from checker.model.verdicts import Outcome, Run, Unread
from checker.preflight import preflight
from checker.run.coverage import once_each
from checker.run.ending import exit_code
from checker.run.request import Request

PLACE = "account 111111111111, us-west-1"
STACKS = {"Shop": "production", "Base": "shared"}
# A bucket is of no region: it is of production by its name, wherever the account is read.
BUCKET = LiveResource("AWS::S3::Bucket", "production-files", properties={"BucketName": "production-files"})


def snapshot(*there: str, missing: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(
        account="111111111111",
        region="us-west-1",
        stacks=tuple(SnapshotStack(each, "CREATE_COMPLETE") for each in there),
        resources=(BUCKET,),
        facts={"asked": ["stacks"], "missing_stacks": list(missing)},
    )


def request(folder: Path, *environments: str) -> Request:
    return Request(project=folder, settings=Settings(stacks=STACKS), environments=environments)


def test_a_stack_that_is_not_in_the_account_is_unread(tmp_path: Path) -> None:
    for judge in (audit, preflight):
        run = judge(request(tmp_path, "production"), snapshot("Base", missing=("Shop",)))
        assert Unread("stack Shop", f"it is not in {PLACE}; nothing of it is judged") in run.coverage.unread
        assert exit_code(run) is not ExitCode.CLEAN
        whole = judge(request(tmp_path, "production"), snapshot("Base", "Shop"))
        assert [each for each in whole.coverage.unread if each.what.startswith("stack ")] == []


def nowhere(folder: Path, *targets: tuple[Audited, Snapshot | None]) -> list[str]:
    reads = [(audited, Read(audited.target, Reading(told) if told else None)) for audited, told in targets]
    run: Run = audit_many(request(folder), reads)
    return [each.what for each in run.coverage.unread if each.what.startswith("stack ")]


def test_a_stack_that_is_in_no_target_is_unread(tmp_path: Path) -> None:
    here = Audited(Target(account="111111111111", region="us-west-1"))
    there = Audited(Target(account="111111111111", region="us-west-2"))
    assert nowhere(tmp_path, (here, snapshot("Base")), (there, snapshot("Shop"))) == []
    assert nowhere(tmp_path, (here, snapshot("Base")), (there, snapshot())) == ["stack Shop"]


def test_a_stack_may_be_where_nothing_was_read(tmp_path: Path) -> None:
    here = Audited(Target(account="111111111111", region="us-west-1"))
    lost = Audited(Target(account="222222222222", region="us-west-1"))
    assert nowhere(tmp_path, (here, snapshot("Base")), (lost, None)) == []


def test_a_stack_of_an_environment_that_no_target_names_is_not_missed(tmp_path: Path) -> None:
    here = Audited(Target(account="111111111111", region="us-west-1"), ("shared",))
    assert nowhere(tmp_path, (here, snapshot("Base"))) == []


def test_a_target_none_of_whose_stacks_is_there_is_not_judged(tmp_path: Path) -> None:
    """What else is in the account would be judged as if it were the stacks."""
    there = snapshot("Base", missing=("Shop",))
    for stacks, judged in ((("Shop",), False), (("Base", "Shop"), True)):
        target = Audited(Target(account="111111111111", region="us-west-1", stacks=stacks))
        run = audit_many(request(tmp_path), [(target, Read(target.target, Reading(there)))])
        assert bool(run.verdicts) is judged
        assert ("account 111111111111/us-west-1" in [each.what for each in run.coverage.unread]) is not judged
        assert exit_code(run) is not ExitCode.CLEAN


def test_what_two_looks_could_not_read_is_named_once() -> None:
    first, again = Unread("a.yaml", "no"), Unread("a.yaml:1", "no")
    other = Unread("b.sh:3", "what `x` does was not followed")
    assert once_each([other, first, again, other, Unread("c.yaml:1", "no")]) == [other, first, Unread("c.yaml:1", "no")]


def test_what_is_counted_beforehand_is_of_the_stacks_that_are_read(tmp_path: Path) -> None:
    artifacts = {}
    for name, kind in (("Shop", "AWS::SQS::Queue"), ("Base", "AWS::S3::Bucket")):
        template = {"Resources": {"It": {"Type": kind}}}
        (tmp_path / f"{name}.json").write_text(json.dumps(template), encoding="utf-8")
        place = {"environment": "aws://111111111111/us-west-2", "properties": {"templateFile": f"{name}.json"}}
        artifacts[name] = {"type": "aws:cloudformation:stack", **place}
    (tmp_path / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": artifacts}), "utf-8")
    asked = Request(project=tmp_path, settings=Settings(), assemblies=[("", tmp_path)])
    both = {"AWS::SQS::Queue": 1, "AWS::S3::Bucket": 1}
    assert declared(asked).counts == both
    assert declared(asked, ("Shop",)).counts == {"AWS::SQS::Queue": 1}
    assert declared(asked, ("Shop",)).regions == {"Shop": "us-west-2"}
    assert declared(asked, ("Elsewhere",)).counts == both


@pytest.mark.parametrize("stacks", [(), ("Elsewhere",)])
def test_an_account_of_which_nothing_is_judged_is_unread(tmp_path: Path, stacks: tuple[str, ...]) -> None:
    told = replace(snapshot(*stacks), resources=())
    for judge in (audit, preflight):
        run = judge(request(tmp_path), told)
        assert run.environments == ()
        assert [each.what for each in run.coverage.unread] == [PLACE]
        assert exit_code(run) is ExitCode.INCOMPLETE
    here = Audited(Target(account="111111111111", region="us-west-1"))
    reads = [(here, Read(here.target, Reading(each))) for each in (told, snapshot("Base", "Shop"))]
    assert PLACE in {each.what for each in audit_many(request(tmp_path), reads[:1]).coverage.unread}
    # One of several may well have nothing.
    assert PLACE not in {each.what for each in audit_many(request(tmp_path), reads).coverage.unread}


def deploying(**more: object) -> Snapshot:
    """A service that its stack has, as ECS tells it."""
    arn = "arn:aws:ecs:us-west-1:111111111111:service/shop/web"
    listed = StackResource("Web", "AWS::ECS::Service", arn, "CREATE_COMPLETE")
    rolled = {"status": "PRIMARY", "rolloutState": "COMPLETED"}
    state = {"serviceArn": arn, "serviceName": "web", "status": "ACTIVE", "deployments": [rolled], **more}
    return replace(
        snapshot("Base"),
        stacks=(SnapshotStack("Shop", "CREATE_COMPLETE", resources=(listed,)),),
        resources=(LiveResource("AWS::ECS::Service", arn, "Shop", "Web", {"ServiceName": "web"}),),
        facts={"asked": ["AWS::ECS::Service", "facts/tasks"], "deployments": [state], "tasks": []},
    )


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (deploying(), Outcome.PASS),
        (deploying(deployments=[{"id": "1", "status": "PRIMARY", "rolloutState": "IN_PROGRESS"}]), Outcome.FAIL),
        (deploying(status="DRAINING"), Outcome.FAIL),
        (deploying(serviceArn="another"), Outcome.UNKNOWN),
        (replace(deploying(), resources=()), Outcome.FAIL),
    ],
    ids=["at rest", "rolled", "being deleted", "not told", "deleted by hand"],
)
def test_a_deploy_starts_where_each_service_is_there_and_at_rest(
    tmp_path: Path, told: Snapshot, outcome: Outcome
) -> None:
    run = preflight(request(tmp_path), told)
    assert [each.outcome for each in run.verdicts if each.sub == "roll-out"] == [outcome]


def test_a_deploy_does_not_start_where_nobody_read_what_a_stack_is_doing(tmp_path: Path) -> None:
    told = deploying()
    run = preflight(request(tmp_path), replace(told, stacks=(replace(told.stacks[0], status=""),)))
    assert [each.outcome for each in run.verdicts if each.sub == "stack"] == [Outcome.UNKNOWN]


def test_what_a_stack_has_and_the_account_has_not_is_noted(tmp_path: Path) -> None:
    told = replace(deploying(), resources=())
    assert "Shop/Web (AWS::ECS::Service)" in "".join(audit(request(tmp_path), told).coverage.notes)
    assert "gone from" not in "".join(audit(request(tmp_path), deploying()).coverage.notes)


@pytest.mark.parametrize(
    ("status", "outcome", "fix"),
    [
        ("UPDATE_COMPLETE", Outcome.PASS, ""),
        ("UPDATE_ROLLBACK_COMPLETE", Outcome.PASS, ""),
        ("UPDATE_IN_PROGRESS", Outcome.FAIL, "Wait until it has ended."),
        ("ROLLBACK_COMPLETE", Outcome.FAIL, "Delete the stack"),
        ("UPDATE_ROLLBACK_FAILED", Outcome.FAIL, "continue-update-rollback"),
        ("REVIEW_IN_PROGRESS", Outcome.FAIL, "Execute the change set"),
        ("PAUSED", Outcome.UNKNOWN, "describe-stack-events"),
        ("", Outcome.UNKNOWN, "checker permissions"),
    ],
)
def test_a_deploy_starts_from_a_stack_at_rest_alone(tmp_path: Path, status: str, outcome: Outcome, fix: str) -> None:
    account = replace(snapshot(), stacks=(SnapshotStack("Shop", status),))
    run = preflight(request(tmp_path), account)
    (told,) = [each for each in run.verdicts if each.sub == "stack"]
    assert told.outcome is outcome
    assert fix in told.fix
