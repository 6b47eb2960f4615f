"""Findings by environment and surface, as a picture: the gravest outcome of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker.model.verdicts import Outcome, Run, Surface
from checker.reports import shape
from checker.reports.html import svg
from checker.reports.html.frame import SIGNS, WORDS, section, state, table
from checker.reports.xml_text import text

_CELL: Final = 20
_LEFT: Final = 52
_LETTER: Final = 8  # how wide one is at the most
_LONGEST: Final = 32  # letters of an id: those of outside scanners are long, and end in what tells them apart
_SHORT: Final = {
    Surface.TEMPLATE: "T",
    Surface.ACCOUNT: "A",
    Surface.WORKFLOW: "W",
    Surface.SCRIPT: "S",
    Surface.MIGRATION: "M",
    Surface.SETTING: "G",
}
_FAMILIES: Final = {"C": "Critical", "W": "Warnings", "S": "Suggestions", "P": "Beyond the review"}
_MOST_COLUMNS: Final = 60

_Column = tuple[str, Surface]
_Grid = Mapping[tuple[str, str, Surface], Outcome]


def sections(run: Run) -> Iterator[str]:
    yield from section("Matrix", _content(run), name="matrix")


def _content(run: Run) -> Iterator[str]:
    grid: dict[tuple[str, str, Surface], Outcome] = {}
    for verdict in run.verdicts:
        key = verdict.finding, verdict.environment, verdict.surface
        before = grid.get(key)
        if before is None or verdict.outcome.gravity < before.gravity:
            grid[key] = verdict.outcome
    columns = _columns(run, grid)
    if not columns:
        return
    legend = ", ".join(f"{state(outcome)}" for outcome in WORDS)
    letters = ", ".join(
        f"{letter} {surface}" for surface, letter in _SHORT.items() if any(c[1] is surface for c in columns)
    )
    yield f"<p class=soft>{legend}; empty: not judged there. {text(letters)}.</p>"
    yield "<div class=blocks>"
    for family, findings in _families(run).items():
        yield "<div>"
        yield f"<h3>{text(family)}</h3>"
        left = _left(findings)
        width, height = _width(columns, left), 46 + len(findings) * _CELL
        label = f"{family}: {_summary(findings, grid)}"
        name = "m-" + re.sub(r"[^a-z]+", "-", family.lower())
        yield from svg.picture(name, label, width, height, _shapes(run, findings, columns, grid, left))
        yield "</div>"
    yield "</div>"
    yield "<details><summary>The same as a table</summary>"
    yield from _as_table(run)
    yield "</details>"


def _columns(run: Run, grid: _Grid) -> list[_Column]:
    environments = list(dict.fromkeys([*run.environments, *(key[1] for key in grid)]))
    there = {(environment, surface) for _, environment, surface in grid}
    return [(each, surface) for each in environments for surface in Surface if (each, surface) in there][:_MOST_COLUMNS]


def _families(run: Run) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for identifier in shape.states(run):
        reviewed = identifier in run.findings
        found.setdefault(_FAMILIES.get(identifier[:1], "Others") if reviewed else "Other scanners", []).append(
            identifier
        )
    return found


def _summary(findings: Sequence[str], grid: _Grid) -> str:
    worst: dict[str, Outcome] = {}
    for (finding, _, _), outcome in grid.items():
        before = worst.get(finding)
        if before is None or outcome.gravity < before.gravity:
            worst[finding] = outcome
    counts = {each: sum(worst.get(finding) is each for finding in findings) for each in WORDS}
    return (
        ", ".join(f"{number} {shape.OUTCOME_WORDS[each]}" for each, number in counts.items() if number) or "not judged"
    )


def _left(findings: Sequence[str]) -> int:
    """Where the columns begin: beside the longest id."""
    return max(_LEFT, min(_LONGEST, max(map(len, findings))) * (_LETTER + 1) + 12)  # ids are bold


def _groups(columns: Sequence[_Column]) -> list[tuple[str, list[int]]]:
    """What each environment is called above its columns, and which those are."""
    groups: dict[str, list[int]] = {}
    for index, (environment, _) in enumerate(columns):
        groups.setdefault(environment, []).append(index)
    return [(svg.short(name or "repository", max(len(at) * 4, 12)), at) for name, at in groups.items()]


def _width(columns: Sequence[_Column], left: int) -> int:
    """As wide as the columns, or as the names above the last of them."""
    names = (at[0] * _CELL + 2 + len(name) * _LETTER for name, at in _groups(columns))
    return left + max(len(columns) * _CELL, *names) + 8


def _shapes(run: Run, findings: Sequence[str], columns: Sequence[_Column], grid: _Grid, left: int) -> Iterator[str]:
    for index, (_, surface) in enumerate(columns):
        yield svg.words(left + index * _CELL + _CELL / 2, 38, _SHORT[surface], "s", "middle")
    for number, (name, at) in enumerate(_groups(columns)):
        # Two lines in turn, so that a name may run over the next environment's columns.
        yield svg.words(left + at[0] * _CELL + 2, 24 - number % 2 * 13, name, "s")
        yield svg.line(left + at[0] * _CELL - 1, 8, left + at[0] * _CELL - 1, 46 + len(findings) * _CELL, "grid")
    for row, finding in enumerate(findings):
        y = 44 + row * _CELL
        yield svg.words(left - 8, y + 14, svg.short(finding, _LONGEST), "t b", "end")
        for index, (environment, surface) in enumerate(columns):
            outcome = grid.get((finding, environment, surface))
            x = left + index * _CELL
            if outcome is None:
                yield svg.rect(x + 1, y + 1, _CELL - 2, _CELL - 2, "c-none")
                continue
            title = run.findings[finding].title if finding in run.findings else finding
            said = f"{finding} {title}: {WORDS[outcome]} in {environment or 'the repository'}, {surface}"
            yield svg.rect(x + 1, y + 1, _CELL - 2, _CELL - 2, f"c-{outcome.value}", said)
            yield svg.words(x + _CELL / 2, y + 14, SIGNS[outcome], f"on on-{outcome.value}", "middle")


def _as_table(run: Run) -> Iterator[str]:
    rows = []
    for identifier, outcome in shape.states(run).items():
        finding = run.findings.get(identifier)
        said = "<span class=o-none>not judged here</span>" if outcome is None else state(outcome)
        link = text(identifier) if outcome is None else f'<a href="#{text(identifier)}">{text(identifier)}</a>'
        rows.append((link, text(finding.title if finding else ""), text(finding.severity if finding else ""), said))
    yield from table(("finding", "compliant state", "severity", "state"), rows, label="All findings")
