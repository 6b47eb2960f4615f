"""SARIF 2.1.0, as code scanning reads it (OASIS, "Static Analysis Results Interchange Format", 2020-03-27).

Failures are results; what is waived is a suppressed result; what could not be decided is an ``open`` result, which has
no level. A rule that crashed and a source that was not read are notifications of the invocation: they say nothing of
the code. What passes or does not apply is only counted, because viewers would show it as an alert.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final
from urllib.parse import quote

from checker.model.verdicts import Finding, Location, Outcome, Run, Severity, Verdict
from reports import shape

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME: Final = "https://github.com/kcjonson/doc-platform"
_LEVELS: Final = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.SUGGESTION: "note"}
# GitHub sorts alerts by this number (GitHub Docs, "SARIF support for code scanning": critical over 9.0).
_SECURITY_SEVERITY: Final = {Severity.CRITICAL: "9.5", Severity.WARNING: "5.5", Severity.SUGGESTION: "2.0"}
MAX_RELATED: Final = 50  # of one alert: the run document has all
_RESULTS: Final = (Outcome.FAIL, Outcome.WAIVED, Outcome.UNKNOWN)


def render(run: Run) -> str:
    rules = _rules(run)
    position = {finding.id: index for index, finding in enumerate(rules)}
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "checker",
                        "informationUri": HOME,
                        "rules": [_rule(finding) for finding in rules],
                    }
                },
                "automationDetails": {"id": f"checker/{run.command}/"},
                "columnKind": "utf16CodeUnits",
                "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The project's root."}}},
                **_provenance(run),
                "invocations": [_invocation(run)],
                "results": [
                    _result(defect, position[defect.finding.id])
                    for outcome in _RESULTS
                    for defect in shape.defects(run, outcome)
                ],
                "properties": {"totals": run.totals, "notJudged": list(run.coverage.not_judged)},
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rules(run: Run) -> list[Finding]:
    """The register, then the findings of outside scanners in the order of their ids."""
    outside = {v.finding: shape.finding_of(run, v) for v in run.verdicts if v.finding not in run.findings}
    return [*run.findings.values(), *(outside[key] for key in sorted(outside))]


def _rule(finding: Finding) -> dict[str, Any]:
    title = finding.title or finding.id
    return {
        "id": finding.id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title}."},
        "help": {"text": f"checker explain {finding.id}"},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "tags": ["security", str(finding.severity)],
            "security-severity": _SECURITY_SEVERITY[finding.severity],
            "precision": "high",
        },
    }


def _provenance(run: Run) -> dict[str, Any]:
    if not run.project.repository or not run.project.commit:
        return {}
    uri = f"https://github.com/{quote(run.project.repository)}"
    return {
        "versionControlProvenance": [
            {"repositoryUri": uri, "revisionId": run.project.commit, "mappedTo": {"uriBaseId": "%SRCROOT%"}}
        ]
    }


def _invocation(run: Run) -> dict[str, Any]:
    crashed = [v for v in run.verdicts if v.outcome is Outcome.ERROR]
    notes = [
        {
            "level": "error",
            "message": {"text": _text(verdict.violation)},
            "associatedRule": {"id": verdict.finding},
            "locations": [_place(verdict)],
        }
        for verdict in crashed
    ]
    notes += [
        {"level": "warning", "message": {"text": _text(f"Not read: {shape.unread_text(each)}")}}
        for each in run.coverage.unread
    ]
    return {"executionSuccessful": not crashed, "toolExecutionNotifications": notes}


def _result(defect: shape.Defect, rule: int) -> dict[str, Any]:
    """One alert per cause: at its first place, the others and what follows from it as related locations."""
    verdict, *others = defect.verdicts
    others += [each for consequence in defect.consequences for each in consequence.verdicts]
    result: dict[str, Any] = {
        "ruleId": verdict.finding,
        "ruleIndex": rule,
        "kind": "open" if verdict.outcome is Outcome.UNKNOWN else "fail",
        "level": "none" if verdict.outcome is Outcome.UNKNOWN else _LEVELS[verdict.severity],
        "message": {"text": _text(" ".join(filter(None, (verdict.violation or verdict.id, _fix(verdict)))))},
        "locations": [_place(verdict)],
        "partialFingerprints": {"checkerSubject/v1": _fingerprint(verdict)},
        "properties": {
            "id": verdict.id,
            "environment": verdict.environment,
            "surface": verdict.surface.value,
            "outcome": verdict.outcome.value,
        },
    }
    related = [(each, "") for each in verdict.related]
    related += [(each.location, f"{each.id}: {each.violation}") for each in others[:MAX_RELATED]]
    places = [(physical, said) for each, said in related if (physical := _physical(each))]
    if places:
        result["relatedLocations"] = [
            {"id": index, **physical, **({"message": {"text": _text(said)}} if said else {})}
            for index, (physical, said) in enumerate(places)
        ]
    if verdict.waiver is not None:
        note = verdict.waiver
        why = f"{note.reason} ({note.owner}, until {note.expires_on})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": _text(why)}]
    return result


def _fix(verdict: Verdict) -> str:
    return f"Fix: {verdict.fix}" if verdict.fix else ""


def _place(verdict: Verdict) -> dict[str, Any]:
    subject = verdict.subject
    logical: dict[str, Any] = {
        "name": subject.name,
        "fullyQualifiedName": f"{verdict.environment}/{subject.construct_path or subject.name}",
        "kind": subject.type or subject.kind.value,
    }
    return {**_physical(verdict.location), "logicalLocations": [logical]}


def _physical(location: Location) -> dict[str, Any]:
    """Nothing for what is no file: a live resource's place is its ARN."""
    if location.file.startswith("arn:") or "://" in location.file:
        return {}
    if location.file.startswith("/"):
        artifact = {"uri": "file://" + quote(location.file, errors="replace")}
    else:
        # A colon in the first part of a relative reference would make it a scheme (RFC 3986, 4.2).
        artifact = {"uri": quote(location.file.replace("\\", "/"), errors="replace"), "uriBaseId": "%SRCROOT%"}
    region = {"region": {"startLine": location.line}} if location.line else {}
    return {"physicalLocation": {"artifactLocation": artifact, **region}}


def _fingerprint(verdict: Verdict) -> str:
    """What stays when lines move: alerts are followed over commits by it."""
    return hashlib.sha256("\0".join(verdict.identity).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _text(message: str) -> str:
    """Plain text: ``[words](target)`` in a message would be made a link (SARIF 2.1.0, 3.11.6)."""
    return message.replace("](", "] (")
