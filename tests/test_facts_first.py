"""The model is whole before the first rule runs: none of them opens a file, and none writes to it."""

from __future__ import annotations

import builtins
import copy
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checker.collect.config.register import load_register
from checker.collect.pipeline.earlier_runs import EarlierRuns
from checker.model.pipeline.pipeline import Pipeline
from checker.model.resources import Stack
from checker.model.settings import Settings
from checker.model.verdicts import Outcome, Verdict
from checker.policies.rules import load
from checker.resolve.templates.project import with_nested
from checker.run.judging import judge_stacks
from checker.run.pipeline import pipeline_of
from tests.policies.case import Case, cases
from tests.policies.harness import case_files, repository_of, stacks_of


def with_a_pipeline() -> Iterator[tuple[str, Case]]:
    """Of every file of cases the first that has both a template and a repository."""
    for path in case_files():
        found = next((case for case in cases(path) if case.input.environments and case.input.repository_files()), None)
        if found is not None:
            yield path.stem, found


CASES = list(with_a_pipeline())


@contextmanager
def closed_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*arguments: object, **_: object) -> None:
        raise AssertionError(f"a file was asked for while rules ran: {arguments[:1]}")

    with monkeypatch.context() as patched:
        for module, names in (
            (builtins, ("open",)),
            (io, ("open",)),
            (os, ("open", "listdir", "scandir", "stat", "lstat", "walk")),
            (Path, ("open", "read_text", "read_bytes", "stat", "is_file", "is_dir", "exists", "iterdir", "rglob")),
        ):
            for name in names:
                patched.setattr(module, name, refuse)
        yield


def judged(case: Case, pipeline: Pipeline | None) -> list[Verdict]:
    stacks, kinds = stacks_of(case)
    settings = Settings(**case.input.settings)
    written = [facts_of(stack) for stack in with_nested(stacks)]
    verdicts = judge_stacks(stacks, kinds, load(), load_register().findings, settings=settings, pipeline=pipeline)
    assert [facts_of(stack) for stack in with_nested(stacks)] == written, "a stack was written to while rules ran"
    return verdicts


def facts_of(stack: Stack) -> dict[str, object]:
    """Everything that a stack holds, as it is now; other stacks by their ids."""
    facts = {name: getattr(stack, name) for name in stack.__struct_fields__}
    nested, parent = {name: child.id for name, child in stack.nested.items()}, stack.parent
    return copy.deepcopy({**facts, "source": None, "nested": nested, "parent": parent.id if parent else None})


@pytest.mark.parametrize(("finding", "case"), CASES, ids=[finding for finding, _ in CASES])
def test_no_rule_opens_a_file(finding: str, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, kinds = Settings(**case.input.settings), tuple(case.input.environments)
    with repository_of(case) as root:
        assert root is not None, finding
        first, second = (pipeline_of(root, settings, kinds) for _ in range(2))
        # What an earlier run has followed, of which no rule has asked yet what becomes of a call that fails.
        pipeline_of(root, settings, kinds, earlier := EarlierRuns())
        earlier.save()
        known = pipeline_of(root, settings, kinds, EarlierRuns())
    before = judged(
        case, first
    )  # once, so that the checker's own tables are read; what is known of `first` is not kept
    with closed_files(monkeypatch):
        after, remembered = judged(case, second), judged(case, known)
    assert [verdict for verdict in after if verdict.outcome is Outcome.ERROR] == []
    assert before == after == remembered


def test_a_model_is_not_written_to() -> None:
    _, case = CASES[0]
    with repository_of(case) as root:
        assert root is not None
        pipeline = pipeline_of(root, Settings(**case.input.settings), tuple(case.input.environments))
    assert pipeline is not None
    parts: list[object] = [pipeline, *pipeline.jobs, *pipeline.traces.values()]
    for part in parts:
        with pytest.raises(AttributeError, match="immutable"):
            setattr(part, "problems", ())  # noqa: B010 - what a type checker would refuse
