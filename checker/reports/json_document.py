"""The run document: a Run as JSON and back. ``run_schema.json`` beside this module is its JSON Schema.

Its keys are what pipelines hold on to: keys are added, never renamed or dropped, within ``checker-run/1``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from msgspec import json as written
from msgspec import to_builtins

from checker.errors import InputError
from checker.model.live.drift import NextDeploy, PropertyDrift, PropertyState, ResourceDrift, ResourceState
from checker.model.verdicts import (
    Coverage,
    Finding,
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
    WaiverNote,
    WaiverState,
    WaiverStatus,
)
from checker.nodes import Node
from checker.reports import facts_document

SCHEMA: Final = "checker-run/1"
_ENTRIES: Final = 2  # how deep objects are laid out, one key a line, before an entry is one line


def render(run: Run) -> str:
    return _laid_out(document(run)) + "\n"


def _laid_out(value: Any, level: int = 0) -> str:
    """The document with one verdict, one finding, one excerpt a line: lines that people search, and that compare well.

    An entry within is written in one go.
    """
    if not value or not isinstance(value, list | tuple | dict) or (isinstance(value, dict) and level == _ENTRIES):
        return _one_line(value)
    if isinstance(value, list | tuple):
        items, (opening, closing) = list(map(_one_line, value)), "[]"
    else:
        items = [f"{_one_line(key)}: {_laid_out(each, level + 1)}" for key, each in value.items()]
        opening, closing = "{}"
    margin = "\n" + "  " * level
    return f"{opening}{margin}  {f',{margin}  '.join(items)}{margin}{closing}"


def _one_line(value: Any) -> str:
    return written.format(written.encode(value), indent=0).decode()


def document(run: Run) -> dict[str, Any]:
    """The run as plain data, in the order of the schema."""
    drift = {"drift": [_drift(each) for each in run.drift]} if run.command == "drift" or run.drift else {}
    reviewed = [each for each in run.coverage.judged if each in run.findings and run.findings[each].reviewed]
    return {
        "schema": SCHEMA,
        "command": run.command,
        "project": {
            "repository": run.project.repository,
            "commit": run.project.commit,
            "assemblies": dict(run.project.assemblies),
        },
        **({"excuse_changes": list(run.excuse_changes)} if run.excuse_changes else {}),
        "environments": list(run.environments),
        "verdicts": [_verdict(verdict) for verdict in run.verdicts],
        "coverage": {
            "findings_judged": len(reviewed),
            "judged": list(run.coverage.judged),
            "not_judged": list(run.coverage.not_judged),
            "surfaces": dict(run.coverage.surfaces),
            "unread": to_builtins(run.coverage.unread),
            "notes": list(run.coverage.notes),
        },
        "totals": run.totals,
        "waivers": to_builtins(run.waivers),
        "findings": {
            each.id: {
                "title": each.title,
                "severity": each.severity.value,
                "reviewed": each.reviewed,
                "controls": {framework: list(ids) for framework, ids in each.controls},
                **({"page": each.page} if each.page else {}),
            }
            for each in run.findings.values()
        },
        **drift,
        **({} if run.facts.empty else {"facts": facts_document.document(run.facts)}),
    }


def _drift(entry: ResourceDrift) -> dict[str, Any]:
    return {
        "environment": entry.environment,
        "stack": entry.stack,
        "type": entry.type,
        "logical_id": entry.logical_id,
        "physical_id": entry.physical_id,
        "state": entry.state.value,
        "why": entry.why,
        "next_deploy": entry.next_deploy.value,
        "stateful": entry.stateful,
        "accepted": entry.accepted,
        "properties": to_builtins(entry.properties),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    subject = verdict.subject
    return {
        "finding": verdict.finding,
        "severity": verdict.severity.value,
        "sub": verdict.sub,
        "outcome": verdict.outcome.value,
        "surface": verdict.surface.value,
        "environment": verdict.environment,
        "subject": {
            "kind": subject.kind.value,
            "name": subject.name,
            "type": subject.type,
            "stack": subject.stack,
            "logical_id": subject.logical_id,
            "physical_id": subject.physical_id,
            "construct_path": subject.construct_path,
        },
        "location": _location(verdict.location),
        "violation": verdict.violation,
        "fix": verdict.fix,
        "expected": verdict.expected,
        "actual": verdict.actual,
        "waiver": to_builtins(verdict.waiver),
        "related": [_location(each) for each in verdict.related],
    }


def _location(location: Location) -> dict[str, Any]:
    return {"file": location.file, "line": location.line, "path": location.path}


def parse(text: str, shown: str = "the run document") -> Run:
    """The Run of a document. Raises :class:`InputError` that names the place of the fault.

    Keys that this version does not know are passed over; those that were added to the schema later may be absent.
    """
    try:
        data = json.loads(text, object_pairs_hook=_each_key_once)
    except json.JSONDecodeError as error:
        raise InputError(f"{shown}:{error.lineno}: not valid JSON: {error.msg}", "Name a run document.") from None
    except (RecursionError, ValueError) as error:
        raise InputError(f"{shown}: not valid JSON: {error}", "Name a run document.") from None
    node = Node(data, shown, hint="Write the run again.")
    found = data.get("schema") if isinstance(data, dict) else None
    if found != SCHEMA:
        said = f"its schema is {found!r}" if isinstance(found, str) else "it names no schema"
        raise InputError(f"{shown}: not a {SCHEMA} document: {said}", "Write one with --format json=FILE.")
    coverage, project = node.child("coverage"), node.child("project")
    verdicts = tuple(node.items("verdicts", _read_verdict))
    findings = node.mapping("findings", _read_finding, optional=True) or {
        verdict.finding: Finding(verdict.finding, "", verdict.severity) for verdict in verdicts
    }
    return Run(
        command=_read_command(node.child("command")),
        project=ProjectSummary(
            project.text("repository"), project.text("commit"), project.mapping("assemblies", lambda n, _: n.as_text())
        ),
        environments=tuple(node.items("environments", Node.as_text)),
        verdicts=verdicts,
        coverage=Coverage(
            judged=tuple(coverage.items("judged", Node.as_text, optional=True)),
            not_judged=tuple(coverage.items("not_judged", Node.as_text, optional=True)),
            surfaces=coverage.mapping("surfaces", lambda n, _: n.as_text()),
            unread=tuple(
                coverage.items("unread", lambda n: Unread(n.text("what"), n.text("why"), n.text("needs", "")))
            ),
            notes=tuple(coverage.items("notes", Node.as_text, optional=True)),
        ),
        findings=findings,
        waivers=tuple(node.items("waivers", _read_status, optional=True)),
        drift=tuple(node.items("drift", _read_drift, optional=True)),
        facts=facts_document.read(node.child("facts")),
        excuse_changes=tuple(node.items("excuse_changes", Node.as_text, optional=True)),
    )


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Of a key that stands twice each reader takes another value, and a pack is to say one thing."""
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise ValueError(f"the key {next(key for key in counts if counts[key] > 1)!r} stands twice in one object")
    return found


def _read_command(node: Node) -> str:
    """The name of a command, which reports print as it stands."""
    name = node.as_text()
    if not (name.isascii() and name.replace("-", "").isalpha()):
        raise node.wrong("is no command's name")
    return name


def _read_verdict(node: Node) -> Verdict:
    subject, waiver = node.child("subject"), node.child("waiver")
    kind = subject.one_of("kind", SubjectKind)
    logical_id, construct_path = subject.maybe_text("logical_id"), subject.maybe_text("construct_path")
    return Verdict(
        finding=node.text("finding"),
        severity=node.one_of("severity", Severity),
        outcome=node.one_of("outcome", Outcome),
        surface=node.one_of("surface", Surface),
        environment=node.text("environment"),
        subject=Subject(
            kind=kind,
            name=subject.maybe_text("name") or logical_id or construct_path or kind.value,
            type=subject.maybe_text("type"),
            stack=subject.maybe_text("stack"),
            logical_id=logical_id,
            physical_id=subject.maybe_text("physical_id"),
            construct_path=construct_path,
        ),
        location=_read_location(node.child("location")),
        sub=node.maybe_text("sub"),
        violation=node.text("violation"),
        fix=node.text("fix"),
        expected=node.text("expected", ""),
        actual=node.text("actual", ""),
        waiver=None if waiver.empty else _read_note(waiver),
        related=tuple(node.items("related", _read_location, optional=True)),
    )


def _read_location(node: Node) -> Location:
    line = node.maybe_number("line")
    if line is not None and line < 0:
        raise node.child("line").wrong("is no line's number")
    return Location(node.text("file"), line, node.maybe_text("path"))


def _read_note(node: Node) -> WaiverNote:
    return WaiverNote(
        finding=node.text("finding"),
        reason=node.text("reason"),
        owner=node.text("owner"),
        approved_on=node.text("approved_on"),
        expires_on=node.text("expires_on"),
        days_left=node.child("days_left").as_number(),
    )


def _read_status(node: Node) -> WaiverStatus:
    return WaiverStatus(
        finding=node.text("finding"),
        environments=tuple(node.items("environments", Node.as_text)),
        resource=node.text("resource"),
        reason=node.text("reason"),
        owner=node.text("owner"),
        expires_on=node.text("expires_on"),
        days_left=node.child("days_left").as_number(),
        state=node.one_of("state", WaiverState),
        detail=node.text("detail"),
        location=_read_location(node.child("location")),
    )


def _read_finding(node: Node, identifier: str) -> Finding:
    reviewed: Mapping[str, Any] = node.data if isinstance(node.data, dict) else {}
    return Finding(
        identifier,
        node.text("title"),
        node.one_of("severity", Severity),
        reviewed.get("reviewed", True) is True,
        tuple(node.mapping("controls", _read_controls, optional=True).items()),
        page=node.text("page", default=""),
    )


def _read_controls(node: Node, framework: str) -> tuple[str, ...]:  # noqa: ARG001 - the mapping's shape
    if not isinstance(node.data, list):
        raise node.wrong("is not a list")
    return tuple(node.at(each, node.path).as_text() for each in node.data)


def _read_drift(node: Node) -> ResourceDrift:
    return ResourceDrift(
        environment=node.text("environment"),
        stack=node.maybe_text("stack"),
        type=node.text("type"),
        logical_id=node.maybe_text("logical_id"),
        physical_id=node.maybe_text("physical_id"),
        state=node.one_of("state", ResourceState),
        why=node.text("why", ""),
        next_deploy=node.one_of("next_deploy", NextDeploy),
        properties=tuple(node.items("properties", _read_property, optional=True)),
        stateful=node.child("stateful").data is True,
        accepted=node.text("accepted", ""),
    )


def _read_property(node: Node) -> PropertyDrift:
    return PropertyDrift(
        path=node.text("path"),
        state=node.one_of("state", PropertyState),
        expected=node.child("expected").data,
        deployed=node.child("deployed").data,
        live=node.child("live").data,
        note=node.text("note", ""),
        accepted=node.text("accepted", ""),
    )
