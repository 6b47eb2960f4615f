"""Expressions are read in one spelling; what is no expression, and what is quoted in one, stays."""

from __future__ import annotations

import pytest

from checker.collect.pipeline.workflows.spelling import in_one_spelling, with_expressions


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("${{ steps['build'].outputs['tag'] }}", "${{ steps.build.outputs.tag }}"),
        ("${{ STEPS.build.Outputs.Tag }}", "${{ steps.build.outputs.Tag }}"),
        ("a ${{ github['event']['inputs']['TAG'] }} b", "a ${{ github.event.inputs.TAG }} b"),
        ("${{ GitHub.REF == 'GITHUB.REF' && Always() }}", "${{ github.ref == 'GITHUB.REF' && always() }}"),
        ("${{ fromJson(needs.a.outputs['rows']).GITHUB.X }}", "${{ fromJSON(needs.a.outputs.rows).GITHUB.X }}"),
        ("${{ vars['a name'] || vars[ 'b' ] }}", "${{ vars['a name'] || vars.b }}"),
        ("${{ matrix.github['x'] }}", "${{ matrix.github.x }}"),
        ("${{ inputs[\n'tag'] }}", "${{ inputs[\n'tag'] }}"),
        ("echo GITHUB.SHA steps['x'] '${{ github.sha }}'", "echo GITHUB.SHA steps['x'] '${{ github.sha }}'"),
    ],
)
def test_one_spelling(written: str, read: str) -> None:
    assert with_expressions(written) == read


def test_of_a_file_everything_but_scripts_which_keep_their_lines() -> None:
    data = {"if": "STEPS.a.outcome == 'Failure' && x", "with": ["${{ ENV.A }}"], "run": "${{ ENV.A }}", "name": "ENV.A"}
    read = {"if": "steps.a.outcome == 'Failure' && x", "with": ["${{ env.A }}"], "run": "${{ ENV.A }}", "name": "ENV.A"}
    assert in_one_spelling(data, "STEPS.a.outcome ENV.A") == read
