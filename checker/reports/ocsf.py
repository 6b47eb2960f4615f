"""OCSF Compliance Findings (schema.ocsf.io, class 2003), for lakes and SIEMs that take events: one per verdict.

What was not read is an event too, with an unknown state: a list without it would look complete. An event is new, or
suppressed where a waiver excuses it; whether it passes is said by its compliance.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from checker.errors import VERSION, UsageError, install_with
from checker.model.verdicts import Outcome, Run, Severity, Unread, Verdict
from checker.reports import shape

NO_TIME: Final = "1970-01-01T00:00:00+00:00"
# Numbers of the schema's enumerations; those of an outcome are "Compliance", `status_id`.
_STATES: Final[Mapping[Outcome, int]] = {
    Outcome.PASS: 1,
    Outcome.FAIL: 3,
    Outcome.WAIVED: 3,
    Outcome.UNKNOWN: 0,
    Outcome.ERROR: 0,
    Outcome.NOT_APPLICABLE: 99,
}
_SEVERITIES: Final[Mapping[Severity, tuple[int, str]]] = {
    Severity.CRITICAL: (5, "Critical"),
    Severity.WARNING: (3, "Medium"),
    Severity.SUGGESTION: (2, "Low"),
}
_INFORMATIONAL: Final = (1, "Informational")
_NEW, _SUPPRESSED = (1, "New"), (3, "Suppressed")
_CREATE: Final = 1
_TYPE: Final = 200301  # class 2003, activity 1


def render(run: Run, *, at: str = NO_TIME) -> str:
    """``at`` is when the run was made, which a run does not know and OCSF demands: ISO 8601 with an offset.

    Raises :class:`UsageError` where the package that validates it is not installed.
    """
    try:
        from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
    except ImportError:
        raise UsageError("OCSF needs py-ocsf-models", install_with("ocsf")) from None
    when = int(datetime.fromisoformat(at).timestamp() * 1000)
    events = [
        # Its model is the schema: what does not fit is our own fault, and raises.
        ComplianceFinding(**each).model_dump(mode="json", exclude_none=True)
        for each in _events(run, when)
    ]
    return json.dumps(events, indent=2, ensure_ascii=False) + "\n"


def _events(run: Run, when: int) -> Iterator[dict[str, Any]]:
    for verdict in run.verdicts:
        yield _of_verdict(run, verdict, when)
    for unread in run.coverage.unread:
        yield _of_unread(run, unread, when)


def _of_verdict(run: Run, verdict: Verdict, when: int) -> dict[str, Any]:
    finding = shape.finding_of(run, verdict)
    open_ = verdict.outcome in {Outcome.FAIL, Outcome.WAIVED, Outcome.UNKNOWN, Outcome.ERROR}
    waiver = verdict.waiver
    subject = verdict.subject
    return {
        **_event(run, when, verdict.id, _SEVERITIES[verdict.severity] if open_ else _INFORMATIONAL),
        **_status(_SUPPRESSED if waiver else _NEW),
        "message": verdict.violation or finding.title or verdict.id,
        "status_detail": f"waived: {waiver.reason} ({waiver.owner}, until {waiver.expires_on})" if waiver else None,
        "finding_info": {
            "uid": _uid(*verdict.identity),
            "title": finding.title or verdict.id,
            "desc": verdict.violation or None,
            "data_sources": [str(verdict.location)],
            "types": [verdict.surface.value],
        },
        "compliance": {
            "control": verdict.finding,
            "status_id": _STATES[verdict.outcome],
            "desc": verdict.outcome.value,
            "standards": [framework for framework, _ in finding.controls] or None,
            "requirements": [each for _, controls in finding.controls for each in controls] or None,
        },
        "resources": [
            {
                "uid": subject.physical_id or subject.construct_path or subject.name,
                "name": subject.name,
                "type": subject.type or subject.kind.value,
                "namespace": subject.stack,
            }
        ],
        "remediation": {"desc": verdict.fix} if verdict.fix else None,
        "unmapped": {
            "environment": verdict.environment,
            "file": verdict.location.file,
            "line": verdict.location.line,
            "path": verdict.location.path,
            "expected": verdict.expected,
            "actual": verdict.actual,
        },
    }


def _of_unread(run: Run, unread: Unread, when: int) -> dict[str, Any]:
    said = shape.unread_text(unread)
    return {
        **_event(run, when, "not-read", _INFORMATIONAL),
        **_status(_NEW),
        "message": f"Not read: {said}",
        "finding_info": {
            "uid": hashlib.sha256(
                f"not read\0{unread.what}\0{unread.why}".encode("utf-8", "surrogatepass")
            ).hexdigest()[:32],
            "title": "Everything is read",
            "desc": said,
        },
        "compliance": {"control": "not-read", "status_id": 0, "desc": Outcome.UNKNOWN.value},
        "remediation": {"desc": unread.needs} if unread.needs else None,
    }


def _event(run: Run, when: int, code: str, severity: tuple[int, str]) -> dict[str, Any]:
    return {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "type_uid": _TYPE,
        "type_name": "Compliance Finding: Create",
        "time": when,
        "severity_id": severity[0],
        "severity": severity[1],
        "metadata": {
            "event_code": code,
            "log_name": f"checker {run.command}",
            "correlation_uid": run.project.commit or None,
            "product": {"name": "checker", "vendor_name": "doc-platform", "version": VERSION},
        },
    }


def _uid(*parts: str) -> str:
    """What stays when lines move."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _status(status: tuple[int, str]) -> dict[str, Any]:
    return {"status_id": status[0], "status": status[1]}
