"""Where the account differs from the code, and what the next deploy would do."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.verdicts import Run
from checker.reports import drift as words
from checker.reports import shape
from checker.reports.html.frame import section
from checker.reports.xml_text import text


def sections(run: Run) -> Iterator[str]:
    yield from section("Drift", _content(run), name="drift")


def _content(run: Run) -> Iterator[str]:
    if not run.drift:
        if run.command == "drift":
            yield "<p>No resource is anything but in sync.</p>"
        return
    for heading, entries in words.groups(run):
        kind = "critical" if any(each.fails for each in entries) else "suggestion"
        yield f"<h3>{text(heading.capitalize())}: {shape.count(len(entries), 'resource')}</h3>"
        for entry in entries:
            yield f'<article class="{kind}"><h4>{text(words.title(entry))}</h4>'
            deploys = words.deploys(entry).removeprefix(" → ")
            if deploys:
                yield f"<p><b>{text(deploys[:1].upper() + deploys[1:])}.</b></p>"
            details = list(words.details(entry))
            if details:
                yield "<ul>" + "".join(f"<li>{text(line)}</li>" for line in details) + "</ul>"
            yield "</article>"
