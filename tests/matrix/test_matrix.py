"""Each defect flips its finding, on its resource, and no other; each rewrite and each reshape flips nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import cycle
from pathlib import Path

import pytest

from checker.collect.config.register import load_register
from checker.collect.config.settings_file import project_settings
from checker.model.verdicts import Outcome
from checker.policies.rules import MODULES, load
from checker.waivers import apply, parse_waivers
from tests.matrix.reshapes import RESHAPES, changes
from tests.matrix.rewrites import DISGUISES, REWRITES
from tests.matrix.seeded import Defect, Matrix, defects, outcomes

ROOT = Path(__file__).parents[2]
# A day on which the waivers that were approved with this register are in force.
TODAY = date(2026, 12, 1)
# One way to break a finding may be the one that its rule happens to look for.
FEWEST = 4


@pytest.fixture(scope="session")
def matrix(own_assembly: Path) -> Matrix:
    return Matrix(own_assembly, project_settings(ROOT))


def test_our_own_stacks_are_decided(matrix: Matrix) -> None:
    undecided = {key for key, outcome in matrix.baseline.items() if outcome in {Outcome.UNKNOWN, Outcome.ERROR}}
    assert undecided == set()


def test_our_own_stacks_fail_nothing_but_what_is_waived(matrix: Matrix) -> None:
    written = (ROOT / "policies" / "waivers.yaml").read_text(encoding="utf-8")
    waivers = parse_waivers(written, "waivers.yaml", findings=load_register().requirements)
    verdicts, _ = apply(matrix.judged(matrix.templates), waivers, TODAY)
    assert {key for key, outcome in outcomes(verdicts).items() if outcome is Outcome.FAIL} == set()


@pytest.mark.parametrize("defect", list(defects()), ids=str)
def test_defect(matrix: Matrix, defect: Defect) -> None:
    actual, expected = matrix.flipped(defect)
    assert actual == expected


@pytest.mark.parametrize(("defect", "name"), list(zip(defects(), cycle(DISGUISES), strict=False)), ids=str)
def test_defect_in_disguise(matrix: Matrix, defect: Defect, name: str) -> None:
    """Broken, and then written differently: each defect in one way, which differs from defect to defect."""
    actual, expected = matrix.flipped(defect, DISGUISES[name])
    assert actual == expected


@pytest.mark.parametrize("name", list(REWRITES))
def test_rewrite(matrix: Matrix, name: str) -> None:
    rewritten = outcomes(matrix.judged(REWRITES[name](matrix.templates)))
    assert rewritten == matrix.baseline


@pytest.mark.parametrize("name", list(RESHAPES))
def test_reshape(matrix: Matrix, name: str) -> None:
    assert changes(matrix, RESHAPES[name]) == {}


def test_every_judged_finding_has_several_defects() -> None:
    counts = Counter(defect.finding for defect in defects())
    judged = [rule.id for rule in load() if rule.check is not None or rule.check_project is not None]
    assert {finding: counts[finding] for finding in judged if counts[finding] < FEWEST} == {}
    assert set(counts) <= set(MODULES)


def test_defects_have_names_of_their_own() -> None:
    counts = Counter(map(str, defects()))
    assert {name for name, count in counts.items() if count > 1} == set()


def test_a_defect_flips_one_finding_or_says_why_others_flip_with_it() -> None:
    """Another finding may no longer be decided: whose rules a third party's group holds is not known to any."""
    flipped = {
        str(each): {
            key.partition("[")[0]
            for key, subjects in (*each.flips.items(), *((mended, ()) for mended in each.mends))
            if key.partition("[")[0] == each.finding
            or not subjects
            or not all(subject.endswith("(unknown)") for subject in subjects)
        }
        for each in defects()
    }
    assert flipped == {str(each): {each.finding, *each.also} for each in defects()}
    assert all(len(why.split()) > 4 for each in defects() for why in each.also.values())
