"""How a run ends: the exit code, by what the run says."""

from __future__ import annotations

from typing import Any

import pytest

from checker.errors import ExitCode
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
    Unread,
    Verdict,
    WaiverState,
    WaiverStatus,
)
from checker.run.ending import exit_code, only

BLOCKER, SUGGESTION = min(Severity, key=lambda each: each.rank), max(Severity, key=lambda each: each.rank)


def _verdict(outcome: Outcome, severity: Severity = BLOCKER, finding: str = "C8") -> Verdict:
    subject = Subject(SubjectKind.RESOURCE, "Data", "AWS::RDS::DBInstance", "Prod", "Data", None, "Prod/Data/Resource")
    place = Location("app.py", 1, "Resources/Data")
    return Verdict(
        finding,
        outcome=outcome,
        severity=severity,
        surface=Surface.TEMPLATE,
        environment="production",
        subject=subject,
        location=place,
    )


def _waiver(state: WaiverState) -> WaiverStatus:
    return WaiverStatus("C8[x]", (), "*", "why", "who", "2027-01-01", 1, state, "", Location("waivers.yaml", 1))


def _run(*verdicts: Verdict, unread: tuple[Unread, ...] = (), waivers: tuple[WaiverStatus, ...] = ()) -> Run:
    return Run("gate", ProjectSummary(), ("production",), verdicts, Coverage(unread=unread), {}, waivers)


UNREAD = Unread("deploy.sh:7", "not understood as bash from here on")
SETTING = Unread("checker.toml: environments", "it names no environment")


@pytest.mark.parametrize(
    ("run", "options", "code"),
    [
        (_run(), {}, ExitCode.CLEAN),
        (_run(_verdict(Outcome.PASS), _verdict(Outcome.WAIVED)), {}, ExitCode.CLEAN),
        (_run(_verdict(Outcome.FAIL)), {}, ExitCode.FAILED),
        (_run(_verdict(Outcome.FAIL, SUGGESTION)), {"fail_on": BLOCKER}, ExitCode.CLEAN),
        (_run(_verdict(Outcome.UNKNOWN)), {}, ExitCode.INCOMPLETE),
        (_run(_verdict(Outcome.UNKNOWN)), {"unknown_fails": False}, ExitCode.CLEAN),
        (_run(_verdict(Outcome.UNKNOWN, SUGGESTION)), {"fail_on": BLOCKER}, ExitCode.CLEAN),
        (_run(unread=(UNREAD,)), {}, ExitCode.INCOMPLETE),
        # A failure is known whatever else is not; a rule that crashed and a setting that fits nothing come before both.
        (_run(_verdict(Outcome.FAIL), _verdict(Outcome.UNKNOWN), unread=(UNREAD,)), {}, ExitCode.FAILED),
        (_run(_verdict(Outcome.FAIL), _verdict(Outcome.ERROR)), {}, ExitCode.USAGE),
        (_run(_verdict(Outcome.FAIL), unread=(SETTING,)), {}, ExitCode.USAGE),
        (_run(waivers=(_waiver(WaiverState.EXPIRED),)), {}, ExitCode.FAILED),
        (_run(waivers=(_waiver(WaiverState.ACTIVE),)), {}, ExitCode.CLEAN),
        # What the baseline has already is not new; the line that it stands at may move.
        (_run(_verdict(Outcome.FAIL)), {"baseline": _run(_verdict(Outcome.FAIL))}, ExitCode.CLEAN),
        (_run(_verdict(Outcome.FAIL)), {"baseline": _run(_verdict(Outcome.PASS))}, ExitCode.FAILED),
        (_run(_verdict(Outcome.UNKNOWN)), {"baseline": _run(_verdict(Outcome.UNKNOWN))}, ExitCode.CLEAN),
        (
            _run(unread=(UNREAD,)),
            {"baseline": _run(unread=(Unread("deploy.sh:3", UNREAD.why),))},
            ExitCode.CLEAN,
        ),
        (_run(unread=(UNREAD,)), {"baseline": _run(unread=(Unread("deploy.sh:7", "too large"),))}, ExitCode.INCOMPLETE),
    ],
)
def test_the_exit_code(run: Run, options: dict[str, Any], code: ExitCode) -> None:
    assert exit_code(run, **options) is code


def test_a_run_is_narrowed_to_one_finding_and_its_waivers() -> None:
    run = _run(_verdict(Outcome.FAIL), _verdict(Outcome.FAIL, finding="C7"), waivers=(_waiver(WaiverState.ACTIVE),))
    assert [each.finding for each in only(run, ["C8"]).verdicts] == ["C8"]
    assert [each.finding for each in only(run, ["C8"]).waivers] == ["C8[x]"]
    assert only(run, ["C7"]).waivers == ()
    assert only(run, []) is run
