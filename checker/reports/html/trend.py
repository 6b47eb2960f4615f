"""How earlier runs ended, and this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.shown.facts import EarlierRun
from checker.model.verdicts import Outcome, Run
from checker.reports import shape
from checker.reports.html import svg
from checker.reports.html.frame import code, section, table
from checker.reports.xml_text import text

MOST: Final = 60  # runs, the newest of them
_WIDTH, _HEIGHT, _LEFT = 640, 180, 44
_SHOWN: Final = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED)


def sections(run: Run, history: Sequence[EarlierRun]) -> Iterator[str]:
    yield from section("Trend", _content(run, history[-MOST:]), name="trend")


def _content(run: Run, history: Sequence[EarlierRun]) -> Iterator[str]:
    if not history:
        return
    runs = [*history, EarlierRun("this run", run.project.commit, run.totals)]
    last = ", ".join(f"{runs[-1].totals.get(each, 0)} {shape.OUTCOME_WORDS[each]}" for each in _SHOWN)
    label = f"{len(runs)} runs; in the last one {last}"
    yield from svg.picture("trend-picture", label, _LEFT + _WIDTH + 90, _HEIGHT + 40, _lines(runs))
    rows = [
        (text(each.time), code(each.commit[:12]), *(text(each.totals.get(outcome, 0)) for outcome in Outcome))
        for each in reversed(runs)
    ]
    yield "<details><summary>The same as a table</summary>"
    heads = ("time", "commit", *(shape.OUTCOME_WORDS[outcome] for outcome in Outcome))
    yield from table(heads, rows, label="Earlier runs")
    yield "</details>"


def _lines(runs: Sequence[EarlierRun]) -> Iterator[str]:
    top = max(1, *(each.totals.get(outcome, 0) for each in runs for outcome in _SHOWN))
    step = _WIDTH / max(len(runs) - 1, 1)

    def y(number: int) -> float:
        return 10 + _HEIGHT - number / top * _HEIGHT

    for number in sorted({0, top // 2, top}):
        yield svg.line(_LEFT, y(number), _LEFT + _WIDTH, y(number), "grid")
        yield svg.words(_LEFT - 6, y(number) + 4, number, "s", "end")
    for outcome in _SHOWN:
        points = [(_LEFT + index * step, y(each.totals.get(outcome, 0))) for index, each in enumerate(runs)]
        d = "M" + " L".join(f"{x:.1f} {at:.1f}" for x, at in points)
        yield svg.path(d, f"l-{outcome.value}")
        for (x, at), each in zip(points, runs, strict=True):
            said = f"{each.time}: {each.totals.get(outcome, 0)} {shape.OUTCOME_WORDS[outcome]}"
            yield svg.circle(x, at, 3, f"c-{outcome.value}", said)
    yield from _names(runs, y)
    yield svg.words(_LEFT, _HEIGHT + 28, runs[0].time[:16], "s")
    yield svg.words(_LEFT + _WIDTH, _HEIGHT + 28, runs[-1].time[:16], "s", "end")


def _names(runs: Sequence[EarlierRun], y: object) -> Iterator[str]:
    """Each line's name at its end, none on another."""
    assert callable(y)
    taken: list[float] = []
    for outcome in _SHOWN:
        at = float(y(runs[-1].totals.get(outcome, 0))) + 4
        while any(abs(at - other) < 13 for other in taken):
            at -= 13
        taken.append(at)
        yield svg.words(_LEFT + _WIDTH + 10, at, shape.OUTCOME_WORDS[outcome], "s")
