"""The run document: a Run as JSON and back. ``run_schema.json`` beside this module is its JSON Schema.

Its keys are what pipelines hold on to: keys are added, never renamed or dropped, within ``checker-run/1``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Any, Final, TypeVar

from checker.errors import InputError
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

SCHEMA: Final = "checker-run/1"
_E = TypeVar("_E", bound=StrEnum)
_T = TypeVar("_T")


def render(run: Run) -> str:
    return json.dumps(document(run), indent=2, ensure_ascii=False) + "\n"


def document(run: Run) -> dict[str, Any]:
    """The run as plain data, in the order of the schema."""
    reviewed = [each for each in run.coverage.judged if each in run.findings and run.findings[each].reviewed]
    return {
        "schema": SCHEMA,
        "command": run.command,
        "project": {
            "repository": run.project.repository,
            "commit": run.project.commit,
            "assemblies": dict(run.project.assemblies),
        },
        "environments": list(run.environments),
        "verdicts": [_verdict(verdict) for verdict in run.verdicts],
        "coverage": {
            "findings_judged": len(reviewed),
            "judged": list(run.coverage.judged),
            "not_judged": list(run.coverage.not_judged),
            "surfaces": dict(run.coverage.surfaces),
            "unread": [asdict(each) for each in run.coverage.unread],
            "notes": list(run.coverage.notes),
        },
        "totals": run.totals,
        "waivers": [{**asdict(each), "state": each.state.value} for each in run.waivers],
        "findings": {
            each.id: {"title": each.title, "severity": each.severity.value, "reviewed": each.reviewed}
            for each in run.findings.values()
        },
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
        "waiver": asdict(verdict.waiver) if verdict.waiver else None,
        "related": [_location(each) for each in verdict.related],
    }


def _location(location: Location) -> dict[str, Any]:
    return {"file": location.file, "line": location.line, "path": location.path}


def parse(text: str, shown: str = "the run document") -> Run:
    """The Run of a document. Raises :class:`InputError` that names the place of the fault.

    Keys that this version does not know are passed over; those that were added to the schema later may be absent.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{shown}:{error.lineno}: not valid JSON: {error.msg}", "Name a run document.") from None
    except (RecursionError, ValueError) as error:
        raise InputError(f"{shown}: not valid JSON: {error}", "Name a run document.") from None
    node = _Node(data, shown, "")
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
        command=node.text("command"),
        project=ProjectSummary(
            project.text("repository"), project.text("commit"), project.mapping("assemblies", lambda n, _: n.as_text())
        ),
        environments=tuple(node.items("environments", _Node.as_text)),
        verdicts=verdicts,
        coverage=Coverage(
            judged=tuple(coverage.items("judged", _Node.as_text, optional=True)),
            not_judged=tuple(coverage.items("not_judged", _Node.as_text, optional=True)),
            surfaces=coverage.mapping("surfaces", lambda n, _: n.as_text()),
            unread=tuple(
                coverage.items("unread", lambda n: Unread(n.text("what"), n.text("why"), n.text("needs", "")))
            ),
            notes=tuple(coverage.items("notes", _Node.as_text, optional=True)),
        ),
        findings=findings,
        waivers=tuple(node.items("waivers", _read_status, optional=True)),
    )


class _Node:
    """A value of the document and the path to it, so that every fault can be named."""

    def __init__(self, data: Any, shown: str, path: str) -> None:
        self._data, self._shown, self._path = data, shown, path

    def wrong(self, what: str) -> InputError:
        return InputError(f"{self._shown}: {self._path or 'the document'} {what}", "Write the run again.")

    def child(self, key: str) -> _Node:
        if not isinstance(self._data, dict):
            raise self.wrong("is not an object")
        return _Node(self._data.get(key), self._shown, f"{self._path}.{key}".lstrip("."))

    @property
    def empty(self) -> bool:
        return self._data is None

    def items(self, key: str, read: Callable[[_Node], _T], *, optional: bool = False) -> list[_T]:
        node = self.child(key)
        if node.empty and optional:
            return []
        if not isinstance(node._data, list):
            raise node.wrong("is not a list")
        return [read(_Node(each, self._shown, f"{node._path}[{index}]")) for index, each in enumerate(node._data)]

    def mapping(self, key: str, read: Callable[[_Node, str], _T], *, optional: bool = False) -> dict[str, _T]:
        node = self.child(key)
        if node.empty and optional:
            return {}
        if not isinstance(node._data, dict):
            raise node.wrong("is not an object")
        return {name: read(node.child(name), name) for name in node._data}

    def as_text(self) -> str:
        if not isinstance(self._data, str):
            raise self.wrong("is not text")
        return self._data

    def text(self, key: str, default: str | None = None) -> str:
        node = self.child(key)
        return default if node.empty and default is not None else node.as_text()

    def maybe_text(self, key: str) -> str | None:
        node = self.child(key)
        return None if node.empty else node.as_text()

    def maybe_number(self, key: str) -> int | None:
        node = self.child(key)
        return None if node.empty else node.as_number()

    def as_number(self) -> int:
        if isinstance(self._data, bool) or not isinstance(self._data, int):
            raise self.wrong("is not a whole number")
        return self._data

    def one_of(self, key: str, kind: type[_E]) -> _E:
        node = self.child(key)
        try:
            return kind(node.as_text())
        except ValueError:
            raise node.wrong(f"is none of {', '.join(kind)}") from None


def _read_verdict(node: _Node) -> Verdict:
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


def _read_location(node: _Node) -> Location:
    return Location(node.text("file"), node.maybe_number("line"), node.maybe_text("path"))


def _read_note(node: _Node) -> WaiverNote:
    return WaiverNote(
        finding=node.text("finding"),
        reason=node.text("reason"),
        owner=node.text("owner"),
        approved_on=node.text("approved_on"),
        expires_on=node.text("expires_on"),
        days_left=node.child("days_left").as_number(),
    )


def _read_status(node: _Node) -> WaiverStatus:
    return WaiverStatus(
        finding=node.text("finding"),
        environments=tuple(node.items("environments", _Node.as_text)),
        resource=node.text("resource"),
        reason=node.text("reason"),
        owner=node.text("owner"),
        expires_on=node.text("expires_on"),
        days_left=node.child("days_left").as_number(),
        state=node.one_of("state", WaiverState),
        detail=node.text("detail"),
        location=_read_location(node.child("location")),
    )


def _read_finding(node: _Node, identifier: str) -> Finding:
    reviewed: Mapping[str, Any] = node._data if isinstance(node._data, dict) else {}
    return Finding(
        identifier, node.text("title"), node.one_of("severity", Severity), reviewed.get("reviewed", True) is True
    )
