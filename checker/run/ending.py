"""How a run ends: what it says to the pipeline that asked for it, and what of it is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from checker.collect.config.settings_file import FILE_NAME as SETTINGS_FILE
from checker.collect.seen import seen
from checker.errors import ExitCode
from checker.model.matching import pairs
from checker.model.shown.known_secrets import secrets_set, without_known
from checker.model.verdicts import Outcome, Run, Severity, Verdict


def exit_code(
    run: Run, *, fail_on: Severity = Severity.SUGGESTION, unknown_fails: bool = True, baseline: Run | None = None
) -> ExitCode:
    """What the run says to the pipeline. ``fail_on`` is the least grave severity that fails."""
    if any(verdict.outcome is Outcome.ERROR for verdict in run.verdicts):
        return ExitCode.USAGE
    if any(each.what.startswith(f"{SETTINGS_FILE}:") for each in run.coverage.unread):
        return ExitCode.USAGE  # a setting that fits nothing: what was meant was not judged
    if any(verdict.severity.rank <= fail_on.rank for verdict in new_failures(run, baseline)):
        return ExitCode.FAILED
    if any(status.state.fails_gate for status in run.waivers):
        return ExitCode.FAILED
    undecided = [each for each in newly_undecided(run, baseline) if each.severity.rank <= fail_on.rank]
    read_before = {(_without_line(each.what), each.why) for each in baseline.coverage.unread} if baseline else set()
    unread = [each for each in run.coverage.unread if (_without_line(each.what), each.why) not in read_before]
    if unknown_fails and (undecided or unread):
        return ExitCode.INCOMPLETE
    return ExitCode.CLEAN


def new_failures(run: Run, baseline: Run | None) -> list[Verdict]:
    """The failures of a run that its baseline does not have, or has less grave; all of them without a baseline."""
    if baseline is None:
        return [verdict for verdict in run.verdicts if verdict.outcome is Outcome.FAIL]
    return [
        pair.now
        for pair in pairs(baseline, run)
        if pair.now is not None and pair.now.outcome is Outcome.FAIL and pair.newly_bad
    ]


def newly_undecided(run: Run, baseline: Run | None) -> list[Verdict]:
    """What could not be decided, and was neither undecided nor failing in the baseline."""
    if baseline is None:
        return [verdict for verdict in run.verdicts if verdict.outcome is Outcome.UNKNOWN]
    known = (Outcome.FAIL, Outcome.UNKNOWN)
    return [
        pair.now
        for pair in pairs(baseline, run)
        if pair.now is not None
        and pair.now.outcome is Outcome.UNKNOWN
        and (pair.was is None or pair.was.outcome not in known)
    ]


def _without_line(place: str) -> str:
    """A place without its line, which moves: what the baseline did not read either is not new."""
    return re.sub(r":\d+(?=$|:)", "", place)


def only(run: Run, findings: Sequence[str]) -> Run:
    """The run narrowed to some findings, for those who work on one."""
    if not findings:
        return run
    coverage = replace(run.coverage, not_judged=tuple(each for each in run.coverage.not_judged if each in findings))
    return replace(
        run,
        verdicts=tuple(verdict for verdict in run.verdicts if verdict.finding in findings),
        waivers=tuple(status for status in run.waivers if status.finding.split("[", 1)[0] in findings),
        coverage=coverage,
    )


def with_note(run: Run, note: str) -> Run:
    """The run with one more thing said of how it came about."""
    return replace(run, coverage=replace(run.coverage, notes=(*run.coverage.notes, note)))


def withheld(run: Run) -> Run:
    """The run without the secrets that the files it has read hold in plain text."""
    looked_at = seen()
    secrets = secrets_set(looked_at.texts.values()) if looked_at is not None else frozenset[str]()
    return without_known(run, secrets) if secrets else run
