"""Which verdicts of two runs are the same: as cases, in words that a reader can check."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from checker.compare import compare
from checker.model.matching import pairs
from checker.model.verdicts import (
    Coverage,
    Location,
    Outcome,
    ProjectSummary,
    Run,
    Severity,
    Subject,
    SubjectKind,
    Surface,
    Verdict,
)
from checker.run.ending import exit_code

FAIL, PASS, UNKNOWN = Outcome.FAIL, Outcome.PASS, Outcome.UNKNOWN


def verdict(name: str, finding: str = "C8", outcome: Outcome = FAIL, **more: Any) -> Verdict:
    stack, kind = more.pop("stack", "Prod"), more.pop("kind", SubjectKind.RESOURCE)
    type_ = more.pop("type", "AWS::RDS::DBInstance")
    construct_path = more.pop("construct_path", f"{stack}/{name}/Resource")
    resource = kind is SubjectKind.RESOURCE
    subject = Subject(
        kind,
        f"{name}1A2B" if resource else name,
        type_ if resource else None,
        stack if resource else None,
        f"{name}1A2B" if resource else None,
        more.pop("physical_id", None),
        construct_path if resource else None,
    )
    location = Location("app.py", more.pop("line", 1), more.pop("path", f"Resources/{name}1A2B/Properties/X"))
    more.setdefault("severity", Severity.WARNING)
    return Verdict(
        finding,
        outcome=outcome,
        surface=more.pop("surface", Surface.TEMPLATE),
        environment=more.pop("environment", "production"),
        subject=subject,
        location=location,
        **more,
    )


def run(*verdicts: Verdict) -> Run:
    return Run("gate", ProjectSummary(), ("production",), verdicts, Coverage(), {})


def new(old: list[Verdict], now: list[Verdict]) -> list[str]:
    comparison = compare(run(*old), run(*now))
    found = [each.subject.name for each in comparison.new]
    # What a comparison calls new is what fails against a baseline, and nothing else.
    assert exit_code(run(*now), baseline=run(*old)) == (1 if found else 0)
    return found


DATA = verdict("Data")
OTHER_ID = replace(
    DATA,
    subject=replace(DATA.subject, logical_id="DataFFFF", name="DataFFFF"),
    location=Location("app.py", 1, "Resources/DataFFFF/Properties/X"),
)
JOB: dict[str, Any] = {"kind": SubjectKind.WORKFLOW_JOB, "surface": Surface.WORKFLOW, "path": "jobs/x"}


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ([DATA], [DATA]),
        ([DATA], [verdict("Data", line=99)]),
        ([DATA], [verdict("Database")]),
        ([DATA], [verdict("Data", stack="ProdData")]),
        ([DATA], [verdict("Data", construct_path="Prod/Storage/Data/Resource")]),
        # the same construct, whose generated id has changed with its properties
        ([DATA], [OTHER_ID]),
        ([verdict("A", physical_id="db-1")], [verdict("Zzz", physical_id="db-1", stack="Other")]),
        ([verdict("cd/build", "C1", **JOB)], [verdict("cd/build-all", "C1", **JOB)]),
        ([DATA, verdict("Data", "S1", PASS)], [verdict("Main"), verdict("Main", "S1", PASS)]),
        # less of the same
        (
            [verdict("Data", violation="It is refused for 3 of 4 stacks.")],
            [verdict("Data", violation="It is refused for 2 of 4 stacks.")],
        ),
        ([verdict("Data", actual="3", expected="30")], [verdict("Data", actual="7", expected="30")]),
        ([verdict("Data", actual="a:1, b:2")], [verdict("Data", actual="b:2")]),
        # the same in other words, and at another place
        (
            [verdict("Data", violation="Data1A2B sends everything in plain text (deploy.sh:12).")],
            [verdict("Data", violation="Data1A2B sends all of it unencrypted (deploy.sh:40).")],
        ),
        ([verdict("Data", outcome=FAIL, severity=Severity.CRITICAL)], [verdict("Data")]),
    ],
)
def test_is_not_new(old: list[Verdict], now: list[Verdict]) -> None:
    assert new(old, now) == []


@pytest.mark.parametrize(
    ("old", "now", "expected"),
    [
        ([], [DATA], ["Data1A2B"]),
        ([verdict("Data", outcome=PASS)], [DATA], ["Data1A2B"]),
        ([verdict("Data", outcome=UNKNOWN)], [DATA], ["Data1A2B"]),
        ([verdict("Data", outcome=Outcome.WAIVED)], [DATA], ["Data1A2B"]),
        # two where one was: one of them is new
        ([DATA], [verdict("Database"), verdict("Archive")], ["Archive1A2B"]),
        ([DATA], [DATA, verdict("Copy")], ["Copy1A2B"]),
        # of another kind, finding, requirement or environment
        ([DATA], [verdict("Data2", type="AWS::RDS::DBCluster")], ["Data21A2B"]),
        ([DATA], [verdict("Database", "C7")], ["Database1A2B"]),
        ([DATA], [verdict("Data", sub="replica")], ["Data1A2B"]),
        ([verdict("Data", environment="staging")], [DATA], ["Data1A2B"]),
        # renamed, and with a failure that it did not have
        ([DATA, verdict("Data", "W1", PASS)], [verdict("Main"), verdict("Main", "W1")], ["Main1A2B"]),
        # another job altogether
        ([verdict("cd/build", "C1", **JOB)], [verdict("prod-deploy/migrate", "C1", **JOB)], ["prod-deploy/migrate"]),
        # worse
        ([DATA], [verdict("Data", severity=Severity.CRITICAL)], ["Data1A2B"]),
        ([verdict("Data", actual="7", expected="30")], [verdict("Data", actual="3", expected="30")], ["Data1A2B"]),
        ([verdict("Data", actual="repo:o/r:*")], [verdict("Data", actual="repo:o/*")], ["Data1A2B"]),
        (
            [verdict("Data", violation="It is refused for 2 of 4 stacks.")],
            [verdict("Data", violation="It is refused for 3 of 4 stacks.")],
            ["Data1A2B"],
        ),
        ([DATA], [DATA, replace(DATA, violation="Its copy in eu-west-1 too.")], ["Data1A2B"]),
    ],
)
def test_is_new(old: list[Verdict], now: list[Verdict], expected: list[str]) -> None:
    assert new(old, now) == expected


def test_what_is_gone_is_neither_fixed_nor_lost() -> None:
    comparison = compare(run(DATA, verdict("Other", outcome=PASS)), run())
    assert (comparison.fixed, comparison.new) == ((), ())
    assert [(was and was.subject.name, now) for was, now in comparison.changed] == [("Data1A2B", None)]


def test_every_verdict_of_both_runs_is_in_one_pair() -> None:
    old = run(DATA, verdict("Gone"), verdict("Data", "W1", PASS), DATA)
    now = run(verdict("Main"), verdict("Data", "W1", PASS), verdict("Data", outcome=PASS))
    found = pairs(old, now)
    assert sorted(id(pair.was) for pair in found if pair.was) == sorted({id(each) for each in old.verdicts})
    assert sorted(id(pair.now) for pair in found if pair.now) == sorted(id(each) for each in now.verdicts)


def test_many_things_of_one_kind_are_compared_in_reasonable_time() -> None:
    old = run(*(verdict(f"Old{number}") for number in range(2000)))
    now = run(*(verdict(f"Now{number}") for number in range(2000)))
    assert len(compare(old, now).new) == 2000  # too many to guess: all of them are shown
