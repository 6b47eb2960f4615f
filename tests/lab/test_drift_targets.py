"""``checker drift --targets``: several accounts in one run, and one that fails as an outcome of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import distributed
import pytest

from checker.cli import run
from checker.lab import up
from checker.lab.clients import Clients

pytestmark = pytest.mark.xdist_group("lab")
ROOT = Path(__file__).parents[2]
ELSEWHERE = "299999999999"


@pytest.fixture
def targets(clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lab's account, and one that the credentials are not of."""
    for name in (*up.UNSET, "GH_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in up.variables(clients.lab).items():
        monkeypatch.setenv(name, value)
    lab = clients.lab
    asked = {"regions": [lab.region], "endpoint-url": lab.endpoint, "environments": ["production"]}
    foreign = {"account": ELSEWHERE, **asked}
    file = tmp_path / "targets.yaml"
    file.write_text(json.dumps({"targets": [{"account": lab.account, **asked}, foreign]}), encoding="utf-8")
    return file


@contextmanager
def cluster() -> Iterator[str]:
    dask: Any = distributed  # it has no types
    with dask.LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address=None, processes=False, protocol="tcp"
    ) as it:
        yield it.scheduler_address


def compared(targets: Path, deployed: Path, *more: str) -> tuple[int, dict[str, Any]]:
    file = targets.with_name("run.json")
    words = ["--project", str(ROOT), "--assembly", str(deployed), "--env", "production", "--all"]
    code = run(["drift", "--targets", str(targets), *words, "--format", f"json={file}", *more])
    return code, json.loads(file.read_text())


def test_each_account_is_compared_and_one_that_fails_is_told(targets: Path, deployed: Path, clients: Clients) -> None:
    code, document = compared(targets, deployed)
    at = f"{clients.lab.account}/{clients.lab.region}"
    assert set(document["environments"]) == {f"production@{at}", f"shared@{at}"}
    assert {each["environment"] for each in document["drift"]} == set(document["environments"])
    assert {each["state"] for each in document["drift"]} == {"in_sync"}
    assert [each["what"] for each in document["coverage"]["unread"]] == [f"account {ELSEWHERE}/{clients.lab.region}"]
    assert code == 3
    with cluster() as address:
        assert compared(targets, deployed, "--scheduler", address) == (code, document)


def test_a_stack_that_no_target_has_is_told(targets: Path, deployed: Path) -> None:
    document = json.loads(targets.read_text())
    targets.write_text(json.dumps({"targets": [{**document["targets"][0], "stacks": ["DocPlatformProd"]}]}))
    code, document = compared(targets, deployed)
    assert [each["what"] for each in document["coverage"]["unread"]] == ["stack DocPlatformShared"]
    assert {each["stack"] for each in document["drift"] if each["logical_id"]} == {"DocPlatformProd"}
    assert code == 3


def test_a_snapshot_is_of_one_account(targets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drift", "--targets", str(targets), "--snapshot", "s.json"]) == 2
    assert "a snapshot is of one" in capsys.readouterr().err
    assert run(["drift", "--scheduler", "tcp://127.0.0.1:1"]) == 2


@pytest.mark.parametrize("command", ["audit", "drift"])
@pytest.mark.parametrize("option", ["--profile", "--region", "--role-arn", "--endpoint-url"])
def test_what_is_of_one_account_is_not_overlooked(
    targets: Path, capsys: pytest.CaptureFixture[str], command: str, option: str
) -> None:
    assert run([command, "--targets", str(targets), option, "x"]) == 2
    assert f"{option} is for one account" in capsys.readouterr().err


def test_the_last_line_counts_all_of_several_accounts(
    targets: Path, deployed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, document = compared(targets, deployed)
    capsys.readouterr()
    words = ["--project", str(ROOT), "--assembly", str(deployed), "--env", "production", "--quiet"]
    assert run(["drift", "--targets", str(targets), *words]) == 3
    assert f"1 of 2 accounts and regions · no drift in what could be checked · {len(document['drift'])} in sync" in (
        capsys.readouterr().out
    )
