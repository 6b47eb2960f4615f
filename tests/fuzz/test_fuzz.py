"""Short runs of both fuzzers, enough to see that they work and to catch what is shallow."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import ends, expressions, pipelines
from tests.resolve.expressions import github_own

ROOT = Path(__file__).parents[2]


def test_a_short_run_finds_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.target",
        "-runs=2000",
        "-len_control=0",
        "-seed=7",
        "-print_final_stats=1",
        # libFuzzer reads the peak that the kernel keeps, which a child takes over from the process that started it
        # (getrusage(2), ru_maxrss survives execve): here that of the tests' worker. The target bounds itself.
        "-rss_limit_mb=0",
    ]
    done = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/", str(tmp_path / "corpus")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    executed = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    assert executed is not None
    assert int(executed[1]) >= 2000


@pytest.mark.parametrize("seeds", [range(first, first + 50) for first in range(0, 1_000, 50)], ids=str)
def test_no_rule_crashes_on_a_changed_repository(seeds: range) -> None:
    assert [(seed, each) for seed in seeds for each in pipelines.found(seed)] == []


def test_repositories_are_changed_each_in_its_own_way_and_again_in_the_same() -> None:
    assert pipelines.repository(7) == pipelines.repository(7)
    assert len({str(pipelines.repository(seed)) for seed in range(20)}) == 20
    unchanged = [case.input.repository_files() == files for case, files in map(pipelines.repository, range(100))]
    assert sum(unchanged) < 10


@pytest.mark.parametrize("seeds", [range(first, first + 25) for first in range(0, 100, 25)], ids=str)
def test_a_script_ends_as_was_said(seeds: range, tmp_path: Path) -> None:
    assert [find for seed in seeds for find in ends.found(seed, tmp_path)] == []


def test_what_was_said_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "said", lambda answer: True)
    assert any(not find.fails for seed in range(20) for find in ends.found(seed, tmp_path))


@pytest.mark.parametrize("seed", range(4))
def test_an_expression_is_what_githubs_own_library_makes_of_it(seed: int) -> None:
    assert list(expressions.found(seed)) == []


def test_an_expression_that_is_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_own, "evaluate", lambda *_: "something else")
    assert list(expressions.found(0))
