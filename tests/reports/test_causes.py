"""One cause, one entry: in every format for people, and as one alert in SARIF; the run document keeps every verdict."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from checker.errors import ExitCode
from checker.model.verdicts import Coverage, Outcome, Run, Unread, Verdict
from checker.reports import render, shape
from checker.reports.shape import known_before
from checker.run.ending import exit_code
from tests.reports.sample import RUN, verdict

NAMES = tuple(
    verdict("C7", Outcome.FAIL, name, line, violation=f"{name} is open.", fix="Close it.", sub=f"of={name}")
    for line, name in enumerate(("Carts", "Mails", "Bills"), 1)
)
TRUST = "Resources/Deploy/Properties/AssumeRolePolicyDocument"
POLICY = (
    verdict("C7", Outcome.FAIL, "Deploy", 9, path=f"{TRUST}/Statement/0", violation="It is open.", fix="Name it."),
    verdict("W18", Outcome.FAIL, "Deploy", 6, path=TRUST, violation="It deploys all.", fix="Split it."),
    verdict("P12", Outcome.UNKNOWN, "Deploy", 6, path=TRUST, violation="Cannot be decided: who.", fix="Say who."),
)
APART = (
    verdict("C7", Outcome.FAIL, "Db", 3, path="Resources/Db/Properties/A", violation="A is open.", fix="Close A."),
    verdict("W18", Outcome.FAIL, "Db", 3, path="Resources/Db/Properties/B", violation="B is open.", fix="Close B."),
    verdict("P12", Outcome.FAIL, "Db", 3, path="Resources/Db", violation="Db is old.", fix="Renew it."),
)


def run_of(*verdicts: Verdict) -> Run:
    return replace(RUN, verdicts=verdicts, waivers=(), coverage=Coverage(), excuse_changes=())


def test_one_advice_for_many_names_is_one_entry() -> None:
    run = run_of(*NAMES)
    (defect,) = shape.defects(run, Outcome.FAIL)
    assert [each.subject.name for each in defect.verdicts] == ["Carts", "Mails", "Bills"]
    for name in ("console", "markdown", "html"):
        text = render(run, name)
        assert text.count("Close it.") == (1 if name != "html" else 4), name  # HTML also has every verdict, as evidence
        assert "Mails is open." in text


def test_what_follows_from_one_policy_stands_below_it() -> None:
    run = run_of(*POLICY)
    (defect,) = shape.defects(run, Outcome.FAIL)
    assert (defect.id, {each.id for each in defect.consequences}) == ("C7", {"W18", "P12"})
    assert shape.defects(run, Outcome.UNKNOWN) == []
    assert "W18: It deploys all." in render(run, "console")
    assert "P12 unknown: Cannot be decided: who." in render(run, "console")
    assert run.totals["unknown"] == 1
    assert len(json.loads(render(run, "json"))["verdicts"]) == 3


def test_different_properties_are_different_causes() -> None:
    assert {each.id for each in shape.defects(run_of(*APART), Outcome.FAIL)} == {"C7", "W18", "P12"}


@pytest.mark.parametrize("verdicts", [NAMES, POLICY])
def test_an_alert_is_one_cause(verdicts: tuple[Verdict, ...]) -> None:
    (result,) = json.loads(render(run_of(*verdicts), "sarif"))["runs"][0]["results"]
    assert len(result["relatedLocations"]) == 2


def test_nothing_is_separated_from_nothing() -> None:
    lone = verdict("C7", Outcome.FAIL, "Carts", 1, violation="Open.", fix="Close.", environment="")
    assert " ·\n" not in render(run_of(lone), "console")


def test_a_baseline_leaves_what_is_new() -> None:
    run = run_of(*POLICY, *NAMES)
    shown = known_before(run, run_of(*POLICY))
    assert {each.subject.name for each in shown.verdicts if each.outcome is Outcome.FAIL} == {"Carts", "Mails", "Bills"}


def test_a_summary_counts_what_there_is_to_do() -> None:
    lone = verdict("S6", Outcome.FAIL, "Net", 4, violation="It logs nothing.", fix="Log.")
    text = render(run_of(*NAMES, *POLICY, lone), "console", summary=True)
    assert [line.split()[:4] for line in text.splitlines()[:2]] == [
        ["C7", "critical", "2", "failed"],  # three names of one advice, and a policy with two consequences
        ["S6", "suggestion", "1", "failed"],
    ]
    assert "with these: W18, P12\n" in text
    assert "3 defects (2 critical, 1 suggestion)" in text
    assert "verdicts: 6 failed" in text


def test_what_is_needed_fits_into_its_sentence() -> None:
    assert shape.unread_text(Unread("a:1", "gone", "rds:Describe")) == "a:1: gone (needs rds:Describe)"
    assert shape.unread_text(Unread("a:1", "gone", "Write it out.")) == "a:1: gone. Write it out."
    assert shape.unread_text(Unread("a:1", "gone")) == "a:1: gone"


def test_what_could_not_be_decided_before_is_not_new() -> None:
    old = run_of(*POLICY)
    assert {each.outcome for each in known_before(old, old).verdicts} == set()
    assert exit_code(old, baseline=old) is ExitCode.CLEAN
    assert exit_code(run_of(POLICY[2])) is ExitCode.INCOMPLETE


HOLE = Unread("cd.yml:9", "what `sam deploy` does was not followed")
OPEN = (
    verdict(
        "C7", Outcome.UNKNOWN, "deploy", 1, violation=f"Cannot be decided: what it calls at {HOLE.what}: {HOLE.why}."
    ),
    verdict("W18", Outcome.UNKNOWN, "all", 2, violation=f"Cannot be decided: what rolls: {HOLE.what}: {HOLE.why}."),
    verdict("P12", Outcome.UNKNOWN, "logs", 3, violation="Cannot be decided: how long logs are kept."),
)


def test_what_one_thing_that_was_not_read_leaves_open_is_one_entry() -> None:
    run = replace(run_of(*OPEN), coverage=Coverage(unread=(HOLE,)))
    first, second = shape.defects(run, Outcome.UNKNOWN)
    assert (first.id, [each.id for each in first.consequences], second.id) == ("C7", ["W18"], "P12")
    assert "and so    W18 unknown: what rolls." in render(run, "console")
    assert (first.at, first.violation) == ("cd.yml:9", f"Cannot be decided: what it calls: {HOLE.why}.")
    assert [each.violation for each in first.consequences[0].verdicts] == [OPEN[1].violation]
    assert "<p><code>cd.yml:9</code> Cannot be decided: what it calls:" in render(run, "html")
    assert render(run, "markdown").count("what it calls") == 1


def test_what_was_not_read_elsewhere_is_another_cause() -> None:
    run = replace(run_of(*OPEN), coverage=Coverage(unread=(replace(HOLE, what="cd.yml:10"),)))
    assert len(shape.defects(run, Outcome.UNKNOWN)) == 3


@pytest.mark.parametrize("options", [{}, {"quiet": True}])
def test_a_file_s_name_is_no_command_for_the_runner(options: dict[str, bool]) -> None:
    named = verdict("C7", Outcome.FAIL, "Carts", 1, violation="It is open.", fix="Close it.")
    named = replace(named, location=replace(named.location, file="::stop-commands::x.yaml"))
    lines = render(run_of(named), "console", **options).splitlines()
    assert any("stop-commands" in line for line in lines)
    assert not any(line.lstrip().startswith(("::", "##[")) for line in lines)


def test_what_several_cannot_decide_at_one_place_for_one_reason_is_one_entry() -> None:
    why = "Cannot be decided: whether its calls are allowed: no template declares the role."
    same = [verdict(each, Outcome.UNKNOWN, "Deploy", 6, violation=why, fix="Name it.") for each in ("C7", "W18")]
    other = verdict("P12", Outcome.UNKNOWN, "Deploy", 7, violation=why, fix="Name it.")
    first, second = shape.defects(run_of(*same, other), Outcome.UNKNOWN)
    assert (first.id, [each.id for each in first.consequences]) == ("C7", ["W18"])
    assert (second.id, second.consequences) == ("P12", ())
    assert "W18 unknown: the same." in render(run_of(*same), "console")
