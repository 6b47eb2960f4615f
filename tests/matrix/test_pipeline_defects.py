"""Each defect of our workflows and release code flips its finding, where it stands, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.matrix.pipeline_seeded import PipelineDefect, PipelineMatrix, defects


@pytest.fixture(scope="session")
def pipeline_matrix(own_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineMatrix:
    return PipelineMatrix(own_assembly, tmp_path_factory.mktemp("repository"))


@pytest.mark.parametrize("defect", list(defects()), ids=str)
def test_pipeline_defect(pipeline_matrix: PipelineMatrix, defect: PipelineDefect) -> None:
    expected = {finding: set(subjects) for finding, subjects in defect.flips.items()}
    assert pipeline_matrix.flipped(defect) == expected


def test_defects_are_of_rules_that_look_at_the_pipeline(pipeline_matrix: PipelineMatrix) -> None:
    judged = {rule.id for rule in pipeline_matrix.rules}
    assert {defect.finding for defect in defects()} <= judged


def test_defects_have_names_of_their_own() -> None:
    names = [str(defect) for defect in defects()]
    assert len(names) == len(set(names))


def test_a_defect_flips_one_finding_or_says_why_others_flip_with_it() -> None:
    for each in defects():
        flipped = {key.partition("[")[0] for key in each.flips}
        assert each.finding in flipped
        assert flipped - {each.finding} == set(each.also), str(each)
        assert all(len(why.split()) > 4 for why in each.also.values()), str(each)
