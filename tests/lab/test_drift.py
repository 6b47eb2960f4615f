"""Drift of the lab's account: none while it is clean, and after each change by hand that change and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.collect.account import DRIFT, Target, read
from checker.collect.config.settings_file import project_settings
from checker.drift_run import drift, exit_code
from checker.errors import ExitCode
from checker.lab import assembly, breaks, server, up
from checker.lab.breaks.account import Account
from checker.lab.clients import KEY, Clients
from checker.model.live.drift import IN_ACCOUNT, IN_CODE, ResourceState
from checker.model.verdicts import Run
from checker.run.request import Request

pytestmark = pytest.mark.xdist_group("drifting lab")
ROOT = Path(__file__).parents[2]
Said = dict[str, tuple[str, str, tuple[str, ...]]]


@pytest.fixture(scope="module")
def lab(own_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, str]]:
    path = assembly.copied(own_assembly, tmp_path_factory.mktemp("drifting") / "assembly")
    lab = server.start(tmp_path_factory.mktemp("lab"), account="111111111111", region="us-west-2")
    before = dict(os.environ)
    os.environ.update(AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=KEY, NO_PROXY="127.0.0.1")
    try:
        clients = Clients(lab)
        settings = project_settings(ROOT)
        up.fill(clients, path, settings, lambda _: None)
        yield Account.of(clients, path, settings), lab.endpoint
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.stop(lab)


def compared(lab: tuple[Account, str]) -> Run:
    account, url = lab
    request = Request(
        project=ROOT,
        settings=project_settings(ROOT),
        assemblies=[("", account.assembly)],
        environments=[account.environment],
    )
    snapshot = read(Target(region="us-west-2", endpoint_url=url), DRIFT)
    run, _ = drift(request, lambda _: snapshot)
    return run


def said(run: Run) -> Said:
    """What is not in sync: its state, what the next deploy does, and which properties somebody changed."""
    return {
        str(each.logical_id or each.physical_id): (
            each.state.value,
            each.next_deploy.value,
            tuple(f"{drift.path} {drift.state}" for drift in each.properties if drift.state in IN_ACCOUNT | IN_CODE),
        )
        for each in run.drift
        if each.state is not ResourceState.IN_SYNC
    }


# break -> what it adds: type or name of what is not in sync, and what is said of it.
BREAKS = {
    "drift-changed": ("changed", "none", ("BackupRetentionPeriod changed_in_account",)),
    "drift-added": ("changed", "none", ("Policies added_in_account",)),
    "drift-added-rule": ("changed", "none", ("SecurityGroupIngress added_in_account",)),
    "drift-missing": ("missing", "none", ()),
    "drift-unmanaged": ("unmanaged", "none", ()),
    "drift-pending": ("pending", "update", ("RetentionInDays changed_in_code",)),
    "drift-both": ("changed", "update", ("RetentionInDays changed_in_both",)),
}


def test_a_clean_account_has_no_drift_and_all_of_it_is_checked(lab: tuple[Account, str]) -> None:
    run = compared(lab)
    assert {key: entry for key, entry in said(run).items() if entry[0] != "unmanaged"} == {}
    assert run.coverage.unread == ()
    assert exit_code(run) is ExitCode.CLEAN


@pytest.mark.parametrize("name", BREAKS)
def test_a_change_by_hand_is_found_and_nothing_else(lab: tuple[Account, str], name: str) -> None:
    before = said(compared(lab))
    breaks.apply(lab[0], name)
    run = compared(lab)
    after = said(run)
    (changed,) = [entry for key, entry in after.items() if before.get(key) != entry]
    assert changed == BREAKS[name]
    assert before.keys() <= after.keys()
    assert exit_code(run) is ExitCode.FAILED
