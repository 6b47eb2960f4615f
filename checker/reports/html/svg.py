"""Pictures as inline SVG: drawn with classes of the page's style, named for screen readers, scrolled where too wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checker.reports.xml_text import text


def picture(name: str, label: str, width: int, height: int, shapes: Iterable[str]) -> Iterator[str]:
    """A picture of ``width`` by ``height`` that a screen reader reads as ``label``."""
    yield f'<div class=scroll tabindex=0 role=group aria-label="{text(label)}, picture">'
    yield (
        f'<svg id="{name}" class=picture role=img aria-label="{text(label)}" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    )
    yield from shapes
    yield "</svg></div>"


def rect(x: float, y: float, width: float, height: float, style: str, title: str = "", round_: float = 2) -> str:
    said = f"<title>{text(title)}</title>" if title else ""
    size = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{_n(round_)}"'
    return f'<rect {size} class="{style}">{said}</rect>'


def words(x: float, y: float, said: object, style: str = "", anchor: str = "start") -> str:
    at = f'x="{_n(x)}" y="{_n(y)}"' + (f' text-anchor="{anchor}"' if anchor != "start" else "")
    return f'<text {at} class="{style or "t"}">{text(said)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" class="{style}"/>'


def path(d: str, style: str, title: str = "") -> str:
    said = f"<title>{text(title)}</title>" if title else ""
    return f'<path d="{d}" class="{style}">{said}</path>'


def circle(x: float, y: float, radius: float, style: str, title: str = "") -> str:
    said = f"<title>{text(title)}</title>" if title else ""
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" class="{style}">{said}</circle>'


def short(said: str, most: int) -> str:
    """Text that has to fit: its end is what tells long generated names apart least."""
    return said if len(said) <= most else said[: most - 1] + "…"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
