"""What is worked out once and shared is what working it out each time gives: traces and verdicts of every layout."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar

import pytest

from checker.model.environments import Project
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command
from checker.model.verdicts import Verdict
from checker.resolve.python import values
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
    for each in ("attributes", "calls", "clients", "code", "dynamic", "expressions", "machine", "modules", "objects"):
        monkeypatch.setattr(f"checker.resolve.python.{each}.extern", values.extern.__wrapped__)
    assert shared == traces(ROOT)


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
