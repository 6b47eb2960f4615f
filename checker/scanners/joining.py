"""Joins what scanners say to a run: their own ids, our locations, our waivers; what we say already is not repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from msgspec.structs import replace

from checker import waivers
from checker.collect.config.register import OUTSIDE
from checker.errors import printable
from checker.model.resources import Stack
from checker.model.verdicts import Location, Outcome, Run, Subject, SubjectKind, Surface, Verdict, WaiverStatus
from checker.scanners.same import SAME, alike
from checker.scanners.tools import Answer, Result, scanner_of

_KINDS = {
    "template": (Surface.TEMPLATE, SubjectKind.STACK),
    "assembly": (Surface.TEMPLATE, SubjectKind.STACK),
    "workflow": (Surface.WORKFLOW, SubjectKind.WORKFLOW_STEP),
    "script": (Surface.SCRIPT, SubjectKind.SCRIPT_LINE),
    "migration": (Surface.MIGRATION, SubjectKind.MIGRATION),
}
_STATED = frozenset({Outcome.FAIL, Outcome.WAIVED})


def verdicts_of(
    run: Run, answers: Sequence[Answer], stacks: Sequence[Stack], project: Path, reads: Mapping[str, str]
) -> tuple[list[Verdict], list[str]]:
    """The verdicts that scanners add to a run, and notes: what each was run on, and what is said already."""
    by_file: dict[Path, list[Stack]] = {}
    for stack in stacks:
        by_file.setdefault((project / stack.source.file).resolve(), []).append(stack)
    stated: dict[_Place, str] = {}
    places: dict[tuple[str | None, str | None], Verdict] = {}
    for verdict in run.verdicts:
        if verdict.subject.logical_id:
            places[verdict.subject.stack, verdict.subject.logical_id] = verdict
        if verdict.outcome in _STATED:
            stated |= {place: verdict.id for each in (verdict.finding, verdict.id) for place in _places(each, verdict)}
    found: list[Verdict] = []
    notes: list[str] = []
    for answer in answers:
        if answer.unread is not None:
            continue
        same: Counter[str] = Counter()
        for result in answer.results:
            for verdict in _verdicts(result, by_file, project, reads[answer.tool], places):
                others = (*SAME.get(result.id, ()), *alike(result.id))
                keys = (key for each in others for key in _places(each, verdict, (*result.also, None)))
                ours = next((stated[key] for key in keys if key in stated), None)
                if ours is not None:
                    same[f"{result.id} is {ours}"] += 1
                else:
                    found.append(verdict)
        for verdict in found:
            stated |= dict.fromkeys(_places(verdict.finding, verdict), verdict.finding)
        notes.append(f"{answer.tool}: {_how(answer)}, {len(answer.results)} results")
        notes += answer.notes
        notes += [
            f"{answer.tool}: {what} in {count} {'place' if count == 1 else 'places'}, and not repeated"
            for what, count in same.items()
        ]
    return found, notes


# A finding, or requirement of one, and where it fails: on a stack's resource, else on a line.
_Place = tuple[str, str | None, str | None, str, int | None]


def _places(identifier: str, verdict: Verdict, also: Sequence[int | None] = ()) -> Iterator[_Place]:
    """What is said of a migration is said of the whole file, wherever in it a scanner points; it has no line."""
    subject, location = verdict.subject, verdict.location
    if subject.logical_id:
        yield (identifier, subject.stack, subject.logical_id, "", None)
        return
    whole = (None,) if subject.kind is SubjectKind.MIGRATION else ()
    for line in (location.line, *also, *whole):
        yield (identifier, None, None, location.file, line)


def _how(answer: Answer) -> str:
    if answer.cached:
        return "unchanged since it was asked last"
    return f"{answer.files} reports of the synthesis" if answer.made else f"{answer.files} files"


def _verdicts(
    result: Result,
    by_file: Mapping[Path, Sequence[Stack]],
    project: Path,
    kind: str,
    places: Mapping[tuple[str | None, str | None], Verdict],
) -> list[Verdict]:
    """One for each stack that the file is the template of; one of no environment where it is none's."""
    path = (project / result.file).resolve()
    surface, subject_kind = _KINDS[kind]
    shown = path.relative_to(project.resolve()).as_posix() if path.is_relative_to(project.resolve()) else result.file
    message, fix = printable(result.message, 1000), printable(result.fix, 500)
    plain = Verdict(
        finding=result.id,
        severity=result.severity,
        outcome=Outcome.UNKNOWN if result.undecided else Outcome.FAIL,
        surface=surface,
        environment="",
        subject=Subject(subject_kind, shown),
        location=Location(shown, result.line),
        sub=result.sub,
        violation=message,
        fix=fix,
    )
    found = []
    for stack in by_file.get(path, ()):
        of_stack = replace(
            plain, environment=stack.environment, subject=Subject(SubjectKind.STACK, stack.name, stack=stack.name)
        )
        resources = stack.template.get("Resources")
        resource = resources.get(result.logical_id) if isinstance(resources, dict) and result.logical_id else None
        if isinstance(resource, dict) and result.logical_id:
            # Where one of our own verdicts knows the construct's own line, that is the place.
            known = places.get((stack.name, result.logical_id))
            subject = (
                known.subject
                if known
                else Subject(
                    SubjectKind.RESOURCE,
                    result.logical_id,
                    str(resource.get("Type") or ""),
                    stack.name,
                    result.logical_id,
                )
            )
            origin = stack.constructs.get(result.logical_id)
            at = plain.location
            if known:
                at = known.location
            elif origin and origin.file:
                at = Location(origin.file, origin.line)
            elif at.line is None:
                at = Location(shown, stack.source.line_of(("Resources", result.logical_id)))
            of_stack = replace(of_stack, subject=subject, location=replace(at, path=f"Resources/{result.logical_id}"))
        found.append(of_stack)
    return found or [plain]


def excused(
    run: Run, found: Sequence[Verdict], every: Sequence[waivers.Waiver], triage: Sequence[waivers.Waiver], today: date
) -> tuple[list[Verdict], tuple[WaiverStatus, ...]]:
    """The scanners' verdicts with what waivers and the triage excuse, and the states of all: those of outside ids anew.

    ``triage`` holds the entries of the scanners that answered: what nobody asked is not said to match nothing.
    """
    outside = [each for each in every if OUTSIDE.fullmatch(each.covers.finding)]
    judged, statuses = waivers.apply([*run.verdicts, *found], [*outside, *triage], today)
    places = {each.location for each in outside}
    kept = tuple(status for status in run.waivers if status.location not in places)
    return judged[len(run.verdicts) :], (*kept, *statuses)


def answered(triage: Sequence[waivers.Waiver], answers: Sequence[Answer]) -> tuple[list[waivers.Waiver], list[str]]:
    """The entries of the scanners that answered, and a note on the rest."""
    names = {each.tool for each in answers if each.unread is None}
    kept = [each for each in triage if scanner_of(each.covers.finding) in names]
    left = len(triage) - len(kept)
    return kept, [f"triage: {left} entries are of scanners that gave no answer here"] if left else []


def joined(run: Run, verdicts: Sequence[Verdict], notes: Sequence[str], answers: Sequence[Answer]) -> Run:
    """The run with all of that in it. A scanner without an answer is on record as not read."""
    unread = tuple(each.unread for each in answers if each.unread is not None)
    coverage = replace(run.coverage, unread=(*run.coverage.unread, *unread), notes=(*run.coverage.notes, *notes))
    return replace(run, verdicts=(*run.verdicts, *verdicts), coverage=coverage)
