"""The register: what it holds, and how its faults are told."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from checker.collect.config.controls import load_frameworks, parse_frameworks
from checker.collect.config.register import load_register, parse_register
from checker.errors import ConfigError
from checker.model.verdicts import Severity, Surface
from checker.policies.rules import MODULES
from checker.reports.html.controls import belongs

ENTRY = "C1: {title: t, severity: critical, plan: '2.1', disposition: fixed, surfaces: T A}\n"


def test_the_register_holds_every_finding_in_order() -> None:
    ids = [f"C{n}" for n in range(1, 9)] + [f"W{n}" for n in range(1, 19)] + [f"S{n}" for n in range(1, 13)]
    register = load_register()
    assert [entry.id for entry in register.entries.values() if entry.reviewed] == ids
    beyond = [entry.id for entry in register.entries.values() if not entry.reviewed]
    assert beyond == [f"P{n}" for n in range(1, 22)]


def test_severity_follows_the_review() -> None:
    grades = {"C": Severity.CRITICAL, "W": Severity.WARNING, "S": Severity.SUGGESTION}
    for entry in load_register().entries.values():
        if entry.reviewed:
            assert entry.severity is grades[entry.id[0]], entry.id


def test_titles_differ_and_are_no_sentences() -> None:
    titles = [entry.title for entry in load_register().entries.values()]
    assert len(set(titles)) == len(titles)
    assert not [title for title in titles if title.endswith(".") or not title[0].isupper()]


def test_accepted_findings_are_those_the_plan_put_out_of_scope() -> None:
    accepted = [entry for entry in load_register().entries.values() if entry.disposition == "accepted"]
    assert [entry.id for entry in accepted] == ["W6", "W8", "W9", "W18", "S5", "S6", "S7", "S9", "S10"]
    assert {entry.plan for entry in accepted} == {"Out of Scope"}


def test_every_rule_has_an_entry() -> None:
    assert [finding for finding in MODULES if finding not in load_register().entries] == []


def test_letters_are_surfaces() -> None:
    entry = parse_register(ENTRY, "r.yaml").entries["C1"]
    assert entry.judged_on == {Surface.TEMPLATE, Surface.ACCOUNT}


def test_the_file_has_no_rule_text() -> None:
    text = resources.files("checker.policies").joinpath("register.yaml").read_text(encoding="utf-8")
    assert "AWS::" not in text


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (ENTRY + ENTRY, "r.yaml:2: the key 'C1' stands twice in one mapping", "Keep one."),
        (ENTRY.replace("C1", "X-1"), "r.yaml:1: 'X-1' is no finding's id", "A letter and a number, as in C7."),
        ("C1: 3", "r.yaml:1: C1 is not a mapping", "Give it title, severity, plan and surfaces."),
        ("C1:\n  title: t\n  titel: t", "r.yaml:3: C1 has no key 'titel'", "Did you mean title?"),
        ("C1:\n  title: t", "r.yaml:1: C1 lacks severity, plan, disposition, surfaces", ""),
        (ENTRY.replace("'2.1'", "2.1"), "r.yaml:1: C1 lacks plan", "Each is text: quote what looks like a number."),
        (ENTRY.replace("title: t", "title: ' '"), "r.yaml:1: C1 lacks title", ""),
        (ENTRY.replace("critical", "critcal"), "r.yaml:1: no severity 'critcal'", "Did you mean critical?"),
        (ENTRY.replace("fixed", "ignored"), "r.yaml:1: no disposition 'ignored'", "Known: fixed, accepted."),
        (ENTRY.replace("T A", "T Q"), "r.yaml:1: 'Q' is no surface", "Letters of T A W S M G, spaced."),
        (ENTRY.replace("T A", "T T"), "r.yaml:1: 'T' stands twice", ""),
        (ENTRY.replace("T A", "TA"), "r.yaml:1: 'TA' is no surface", ""),
        (ENTRY.replace("}", ", reviewed: 1}"), "r.yaml:1: reviewed is 1", "Write true or false."),
        (ENTRY.replace("}", ", controls: [x]}"), "r.yaml:1: controls is not a mapping", ""),
        (ENTRY.replace("}", ", controls: {cis: [2.3]}}"), "r.yaml:1: controls of cis are not a list of ids", ""),
        (ENTRY.replace("}", ", controls: {cis: []}}"), "r.yaml:1: controls of cis are not a list of ids", ""),
        ("- C1", "r.yaml:1: the top level is not a mapping", ""),
        ("C1: ]", "r.yaml:1: not valid YAML", ""),
    ],
)
def test_faults_are_told_with_their_line(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        parse_register(text, "r.yaml")
    assert hint in caught.value.hint


def test_a_register_of_one_s_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(ENTRY, encoding="utf-8")
    assert load_register(file).findings["C1"].title == "t"
    with pytest.raises(ConfigError, match="no such file"):
        load_register(tmp_path / "other.yaml")


def test_one_requirement_may_be_graded_apart() -> None:
    entry = ENTRY.replace("surfaces:", "requirements: [export], severities: {export: suggestion}, surfaces:")
    finding = parse_register(entry, "r.yaml").findings["C1"]
    assert finding.severity_of("export") is Severity.SUGGESTION
    assert finding.severity_of(None) is Severity.CRITICAL
    with pytest.raises(ConfigError, match="no severity 'mild' of export"):
        parse_register(entry.replace("suggestion}", "mild}"), "r.yaml")
    with pytest.raises(ConfigError, match="requirements has no key 'exprt'"):
        parse_register(entry.replace("{export:", "{exprt:"), "r.yaml")
    with pytest.raises(ConfigError, match="requirements is not a list of names"):
        parse_register(entry.replace("[export]", "export"), "r.yaml")


def test_every_control_is_of_a_framework_and_of_a_part_that_the_report_knows() -> None:
    frameworks = {each.id: each for each in load_frameworks()}
    for entry in load_register().entries.values():
        for name, controls in entry.controls.items():
            parts = [part for part, _ in frameworks[name].parts]
            for control in controls:
                assert not parts or any(belongs(control, part) for part in parts), f"{entry.id}: {name} {control}"
    assert {"cis-aws-3.0", "nist-800-53r5", "soc2-2017", "pci-dss-4.0"} <= frameworks.keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: 1", "c.yaml:1: x is not a mapping"),
        ("x: {parts: {}}", "c.yaml:1: x has no title"),
        ("x: {title: X, parts: {a: 1}}", "c.yaml:1: the parts of x are not a mapping of texts"),
        ("x: {title: X, parts: {}, more: 1}", "c.yaml:1: x has no key 'more'"),
    ],
)
def test_faults_of_the_frameworks_are_told_with_their_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_frameworks(text, "c.yaml")
