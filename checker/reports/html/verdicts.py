"""Every verdict, passes included, folded by finding: the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.verdicts import Run, Verdict
from checker.reports import shape
from checker.reports.html.frame import code, section, state, table
from checker.reports.xml_text import text


def sections(run: Run) -> Iterator[str]:
    yield from section("Every verdict", _content(run), name="every-verdict")


def _content(run: Run) -> Iterator[str]:
    by_finding: dict[str, list[Verdict]] = {}
    for verdict in run.verdicts:
        by_finding.setdefault(verdict.finding, []).append(verdict)
    for identifier, outcome in shape.states(run).items():
        if outcome is None:
            continue
        verdicts = by_finding[identifier]
        yield f'<details id="{text(identifier)}">'
        yield f"<summary>{text(identifier)}: {text(shape.count(len(verdicts), 'verdict'))}, {state(outcome)}</summary>"
        rows = [_cells(each) for each in verdicts]
        heads = ("requirement", "outcome", "subject", "place", "what was seen")
        yield from table(heads, rows, label=f"Verdicts of {identifier}")
        yield "</details>"


def _cells(verdict: Verdict) -> tuple[str, ...]:
    where = ", ".join(filter(None, (verdict.environment, verdict.surface.value)))
    fix = f"<br><b>Fix:</b> {text(verdict.fix)}" if verdict.fix else ""
    return (
        text(verdict.id),
        state(verdict.outcome),
        f"{text(shape.subject(verdict))}<br><span class=soft>{text(where)}</span>",
        code(verdict.location),
        text(verdict.violation) + fix,
    )
