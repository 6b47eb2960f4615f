"""What image expiry would take: a dot per age, filled where the images stay, empty where they go."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.shown.facts import Fate, ImagesOfAge, Retention
from checker.model.verdicts import Run
from checker.reports import shape
from checker.reports.html import svg
from checker.reports.html.frame import section
from checker.reports.xml_text import text

_ABOUT = (
    "Each lifecycle policy, run on imagined repositories. The numbers of pushes and days are the simulation's. "
    "Filled: kept. Empty: expired or archived. Red: what must stay goes, or what must go stays."
)
_LEFT, _WIDTH, _LANE = 120, 520, 24
_LONGEST: Final = 1200.0
_TICKS: Final = (0, 1, 7, 30, 90, 365, 1000)
_MOST: Final = 40  # charts


def sections(run: Run) -> Iterator[str]:
    yield from section("Image retention", _content(run), name="retention", about=_ABOUT)


def _content(run: Run) -> Iterator[str]:
    for number, each in enumerate(run.facts.retention[:_MOST]):
        wrong = sum(images.count for images in each.images if images.wrong)
        kept = sum(images.count for images in each.images if images.fate is Fate.KEPT)
        total = sum(images.count for images in each.images)
        label = f"{each.when}: {kept} of {total} images are kept"
        label += f", {wrong} wrongly treated" if wrong else ""
        names = ", ".join(shape.listed(each.repositories, 8))
        lanes = list(dict.fromkeys(images.kind for images in each.images))
        yield f"<h3>{text(label)}</h3>\n<p class=soft>{text(names)}</p>"
        height = len(lanes) * _LANE + 36
        yield from svg.picture(f"r-{number}", label, _LEFT + _WIDTH + 20, height, _shapes(each, lanes))
    left = len(run.facts.retention) - _MOST
    if left > 0:
        yield f"<p>{left} more are in the run document.</p>"


def _shapes(retention: Retention, lanes: Sequence[str]) -> Iterator[str]:
    bottom = len(lanes) * _LANE + 6
    for day in _TICKS:
        yield svg.line(_x(day), 4, _x(day), bottom, "grid")
        yield svg.words(_x(day), bottom + 16, "today" if day == 0 else f"{day} d", "s", "middle")
    for row, lane in enumerate(lanes):
        yield svg.words(_LEFT - 14, 6 + row * _LANE + 16, lane, "t", "end")
    for images in retention.images:
        y = 6 + lanes.index(images.kind) * _LANE + _LANE / 2
        style = "wrong" if images.wrong else "kept" if images.fate is Fate.KEPT else "gone"
        yield svg.circle(_x(images.age), y, _radius(images), style, _said(images))


def _x(age: int) -> float:
    return _LEFT + math.log1p(max(age, 0)) / math.log1p(_LONGEST) * _WIDTH


def _radius(images: ImagesOfAge) -> float:
    return min(3 + math.sqrt(images.count) * 0.8, _LANE / 2 - 1)


def _said(images: ImagesOfAge) -> str:
    old = "pushed today" if images.age == 0 else f"{shape.count(images.age, 'day')} old"
    ought = {"stay": ", must stay", "go": ", must go"}.get(images.must, "")
    return f"{shape.count(images.count, 'image')}, {images.kind}, {old}: {images.fate.value}{ought}"
