"""What to do, gravest first, each with its evidence: the lines, what was expected and found, the fix, what follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker.model.shown.facts import Excerpt
from checker.model.verdicts import Identity, Outcome, Run, Severity, Verdict
from checker.reports import shape
from checker.reports.html.frame import WORDS, anchor, code, section
from checker.reports.xml_text import text

_MOST_EXCERPTS: Final = 4  # of one defect
_KINDS: Final = (*(each.value for each in Severity), "unknown", "error", "waived")

_Excerpts = Mapping[tuple[str, int | None], Excerpt]


def sections(run: Run, new: frozenset[Identity]) -> Iterator[str]:
    yield from section("Defects", _content(run, new), name="defects")


def _content(run: Run, new: frozenset[Identity]) -> Iterator[str]:
    excerpts: _Excerpts = {(each.file, each.line): each for each in run.facts.excerpts}
    lines: list[str] = []
    kinds: set[str] = set()
    for heading, outcome, severity in _groups():
        found = [d for d in shape.defects(run, outcome) if severity is None or d.severity is severity]
        if found:
            kinds.add(severity.value if severity else outcome.value)
            lines.append(f"<h3>{text(heading)}</h3>")
            for defect in found:
                lines.extend(_article(defect, excerpts, new))
    if lines:
        yield from _filter([each for each in _KINDS if each in kinds])
        yield from lines


def _groups() -> Iterator[tuple[str, Outcome, Severity | None]]:
    yield "Rules that crashed", Outcome.ERROR, None
    for severity in Severity:
        yield f"Violated: {severity}", Outcome.FAIL, severity
    yield "Could not be decided", Outcome.UNKNOWN, None
    yield "Waived", Outcome.WAIVED, None


def _filter(kinds: list[str]) -> Iterator[str]:
    """Shown by the script: without it nothing is hidden."""
    yield '<form id=filter role=search aria-label="Filter defects" hidden>'
    yield "<label>Words <input type=search name=words autocomplete=off></label>"
    for kind in kinds:
        yield f'<label><input type=checkbox value="{kind}" checked> {kind}</label>'
    yield "<button type=reset>Show all</button><output id=shown></output></form>"


def _article(defect: shape.Defect, excerpts: _Excerpts, new: frozenset[Identity]) -> Iterator[str]:
    first = defect.verdicts[0]
    kind = defect.severity.value if defect.outcome is Outcome.FAIL else defect.outcome.value
    words = {defect.id, defect.finding.title, defect.violation, defect.fix}
    words |= {part for each in defect.verdicts for part in (each.environment, shape.subject(each), str(each.location))}
    identifier = anchor(first)
    yield (
        f'<article id="{identifier}" class="{kind}" data-kind="{kind}" '
        f'data-words="{text(" ".join(sorted(words)).lower())}" aria-labelledby="{identifier}-h">'
    )
    grade = f"{defect.severity}, {WORDS[defect.outcome]}" if defect.outcome is not Outcome.FAIL else defect.severity
    fresh = " <span class=tag>new</span>" if any(each.identity in new for each in defect.verdicts) else ""
    heading = f'<a href="#{identifier}">{text(defect.id)}</a> {text(defect.finding.title)}'
    yield f'<h4 id="{identifier}-h">{heading} <span class=tag>{text(grade)}</span>{fresh}</h4>'
    where = f"{code(defect.at)} " if defect.at != str(first.location) else ""
    yield f"<p>{where}{text(defect.violation)}</p>"
    if defect.fix:
        yield f"<p><b>Fix:</b> {text(defect.fix)}</p>"
    if first.waiver is not None:
        note = first.waiver
        said = f"{note.reason} ({note.owner}, until {note.expires_on}, {shape.count(note.days_left, 'day')} left)"
        yield f"<p><b>Waived:</b> {text(said)}</p>"
    yield from _compared(first)
    yield from _places(defect, excerpts)
    if defect.consequences:
        yield "<p><b>And so:</b></p>\n<ul>"
        for more in defect.consequences:
            yield f"<li><b>{text(more.id)}</b> {text(WORDS[more.outcome])}: {text(more.violation)}</li>"
        yield "</ul>"
    yield "</article>"


def _compared(verdict: Verdict) -> Iterator[str]:
    pairs = [pair for pair in (("Expected", verdict.expected), ("Actual", verdict.actual)) if pair[1]]
    if pairs:
        cells = "".join(f"<div><dt>{label}</dt><dd>{code(value)}</dd></div>" for label, value in pairs)
        yield f"<dl class=pair>{cells}</dl>"


def _places(defect: shape.Defect, excerpts: _Excerpts) -> Iterator[str]:
    """Every place, those of one line together; the lines themselves for the first few."""
    by_line: dict[str, list[Verdict]] = {}
    for verdict in defect.verdicts:
        by_line.setdefault(str(verdict.location), []).append(verdict)
    shown: set[tuple[str, int | None]] = set()
    yield "<ul>"
    for verdicts in by_line.values():
        location = verdicts[0].location
        yield f"<li>{code(location)}"
        said: dict[str, None] = {}
        for each in verdicts:
            where = f", {each.environment}" if each.environment else ""
            other = f": {each.violation}" if each.violation != defect.verdicts[0].violation else ""
            said[f"<br>{text(shape.subject(each))}{text(where)}{text(other)}"] = None
        yield "".join(said)
        for place in (location, *verdicts[0].related):
            key = place.file, place.line
            excerpt = excerpts.get(key)
            if excerpt is not None and key not in shown and len(shown) < _MOST_EXCERPTS:
                shown.add(key)
                if place != location:
                    yield f"<br><span class=soft>see also</span> {code(place)}"
                yield from _source(excerpt)
        yield "</li>"
    yield "</ul>"


def _source(excerpt: Excerpt) -> Iterator[str]:
    width = len(str(excerpt.first + len(excerpt.lines)))
    rows = []
    for number, said in enumerate(excerpt.lines, start=excerpt.first):
        here = number == excerpt.line
        style = " class=here" if here else ""
        content = "(this line is not shown: it may hold a secret)" if said is None else said
        mark = "▸" if here else " "
        rows.append(f"<span{style}><i>{mark}{number:>{width}} </i>{text(content)}</span>")
    label = f"{excerpt.file}, line {excerpt.line}"
    yield f'<pre class=source tabindex=0 role=group aria-label="{text(label)}">{"".join(rows)}</pre>'
