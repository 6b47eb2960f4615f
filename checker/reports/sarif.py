"""SARIF 2.1.0, as code scanning reads it (OASIS, "Static Analysis Results Interchange Format", 2020-03-27).

Failures are results; what is waived is a suppressed result; what could not be decided is an ``open`` result, which has
no level. A rule that crashed and a source that was not read are notifications of the invocation: they say nothing of
the code. What passes or does not apply is only counted, because viewers would show it as an alert.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from checker.errors import VERSION
from checker.model.shown.facts import Excerpt
from checker.model.verdicts import Finding, Location, Outcome, Run, Severity, Verdict
from checker.reports import shape

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME: Final = "https://github.com/kcjonson/doc-platform"
_LEVELS: Final = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.SUGGESTION: "note"}
# GitHub sorts alerts by this number (GitHub Docs, "SARIF support for code scanning": critical over 9.0).
_SECURITY_SEVERITY: Final = {Severity.CRITICAL: "9.5", Severity.WARNING: "5.5", Severity.SUGGESTION: "2.0"}
MAX_RELATED: Final = 50  # of one alert: the run document has all
# GitHub keeps 5,000 results of a run, the gravest ones, and refuses a run of more than 25,000 (GitHub Docs, "SARIF
# support for code scanning", validating your SARIF file). A file is at most 10 MB when compressed.
MAX_RESULTS: Final = 5_000
MAX_TEXT: Final = 4_000  # characters of one message
_RESULTS: Final = (Outcome.FAIL, Outcome.WAIVED, Outcome.UNKNOWN)


def render(run: Run) -> str:
    rules = _rules(run)
    position = {finding.id: index for index, finding in enumerate(rules)}
    lines: dict[tuple[str, int | None], Excerpt] = {(each.file, each.line): each for each in run.facts.excerpts}
    # Gravest first, so that what is left out is what matters least.
    found = [defect for outcome in _RESULTS for defect in shape.defects(run, outcome)]
    kept, left = found[:MAX_RESULTS], len(found) - MAX_RESULTS
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "checker",
                        "informationUri": HOME,
                        "version": VERSION,
                        "rules": [_rule(finding, run.facts.pages.get(finding.id, "")) for finding in rules],
                    }
                },
                "automationDetails": {"id": f"checker/{run.command}/"},
                "columnKind": "utf16CodeUnits",
                "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The project's root."}}},
                **_provenance(run),
                "invocations": [_invocation(run, left)],
                "results": [_result(defect, position[defect.finding.id], lines) for defect in kept],
                "properties": {"totals": run.totals, "notJudged": list(run.coverage.not_judged)},
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rules(run: Run) -> list[Finding]:
    """The register, then the findings of outside scanners in the order of their ids."""
    outside = {v.finding: shape.finding_of(run, v) for v in run.verdicts if v.finding not in run.findings}
    return [*run.findings.values(), *(outside[key] for key in sorted(outside))]


def _rule(finding: Finding, page: str) -> dict[str, Any]:
    title = finding.title or finding.id
    shown = page.strip() or f"checker explain {finding.id}"
    return {
        "id": finding.id,
        **({"name": _name(title)} if finding.title else {}),
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title}."},
        "help": {"text": _text(shown), "markdown": f"```text\n{shown.replace('```', '')}\n```"},
        "helpUri": _help(finding),
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "tags": ["security", str(finding.severity)],
            "security-severity": _SECURITY_SEVERITY[finding.severity],
            "precision": "high",
        },
    }


def _name(title: str) -> str:
    """A title as an identifier in Pascal case, as the standard's own rules ask for (SARIF2009, SARIF2012)."""
    words = re.findall("[0-9A-Za-z]+", re.sub(r"['’]s\b|\b[Aa]\b", "", title))
    return "".join(word.capitalize() for word in words)[:100]


def _help(finding: Finding) -> str:
    """Its page: the rule's own, or the one about outside scanners."""
    page = finding.page or ("docs/other-scanners.md" if finding.id.startswith("CKV") or ":" in finding.id else "")
    return f"{HOME}/blob/main/{quote(page)}" if page else HOME


def _provenance(run: Run) -> dict[str, Any]:
    if not run.project.repository or not run.project.commit:
        return {}
    uri = f"https://github.com/{quote(run.project.repository)}"
    return {
        "versionControlProvenance": [
            {"repositoryUri": uri, "revisionId": run.project.commit, "mappedTo": {"uriBaseId": "%SRCROOT%"}}
        ]
    }


def _invocation(run: Run, left: int) -> dict[str, Any]:
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
    notes = [*_excuse_changes(run), *notes]
    if left > 0:
        said = f"Truncated: {left} results, the least grave ones, are not in this file. The run document has them all."
        notes.insert(0, {"level": "warning", "message": {"text": said}, "descriptor": {"id": "truncated"}})
    return {"executionSuccessful": not crashed, "toolExecutionNotifications": notes}


def _excuse_changes(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "level": "warning",
            "message": {"text": _text(f"{shape.EXCUSES_CHANGED}: {each}")},
            "descriptor": {"id": "excuse-changes"},
        }
        for each in run.excuse_changes
    ]


def _result(defect: shape.Defect, rule: int, lines: Mapping[tuple[str, int | None], Excerpt]) -> dict[str, Any]:
    """One alert per cause: at its first place, the others and what follows from it as related locations."""
    verdict, *others = defect.verdicts
    others += [each for consequence in defect.consequences for each in consequence.verdicts]
    result: dict[str, Any] = {
        "ruleId": verdict.finding,
        "ruleIndex": rule,
        "kind": "open" if verdict.outcome is Outcome.UNKNOWN else "fail",
        "level": "none" if verdict.outcome is Outcome.UNKNOWN else _LEVELS[verdict.severity],
        "message": {"text": _text(" ".join(filter(None, (verdict.violation or verdict.id, _fix(verdict)))))},
        "locations": [_with_lines(_place(verdict), lines.get((verdict.location.file, verdict.location.line)))],
        # GitHub follows an alert by the second name alone, and would make it from the line's text.
        "partialFingerprints": {
            "checkerSubject/v1": _fingerprint(verdict),
            "primaryLocationLineHash": f"{_fingerprint(verdict)}:1",
        },
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
    # Code scanning refuses a whole file for one result without a physical location, and shows none without a line.
    place = _physical(verdict.location) or _account_place(verdict.location)
    physical = {"region": {"startLine": 1}, **place["physicalLocation"]}
    return {"physicalLocation": physical, "logicalLocations": [logical]}


def _account_place(location: Location) -> dict[str, Any]:
    """A live resource as a path below ``account``, which is no file of the project."""
    uri = "account/" + quote(location.file.replace("\\", "/"), errors="replace")
    return {"physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}}}


def _with_lines(place: dict[str, Any], excerpt: Excerpt | None) -> dict[str, Any]:
    """The place with the lines themselves, where none of them may hold a secret."""
    physical = place["physicalLocation"]
    if excerpt is None or "region" not in physical or None in excerpt.lines:
        return place
    lines = [line or "" for line in excerpt.lines]
    region = {**physical["region"], "snippet": {"text": lines[excerpt.line - excerpt.first]}}
    last = excerpt.first + len(lines) - 1
    around = {"startLine": excerpt.first, "endLine": last, "snippet": {"text": "\n".join(lines)}}
    return {**place, "physicalLocation": {**physical, "region": region, "contextRegion": around}}


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
    text = message if len(message) <= MAX_TEXT else message[: MAX_TEXT - 1] + "…"
    return text.replace("](", "] (")
