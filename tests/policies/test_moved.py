"""What rules say of a pipeline does not change with where its scripts stand.

Every rewrite of :mod:`tests.policies.moved` on a share of the cases, another one for each; all of them together by
``python -m tests.policies.test_moved``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from zlib import crc32

import pytest

from tests.policies.case import Case
from tests.policies.harness import all_cases, said, verdicts_of
from tests.policies.moved import REWRITES, moved

_SHARE: Final = 24
# Where a name stands is what W3 asks for.
_OF_THE_PLACE: Final = frozenset({"W3"})
# Cases and rewrites after which something else is said, and rightly.
_EXPECTED: Final = {
    # The commands are not beside the output any more.
    ("a first job resolves the commit of what it stands on", "*"),
    # The token names the called workflow.
    ("a job in its environment, on the branch and by the workflow that the policy asks for as well", "called workflow"),
    # Another call is in between.
    ("the repository's own workflow is called as a branch has it", "called workflow"),
    # Whether a program in Python surely fails is not followed.
    ("a step that may fail, and one that then ends the job", "step in Python"),
    ("the step may fail, and a later one fails the job for it", "step in Python"),
    ("the step that brings back fails the job", "step in Python"),
    ("one step brings back, the next fails the job", "step in Python"),
    ("the step that brings back fails the job whose roll-out was allowed to fail", "step in Python"),
    ("a step behind one that surely fails, which does not ask how that went", "step in Python"),
    # The script is the branch's, and only what it deploys the tag's.
    ("the stack is deployed from a worktree of the tag", "*"),
    # A program that another step hands to an action is not followed.
    (
        "a script and a request of GitHub's client that cancel runs, beside a job that migrates",
        "values by a step's outputs",
    ),
    (
        "a script and a request of GitHub's client that cancel runs, beside a job that migrates",
        "values by the job's environment",
    ),
    # No release starts it: a text that is made of none is empty.
    ("a release's own tag for its image", "formatted"),
    # Each deploy has a file of its own, and they were told under one.
    ("an app in Go, and one in Java", "*"),
}


def _pairs() -> Iterator[tuple[str, Case, str]]:
    for finding, case in all_cases():
        if finding not in _OF_THE_PLACE and case.input.repository_files():
            for name in REWRITES:
                if not {(case.name, name), (case.name, "*")} & _EXPECTED:
                    yield finding, case, name


def _answers(finding: str, case: Case) -> dict[str, set[str]]:
    """Requirement -> what is said of any place: places have other names where a script has moved."""
    return {requirement: set(places.values()) for requirement, places in said(verdicts_of(finding, case)).items()}


def _difference(finding: str, case: Case, rewrite: str) -> str:
    files = moved(case.input.repository_files() or {}, REWRITES[rewrite])
    if files is None:
        return ""
    written = replace(
        case.input, files=files, repository=None, do=[each for each in case.input.do if "file" not in each[1]]
    )
    before, after = _answers(finding, case), _answers(finding, replace(case, input=written))
    return "" if before == after else f"{case.where}: {case.name}: {before} became {after}"


@pytest.mark.parametrize("rewrite", REWRITES)
def test_what_is_said_stays_where_the_script_goes(rewrite: str) -> None:
    share = [
        (finding, case)
        for finding, case, name in _pairs()
        if name == rewrite and crc32(f"{finding} {case.name} {name}".encode()) % _SHARE == 0
    ]
    assert share
    assert [found for finding, case in share if (found := _difference(finding, case, rewrite))] == []


def _every() -> Iterator[str]:
    for finding, case, name in _pairs():
        if found := _difference(finding, case, name):
            yield f"{name}: {found}"


if __name__ == "__main__":
    different = False
    for each in _every():
        different = True
        sys.stdout.write(f"{each}\n")
        sys.stdout.flush()
    sys.exit(different)
