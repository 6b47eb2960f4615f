"""What is said to be refused, beside what GitHub's own parser refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from checker.collect.pipeline.workflows.reading import read_workflow
from checker.resolve.expressions.refused import refusals_of
from tests.policies.harness import all_cases

PROGRAM: Final = Path(__file__).with_name("github_own.mjs")
TABLE: Final = yaml.safe_load(Path(__file__).with_name("accepted.yaml").read_text(encoding="utf-8"))


def changed(*steps: Mapping[str, str]) -> str:
    text: str = TABLE["base"]
    for step in steps:
        assert text.count(step["replace"]) == 1, step
        text = text.replace(step["replace"], step["with"])
    return text


def said(text: str, folder: Path) -> list[str]:
    (folder / "w.yml").write_text(text, encoding="utf-8")
    return [each.message for each in refusals_of(read_workflow(folder / "w.yml", "w.yml"))]


def told_by_github(texts: Sequence[str], folder: Path) -> list[list[str]]:
    """The faults that GitHub's parser finds in each."""
    names = [folder / f"{index}.yml" for index in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        name.write_text(text, encoding="utf-8")
    asked = "".join(f"{name}\n" for name in names)
    done = subprocess.run(["node", str(PROGRAM)], input=asked, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("row", TABLE["refused"], ids=lambda row: row[1])
def test_what_is_refused_is_said_in_words(row: list[Any], tmp_path: Path) -> None:
    step, words, *more = row
    assert words in "\n".join(said(changed(step, *more), tmp_path))


@pytest.mark.parametrize("step", [*TABLE["taken"], *TABLE["newer"]], ids=lambda step: step["with"])
def test_nothing_is_said_of_what_is_taken_or_may_be_new(step: Mapping[str, str], tmp_path: Path) -> None:
    assert said(changed(step), tmp_path) == []


def test_githubs_own_parser_refuses_the_same(tmp_path: Path) -> None:
    refused = [changed(step, *more) for step, _, *more in TABLE["refused"]]
    newer, taken = ([changed(step) for step in TABLE[key]] for key in ("newer", "taken"))
    assert [text for text, faults in zip(refused, told_by_github(refused, tmp_path), strict=True) if not faults] == []
    assert [text for text, faults in zip(newer, told_by_github(newer, tmp_path), strict=True) if not faults] == []
    assert [faults for faults in told_by_github([TABLE["base"], *taken], tmp_path) if faults] == []


def test_githubs_own_parser_refuses_every_workflow_of_a_case_that_is_said_to_be_refused(tmp_path: Path) -> None:
    texts = dict.fromkeys(
        text
        for _, case in all_cases()
        for name, text in (case.input.repository_files() or {}).items()
        if name.startswith(".github/workflows/") and isinstance(text, str)
    )
    asked = [text for text in texts if said(text, tmp_path)]
    assert len(texts) > 500
    assert [text for text, faults in zip(asked, told_by_github(asked, tmp_path), strict=True) if not faults] == []
