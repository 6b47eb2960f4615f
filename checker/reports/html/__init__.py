"""One self-contained page: nothing is fetched, and only the page's own style and script run. Readable on a phone, on
paper, in the dark, by keyboard and by a screen reader; the script only filters and opens what is folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checker.model.shown.facts import EarlierRun
from checker.model.verdicts import Run
from checker.reports.changes import Changes
from checker.reports.html import (
    controls,
    coverage,
    defects,
    drift,
    first,
    frame,
    matrix,
    network,
    retention,
    tokens,
    trend,
    verdicts,
    waivers,
)


def render(run: Run, *, since: Changes | None = None, history: Sequence[EarlierRun] = ()) -> str:
    """``since``: what is new and fixed against an earlier run; ``history``: earlier runs, the oldest first."""
    return "\n".join(frame.page(first.title(run), _body(run, since, history))) + "\n"


def _body(run: Run, since: Changes | None, history: Sequence[EarlierRun]) -> Iterator[str]:
    yield from first.screen(run, since)
    yield "<main id=main>"
    new = frozenset(each.identity for each in since.new) if since else frozenset()
    yield from matrix.sections(run)
    yield from defects.sections(run, new)
    yield from drift.sections(run)
    yield from network.sections(run)
    yield from tokens.sections(run)
    yield from retention.sections(run)
    yield from waivers.sections(run)
    yield from coverage.sections(run)
    yield from trend.sections(run, history)
    yield from controls.sections(run)
    yield from verdicts.sections(run)
    yield "</main>"
