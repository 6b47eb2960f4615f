"""CSV, as spreadsheets and databases take it: one line per verdict (RFC 4180, with line feeds)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from checker.errors import printable
from checker.model.verdicts import Run, Verdict

COLUMNS: Final = (
    *("finding", "requirement", "title", "severity", "outcome", "surface", "environment", "stack", "kind", "type"),
    *("subject", "physical_id", "file", "line", "path", "violation", "fix", "expected", "actual"),
    *("waived_until", "waived_by", "waived_because"),
)
# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection").
_FORMULA: Final = ("=", "+", "-", "@")


def render(run: Run) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for verdict in run.verdicts:
        writer.writerow(map(_cell, _values(run, verdict)))
    for each in run.coverage.unread:
        # What was not read is no verdict, and its absence would look like a pass.
        row = {"outcome": "unread", "subject": each.what, "violation": each.why, "fix": each.needs}
        writer.writerow(_cell(row.get(column, "")) for column in COLUMNS)
    return out.getvalue()


def _values(run: Run, verdict: Verdict) -> Iterator[str]:
    subject, place, note = verdict.subject, verdict.location, verdict.waiver
    finding = run.findings.get(verdict.finding)
    yield from (verdict.finding, verdict.sub or "", finding.title if finding else "", verdict.severity.value)
    yield from (verdict.outcome.value, verdict.surface.value, verdict.environment, subject.stack or "")
    yield from (subject.kind.value, subject.type or "", subject.name, subject.physical_id or "")
    yield from (place.file, "" if place.line is None else str(place.line), place.path or "")
    yield from (verdict.violation, verdict.fix, verdict.expected, verdict.actual)
    yield from (note.expires_on, note.owner, note.reason) if note else ("", "", "")


def _cell(value: str) -> str:
    """One line of plain text that no spreadsheet runs."""
    clean = printable(value)
    return f"'{clean}" if clean.lstrip().startswith(_FORMULA) else clean
