"""A task whose name is chosen when the run begins: every option is followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.pipeline.scripts import AwsCall
from checker.model.possible import OneOf, options
from checker.model.settings import Settings
from checker.run.pipeline import pipeline_of
from tests.pipelines import repository

WORKFLOW = """
on:
  workflow_dispatch:
    inputs:
      where: {type: choice, options: [%s]}
permissions: {id-token: write, contents: read}
jobs:
  ship:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - uses: aws-actions/configure-aws-credentials@v4
        with: {role-to-assume: "arn:aws:iam::111111111111:role/ship", aws-region: eu-west-1}
      - run: make ship-${{ inputs.where }}
"""
ONE = "ship-%:\n\taws ecs update-service --cluster $* --service web --task-definition web:7\n"
TWO = (
    "ship-a:\n\taws ecs update-service --cluster a --service web --task-definition web:7\n"
    "ship-b:\n\taws ecs update-service --cluster b --service web --task-definition web:7 || true\n"
)


def traced(root: Path, makefile: str, names: str = "a, b") -> tuple[list[AwsCall], bool]:
    repository(root, {"Makefile": makefile, ".github/workflows/ship.yml": WORKFLOW % names})
    pipeline = pipeline_of(root, Settings(), ())
    assert pipeline is not None
    trace = pipeline.trace(pipeline.jobs[0])
    return list(trace.aws), trace.complete


def test_what_is_the_same_but_for_names_is_one_row(tmp_path: Path) -> None:
    (call,), complete = traced(tmp_path, ONE)
    assert call.text("cluster") == OneOf(("a", "b"))
    assert call.text("service") == "web"
    assert complete


def test_what_differs_stands_there_for_each_option(tmp_path: Path) -> None:
    calls, complete = traced(tmp_path, TWO)
    assert [options(call.text("cluster")) for call in calls] == [("a",), ("b",)]  # type: ignore[arg-type]
    assert [call.handling.stops for call in calls] == [True, False]
    assert complete


@pytest.mark.parametrize("names", ["a, c", ", ".join(f"n{number}" for number in range(40))])
def test_an_option_that_no_rule_tells_of_is_said(tmp_path: Path, names: str) -> None:
    assert traced(tmp_path, TWO, names)[1] is False
