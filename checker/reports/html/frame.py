"""The page around the content: its policy, its style, its script, and the parts that every section is made of."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Final

from checker.model.verdicts import Outcome, Verdict
from checker.reports.xml_text import text

WORDS: Final = {
    Outcome.FAIL: "fails",
    Outcome.ERROR: "rule crashed",
    Outcome.UNKNOWN: "unknown",
    Outcome.WAIVED: "waived",
    Outcome.PASS: "passes",
    Outcome.NOT_APPLICABLE: "not applicable",
}
# No state is told by colour alone.
SIGNS: Final = {
    Outcome.FAIL: "×",
    Outcome.ERROR: "!",
    Outcome.UNKNOWN: "?",
    Outcome.WAIVED: "w",
    Outcome.PASS: "✓",
    Outcome.NOT_APPLICABLE: "·",
}


@cache
def _own(name: str) -> str:
    """A file of this package, which is the same wherever it is installed."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()


def page(title: str, body: Iterable[str]) -> Iterator[str]:
    style, script = _own("page.css"), _own("page.js")
    # Nothing that is quoted in here may run or be fetched, whatever it is: only these two, byte for byte.
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n<body>"
    yield '<a class=skip href="#main">Skip to the findings</a>'
    yield from body
    yield f"<script>{script}</script>\n</body>\n</html>"


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def section(heading: str, content: Iterable[str], *, name: str = "", about: str = "") -> Iterator[str]:
    """A section with its heading; nothing where there is no content."""
    lines = list(content)
    if lines:
        identifier = name or re.sub(r"[^a-z]+", "-", heading.lower()).strip("-")
        yield f'<section id="{identifier}" aria-labelledby="{identifier}-h">'
        yield f'<h2 id="{identifier}-h">{text(heading)}</h2>'
        if about:
            yield f"<p class=soft>{text(about)}</p>"
        yield from lines
        yield "</section>"


def table(
    heads: Iterable[str], rows: Iterable[Iterable[str]], *, label: str, attributes: Iterable[str] = ()
) -> Iterator[str]:
    """A table of cells that are HTML already, the first of each row its head; nothing where there is no row.

    ``attributes`` are those of each row's element, if any.
    """
    extra = iter(attributes)
    lines = []
    for row in rows:
        head, *cells = row
        rest = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f'<tr{next(extra, "")}><th scope="row">{head}</th>{rest}</tr>')
    if lines:
        columns = "".join(f'<th scope="col">{text(each)}</th>' for each in heads)
        yield f'<div class=scroll tabindex=0 role=group aria-label="{text(label)}"><table>'
        yield f"<thead><tr>{columns}</tr></thead>\n<tbody>"
        yield from lines
        yield "</tbody>\n</table></div>"


def state(outcome: Outcome) -> str:
    return f"<span class=o-{outcome.value}>{SIGNS[outcome]} {text(WORDS[outcome])}</span>"


def code(value: object) -> str:
    return f"<code>{text(value)}</code>"


def anchor(verdict: Verdict) -> str:
    """The id of what is said of one verdict: the same in every run, wherever its lines have moved to."""
    digest = hashlib.sha256("\0".join(verdict.identity).encode("utf-8", "surrogatepass")).hexdigest()
    return f"f-{verdict.finding.lower()}-{digest[:10]}" if verdict.finding.isalnum() else f"f-{digest[:10]}"
