"""Runs are kept in a file, and shown in the order in which they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from checker.cli import run as command
from checker.collect.history import earlier, keep
from checker.errors import ExitCode
from checker.reports import render
from tests.reports.sample import EMPTY, RUN


def test_runs_are_kept_once_and_shown_oldest_first(tmp_path: Path) -> None:
    store = tmp_path / "deep" / "history.sqlite"
    assert keep(store, RUN, "2026-11-26T10:00:00+00:00", "b")
    assert keep(store, EMPTY, "2026-11-25T10:00:00+00:00", "a")
    assert not keep(store, RUN, "2026-11-26T10:00:00+00:00", "b")
    assert keep(store, replace(RUN, command="audit"), "2026-11-27T10:00:00+00:00", "c")
    found = earlier(store)
    assert [each.time[:10] for each in found] == ["2026-11-25", "2026-11-26"]
    assert found[1].totals == RUN.totals
    assert found[1].commit == RUN.project.commit
    assert len(earlier(store, limit=1)) == 1


def test_a_judging_command_keeps_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.yaml").write_text(
        "Resources:\n  Cache: {Type: AWS::ElastiCache::CacheCluster, Properties: {Engine: redis}}\n"
    )
    Path("clean.yaml").write_text("Resources:\n  Topic: {Type: AWS::SNS::Topic}\n")
    for name in ("broken.yaml", "clean.yaml"):
        command(["gate", "--assembly", name, "--history"])
    capsys.readouterr()
    assert command(["trend"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [int(line.split()[3]) > 0 for line in shown[1:3]] == [True, False]
    assert shown[-1] == "failed █ "
    assert command(["trend", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [sorted(row) for row in rows] == [["commit", "time", "totals"]] * 2


def test_a_stored_run_is_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text(render(RUN, "json"))
    store = str(tmp_path / "h.sqlite")
    for _ in range(2):
        assert command(["trend", "--store", store, "--add", str(tmp_path / "run.json")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2 * 3


@pytest.mark.parametrize("content", [b"", b"not a store", None])
def test_what_is_no_store_is_named(tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "h.sqlite"
    if content is not None:
        store.write_bytes(content)
    assert command(["trend", "--store", str(store)]) == ExitCode.USAGE
    assert "h.sqlite: no" in capsys.readouterr().err
