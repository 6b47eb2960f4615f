"""Every format: the golden files, what each format's own reader makes of them, and text that tries to break out."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from importlib import resources
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from checker.compare import compare
from checker.errors import InputError
from checker.model.verdicts import Coverage, Outcome, Run
from checker.reports import FORMATS, json_document, markdown, render, shape
from checker.reports.shape import EXCUSES_CHANGED
from tests.reports.html.test_html import BEFORE
from tests.reports.sample import EMPTY, HOSTILE, RUN, verdict
from tests.reports.write_golden import GOLDEN, expected

SCHEMA = json.loads(resources.files("checker.reports").joinpath("run_schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(expected()))
def test_golden(name: str) -> None:
    assert (GOLDEN / name).read_text(encoding="utf-8") == expected()[name]


def test_every_golden_file_is_compared() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(expected())


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_run_gives_the_same_bytes_and_ends_with_a_line_break(name: str) -> None:
    assert render(RUN, name) == render(RUN, name)
    assert render(RUN, name).endswith("\n")
    assert not render(RUN, name).endswith("\n\n")


@pytest.mark.parametrize("name", FORMATS)
def test_text_that_no_encoding_or_terminal_should_see(name: str) -> None:
    nasty = "\ud800\x1b[31mred\x00\u202egnp.exe\x07\ufffe"
    run = replace(
        RUN, verdicts=(verdict("C7", Outcome.FAIL, nasty, 1, violation=nasty, fix=nasty, file=f"a/{nasty}.py"),)
    )
    text = render(run, name)
    text.encode("utf-8")
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\u202e" not in text


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(KeyError):
        render(RUN, "pdf")


# --- the run document


def test_the_document_fits_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    for run in (RUN, EMPTY):
        assert [error.message for error in validator.iter_errors(json.loads(render(run, "json")))] == []


def test_the_schema_describes_every_key() -> None:
    assert sorted(_undescribed(json_document.document(RUN), SCHEMA)) == []


def _undescribed(value: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    if "oneOf" in schema:
        return [] if value is None else _undescribed(value, schema["oneOf"][-1], path)
    if isinstance(value, list):
        return [found for each in value for found in _undescribed(each, schema["items"], f"{path}[]")]
    if not isinstance(value, dict):
        return []
    found = []
    for key, each in value.items():
        below = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
        found += _undescribed(each, below, f"{path}.{key}") if below else [f"{path}.{key}"]
    return found


def test_a_waived_verdict_without_its_waiver_does_not_fit() -> None:
    document = json_document.document(RUN)
    waived = next(each for each in document["verdicts"] if each["outcome"] == "waived")
    waived["waiver"] = None
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


@pytest.mark.parametrize("run", [RUN, EMPTY], ids=["full", "empty"])
def test_reading_a_document_back_gives_the_run(run: Run) -> None:
    assert json_document.parse(render(run, "json")) == run


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_that_was_read_back_renders_the_same(name: str) -> None:
    assert render(json_document.parse(render(RUN, "json")), name) == render(RUN, name)


def test_a_document_with_the_bare_keys_can_be_read() -> None:
    document = json_document.document(RUN)
    del document["waivers"], document["findings"]
    for key in ("judged", "not_judged", "notes"):
        del document["coverage"][key]
    for each in document["verdicts"]:
        del each["related"], each["subject"]["name"]
    document["later"] = {"keys": "are passed over"}
    run = json_document.parse(json.dumps(document))
    assert run.verdicts[0].subject.name == "Cache"
    assert run.verdicts[3].subject.name == "environment"
    assert list(run.findings) == list(dict.fromkeys(each.finding for each in RUN.verdicts))
    assert run.totals == RUN.totals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema="checker-run/9"), "not a checker-run/1 document: its schema is 'checker-run/9'"),
        (lambda d: d.pop("schema"), "not a checker-run/1 document: it names no schema"),
        (lambda d: d.pop("verdicts"), "verdicts is not a list"),
        (lambda d: d.update(command="ga\ud800te"), "command is no command's name"),
        (lambda d: d.update(command="gate\n::error::"), "command is no command's name"),
        (lambda d: d["verdicts"][0]["location"].update(line=-5), "verdicts[0].location.line is no line's number"),
        (lambda d: d["verdicts"][0].update(outcome="ok"), "verdicts[0].outcome is none of pass, fail"),
        (lambda d: d["verdicts"][0].update(outcome=[]), "verdicts[0].outcome is not text"),
        (lambda d: d["verdicts"][1]["location"].update(line="7"), "verdicts[1].location.line is not a whole number"),
        (lambda d: d["verdicts"][1].update(subject=None), "verdicts[1].subject is not an object"),
        (lambda d: d["coverage"].update(surfaces=[]), "coverage.surfaces is not an object"),
        (lambda d: d.update(project="x"), "project is not an object"),
    ],
)
def test_a_broken_document_is_refused_by_the_place_of_its_fault(change: Any, message: str) -> None:
    document = json_document.document(RUN)
    change(document)
    with pytest.raises(InputError, match=re.escape(f"old.json: {message}")):
        json_document.parse(json.dumps(document), "old.json")


def test_a_key_that_stands_twice_is_refused() -> None:
    text = json_document.render(RUN).replace('"command"', '"command": "audit", "command"', 1)
    with pytest.raises(InputError, match="the key 'command' stands twice in one object"):
        json_document.parse(text, "old.json")


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "7", "[" * 100_000])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"old\.json"):
        json_document.parse(text, "old.json")


# --- XML


def test_junit_counts_what_it_holds_and_passes_only_what_passes() -> None:
    root = ET.fromstring(render(RUN, "junit"))
    cases = root.findall("./testsuite/testcase")
    assert int(root.get("tests", "")) == len(cases)
    assert sum(int(suite.get("failures", "")) for suite in root) == int(root.get("failures", ""))
    outcomes = {
        case.get("name"): next((each.tag for each in case), "passed")
        for suite in root.findall("./testsuite")
        if suite.get("name") not in {"waivers", "sources"}
        for case in suite
        if not any(each.get("message", "").startswith("Nothing judges") for each in case)
    }
    assert outcomes == {
        "C7 Redis is encrypted in transit and at rest, and asks who is calling [production]": "failure",
        "C7 Redis is encrypted in transit and at rest, and asks who is calling [staging]": "failure",
        "C7 Redis is encrypted in transit and at rest, and asks who is calling [shared]": "skipped",
        "C8 Every database is encrypted at rest, with its replicas and snapshots [production]": "failure",
        "W6 Each environment has its own deploy role [shared]": "skipped",
        "W15 Every deploy is smoke-tested before it counts as done [production]": "error",
        "S2 Every alarm reaches someone [production]": "failure",
        "S6 Every VPC logs the traffic it rejects [production]": "passed",
        "P12 Every log group has a retention [production]": "failure",
        "E3012 [production]": "failure",
    }
    told = next(case for case in cases if (case.get("name") or "").startswith("C8"))[0].text or ""
    assert "fail C8 db-1" in told
    assert "unknown C8 Database" in told


# --- CSV


def test_csv_has_a_line_for_every_verdict_and_for_what_was_not_read() -> None:
    lines = list(csv.DictReader(io.StringIO(render(RUN, "csv"))))
    assert [line["outcome"] for line in lines] == [*(each.outcome.value for each in RUN.verdicts), "unread"]
    assert lines[0]["subject"] == "Cache"
    assert {line["waived_by"] for line in lines} == {"", "platform-team"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " @"])
def test_no_cell_is_a_formula(start: str) -> None:
    run = replace(RUN, verdicts=(verdict("C7", Outcome.FAIL, f"{start}cmd|' /C calc'!A0", 1),))
    (line, _) = csv.DictReader(io.StringIO(render(run, "csv")))
    assert line["subject"].startswith("'")


# --- Markdown


def test_markdown_stays_within_its_limit_and_says_so() -> None:
    many = tuple(
        verdict("C7", Outcome.FAIL, f"Cache{n}", n, violation=f"Cache number {n} is open.", fix=f"Close number {n}.")
        for n in range(1, 2000)
    )
    text = render(replace(RUN, verdicts=many), "markdown", limit=5_000)
    assert len(text) <= 5_000
    assert re.search(r"\d+ more parts not shown here", text)
    assert len(render(replace(RUN, verdicts=many), "markdown")) <= markdown.LIMIT


def test_markdown_says_what_is_new_and_fixed_first() -> None:
    text = render(RUN, "markdown", since=compare(BEFORE, RUN))
    headings = [line for line in text.splitlines() if line.startswith("###")]
    assert headings[:3] == [f"### {EXCUSES_CHANGED}", "### New", "### Rules that crashed before, too"]
    assert text.index("### New") < text.index("**P12** (warning)") < text.index("### Violated before, too: critical")
    assert text.count("**P12**") == 1
    fixed = replace(RUN, verdicts=tuple(replace(v, outcome=Outcome.PASS) for v in RUN.verdicts), waivers=())
    assert "### Fixed\n\n- **C7\\[at-rest\\]** `Cache` in production" in render(
        fixed, "markdown", since=compare(RUN, fixed)
    )


def test_markdown_stays_within_its_limit_whatever_changed() -> None:
    many = tuple(verdict("C7", Outcome.FAIL, f"C{n}" * 9, n, fix=f"Close {n}.") for n in range(1, 5000))
    passing = tuple(replace(each, outcome=Outcome.PASS) for each in many)
    bad, good = replace(RUN, verdicts=many), replace(RUN, verdicts=passing)
    for old, new in ((good, bad), (bad, good)):
        text = render(new, "markdown", since=compare(old, new))
        assert len(text) <= markdown.LIMIT
        assert "not shown here" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a|b", "`a¦b`"),
        ("`", "`` ` ``"),
        ("a``b", "```a``b```"),
        ("", "` `"),
        ("two\nlines", "`two lines`"),
    ],
)
def test_code_spans_cannot_be_left(value: str, shown: str) -> None:
    assert markdown.code(value) == shown


def test_markdown_mentions_nobody_and_holds_no_html() -> None:
    text = render(RUN, "markdown")
    outside_code = re.sub(r"(`+).*?\1", "", text)
    assert not re.search(r"@[a-z]", outside_code)
    assert not re.search(r"(?<!\\)<(?!!-- -->)", outside_code)


# --- the console


def test_defects_that_are_one_are_told_once() -> None:
    logs = [defect for defect in shape.defects(RUN, Outcome.FAIL) if defect.id == "P12"]
    assert [len(defect.verdicts) for defect in logs] == [12]
    assert render(RUN, "console").count("The log group keeps everything for ever.") == 1


def test_what_is_well_is_only_counted() -> None:
    text = render(RUN, "console")
    assert "2 passed · 1 not applicable" in " · ".join(text.splitlines())
    assert "A flow log keeps rejected traffic" not in text


def test_colour_changes_nothing_but_colour() -> None:
    colored = render(RUN, "console", color=True)
    assert "\x1b[1;31m" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == render(RUN, "console")


@pytest.mark.parametrize("width", [40, 72, 100, 200])
def test_prose_is_wrapped(width: int) -> None:
    run = replace(RUN, verdicts=tuple(each for each in RUN.verdicts if each.finding == "C7"))
    prose = [line for line in render(run, "console", width=width).splitlines() if line.startswith("   ")]
    assert max(map(len, prose)) <= max(width, 60)


@pytest.mark.parametrize("length", range(20, 100))
def test_no_line_ends_in_a_separator_however_long_its_place_is(length: int) -> None:
    here = verdict("S6", Outcome.FAIL, "V" * length, 1, violation="None.", fix="Log.")
    there = replace(here, location=replace(here.location, file="b.py"))
    said = render(replace(RUN, verdicts=(here, there)), "console", width=100).splitlines()
    assert sum("· production" in line for line in said) >= 2
    assert [line for line in said if line.rstrip().endswith("·")] == []


def test_without_a_width_no_line_is_wrapped() -> None:
    assert any(HOSTILE in line for line in render(RUN, "console", width=0).splitlines() if "violated" in line)


@pytest.mark.parametrize("form", [{}, {"quiet": True}, {"summary": True}])
def test_what_is_excused_anew_stands_before_all_else(form: dict[str, bool]) -> None:
    first, second, *_ = render(RUN, "console", **form).splitlines()
    assert first == EXCUSES_CHANGED.upper()
    assert second.startswith("  exclusion ")


def test_nothing_wrong_is_one_line() -> None:
    passing = tuple(each for each in RUN.verdicts if each.outcome is Outcome.PASS)
    run = replace(RUN, verdicts=passing, waivers=(), coverage=Coverage(), excuse_changes=())
    assert render(run, "console", width=0) == (
        "gate of kcjonson/doc-platform at 2030b0110f0f: shared, staging, production · nothing fails · "
        "verdicts: 0 failed · 0 errors · 0 unknown · 0 waived · 2 passed · 0 not applicable · not judged here: 0\n"
    )


def test_a_run_without_verdicts_does_not_look_like_a_pass() -> None:
    assert "nothing was judged" in render(EMPTY, "console")
    assert "<h1>Nothing was judged</h1>" in render(EMPTY, "html")
