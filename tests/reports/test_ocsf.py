"""OCSF: valid by a kept model of the schema, an event for each verdict and for what was not read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding

from checker.model.verdicts import Outcome, Run
from checker.reports import render
from tests.reports.sample import EMPTY, RUN, verdict


def events(run: Run, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(render(run, "ocsf", **options))
    return found


@pytest.mark.parametrize("run", [RUN, EMPTY], ids=["full", "empty"])
def test_each_verdict_and_each_source_that_was_not_read_is_an_event_of_the_schema(run: Run) -> None:
    found = events(run)
    assert len(found) == len(run.verdicts) + len(run.coverage.unread)
    for each in found:
        event = ComplianceFinding.model_validate(each)
        assert (event.class_uid, event.category_uid, event.type_uid, event.activity_id) == (2003, 2, 200301, 1)
        assert event.type_uid == event.class_uid * 100 + event.activity_id


@pytest.mark.parametrize(
    ("outcome", "compliance", "status"),
    [
        (Outcome.PASS, 1, "New"),
        (Outcome.FAIL, 3, "New"),
        (Outcome.WAIVED, 3, "Suppressed"),
        (Outcome.UNKNOWN, 0, "New"),
        (Outcome.ERROR, 0, "New"),
        (Outcome.NOT_APPLICABLE, 99, "New"),
    ],
)
def test_only_a_pass_is_a_pass(outcome: Outcome, compliance: int, status: str) -> None:
    one = next((each for each in RUN.verdicts if each.outcome is outcome), verdict("C7", outcome, "Cache", 1))
    (event,) = events(replace(RUN, verdicts=(one,), coverage=EMPTY.coverage))
    assert (event["compliance"]["status_id"], event["status"]) == (compliance, status)
    assert event["compliance"]["desc"] == outcome.value


def test_what_was_not_read_is_unknown() -> None:
    last = events(RUN)[-1]
    assert last["compliance"]["status_id"] == 0
    assert last["message"].startswith("Not read: ")


def test_the_time_is_the_one_that_was_asked_for() -> None:
    assert {each["time"] for each in events(RUN, at="2026-11-26T10:00:00+00:00")} == {1795687200000}
    assert render(RUN, "ocsf") == render(RUN, "ocsf")


def test_an_event_is_followed_by_its_subject_and_not_by_its_line() -> None:
    one = verdict("C7", Outcome.FAIL, "Cache", 1)
    moved = replace(one, location=replace(one.location, line=99))
    (before,), (after,) = (events(replace(RUN, verdicts=(each,), coverage=EMPTY.coverage)) for each in (one, moved))
    assert before["finding_info"]["uid"] == after["finding_info"]["uid"]
