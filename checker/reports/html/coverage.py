"""How far the run looked, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.verdicts import Run
from checker.reports.html.frame import code, section, table
from checker.reports.xml_text import text


def sections(run: Run) -> Iterator[str]:
    yield from section("Coverage", _content(run), name="coverage")


def _content(run: Run) -> Iterator[str]:
    unread = [(text(each.what), text(each.why), text(each.needs)) for each in run.coverage.unread]
    if unread:
        yield "<h3>Could not be read</h3>"
        yield from table(("what", "why", "needs"), unread, label="What could not be read")
    else:
        yield "<p>Nothing that was looked for could not be read.</p>"
    rows = [(text(surface), text(said)) for surface, said in run.coverage.surfaces.items()]
    rows += [(f"assembly of {text(name)}", code(digest)) for name, digest in run.project.assemblies.items()]
    if rows:
        yield "<h3>Was read</h3>"
        yield from table(("what", "how much"), rows, label="What was read")
    if run.coverage.not_judged:
        yield f"<p>Not judged here: {text(', '.join(run.coverage.not_judged))}.</p>"
    if run.coverage.notes:
        notes = "".join(f"<li>{text(note)}</li>" for note in run.coverage.notes)
        yield f"<details><summary>What was taken for what</summary><ul>{notes}</ul></details>"
