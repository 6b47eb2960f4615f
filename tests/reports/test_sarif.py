"""SARIF: valid, within GitHub's limits, and what code scanning needs to show and follow an alert."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from checker.collect.config.register import load_register
from checker.model.verdicts import Finding, Location, Outcome, Run, Severity
from checker.reports import render, sarif
from tests.reports.sample import EMPTY, RUN, verdict

# What `npm ci` brings on Linux: Microsoft's validator, the OASIS schema beside it.
MULTITOOL = Path(__file__).parents[2] / "node_modules/@microsoft/sarif-multitool-linux"
HERE = pytest.mark.skipif(not MULTITOOL.is_dir(), reason="@microsoft/sarif-multitool-linux is not installed")
# Asks for every address over the network otherwise (SARIF2006).
OFFLINE = """<Properties><Properties Key="SARIF2006.UrisShouldBeReachable.Options">
<Property Key="RuleEnabled" Value="Disabled" Type="Microsoft.CodeAnalysis.Sarif.Driver.RuleEnabledState" />
</Properties></Properties>"""


def many(number: int) -> Run:
    grades = (Severity.SUGGESTION, Severity.WARNING, Severity.CRITICAL)
    verdicts = tuple(
        verdict("C7", Outcome.FAIL, f"R{n}", n, severity=grades[n % 3], violation=f"Number {n}.", fix=f"Close {n}.")
        for n in range(1, number + 1)
    )
    return replace(RUN, verdicts=verdicts)


@HERE
@pytest.mark.parametrize("run", [RUN, EMPTY], ids=["full", "empty"])
def test_sarif_fits_the_standard(run: Run) -> None:
    schema = json.loads((MULTITOOL / "sarif-2.1.0.json").read_text(encoding="utf-8-sig"))
    document = json.loads(render(run, "sarif"))
    jsonschema.Draft7Validator(schema).validate(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate({**document, "more": 1})


@HERE
@pytest.mark.parametrize("run", [RUN, EMPTY, many(6000)], ids=["full", "empty", "truncated"])
def test_microsoft_s_validator_takes_it_by_github_s_rules_too(run: Run, tmp_path: Path) -> None:
    # What lies outside of the project has no path below its root, and one verdict of the sample does.
    inside = tuple(each for each in run.verdicts if not each.location.file.startswith("/"))
    assert validated(render(replace(run, verdicts=inside), "sarif"), tmp_path) == set()


@HERE
def test_the_validator_says_what_is_wrong(tmp_path: Path) -> None:
    document = json.loads(render(RUN, "sarif"))
    place = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    place["region"] = {"startLine": 5, "endLine": 3}
    assert ("SARIF1007", "error") in validated(json.dumps(document), tmp_path)


def validated(text: str, folder: Path) -> set[tuple[str, str]]:
    """Rule and grade of what the validator says, notes of style left out."""
    program = MULTITOOL / "Sarif.Multitool"
    program.chmod(0o755)  # npm runs none of the package's scripts, which would do this
    (folder / "run.sarif").write_text(text, encoding="utf-8")
    (folder / "offline.xml").write_text(OFFLINE)
    options = ["--config", "offline.xml", "--rule-kind", "Sarif;Gh", "--level", "Error;Warning", "-o", "said.sarif"]
    done = subprocess.run(
        [str(program), "validate", "run.sarif", *options],
        cwd=folder,
        env={**os.environ, "DOTNET_BUNDLE_EXTRACT_BASE_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (folder / "said.sarif").is_file(), done.stdout + done.stderr
    (said,) = json.loads((folder / "said.sarif").read_text(encoding="utf-8-sig"))["runs"]
    assert said["invocations"][0]["executionSuccessful"], done.stdout
    return {(each["ruleId"], each.get("level", "warning")) for each in said["results"]}


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
    text = render(many(6000), "sarif")
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


@pytest.mark.parametrize(
    ("finding", "page"),
    [
        ("C7", "/blob/main/checker/policies/rules/c7_redis_encryption.py"),
        ("CFN:E3012", "/blob/main/docs/other-scanners.md"),
        ("CKV_AWS_18", "/blob/main/docs/other-scanners.md"),
        ("OWN1", ""),
    ],
)
def test_the_help_of_a_rule_is_a_page_that_exists(finding: str, page: str) -> None:
    of = load_register().findings.get(finding) or Finding(finding, "", Severity.WARNING)
    assert sarif._help(of) == f"{sarif.HOME}{page}"
    assert not page or (Path(__file__).parents[2] / page.removeprefix("/blob/main/")).is_file()


def test_every_finding_has_its_page_and_the_tool_its_version() -> None:
    assert [each.id for each in load_register().findings.values() if not each.page] == []
    (run,) = json.loads(render(RUN, "sarif"))["runs"]
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert run["tool"]["driver"]["version"] == project["version"]


def test_a_name_is_in_pascal_case() -> None:
    assert sarif._name("A tag is GitHub's own, and every job may request a token") == (
        "TagIsGithubOwnAndEveryJobMayRequestToken"
    )
