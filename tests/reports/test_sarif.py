"""SARIF: valid, within GitHub's limits, and what code scanning needs to show and follow an alert."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from checker.model.verdicts import Location, Outcome, Severity
from checker.reports import render, sarif
from tests.reports.sample import EMPTY, RUN, verdict


def test_sarif_fits_the_standard() -> None:
    file = Path(__file__).parents[3] / "shared/schemas/sarif-2.1.0.json"
    for run in (RUN, EMPTY):
        document = json.loads(render(run, "sarif"))
        assert document["version"] == "2.1.0"
        if file.exists():  # too large to keep a copy here
            jsonschema.Draft7Validator(json.loads(file.read_text(encoding="utf-8"))).validate(document)


def test_sarif_says_what_it_found_and_nothing_of_what_passes() -> None:
    (run,) = json.loads(render(RUN, "sarif"))["runs"]
    kinds = {(each["properties"]["outcome"], each["kind"], each["level"]) for each in run["results"]}
    assert kinds == {
        ("fail", "fail", "error"),
        ("fail", "fail", "warning"),
        ("fail", "fail", "note"),
        ("waived", "fail", "warning"),
        ("unknown", "open", "none"),
    }
    assert [r["ruleId"] for r in run["results"] if "suppressions" in r] == ["W6"]
    assert run["invocations"][0]["executionSuccessful"] is False
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in run["results"])
    prints = [each["partialFingerprints"]["checkerSubject/v1"] for each in run["results"]]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("infra/a b/<x>.py", "infra/a%20b/%3Cx%3E.py"),
        ("odd:name.py", "odd%3Aname.py"),
        ("/tmp/x.json", "file:///tmp/x.json"),
    ],
)
def test_sarif_places_are_uris(file: str, uri: str) -> None:
    assert sarif._physical(Location(file, 3))["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_a_live_resource_has_no_file() -> None:
    assert sarif._physical(Location("arn:aws:rds:us-west-2:111111111111:db:x")) == {}


def results(text: str) -> list[dict[str, Any]]:
    (run,) = json.loads(text)["runs"]
    found: list[dict[str, Any]] = run["results"]
    return found


def test_every_result_has_a_place_that_code_scanning_takes() -> None:
    """One without a physical location, or with one that is no relative path, makes GitHub refuse the file."""
    for result in results(render(RUN, "sarif")):
        for place in result["locations"]:
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            assert not uri.startswith(("/", "arn:")) or "tmp" in uri


def test_a_fingerprint_stays_where_lines_move() -> None:
    moved = replace(
        RUN,
        verdicts=tuple(replace(v, location=replace(v.location, line=(v.location.line or 0) + 7)) for v in RUN.verdicts),
    )
    before, after = (
        {each["partialFingerprints"]["primaryLocationLineHash"] for each in results(render(run, "sarif"))}
        for run in (RUN, moved)
    )
    assert before == after
    assert len(before) == len(results(render(RUN, "sarif")))


def test_the_gravest_stay_within_the_limit_and_the_rest_is_told() -> None:
    grades = (Severity.SUGGESTION, Severity.WARNING, Severity.CRITICAL)
    many = tuple(
        verdict("C7", Outcome.FAIL, f"R{n}", n, severity=grades[n % 3], violation=f"Number {n}.", fix=f"Close {n}.")
        for n in range(1, 6001)
    )
    text = render(replace(RUN, verdicts=many), "sarif")
    found = results(text)
    assert len(found) == sarif.MAX_RESULTS
    assert [sum(each["level"] == level for each in found) for level in ("error", "warning", "note")] == [
        2000,
        2000,
        1000,
    ]
    (notice,) = [
        each
        for each in json.loads(text)["runs"][0]["invocations"][0]["toolExecutionNotifications"]
        if each.get("descriptor", {}).get("id") == "truncated"
    ]
    assert notice["message"]["text"].startswith("Truncated: 1000 results")
    assert len(gzip.compress(text.encode())) < 10_000_000
    assert "truncated" not in render(RUN, "sarif")


def test_a_result_shows_its_lines_unless_one_may_hold_a_secret() -> None:
    (excerpt,) = RUN.facts.excerpts
    (hidden,) = [each for each in results(render(RUN, "sarif")) if each["properties"]["id"] == "C7[at-rest]"]
    assert "contextRegion" not in hidden["locations"][0]["physicalLocation"]
    clean = replace(excerpt, lines=("one", "two", "three"))
    run = replace(RUN, facts=replace(RUN.facts, excerpts=(clean,)))
    (shown,) = [each for each in results(render(run, "sarif")) if each["properties"]["id"] == "C7[at-rest]"]
    physical = shown["locations"][0]["physicalLocation"]
    assert physical["region"]["snippet"]["text"] == "two"
    assert physical["contextRegion"]["snippet"]["text"] == "one\ntwo\nthree"


def test_a_rule_s_help_is_its_page() -> None:
    (run,) = json.loads(render(RUN, "sarif"))["runs"]
    pages = {rule["id"]: rule["help"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert pages["C7"].startswith("Redis is encrypted.")
    assert pages["C8"] == "checker explain C8"
