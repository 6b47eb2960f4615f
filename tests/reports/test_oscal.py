"""OSCAL: valid by the standard's own model, and it never says that a control is satisfied."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from trestle.oscal.assessment_results import Model

from checker.model.verdicts import Outcome, Run
from checker.reports import render
from tests.reports.sample import EMPTY, RUN, verdict


def result_of(run: Run, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(run, "oscal", **options))["assessment-results"]["results"][0]
    return found


@pytest.mark.parametrize("run", [RUN, EMPTY], ids=["full", "empty"])
def test_it_fits_the_standard_s_model(run: Run) -> None:
    assert Model.model_validate_json(render(run, "oscal")).assessment_results.results


def test_only_what_fails_is_a_finding_and_nothing_is_satisfied() -> None:
    found = result_of(RUN)["findings"]
    assert [each["target"]["target-id"] for each in found] == ["sc-8", "sc-28.1"]
    assert '"satisfied"' not in render(RUN, "oscal")
    passing = replace(RUN, verdicts=(verdict("C7", Outcome.PASS, "Cache", 1),))
    assert "findings" not in result_of(passing)
    observations = {each["uuid"] for each in result_of(RUN)["observations"]}
    assert {each["observation-uuid"] for one in found for each in one["related-observations"]} <= observations


def test_every_finding_and_environment_is_observed_and_what_was_not_read_is_said() -> None:
    result = result_of(RUN, at="2026-11-26T10:00:00+00:00")
    pairs = {(each.finding, each.environment) for each in RUN.verdicts}
    assert len(result["observations"]) == len(pairs)
    assert result["start"] == "2026-11-26T10:00:00+00:00"
    assert "Not read: rds instances in us-west-2" in result["remarks"]
