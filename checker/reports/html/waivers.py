"""Waivers by the days that they have left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.verdicts import Run, WaiverStatus
from checker.reports import shape
from checker.reports.html import svg
from checker.reports.html.frame import code, section, table
from checker.reports.xml_text import text

_ROW: Final = 22
_LEFT: Final = 150
_LETTER: Final = 8  # how wide one is at the most
_LONGEST: Final = 32  # letters of a finding
_WIDTH: Final = 560


def sections(run: Run) -> Iterator[str]:
    yield from section("Waivers", _content(run), name="waivers")


def _content(run: Run) -> Iterator[str]:
    by_days = sorted(run.waivers, key=lambda each: (each.days_left, each.finding))
    if not by_days:
        return
    label = "Days left: " + ", ".join(f"{each.finding} {each.days_left}" for each in by_days[:20])
    left = max(_LEFT, min(_LONGEST, max(len(each.finding) for each in by_days)) * _LETTER + 12)
    yield from svg.picture("w-days", label, left + _WIDTH + 90, len(by_days) * _ROW + 10, _bars(by_days, left))
    rows = [
        (
            text(each.finding),
            f"{code(each.resource)} in {text(', '.join(each.environments))}",
            text(shape.days(each)),
            f"{text(each.reason)}<br><span class=soft>{text(each.owner)}, {code(each.location)}</span>",
            f"{text(shape.STATE_WORDS[each.state])}<br><span class=soft>{text(each.detail)}</span>",
        )
        for each in shape.waivers_in_order(run)
    ]
    yield from table(("finding", "on", "until", "reason", "state"), rows, label="Waivers")


def _bars(waivers: list[WaiverStatus], left: int) -> Iterator[str]:
    longest = max(1, *(each.days_left for each in waivers))
    for row, each in enumerate(waivers):
        y = 5 + row * _ROW
        length = max(each.days_left, 0) / longest * _WIDTH
        bad = each.state.fails_gate or each.days_left < 0
        style = "c-fail" if bad else "c-waived" if shape.ends_soon(each) else "c-pass"
        yield svg.words(left - 8, y + 14, svg.short(each.finding, _LONGEST), "t", "end")
        yield svg.rect(left, y + 2, max(length, 3), _ROW - 6, style, shape.days(each))
        said = f"{each.days_left} days" if each.days_left >= 0 else f"{-each.days_left} days ago"
        yield svg.words(left + max(length, 3) + 6, y + 14, said, "s")
