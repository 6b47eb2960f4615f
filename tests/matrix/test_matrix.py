"""Each defect flips its finding, on its resource, and no other; each rewrite flips nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.verdicts import Outcome
from checker.settings_file import project_settings
from policies.rules import MODULES
from tests.matrix.patches import Defect, Matrix, defects, outcomes
from tests.matrix.rewrites import REWRITES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def matrix(own_assembly: Path) -> Matrix:
    return Matrix(own_assembly, project_settings(ROOT))


def test_our_own_stacks_are_decided(matrix: Matrix) -> None:
    undecided = {key for key, outcome in matrix.baseline.items() if outcome in {Outcome.UNKNOWN, Outcome.ERROR}}
    assert undecided == set()


@pytest.mark.parametrize("defect", list(defects()), ids=str)
def test_defect(matrix: Matrix, defect: Defect) -> None:
    actual, expected = matrix.flipped(defect)
    assert actual == expected


@pytest.mark.parametrize("name", list(REWRITES))
def test_rewrite(matrix: Matrix, name: str) -> None:
    rewritten = outcomes(matrix.judged(REWRITES[name](matrix.templates)))
    assert rewritten == matrix.baseline


def test_every_judged_finding_has_a_defect() -> None:
    assert {defect.finding for defect in defects()} == set(MODULES)
