"""What is worked out once and shared is what working it out each time gives: traces and verdicts of every layout."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Set
from pathlib import Path
from typing import TypeVar

import pytest

from checker.collect.pipeline.earlier_runs import EarlierRuns
from checker.model.environments import Project
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command
from checker.model.verdicts import Verdict
from checker.resolve.python import code, objects, values
from checker.resolve.python.rehearsal import ways
from checker.resolve.python.rehearsal.gone import Gone
from checker.resolve.python.rehearsal.standins import Mode
from checker.resolve.python.rehearsal.way import Way
from checker.resolve.trace import programs
from checker.run.judging import gate
from checker.run.pipeline import pipeline_of
from checker.run.request import request_for
from tests.layouts.layout import LAYOUTS, lay_out

T = TypeVar("T")
ROOT = Path(__file__).parents[3]


def told(action: Command | AwsCall | CdkCommand) -> str:
    """All of an action but its identity: what it is, where and how it is reached, how its failure is taken."""
    reached = action.reached._replace(step=None)
    what: object
    if isinstance(action, Command):
        what = (action.words, action.folder, dict(action.environment), action.writes, action.entered)
    elif isinstance(action, AwsCall):
        what = (action.service, action.operation, action.how, dict(action.arguments), action.region, action.complete)
    else:
        what = (action.name, action.stacks, dict(action.options), dict(action.environment))
    step = action.step.spot if action.step else None
    return f"{type(action).__name__} {what!r} {reached!r} {step} {action.handling!r}"


def traces(root: Path) -> list[str]:
    request = request_for(root)
    pipeline: Pipeline | None = pipeline_of(root, request.settings, ())
    if pipeline is None:
        return []
    return [
        line
        for job, trace in pipeline.traces.items()
        for line in (job.name, *map(told, trace.actions), *map(repr, trace.outputs), *map(repr, trace.problems))
    ]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda path: path.stem)
def test_programs_that_are_followed_once_do_what_each_start_does(
    layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(layout, tmp_path)
    shared = traces(tmp_path)
    monkeypatch.setattr(programs, "_same", lambda _asked, _environment: False)
    assert shared == traces(tmp_path)


def test_so_do_the_release_programs_of_this_repository_with_new_values_for_each_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = traces(ROOT)
    assert any("infra/release/" in line for line in shared)
    monkeypatch.setattr(programs, "_same", lambda _asked, _environment: False)
    monkeypatch.setattr(values, "_extern", values._extern.__wrapped__)
    monkeypatch.setattr(objects, "key_of", lambda *_: None)
    assert shared == traces(ROOT)


def asked_all(root: Path, earlier: EarlierRuns | None = None) -> list[str]:
    """The traces, and what becomes of each call whichever way it is asked."""
    pipeline: Pipeline | None = pipeline_of(root, request_for(root).settings, (), earlier)
    actions = [each for trace in pipeline.traces.values() for each in trace.actions] if pipeline else []
    found = []
    for each in actions:
        handling = each.handling
        answers = (handling.ends, handling.notices, handling.lasts, handling.missed, handling.turns)
        found.append(f"{told(each)} {answers!r}")
    if earlier is not None:
        earlier.save()
    return found


@pytest.mark.parametrize("layout", [*LAYOUTS, None], ids=lambda path: path.stem if path else "this repository")
def test_what_earlier_runs_followed_comes_to_what_following_gives(
    layout: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = ROOT
    if layout is not None:
        lay_out(layout, root := tmp_path)
    fresh = asked_all(root)
    assert asked_all(root, EarlierRuns()) == fresh
    monkeypatch.setattr(code, "follow", lambda *_: pytest.fail("a program was followed again"))
    monkeypatch.setattr(Way, "run_through", lambda _: pytest.fail("a way was gone again"))
    assert asked_all(root, EarlierRuns()) == fresh


def test_ways_that_an_earlier_run_did_not_go_come_to_what_they_would_have(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = asked_all(ROOT)
    with monkeypatch.context() as earlier:
        earlier.setattr(programs, "_more", lambda made, _gone, _known: made._replace(gone={}))
        assert asked_all(ROOT, EarlierRuns()) == fresh
    assert asked_all(ROOT, EarlierRuns()) == fresh


@pytest.mark.parametrize("layout", [*LAYOUTS, None], ids=lambda path: path.stem if path else "this repository")
def test_a_way_that_was_gone_for_another_call_comes_to_what_going_it_again_gives(
    layout: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = ROOT
    if layout is not None:
        lay_out(layout, root := tmp_path)
    shared = asked_all(root)
    monkeypatch.setattr(ways, "as_before", lambda *_: None)
    assert asked_all(root) == shared


WAITING = """
import sys, time, boto3
def main(ecs):
    tries = 0
    while wanted():
        found = ecs.describe_services(cluster="c", services=["api"])["services"][0]
        if slow() and late():
            return 0
        if early():
            continue
        if found["runningCount"] == found["desiredCount"] and not late():
            break
        if early() and tries > 3:
            return 1
        time.sleep(5)
    return 0
sys.exit(main(boto3.client("ecs")))
"""


def endings(root: Path, file: str) -> list[str]:
    """How programs end that ask again and again in a file, where the call fails or what it asks about never comes."""
    request = request_for(root)
    pipeline = pipeline_of(root, request.settings, ())
    assert pipeline is not None
    actions = [each for trace in pipeline.traces.values() for each in trace.actions if isinstance(each, AwsCall)]
    asking = [each for each in actions if each.spot.file == file and each.handling.notices != Handling().notices]
    answers = [(each, each.handling) for each in asking]
    return [f"{each.spot} {of.ends!r} {of.notices!r} {of.lasts!r} {of.turns!r}" for each, of in answers]


@pytest.mark.parametrize("file", ["wait.py", "infra/release/tasks.py"])
def test_ways_through_a_program_that_are_gone_once_end_as_each_would(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path if file == "wait.py" else ROOT
    if root is tmp_path:
        (tmp_path / ".github" / "workflows").mkdir(parents=True)
        (tmp_path / ".github" / "workflows" / "ci.yml").write_text(
            "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: python wait.py\n"
        )
        (tmp_path / "wait.py").write_text(WAITING)
    asked: list[bool] = []
    is_way_of = Gone.is_way_of

    def counted(gone: Gone, mode: Mode, turns: Set[int]) -> bool:
        asked.append(is_way_of(gone, mode, turns))
        return asked[-1]

    monkeypatch.setattr(Gone, "is_way_of", counted)
    shared = endings(root, file)
    assert set(asked) == {True, False}
    monkeypatch.setattr(Gone, "is_way_of", lambda _gone, _mode, _turns: False)
    monkeypatch.setattr(objects, "key_of", lambda *_: None)
    assert shared == endings(root, file)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda path: path.stem)
def test_what_rules_share_is_what_each_would_find(
    layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(layout, tmp_path)

    def judged() -> list[tuple[str, str, str, str]]:
        def shape(each: Verdict) -> tuple[str, str, str, str]:
            return str(each.id), each.outcome.value, each.violation, str(each.location)

        return [shape(each) for each in gate(request_for(tmp_path)).verdicts]

    shared = judged()
    once_for = Project.once_for

    def each_time(self: Project, key: Hashable, compute: Callable[[], T]) -> T:
        # Only what rules ask by key: what a project holds once is an index, and takes minutes without.
        return compute() if isinstance(key, tuple) else once_for(self, key, compute)

    monkeypatch.setattr(Project, "once_for", each_time)
    assert shared == judged()
